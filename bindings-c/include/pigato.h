/*
 * PIGATO: brokered request/reply microservices over ZeroMQ.
 *
 * Generated from bindings-c/src and bindings-c/pigato.h.in by `make -C bindings-c header`. Do not
 * edit.
 *
 * Sections: bytes and text, statuses and errors, options, events, clients, workers, brokers,
 * directory services. The rules on this page hold for every function.
 *
 * Life of a handle
 *
 *   1. pigato_client_start(), pigato_worker_start() and pigato_broker_start() create a handle. One
 *      thread of the library, the I/O thread, does the network traffic of all handles.
 *   2. The other functions send requests, replies and commands. Outcomes arrive as events.
 *   3. The _poll function returns events; the _events_free function frees them.
 *   4. The _stop function starts an orderly stop. The handle's last event is PIGATO_EVENT_STOPPED.
 *   5. The _free function frees the handle. A handle that still runs is stopped at once.
 *
 * Polling
 *
 *   - The library never calls into your program: events arrive through the _poll functions only.
 *   - A _poll function stores up to `capacity` events in `events`, oldest first, and their number
 *     in `count`. One call returns at most PIGATO_EVENTS_PER_POLL events, and can return fewer than
 *     `capacity` although more are queued.
 *   - `timeout_ms` is the longest wait for the first event in milliseconds: 0 does not wait, a
 *     negative number waits forever. No event in time is PIGATO_OK with a `count` of 0.
 *   - A _poll function returns PIGATO_C_CLOSED once PIGATO_EVENT_STOPPED has been returned.
 *   - Several threads may poll one handle. Each event goes to one of them.
 *   - The _fd function returns a descriptor for poll, epoll, libuv and the like. It is readable
 *     while events are queued, and stays readable after the handle has stopped. Do not read from it
 *     and do not close it. It is valid until the handle is freed.
 *
 * Ownership
 *
 *   - Arguments are copied. You may free them when the call returns.
 *   - You own what a _start or _new function returns. Free it once with the _free function of the
 *     same name. Handles may be freed in any order. Freeing NULL does nothing.
 *   - The pointers in an event are valid until _events_free, also after the handle has been freed.
 *     The array of events is yours. Freeing an event twice does nothing, but a copy of an event
 *     struct shares its data: free only one of the two.
 *   - No other call with a handle may run while it is being freed, or follow.
 *
 * Arguments and results
 *
 *   - Text and bytes are a pointer and a length in bytes; they need no NUL at the end. NULL with
 *     length 0 is empty. Text is UTF-8. A service name may consist of any bytes.
 *   - Where a function takes options, NULL selects the defaults.
 *   - Times are milliseconds.
 *   - Out-parameters come last. A call that fails does not write them.
 *
 * Statuses
 *
 *   A function that can fail returns a pigato_status: PIGATO_OK (0) or another number that never
 *   changes its meaning. pigato_last_error() describes the failure. The description of a function
 *   lists its statuses, except for these, which many functions return:
 *
 *   - PIGATO_E_ARGUMENT: a required pointer is NULL, text is not UTF-8, or a number is invalid.
 *   - PIGATO_E_FORK: the handle was created before a fork; see below.
 *   - PIGATO_E_SYSTEM: the operating system refused something.
 *   - PIGATO_E_INTERNAL: a bug in this library.
 *
 * Threads and blocking
 *
 *   Any thread may call any function, and several threads may use one handle at the same time,
 *   except for the _free functions and for options that are being changed. These functions block:
 *
 *   - the _poll functions, for `timeout_ms` at most;
 *   - the _free function of the last handle in the process, until the I/O thread has ended: some
 *     milliseconds, or up to 3 seconds while a peer does not read what was sent to it;
 *   - pigato_broker_statistics() and pigato_broker_directory(), until the I/O thread answers.
 *
 *   Do not call this library from a signal handler.
 *
 * Fork
 *
 *   In a child process, handles of the parent return PIGATO_E_FORK. Only pigato_broker_endpoint(),
 *   pigato_broker_intch() and pigato_broker_name() still work. Freeing such handles is allowed and
 *   does not affect the parent. New handles work as usual.
 */

#ifndef PIGATO_H
#define PIGATO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------- Bytes and text --------------------------------------- */

/**
 * Two arguments, pointer and length, from a string literal. For any other text, pass the pointer
 * and the length yourself.
 */
#define PIGATO_TEXT(literal) ("" literal ""), (sizeof(literal) - 1)

/**
 * Bytes that the holder does not own. The function or event that returns them states how long they
 * are valid. `data` is never NULL in bytes that this library returns.
 */
typedef struct {
  /**
   * The first byte. A NUL at the end is not guaranteed.
   */
  const char *data;
  /**
   * Number of bytes.
   */
  size_t length;
} pigato_bytes;

/**
 * Text that you own. Free it with pigato_text_free().
 */
typedef struct {
  /**
   * The text, UTF-8, followed by a NUL.
   */
  char *data;
  /**
   * Length in bytes, without the NUL.
   */
  size_t length;
} pigato_text;

/**
 * Frees a text and makes it empty. Freeing it again, or freeing NULL, does nothing.
 */
void pigato_text_free(pigato_text *text);

/* ------------------------------------ Statuses and errors ------------------------------------- */

/**
 * The outcome of a call or of a request. A number never changes its meaning; later versions may
 * add numbers, so a `switch` needs a `default`.
 */
typedef int32_t pigato_status;

/**
 * Success.
 */
#define PIGATO_OK 0

/**
 * The service answered the request with an error value of its own, which is in the event's `data`.
 */
#define PIGATO_REMOTE_ERROR 1

/**
 * No reply arrived within the request's timeout.
 */
#define PIGATO_C_TIMEOUT 101

/**
 * The client cancelled the request.
 */
#define PIGATO_C_CANCELLED 102

/**
 * The connection was lost while the request was in flight, and `retry` was not set.
 */
#define PIGATO_C_DISCONNECTED 103

/**
 * The handle has stopped, or the job has ended.
 */
#define PIGATO_C_CLOSED 104

/**
 * A limit is reached: requests without a final reply, partial replies that the client has not
 * read, or calls that wait for the I/O thread. Nothing was sent; try again later.
 */
#define PIGATO_C_BUSY 105

/**
 * The worker was lost while it had the request, and `retry` was not set or 5 attempts were used
 * up.
 */
#define PIGATO_B_WORKER_LOST 201

/**
 * No worker offers the service, and `failFast` was set.
 */
#define PIGATO_B_NO_WORKER 202

/**
 * The broker holds the most requests, or bytes of requests, that its options allow.
 */
#define PIGATO_B_QUEUE_FULL 203

/**
 * The data is larger than the broker's `maxBodyBytes`.
 */
#define PIGATO_B_TOO_LARGE 204

/**
 * Every worker of the service rejected the request, and `failFast` was set.
 */
#define PIGATO_B_REJECTED 205

/**
 * The broker does not allow the request.
 */
#define PIGATO_B_UNAUTHORIZED 206

/**
 * The request violates the protocol.
 */
#define PIGATO_B_BAD_REQUEST 207

/**
 * The broker is stopping and accepts no new requests.
 */
#define PIGATO_B_DRAINING 208

/**
 * The worker's handler failed; the event's `message` says why.
 */
#define PIGATO_W_HANDLER 301

/**
 * The endpoint is malformed, or cannot be bound or connected to.
 */
#define PIGATO_E_ENDPOINT 401

/**
 * The option does not exist, or its value is invalid.
 */
#define PIGATO_E_OPTION 402

/**
 * The data is not JSON where JSON is required.
 */
#define PIGATO_E_DATA 403

/**
 * The operating system or libzmq reported an error.
 */
#define PIGATO_E_SYSTEM 404

/**
 * The handle was created before a fork; create new handles in the child process.
 */
#define PIGATO_E_FORK 405

/**
 * An argument is missing or invalid.
 */
#define PIGATO_E_ARGUMENT 406

/**
 * A bug in this library; please report it.
 */
#define PIGATO_E_INTERNAL 407

/**
 * Returns a description of the last failure on the calling thread: the code, its meaning and the
 * details. The text ends with a NUL and is empty if nothing has failed. It is valid until the next
 * call of this library on the same thread.
 */
pigato_status pigato_last_error(pigato_bytes *text);

/**
 * Returns the name of a status as all languages and the wire use it: C_TIMEOUT for
 * PIGATO_C_TIMEOUT. The text ends with a NUL and is valid forever.
 *
 * Returns PIGATO_E_ARGUMENT if the number is not a status.
 */
pigato_status pigato_status_name(pigato_status status, pigato_bytes *name);

/**
 * Returns what a status means and what to do about it, in English. The text ends with a NUL and is
 * valid forever.
 *
 * Returns PIGATO_E_ARGUMENT if the number is not a status.
 */
pigato_status pigato_status_message(pigato_status status, pigato_bytes *message);

/**
 * Returns the version of this library, such as 1.2.3. The text ends with a NUL and is valid
 * forever.
 */
pigato_status pigato_version(pigato_bytes *version);

/* ------------------------------------------ Options ------------------------------------------- */

/**
 * Options of one kind. One object serves any number of calls and may be used by several threads at
 * once, but no call may use it while it is being changed.
 */
typedef struct pigato_options pigato_options;

/**
 * The function that options are for. Each kind has its own names. Times are milliseconds.
 */
typedef int32_t pigato_options_kind;

/**
 * For `pigato_broker_start`. Names, with their defaults:
 *
 * - `heartbeat`: interval between heartbeats (2500).
 * - `heartbeatLiveness`: intervals without a message after which a peer counts as gone (3).
 * - `dmode`: which free worker gets a request: "load", the one with the fewest requests, or
 *   "rand", a random one ("load").
 * - `name`: the broker's name (random). Do not reuse a name after a restart.
 * - `intch`: endpoint that publishes the directory to core services, or null for none
 *   ("tcp://127.0.0.1:55550").
 * - `maxRequests`: most requests held; beyond it PIGATO_B_QUEUE_FULL (1000000).
 * - `maxRequestBytes`: most bytes of requests held; beyond it PIGATO_B_QUEUE_FULL (1 GiB).
 * - `maxBodyBytes`: largest data of a request; beyond it PIGATO_B_TOO_LARGE (64 MiB).
 * - `maxWorkers`: most workers registered (65536).
 * - `cacheBytes`: size of the reply cache; 0 disables it (64 MiB).
 */
#define PIGATO_OPTIONS_BROKER 1

/**
 * For `pigato_worker_start`. Names, with their defaults:
 *
 * - `heartbeat`: interval between heartbeats (2500).
 * - `heartbeatLiveness`: intervals without a message after which the broker counts as gone
 *   (3).
 * - `reconnect`: first pause before reconnecting; it doubles up to 30000 (1000).
 * - `concurrency`: most concurrent jobs, -1 for no limit (100).
 * - `prefix`: first part of the worker's identity (none).
 */
#define PIGATO_OPTIONS_WORKER 2

/**
 * For `pigato_client_start`. Names, with their defaults:
 *
 * - `heartbeat`: interval between heartbeats (2500).
 * - `heartbeatLiveness`: intervals without a message after which the broker counts as gone
 *   (3).
 * - `reconnect`: first pause before reconnecting; it doubles up to 30000 (1000).
 * - `prefix`: first part of the client's identity (none).
 * - `timeout`: the timeout of requests that do not set their own (60000).
 * - `retry`: whether requests that do not set it are retried (false).
 * - `maxRequests`: most requests without a final reply; beyond it PIGATO_C_BUSY (1000000).
 * - `maxRequestBytes`: most bytes of such requests; beyond it PIGATO_C_BUSY (1 GiB).
 */
#define PIGATO_OPTIONS_CLIENT 3

/**
 * For `pigato_client_request`. Any other name is a header of your own, which the worker receives.
 *
 * - `timeout`: time without a reply after which the request fails; each partial reply restarts it.
 *   -1 waits forever (the client's, 60000).
 * - `retry`: whether the request may run again when its worker or the connection is lost (the
 *   client's, false).
 * - `workerId`: identity of the only worker that may get the request (any worker).
 * - `nocache`: do not answer from the broker's reply cache (false).
 * - `failFast`: fail at once if no worker is available (false). A request still waits for a broker
 *   that is not connected.
 * - `codec`: "json" or "raw" ("json").
 */
#define PIGATO_OPTIONS_REQUEST 4

/**
 * For `pigato_worker_write`, pigato_worker_end() and pigato_worker_error(). Any other name is a
 * header of your own, which the client receives.
 *
 * - `codec`: "json" or "raw" ("json").
 * - `cache`: time for which the broker may answer the same request with this reply (not cached).
 */
#define PIGATO_OPTIONS_REPLY 5

/**
 * Creates options in which nothing is set: every option has its default.
 *
 * Returns PIGATO_E_ARGUMENT if the kind does not exist.
 */
pigato_status pigato_options_new(pigato_options_kind kind, pigato_options **options);

/**
 * Frees options. Does nothing for NULL.
 */
void pigato_options_free(pigato_options *options);

/**
 * Sets an option to a value written as JSON: 5000, "text", true, null.
 *
 * Returns PIGATO_E_OPTION if the name does not exist or the value is invalid; pigato_last_error()
 * lists what is allowed. Returns PIGATO_E_DATA if the value is not JSON.
 */
pigato_status pigato_options_set(pigato_options *options,
                                 const char *name,
                                 size_t name_length,
                                 const char *json,
                                 size_t json_length);

/**
 * Sets an option to a number. A time is in milliseconds; -1 means forever. Returns as
 * pigato_options_set().
 */
pigato_status pigato_options_set_number(pigato_options *options,
                                        const char *name,
                                        size_t name_length,
                                        double number);

/**
 * Sets an option to a text. Returns as pigato_options_set().
 */
pigato_status pigato_options_set_text(pigato_options *options,
                                      const char *name,
                                      size_t name_length,
                                      const char *value,
                                      size_t value_length);

/**
 * Sets an option to true or false. Returns as pigato_options_set().
 */
pigato_status pigato_options_set_bool(pigato_options *options,
                                      const char *name,
                                      size_t name_length,
                                      bool value);

/* ------------------------------------------- Events ------------------------------------------- */

/**
 * The most events that one _poll call returns. A program that drained all events before it
 * answered the first would work only while its peers wait, and wait while they work.
 */
#define PIGATO_EVENTS_PER_POLL 24

/**
 * The kind of an event.
 */
typedef int32_t pigato_event_kind;

/**
 * The encoding of data.
 */
typedef int32_t pigato_codec;

/**
 * Clients and workers: a connection is up and the broker has answered on it.
 */
#define PIGATO_EVENT_CONNECTED 1

/**
 * Clients and workers: the connection is down. Unless the handle was stopped, it reconnects.
 */
#define PIGATO_EVENT_DISCONNECTED 2

/**
 * All handles: the handle has stopped, and everything it sent has left. No event follows; the
 * _poll function returns PIGATO_C_CLOSED from now on.
 */
#define PIGATO_EVENT_STOPPED 3

/**
 * All handles: a peer sent a message that violates the protocol. The message was ignored.
 */
#define PIGATO_EVENT_PROTOCOL_ERROR 4

/**
 * Clients: a reply, partial or final.
 */
#define PIGATO_EVENT_REPLY 5

/**
 * Clients: an error. It ends its request unless a worker sent it as a partial reply.
 */
#define PIGATO_EVENT_FAILED 6

/**
 * Workers: a new job, that is, a request to answer.
 */
#define PIGATO_EVENT_REQUEST 7

/**
 * Workers: a job has ended because its reply is no longer needed. Replies to it return
 * PIGATO_C_CLOSED.
 */
#define PIGATO_EVENT_CANCELLED 8

/**
 * Workers: the client of a job still waits for the reply.
 */
#define PIGATO_EVENT_HEARTBEAT 9

/**
 * Workers: a job whose partial reply was refused with PIGATO_C_BUSY accepts partial replies again.
 */
#define PIGATO_EVENT_WRITABLE 10

/**
 * Brokers: a worker has registered.
 */
#define PIGATO_EVENT_WORKER_JOINED 11

/**
 * Brokers: a worker has left or was lost.
 */
#define PIGATO_EVENT_WORKER_LEFT 12

/**
 * Brokers: a client has left or was lost. Its requests were cancelled.
 */
#define PIGATO_EVENT_CLIENT_LEFT 13

/**
 * UTF-8 JSON. Peers of the published packages send empty data, or the word undefined, for no
 * value.
 */
#define PIGATO_CODEC_JSON 0

/**
 * Any bytes.
 */
#define PIGATO_CODEC_RAW 1

/* ------------------------------------------ Clients ------------------------------------------- */

/**
 * The most partial replies to one request that a program with queues should let wait for their
 * reader; cancel a request whose queue is full. Workers of the published packages, which have no
 * back-pressure, can reach this number. Others stop long before.
 */
#define PIGATO_UNREAD_PARTIALS 1048576

/**
 * The most bytes of such partial replies. A single one may be larger.
 */
#define PIGATO_UNREAD_BYTES 268435456

/**
 * A client sends requests.
 */
typedef struct pigato_client pigato_client;

/**
 * When a partial reply counts as read. A worker may send 1024 partial replies to a request ahead
 * of what the client has read.
 */
typedef int32_t pigato_grant;

/**
 * The side that an error comes from.
 */
typedef int32_t pigato_origin;

/**
 * An event of a client. Every request ends with exactly one event whose `is_final` is true, either
 * PIGATO_EVENT_REPLY or PIGATO_EVENT_FAILED. Any number of partial replies precede it, in order.
 */
typedef struct {
  /**
   * The kind, which decides which of the following members are set. Kinds are named without
   * PIGATO_EVENT_ below.
   */
  pigato_event_kind kind;
  /**
   * FAILED: the error's status, PIGATO_REMOTE_ERROR for an error value of the service. Other
   * kinds: PIGATO_OK.
   */
  pigato_status status;
  /**
   * REPLY, FAILED: the request number.
   */
  uint64_t request;
  /**
   * REPLY, FAILED: whether the event ends its request.
   */
  bool is_final;
  /**
   * REPLY: the encoding of `data`.
   */
  pigato_codec codec;
  /**
   * FAILED: the side that the error comes from.
   */
  pigato_origin origin;
  /**
   * REPLY: the data. FAILED from a worker or the broker: the error value as JSON.
   */
  pigato_bytes data;
  /**
   * REPLY, FAILED: the options that the sender attached, a JSON object or empty.
   */
  pigato_bytes options;
  /**
   * FAILED, PROTOCOL_ERROR: a description for people.
   */
  pigato_bytes message;
  /**
   * Internal: owns what the pointers above point to.
   */
  void *storage;
} pigato_client_event;

/**
 * When pigato_client_poll() returns it. For programs that process events as they arrive.
 */
#define PIGATO_GRANT_AS_POLLED 0

/**
 * When pigato_client_consumed() reports it. For programs that keep a queue per request, so that a
 * request that is read slowly does not delay the others.
 */
#define PIGATO_GRANT_AS_CONSUMED 1

/**
 * This client: timeout, cancellation, lost connection, stop.
 */
#define PIGATO_ORIGIN_LOCAL 0

/**
 * The worker that had the request.
 */
#define PIGATO_ORIGIN_WORKER 1

/**
 * The broker; no worker answered.
 */
#define PIGATO_ORIGIN_BROKER 2

/**
 * Starts a client of the broker at `endpoint`, such as tcp://127.0.0.1:55555. Does not wait for
 * the connection: requests made before the broker is reachable are sent when it is. `options` are
 * of kind PIGATO_OPTIONS_CLIENT or NULL. `grant` is PIGATO_GRANT_AS_POLLED for most programs. Free
 * the client with pigato_client_free().
 *
 * Returns PIGATO_E_ENDPOINT if the endpoint cannot be used.
 */
pigato_status pigato_client_start(const char *endpoint,
                                  size_t endpoint_length,
                                  const pigato_options *options,
                                  pigato_grant grant,
                                  pigato_client **client);

/**
 * Stops a client at once and frees it. Its pending requests end without an event. No other call
 * with this client may be running or follow. Does nothing for NULL.
 */
void pigato_client_free(pigato_client *client);

/**
 * Sends a request to `service` and returns its request number: above 0, and unique for this
 * client. Events carry it. `options` are of kind PIGATO_OPTIONS_REQUEST or NULL.
 *
 * `data` is JSON, which is not checked: a text needs its quotes. With the option codec "raw" it is
 * any bytes. A service name has 1 to 255 bytes.
 *
 * A request beyond the client's maxRequests or maxRequestBytes is accepted here and ends with an
 * event whose status is PIGATO_C_BUSY.
 *
 * Returns PIGATO_C_BUSY if too many calls wait for the I/O thread, PIGATO_C_CLOSED if the client
 * has stopped, and PIGATO_E_OPTION if the service name is empty or too long.
 */
pigato_status pigato_client_request(const pigato_client *client,
                                    const char *service,
                                    size_t service_length,
                                    const char *data,
                                    size_t data_length,
                                    const pigato_options *options,
                                    uint64_t *request);

/**
 * Cancels a request: it ends with PIGATO_C_CANCELLED, and its worker is informed. Does nothing if
 * the request has ended.
 *
 * Returns PIGATO_C_CLOSED if the client has stopped.
 */
pigato_status pigato_client_cancel(const pigato_client *client, uint64_t request);

/**
 * Informs the worker now that the reply to a request is still wanted. The library does so by
 * itself once per heartbeat interval.
 *
 * Returns PIGATO_C_CLOSED if the client has stopped.
 */
pigato_status pigato_client_heartbeat(const pigato_client *client, uint64_t request);

/**
 * Reports that `partials` more partial replies to a request have been read, so that the worker may
 * send more. Of a number above the replies that were polled, only those count. Only for clients
 * started with PIGATO_GRANT_AS_CONSUMED.
 *
 * Returns PIGATO_E_ARGUMENT for a client started with PIGATO_GRANT_AS_POLLED.
 */
pigato_status pigato_client_consumed(const pigato_client *client,
                                     uint64_t request,
                                     uint32_t partials);

/**
 * Returns a descriptor that is readable while events are queued; see "Polling" at the top. It is
 * valid until the client is freed.
 */
pigato_status pigato_client_fd(const pigato_client *client, int *descriptor);

/**
 * Returns up to `capacity` events and their number; see "Polling" at the top. Blocks for
 * `timeout_ms` at most: 0 does not wait, a negative number waits forever. Free the events with
 * pigato_client_events_free().
 *
 * Returns PIGATO_C_CLOSED once PIGATO_EVENT_STOPPED has been returned, and PIGATO_E_ARGUMENT for a
 * `capacity` of 0.
 */
pigato_status pigato_client_poll(const pigato_client *client,
                                 pigato_client_event *events,
                                 size_t capacity,
                                 int64_t timeout_ms,
                                 size_t *count);

/**
 * Holds back the following commands of this client, so that one wake-up of the I/O thread carries
 * a batch of them. Useful when several threads process the events of one poll.
 *
 * A command is held back for about 1 ms at most, or longer if the connection has no room. Corks do
 * not nest: the first uncork ends all. A client left corked wakes the I/O thread every
 * millisecond.
 */
pigato_status pigato_client_cork(const pigato_client *client);

/**
 * Ends a cork and sends the batch. Does nothing if the client is not corked.
 */
pigato_status pigato_client_uncork(const pigato_client *client);

/**
 * Frees what `count` events own; the array stays yours. Freeing an event again, or freeing NULL,
 * does nothing.
 */
void pigato_client_events_free(pigato_client_event *events, size_t count);

/**
 * Stops a client. Its pending requests end with PIGATO_C_CLOSED, then PIGATO_EVENT_STOPPED
 * follows.
 *
 * Returns PIGATO_C_CLOSED if the client has already stopped.
 */
pigato_status pigato_client_stop(const pigato_client *client);

/* ------------------------------------------ Workers ------------------------------------------- */

/**
 * A worker offers a service and answers its requests. A request that a worker has is a job.
 */
typedef struct pigato_worker pigato_worker;

/**
 * Why a job has ended without a final reply.
 */
typedef int32_t pigato_cancel_reason;

/**
 * An event of a worker. A job lasts from its PIGATO_EVENT_REQUEST to its final reply, its
 * rejection or its PIGATO_EVENT_CANCELLED.
 */
typedef struct {
  /**
   * The kind, which decides which of the following members are set. Kinds are named without
   * PIGATO_EVENT_ below.
   */
  pigato_event_kind kind;
  /**
   * REQUEST, CANCELLED, HEARTBEAT, WRITABLE: the request number of the job, unique for this
   * worker.
   */
  uint64_t request;
  /**
   * CANCELLED: the reason.
   */
  pigato_cancel_reason reason;
  /**
   * REQUEST: the encoding of `data`.
   */
  pigato_codec codec;
  /**
   * REQUEST: 1 for the first worker that gets the request; higher after workers were lost with
   * it.
   */
  uint32_t attempt;
  /**
   * REQUEST: what was left of the timeout on delivery, in milliseconds; -1 if there is none or
   * it is unknown.
   */
  int64_t remaining_ms;
  /**
   * REQUEST: the service that the client asked for. It differs from the worker's if that is a
   * wildcard.
   */
  pigato_bytes service;
  /**
   * REQUEST: the identity of the client.
   */
  pigato_bytes client;
  /**
   * REQUEST: the id that the client gave the request.
   */
  pigato_bytes id;
  /**
   * REQUEST: the data.
   */
  pigato_bytes data;
  /**
   * REQUEST: the options and headers of the request, a JSON object or empty.
   */
  pigato_bytes options;
  /**
   * PROTOCOL_ERROR: a description for people.
   */
  pigato_bytes message;
  /**
   * Internal: owns what the pointers above point to.
   */
  void *storage;
} pigato_worker_event;

/**
 * The event is not a cancellation.
 */
#define PIGATO_CANCEL_NONE 0

/**
 * The client cancelled the request, timed out or is gone.
 */
#define PIGATO_CANCEL_CLIENT 1

/**
 * The connection to the broker was lost.
 */
#define PIGATO_CANCEL_DISCONNECTED 2

/**
 * The worker was stopped.
 */
#define PIGATO_CANCEL_STOPPED 3

/**
 * Starts a worker that offers `service` at the broker at `endpoint`. The service may be a wildcard
 * (ech*) or a version (echo@1.2.3) and has 1 to 255 bytes. Does not wait for the connection.
 * `options` are of kind PIGATO_OPTIONS_WORKER or NULL. Free the worker with pigato_worker_free().
 *
 * Returns PIGATO_E_ENDPOINT if the endpoint cannot be used, and PIGATO_E_OPTION if the service
 * name is empty or too long.
 */
pigato_status pigato_worker_start(const char *endpoint,
                                  size_t endpoint_length,
                                  const char *service,
                                  size_t service_length,
                                  const pigato_options *options,
                                  pigato_worker **worker);

/**
 * Stops a worker at once and frees it. Jobs without a final reply go to other workers if their
 * requests have `retry`, and fail otherwise. No other call with this worker may be running or
 * follow. Does nothing for NULL.
 */
void pigato_worker_free(pigato_worker *worker);

/**
 * Sends a partial reply to a job. `data` is JSON, which is not checked; with the option codec
 * "raw" it is any bytes. `options` are of kind PIGATO_OPTIONS_REPLY or NULL.
 *
 * Returns PIGATO_C_BUSY if the client has not read enough of the earlier ones: nothing was sent,
 * and PIGATO_EVENT_WRITABLE follows when the job accepts partial replies again. Returns
 * PIGATO_C_CLOSED if the job has ended.
 */
pigato_status pigato_worker_write(const pigato_worker *worker,
                                  uint64_t request,
                                  const char *data,
                                  size_t data_length,
                                  const pigato_options *options);

/**
 * Sends the final reply to a job and ends it. Data and options as for pigato_worker_write().
 *
 * Returns PIGATO_C_CLOSED if the job has already ended.
 */
pigato_status pigato_worker_end(const pigato_worker *worker,
                                uint64_t request,
                                const char *data,
                                size_t data_length,
                                const pigato_options *options);

/**
 * Ends a job with an error value of your own, as JSON; the client gets PIGATO_REMOTE_ERROR and the
 * value. Options as for pigato_worker_write().
 *
 * Returns PIGATO_C_CLOSED if the job has already ended.
 */
pigato_status pigato_worker_error(const pigato_worker *worker,
                                  uint64_t request,
                                  const char *data,
                                  size_t data_length,
                                  const pigato_options *options);

/**
 * Ends a job whose handler has failed; the client gets PIGATO_W_HANDLER and the message.
 *
 * Returns PIGATO_C_CLOSED if the job has already ended.
 */
pigato_status pigato_worker_fail(const pigato_worker *worker,
                                 uint64_t request,
                                 const char *message,
                                 size_t message_length);

/**
 * Rejects a job: the broker sends the request to another worker. The reason is JSON, or empty for
 * null.
 *
 * Returns PIGATO_C_CLOSED if the job has already ended.
 */
pigato_status pigato_worker_reject(const pigato_worker *worker,
                                   uint64_t request,
                                   const char *reason,
                                   size_t reason_length);

/**
 * Returns whether the reply to a job is still wanted, as far as this worker knows: the job has not
 * ended, and its client has sent a heartbeat within the last heartbeat intervals.
 */
pigato_status pigato_worker_is_wanted(const pigato_worker *worker,
                                      uint64_t request,
                                      bool *is_wanted);

/**
 * Sets the most concurrent jobs from now on, -1 for no limit, and informs the broker.
 *
 * Returns PIGATO_E_ARGUMENT for 0 and for numbers below -1, and PIGATO_C_CLOSED if the worker has
 * stopped.
 */
pigato_status pigato_worker_set_concurrency(const pigato_worker *worker, int64_t concurrency);

/**
 * Sends the broker a heartbeat now. The library does so by itself once per heartbeat interval,
 * however busy your threads are.
 *
 * Returns PIGATO_C_CLOSED if the worker has stopped.
 */
pigato_status pigato_worker_heartbeat(const pigato_worker *worker);

/**
 * Returns a descriptor that is readable while events are queued; see "Polling" at the top. It is
 * valid until the worker is freed.
 */
pigato_status pigato_worker_fd(const pigato_worker *worker, int *descriptor);

/**
 * Returns up to `capacity` events and their number; see "Polling" at the top. Blocks for
 * `timeout_ms` at most: 0 does not wait, a negative number waits forever. Free the events with
 * pigato_worker_events_free().
 *
 * Returns PIGATO_C_CLOSED once PIGATO_EVENT_STOPPED has been returned, and PIGATO_E_ARGUMENT for a
 * `capacity` of 0.
 */
pigato_status pigato_worker_poll(const pigato_worker *worker,
                                 pigato_worker_event *events,
                                 size_t capacity,
                                 int64_t timeout_ms,
                                 size_t *count);

/**
 * Holds back the following commands of this worker, as pigato_client_cork() does for a client.
 */
pigato_status pigato_worker_cork(const pigato_worker *worker);

/**
 * Ends a cork and sends the batch. Does nothing if the worker is not corked.
 */
pigato_status pigato_worker_uncork(const pigato_worker *worker);

/**
 * Frees what `count` events own; the array stays yours. Freeing an event again, or freeing NULL,
 * does nothing.
 */
void pigato_worker_events_free(pigato_worker_event *events, size_t count);

/**
 * Stops a worker once its jobs have ended, after `timeout_ms` milliseconds at the latest: 0 stops
 * at once, a negative number sets no limit. The broker sends new requests to other workers
 * meanwhile. PIGATO_EVENT_STOPPED follows.
 *
 * Returns PIGATO_C_CLOSED if the worker has already stopped.
 */
pigato_status pigato_worker_stop(const pigato_worker *worker, int64_t timeout_ms);

/* ------------------------------------------ Brokers ------------------------------------------- */

/**
 * A broker accepts requests from clients and sends them to workers.
 */
typedef struct pigato_broker pigato_broker;

/**
 * Counters of a broker since its start, and gauges of its current state.
 */
typedef struct {
  /**
   * Requests received.
   */
  uint64_t requests;
  /**
   * Deliveries of requests to workers; a request that is retried or rejected counts again.
   */
  uint64_t dispatches;
  /**
   * Final replies forwarded to clients.
   */
  uint64_t replies;
  /**
   * Partial replies forwarded to clients.
   */
  uint64_t partial_replies;
  /**
   * Requests that a worker rejected and the broker queued again.
   */
  uint64_t rejects;
  /**
   * Requests queued again because their worker was lost.
   */
  uint64_t retries;
  /**
   * Requests whose timeout expired.
   */
  uint64_t expired;
  /**
   * Requests that ended because their client cancelled them or left.
   */
  uint64_t cancelled;
  /**
   * Requests that the broker refused or ended with an error.
   */
  uint64_t errors;
  /**
   * Replies dropped because the broker had already ended their request.
   */
  uint64_t late_replies;
  /**
   * Requests answered from the reply cache.
   */
  uint64_t cache_hits;
  /**
   * Messages that violate the protocol.
   */
  uint64_t protocol_errors;
  /**
   * Messages dropped because their receiver was gone or too slow.
   */
  uint64_t undeliverable;
  /**
   * Now: registered workers.
   */
  uint64_t workers;
  /**
   * Now: known clients.
   */
  uint64_t clients;
  /**
   * Now: requests that wait for a worker.
   */
  uint64_t queued;
  /**
   * Now: requests at workers.
   */
  uint64_t in_flight;
  /**
   * Now: bytes of all requests held.
   */
  uint64_t request_bytes;
  /**
   * Now: bytes in the reply cache.
   */
  uint64_t cache_bytes;
  /**
   * Events dropped because 65536 others waited for a poll.
   */
  uint64_t missed_events;
} pigato_statistics;

/**
 * An event of a broker. Polling is optional: once 65536 events are queued, the broker drops
 * further ones and counts them in `missed_events`.
 */
typedef struct {
  /**
   * The kind, which decides which of the following members are set. Kinds are named without
   * PIGATO_EVENT_ below.
   */
  pigato_event_kind kind;
  /**
   * All kinds but STOPPED: the identity of the worker or client.
   */
  pigato_bytes peer;
  /**
   * WORKER_JOINED, WORKER_LEFT: the service that the worker offers.
   */
  pigato_bytes service;
  /**
   * WORKER_LEFT, CLIENT_LEFT: the reason, one of disconnected, silent, unroutable, overflow,
   * protocol_error, restarted and broker_stopped. PROTOCOL_ERROR: the violation.
   */
  pigato_bytes reason;
  /**
   * Internal: owns what the pointers above point to.
   */
  void *storage;
} pigato_broker_event;

/**
 * Starts a broker that listens on `count` endpoints; with a `count` of 0 on tcp://127.0.0.1:55555.
 * The port * takes a free port, which pigato_broker_endpoint() returns. `options` are of kind
 * PIGATO_OPTIONS_BROKER or NULL. Free the broker with pigato_broker_free().
 *
 * Returns PIGATO_E_ENDPOINT if an endpoint, or the option intch, cannot be bound; none is bound
 * then.
 */
pigato_status pigato_broker_start(const pigato_bytes *endpoints,
                                  size_t count,
                                  const pigato_options *options,
                                  pigato_broker **broker);

/**
 * Stops a broker at once and frees it. No other call with this broker may be running or follow.
 * Does nothing for NULL.
 */
void pigato_broker_free(pigato_broker *broker);

/**
 * Returns the endpoint with this index, counted from 0, with the port that the broker listens on.
 * The text is valid until the broker is freed.
 *
 * Returns PIGATO_E_ARGUMENT if the broker has fewer endpoints.
 */
pigato_status pigato_broker_endpoint(const pigato_broker *broker,
                                     size_t index,
                                     pigato_bytes *endpoint);

/**
 * Returns the endpoint on which the broker publishes its directory to core services; empty if
 * none. The text is valid until the broker is freed.
 */
pigato_status pigato_broker_intch(const pigato_broker *broker, pigato_bytes *intch);

/**
 * Returns the broker's name. The text is valid until the broker is freed.
 */
pigato_status pigato_broker_name(const pigato_broker *broker, pigato_bytes *name);

/**
 * Returns the broker's counters. Blocks until the I/O thread answers.
 *
 * Returns PIGATO_C_CLOSED if the broker has stopped.
 */
pigato_status pigato_broker_statistics(const pigato_broker *broker, pigato_statistics *statistics);

/**
 * Returns which workers offer which service: a JSON object that maps each service to an array of
 * worker identities. Free the text with pigato_text_free(). Blocks until the I/O thread answers.
 *
 * Returns PIGATO_C_CLOSED if the broker has stopped.
 */
pigato_status pigato_broker_directory(const pigato_broker *broker, pigato_text *directory);

/**
 * Returns a descriptor that is readable while events are queued; see "Polling" at the top. It is
 * valid until the broker is freed.
 */
pigato_status pigato_broker_fd(const pigato_broker *broker, int *descriptor);

/**
 * Returns up to `capacity` events and their number; see "Polling" at the top. Blocks for
 * `timeout_ms` at most: 0 does not wait, a negative number waits forever. Free the events with
 * pigato_broker_events_free().
 *
 * Returns PIGATO_C_CLOSED once PIGATO_EVENT_STOPPED has been returned, and PIGATO_E_ARGUMENT for a
 * `capacity` of 0.
 */
pigato_status pigato_broker_poll(const pigato_broker *broker,
                                 pigato_broker_event *events,
                                 size_t capacity,
                                 int64_t timeout_ms,
                                 size_t *count);

/**
 * Frees what `count` events own; the array stays yours. Freeing an event again, or freeing NULL,
 * does nothing.
 */
void pigato_broker_events_free(pigato_broker_event *events, size_t count);

/**
 * Stops a broker once the requests at workers have ended, after `timeout_ms` milliseconds at the
 * latest: 0 stops at once, a negative number sets no limit. New requests, and those that wait for
 * a worker that does not exist, fail with PIGATO_B_DRAINING. The broker informs its workers and
 * closes its endpoints, then PIGATO_EVENT_STOPPED follows.
 *
 * Returns PIGATO_C_CLOSED if the broker has already stopped.
 */
pigato_status pigato_broker_stop(const pigato_broker *broker, int64_t timeout_ms);

/* ------------------------------------- Directory services ------------------------------------- */

/**
 * The service that lists which workers offer which service. A request with the data null returns
 * all services; a request with a service name returns the workers of that service.
 */
#define PIGATO_DIRECTORY_SERVICE "$dir"

/**
 * A directory service: a worker that answers PIGATO_DIRECTORY_SERVICE in place of the broker. Only
 * brokers of the published package need one; brokers of this library answer by themselves while no
 * directory service is registered.
 */
typedef struct pigato_directory pigato_directory;

/**
 * Starts a directory service for the broker that listens on `endpoint` and publishes its workers
 * on `intch`.
 *
 * Returns PIGATO_E_ENDPOINT if one of the endpoints cannot be used.
 */
pigato_status pigato_directory_start(const char *endpoint,
                                     size_t endpoint_length,
                                     const char *intch,
                                     size_t intch_length,
                                     pigato_directory **directory);

/**
 * Stops a directory service and frees it. Does nothing for NULL.
 */
void pigato_directory_free(pigato_directory *directory);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* PIGATO_H */
