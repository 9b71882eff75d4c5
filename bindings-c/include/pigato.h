/*
 * PIGATO: brokered request/reply microservices over ZeroMQ.
 *
 * Made from the sources in bindings-c/src. Do not edit.
 *
 * Rules for everything below:
 *
 * - Status. What can fail returns a pigato_status: PIGATO_OK (0), or a number that never changes its meaning.
 *   pigato_status_name() and pigato_status_message() tell it in words, pigato_last_error() tells what it was about.
 * - Arguments. Text and bytes are a pointer and a length, and are copied; nothing has to end with a NUL. A NULL pointer
 *   with length 0 is empty. Text is UTF-8; names of services may be any bytes. NULL where something is needed, and numbers without a meaning, give
 *   PIGATO_E_ARGUMENT. Where options may be given, NULL means none.
 * - Results. Out-parameters come last and are written on success only.
 * - Ownership. What a _start or _new function gives is the caller's and goes with the _free function of that name.
 *   Events are freed with the _events_free function of their kind; what their pointers point at goes with them.
 *   Freeing NULL does nothing. Freeing the last handle of a process waits until its I/O thread has ended: that takes
 *   milliseconds, but up to three seconds while a peer does not take what was sent to it.
 * - Threads. Every function may be called from any thread, and several at once with the same handle, unless it says
 *   otherwise. Nothing is called back. No function waits but the _poll functions, for as long as they are told, the _free
 *   functions, as said above, and pigato_broker_statistics() and pigato_broker_directory(), for an answer of the I/O thread.
 * - Fork. In a child process what is asked of the parent's handles gives PIGATO_E_FORK, but for the names and places of a
 *   broker; make new handles. Freeing the old ones is fine.
 * - Times are milliseconds.
 */

#ifndef PIGATO_H
#define PIGATO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two arguments, pointer and length, from a string literal; for anything else give the pointer and the length. */
#define PIGATO_TEXT(literal) ("" literal ""), (sizeof(literal) - 1)

/* The service under which brokers tell who offers what: asked with nothing all of it, with a name who offers that. */
#define PIGATO_DIRECTORY_SERVICE "$dir"

/*
 Most events that one _poll call takes; a larger capacity is of no use, and fewer events than that do not mean that no more
 are there. A program that took all that have come, and answered
 when it had dealt with the last one, would be idle while the others are at work, and they while it is.
 */
#define PIGATO_EVENTS_PER_POLL 24

/*
 How many partial replies to one request a program with queues should let wait for their reader, at the most. Workers
 stop long before, but published ones, which know no back-pressure: a request whose queue is full is to be cancelled.
 */
#define PIGATO_UNREAD_PARTIALS 1048576

/*
 How many bytes of them. One alone may be larger.
 */
#define PIGATO_UNREAD_BYTES 268435456

/*
 A broker: takes requests from clients and hands them to workers.
 */
typedef struct pigato_broker pigato_broker;

/*
 A client: makes requests.
 */
typedef struct pigato_client pigato_client;

/*
 A directory service: tells who offers what under the name `$dir`, in the broker's place.
 */
typedef struct pigato_directory pigato_directory;

/*
 Options of one kind. They may be used for any number of calls, by several threads at once, but not while they are
 being changed.
 */
typedef struct pigato_options pigato_options;

/*
 A worker: offers a service.
 */
typedef struct pigato_worker pigato_worker;

/*
 What became of a call, or of a request. Numbers are never used again for anything else.
 */
typedef int32_t pigato_status;

/*
 Bytes that belong to somebody else; whoever hands them out says for how long they are valid. `data` is never NULL in
 what this library hands out.
 */
typedef struct {
  /*
   The first of them.
   */
  const char *data;
  /*
   How many there are.
   */
  size_t length;
} pigato_bytes;

/*
 Text that belongs to the caller, who frees it with `pigato_text_free`.
 */
typedef struct {
  /*
   The text, UTF-8; a NUL follows it.
   */
  char *data;
  /*
   Its length in bytes, without the NUL.
   */
  size_t length;
} pigato_text;

/*
 What options are for.
 */
typedef int32_t pigato_options_kind;

/*
 When a partial reply counts as read, so that the worker may send another. A worker may be ahead of its client by
 about a thousand of them.
 */
typedef int32_t pigato_grant;

/*
 What an event tells.
 */
typedef int32_t pigato_event_kind;

/*
 How data is to be read.
 */
typedef int32_t pigato_codec;

/*
 Where an error comes from.
 */
typedef int32_t pigato_origin;

/*
 Something that a client tells. Each request that was made ends in exactly one event with `is_final`, a
 `PIGATO_EVENT_REPLY` or a `PIGATO_EVENT_FAILED`; before it come any number of partial replies, in order.
 */
typedef struct {
  /*
   What it tells.
   */
  pigato_event_kind kind;
  /*
   Of `FAILED`: the code, `PIGATO_REMOTE_ERROR` for an error value of the service's own. Otherwise `PIGATO_OK`.
   */
  pigato_status status;
  /*
   Of `REPLY` and `FAILED`: the request, as `pigato_client_request` called it.
   */
  uint64_t request;
  /*
   Of `REPLY` and `FAILED`: whether it ends the request.
   */
  bool is_final;
  /*
   Of `REPLY`: how the data is to be read.
   */
  pigato_codec codec;
  /*
   Of `FAILED`: where the error comes from.
   */
  pigato_origin origin;
  /*
   Of `REPLY`: the data. Of `FAILED` from a worker or the broker: the error value, JSON.
   */
  pigato_bytes data;
  /*
   The options that came with it: JSON, or empty.
   */
  pigato_bytes options;
  /*
   Of `FAILED` and `PROTOCOL_ERROR`: what happened, for people.
   */
  pigato_bytes message;
  /*
   Not for you: what the pointers above point into.
   */
  void *storage;
} pigato_client_event;

/*
 Why a request is no longer live although it was not answered.
 */
typedef int32_t pigato_cancel_reason;

/*
 Something that a worker tells. A request is live from its `PIGATO_EVENT_REQUEST` until its final reply, its rejection
 or a `PIGATO_EVENT_CANCELLED`.
 */
typedef struct {
  /*
   What it tells.
   */
  pigato_event_kind kind;
  /*
   Of `REQUEST`, `CANCELLED`, `HEARTBEAT` and `WRITABLE`: the request, for replies. Never used again.
   */
  uint64_t request;
  /*
   Of `CANCELLED`: why.
   */
  pigato_cancel_reason reason;
  /*
   Of `REQUEST`: how the data is to be read.
   */
  pigato_codec codec;
  /*
   Of `REQUEST`: 1 the first time it is handed to a worker, more after workers were lost with it.
   */
  uint32_t attempt;
  /*
   Of `REQUEST`: what was left of its timeout when it was handed over; -1 if there is none or it is not known.
   */
  int64_t remaining_ms;
  /*
   Of `REQUEST`: the name that was asked for, which is not the worker's own if that is a wildcard.
   */
  pigato_bytes service;
  /*
   Of `REQUEST`: the client's identity.
   */
  pigato_bytes client;
  /*
   Of `REQUEST`: what the client calls it.
   */
  pigato_bytes id;
  /*
   Of `REQUEST`: the data.
   */
  pigato_bytes data;
  /*
   Of `REQUEST`: the client's options, with its own keys: JSON, or empty.
   */
  pigato_bytes options;
  /*
   Of `PROTOCOL_ERROR`: what it was, for people.
   */
  pigato_bytes message;
  /*
   Not for you: what the pointers above point into.
   */
  void *storage;
} pigato_worker_event;

/*
 Counters since the start, and what there is now.
 */
typedef struct {
  /*
   Requests received, whatever became of them.
   */
  uint64_t requests;
  /*
   Requests handed to workers; more than one for a request that was retried or rejected.
   */
  uint64_t dispatches;
  /*
   Final replies passed on.
   */
  uint64_t replies;
  /*
   Partial replies passed on.
   */
  uint64_t partial_replies;
  /*
   Requests rejected by a worker and put back.
   */
  uint64_t rejects;
  /*
   Requests put back because their worker was lost.
   */
  uint64_t retries;
  /*
   Requests whose timeout passed.
   */
  uint64_t expired;
  /*
   Requests ended by their client, or with it.
   */
  uint64_t cancelled;
  /*
   Requests refused or ended with an error that the broker made.
   */
  uint64_t errors;
  /*
   Replies to requests that the broker had ended itself, dropped.
   */
  uint64_t late_replies;
  /*
   Requests answered from the reply cache.
   */
  uint64_t cache_hits;
  /*
   Messages that broke the protocol.
   */
  uint64_t protocol_errors;
  /*
   Messages that could not be delivered because their receiver was gone or too slow.
   */
  uint64_t undeliverable;
  /*
   Workers registered now.
   */
  uint64_t workers;
  /*
   Clients known now.
   */
  uint64_t clients;
  /*
   Requests waiting for a worker now.
   */
  uint64_t queued;
  /*
   Requests at workers now.
   */
  uint64_t in_flight;
  /*
   Bytes of all requests held now.
   */
  uint64_t request_bytes;
  /*
   Bytes in the reply cache now.
   */
  uint64_t cache_bytes;
  /*
   Events that nobody was told of, because too many waited to be polled.
   */
  uint64_t missed_events;
} pigato_statistics;

/*
 Something that a broker tells. It works on, whether anybody looks at its events or not.
 */
typedef struct {
  /*
   What it tells.
   */
  pigato_event_kind kind;
  /*
   Whom it is about: a worker's or client's identity. Not of `STOPPED`.
   */
  pigato_bytes peer;
  /*
   Of `WORKER_JOINED` and `WORKER_LEFT`: what the worker offers.
   */
  pigato_bytes service;
  /*
   Of `WORKER_LEFT` and `CLIENT_LEFT`: why, one of `disconnected` `silent` `unroutable` `overflow` `protocol_error`
   `restarted` `broker_stopped`. Of `PROTOCOL_ERROR`: what was wrong.
   */
  pigato_bytes reason;
  /*
   Not for you: what the pointers above point into.
   */
  void *storage;
} pigato_broker_event;

/*
 It worked.
 */
#define PIGATO_OK 0

/*
 A request was answered with an error value of the service's own: see the event's data.
 */
#define PIGATO_REMOTE_ERROR 1

/*
 No reply within the request's timeout.
 */
#define PIGATO_C_TIMEOUT 101

/*
 The request was cancelled by its maker.
 */
#define PIGATO_C_CANCELLED 102

/*
 The connection was lost while the request was in flight, and it had no `retry`.
 */
#define PIGATO_C_DISCONNECTED 103

/*
 The handle was stopped; or the request is not live any more.
 */
#define PIGATO_C_CLOSED 104

/*
 Too much is unanswered or unread already; nothing was done. Try again later.
 */
#define PIGATO_C_BUSY 105

/*
 The worker was lost with the request, which had no `retry` or had used up its attempts.
 */
#define PIGATO_B_WORKER_LOST 201

/*
 No worker offers the service, and the request had `failFast`.
 */
#define PIGATO_B_NO_WORKER 202

/*
 The broker holds as many requests as it may.
 */
#define PIGATO_B_QUEUE_FULL 203

/*
 The data is larger than the broker takes.
 */
#define PIGATO_B_TOO_LARGE 204

/*
 Every worker of the service rejected the request, and it had `failFast`.
 */
#define PIGATO_B_REJECTED 205

/*
 Not allowed.
 */
#define PIGATO_B_UNAUTHORIZED 206

/*
 The request breaks the protocol.
 */
#define PIGATO_B_BAD_REQUEST 207

/*
 The broker is stopping.
 */
#define PIGATO_B_DRAINING 208

/*
 The worker's handler failed.
 */
#define PIGATO_W_HANDLER 301

/*
 An endpoint that cannot be bound, connected to or understood.
 */
#define PIGATO_E_ENDPOINT 401

/*
 An option that does not exist, or a value that it cannot have.
 */
#define PIGATO_E_OPTION 402

/*
 Data that is not JSON where JSON is needed.
 */
#define PIGATO_E_DATA 403

/*
 The operating system or libzmq refused something.
 */
#define PIGATO_E_SYSTEM 404

/*
 The handle was made before a fork.
 */
#define PIGATO_E_FORK 405

/*
 An argument that is missing or has no meaning.
 */
#define PIGATO_E_ARGUMENT 406

/*
 A fault in this library; please report it.
 */
#define PIGATO_E_INTERNAL 407

/*
 For `pigato_broker_start`: `heartbeat`, `heartbeatLiveness`, `dmode`, `name`, `intch`, `maxRequests`,
 `maxRequestBytes`, `maxBodyBytes`, `maxWorkers`, `cacheBytes`.
 */
#define PIGATO_OPTIONS_BROKER 1

/*
 For `pigato_worker_start`: `heartbeat`, `heartbeatLiveness`, `reconnect`, `concurrency`, `prefix`.
 */
#define PIGATO_OPTIONS_WORKER 2

/*
 For `pigato_client_start`: `heartbeat`, `heartbeatLiveness`, `reconnect`, `prefix`, `timeout`, `retry`, `maxRequests`,
 `maxRequestBytes`.
 */
#define PIGATO_OPTIONS_CLIENT 3

/*
 For `pigato_client_request`: `timeout`, `retry`, `workerId`, `nocache`, `failFast`, `codec`; any other name is a key
 of your own, which the worker sees.
 */
#define PIGATO_OPTIONS_REQUEST 4

/*
 For `pigato_worker_write`, `_end` and `_error`: `codec` and `cache`; any other name is a key of your own, which the
 client sees.
 */
#define PIGATO_OPTIONS_REPLY 5

/*
 Of clients and workers: the broker has answered on a new connection.
 */
#define PIGATO_EVENT_CONNECTED 1

/*
 Of clients and workers: the connection is gone. Unless the handle was stopped another one is being made.
 */
#define PIGATO_EVENT_DISCONNECTED 2

/*
 Of all: the handle has stopped, and what it sent has left. Nothing follows, and its _poll function gives `PIGATO_C_CLOSED` from now on.
 */
#define PIGATO_EVENT_STOPPED 3

/*
 Of all: somebody sent something that breaks the protocol. It was ignored.
 */
#define PIGATO_EVENT_PROTOCOL_ERROR 4

/*
 Of clients: a reply, partial or final.
 */
#define PIGATO_EVENT_REPLY 5

/*
 Of clients: an error. It ends its request, unless a worker sent it as a partial reply.
 */
#define PIGATO_EVENT_FAILED 6

/*
 Of workers: a request to answer.
 */
#define PIGATO_EVENT_REQUEST 7

/*
 Of workers: nobody waits for the reply to a request any more. Replies to it give `PIGATO_C_CLOSED`.
 */
#define PIGATO_EVENT_CANCELLED 8

/*
 Of workers: the client of a request still waits for the reply.
 */
#define PIGATO_EVENT_HEARTBEAT 9

/*
 Of workers: a partial reply that was refused with `PIGATO_C_BUSY` may be sent now.
 */
#define PIGATO_EVENT_WRITABLE 10

/*
 Of brokers: a worker offers a service.
 */
#define PIGATO_EVENT_WORKER_JOINED 11

/*
 Of brokers: a worker is gone.
 */
#define PIGATO_EVENT_WORKER_LEFT 12

/*
 Of brokers: a client is gone; its requests were cancelled.
 */
#define PIGATO_EVENT_CLIENT_LEFT 13

/*
 As UTF-8 JSON. Empty, or the word `undefined`, is what published peers send for nothing.
 */
#define PIGATO_CODEC_JSON 0

/*
 As bytes.
 */
#define PIGATO_CODEC_RAW 1

/*
 As soon as `pigato_client_poll` hands it out: for programs that deal with events as they come.
 */
#define PIGATO_GRANT_AS_POLLED 0

/*
 When `pigato_client_consumed` says so: for programs that keep a queue for each request, so that one that is read
 slowly holds up no other.
 */
#define PIGATO_GRANT_AS_CONSUMED 1

/*
 From this side: timeout, cancellation, lost connection, stop.
 */
#define PIGATO_ORIGIN_LOCAL 0

/*
 From the worker that had the request.
 */
#define PIGATO_ORIGIN_WORKER 1

/*
 From the broker: no worker answered.
 */
#define PIGATO_ORIGIN_BROKER 2

/*
 The event is no cancellation.
 */
#define PIGATO_CANCEL_NONE 0

/*
 The client gave up, timed out or vanished.
 */
#define PIGATO_CANCEL_CLIENT 1

/*
 The connection to the broker is gone.
 */
#define PIGATO_CANCEL_DISCONNECTED 2

/*
 The worker was stopped.
 */
#define PIGATO_CANCEL_STOPPED 3

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 What was wrong the last time a function failed on this thread: the code, what it means and what it was about. Empty
 if none has failed. A NUL follows it. Valid until the next call of this library on the same thread.
 */
pigato_status pigato_last_error(pigato_bytes *text);

/*
 A status as other languages and the wire call it: `C_TIMEOUT` for `PIGATO_C_TIMEOUT`. A NUL follows it. Valid for
 ever. `PIGATO_E_ARGUMENT` for a number that is no status.
 */
pigato_status pigato_status_name(pigato_status status,
                                 pigato_bytes *name);

/*
 What a status means and what to do about it. A NUL follows it. Valid for ever. `PIGATO_E_ARGUMENT` for a number that
 is no status.
 */
pigato_status pigato_status_message(pigato_status status,
                                    pigato_bytes *message);

/*
 The version of this library, `1.2.3`. A NUL follows it. Valid for ever.
 */
pigato_status pigato_version(pigato_bytes *version);

/*
 Frees a text and makes it empty, so that freeing it again does nothing. Does nothing with NULL.
 */
void pigato_text_free(pigato_text *text);

/*
 Makes options that say nothing yet. `PIGATO_E_ARGUMENT` for a kind that is none.
 */
pigato_status pigato_options_new(pigato_options_kind kind, pigato_options **options);

/*
 Frees options. Does nothing with NULL.
 */
void pigato_options_free(pigato_options *options);

/*
 Sets an option to a value written as JSON: `5000`, `"text"`, `true`, `null`. `PIGATO_E_OPTION` for a name or a value
 that the kind does not have; `pigato_last_error` tells which there are. Not while others use the options.
 */
pigato_status pigato_options_set(pigato_options *options,
                                 const char *name,
                                 size_t name_length,
                                 const char *json,
                                 size_t json_length);

/*
 As `pigato_options_set`, to a number. Times are milliseconds, -1 means without end.
 */
pigato_status pigato_options_set_number(pigato_options *options,
                                        const char *name,
                                        size_t name_length,
                                        double number);

/*
 As `pigato_options_set`, to a text.
 */
pigato_status pigato_options_set_text(pigato_options *options,
                                      const char *name,
                                      size_t name_length,
                                      const char *value,
                                      size_t value_length);

/*
 As `pigato_options_set`, to true or false.
 */
pigato_status pigato_options_set_bool(pigato_options *options,
                                      const char *name,
                                      size_t name_length,
                                      bool value);

/*
 Starts a client for the broker at `endpoint` (`tcp://127.0.0.1:55555`). A broker that is not there yet is no error:
 requests made until then are sent when it is. `PIGATO_E_ENDPOINT` for an endpoint that cannot be used.
 */
pigato_status pigato_client_start(const char *endpoint,
                                  size_t endpoint_length,
                                  const pigato_options *options,
                                  pigato_grant grant,
                                  pigato_client **client);

/*
 Stops a client at once and frees it; what is unanswered ends without an event. No other call with this client may be
 under way, nor follow. Does nothing with NULL.
 */
void pigato_client_free(pigato_client *client);

/*
 Makes a request and tells what events call it: a number above 0 that is never used again. The data is JSON, which
 is not checked (a text needs its quotes), or any bytes if the options say `codec` `"raw"`. `PIGATO_C_BUSY` when too much waits to be sent, `PIGATO_C_CLOSED` after a stop,
 `PIGATO_E_OPTION` for a service name that is empty or longer than 255 bytes.
 */
pigato_status pigato_client_request(const pigato_client *client,
                                    const char *service,
                                    size_t service_length,
                                    const char *data,
                                    size_t data_length,
                                    const pigato_options *options,
                                    uint64_t *request);

/*
 Ends a request with `PIGATO_C_CANCELLED`; its worker is told. Does nothing to one that has ended.
 */
pigato_status pigato_client_cancel(const pigato_client *client, uint64_t request);

/*
 Tells the worker that the reply is still wanted. Happens by itself once a heartbeat interval.
 */
pigato_status pigato_client_heartbeat(const pigato_client *client, uint64_t request);

/*
 Says that this many more partial replies to a request were dealt with. More than
 were handed out do not count. `PIGATO_E_ARGUMENT` with `PIGATO_GRANT_AS_POLLED`.
 */
pigato_status pigato_client_consumed(const pigato_client *client, uint64_t request, uint32_t partials);

/*
 A descriptor that is readable while there are events, and from the end of the handle on, for poll, epoll, libuv and the
 like. Never read from it or close it. Valid until the client is freed.
 */
pigato_status pigato_client_fd(const pigato_client *client,
                               int *descriptor);

/*
 Takes up to `capacity` events, the oldest first, and no more than `PIGATO_EVENTS_PER_POLL`; `count` tells how many. Waits for the first up to `timeout_ms`: not
 at all with 0, without end below that. If none comes in time that is `PIGATO_OK` with a `count` of 0. Several threads may poll at once, each gets events of its own. The events are
 freed with `pigato_client_events_free`. `PIGATO_C_CLOSED` once nothing can follow.
 */
pigato_status pigato_client_poll(const pigato_client *client,
                                 pigato_client_event *events,
                                 size_t capacity,
                                 int64_t timeout_ms,
                                 size_t *count);

/*
 Has what this client is given from now on wait for each other, so that its I/O thread is woken once for all of it: for
 programs that deal with the events of one poll on several threads. Nothing waits for more than about a millisecond, unless
 the connection has no room. Corked twice is corked once, and one thread's uncorking ends another's cork. Left corked, the
 I/O thread wakes up each millisecond.
 */
pigato_status pigato_client_cork(const pigato_client *client);

/*
 Ends what `pigato_client_cork` began, and sends what has waited.
 */
pigato_status pigato_client_uncork(const pigato_client *client);

/*
 Frees what events own. The array itself is the caller's. Freeing an event again does nothing.
 */
void pigato_client_events_free(pigato_client_event *events, size_t count);

/*
 Stops a client: all unanswered requests end with `PIGATO_C_CLOSED`, then comes `PIGATO_EVENT_STOPPED`.
 `PIGATO_C_CLOSED` if it has stopped already.
 */
pigato_status pigato_client_stop(const pigato_client *client);

/*
 Starts a worker for `service` at the broker at `endpoint`. The service may be a wildcard (`ech*`) or a version
 (`echo@1.2.3`). A broker that is not there yet is no error. `PIGATO_E_ENDPOINT` for an endpoint that cannot be used,
 `PIGATO_E_OPTION` for a service name that is empty or longer than 255 bytes.
 */
pigato_status pigato_worker_start(const char *endpoint,
                                  size_t endpoint_length,
                                  const char *service,
                                  size_t service_length,
                                  const pigato_options *options,
                                  pigato_worker **worker);

/*
 Stops a worker at once and frees it; what is not answered goes to other workers, or fails. No other call with this
 worker may be under way, nor follow. Does nothing with NULL.
 */
void pigato_worker_free(pigato_worker *worker);

/*
 Sends a partial reply: JSON, which is not checked, or any bytes if the options say `codec` `"raw"`. `PIGATO_C_BUSY` while the client has not
 read enough of the earlier ones: then nothing was sent, and a `PIGATO_EVENT_WRITABLE` follows when it can be.
 `PIGATO_C_CLOSED` if the request is not live.
 */
pigato_status pigato_worker_write(const pigato_worker *worker,
                                  uint64_t request,
                                  const char *data,
                                  size_t data_length,
                                  const pigato_options *options);

/*
 Sends the final reply; data and options as for `pigato_worker_write`. `PIGATO_C_CLOSED` if the request is not live.
 */
pigato_status pigato_worker_end(const pigato_worker *worker,
                                uint64_t request,
                                const char *data,
                                size_t data_length,
                                const pigato_options *options);

/*
 Sends an error value, JSON of your own, as the final reply. `PIGATO_C_CLOSED` if the request is not live.
 */
pigato_status pigato_worker_error(const pigato_worker *worker,
                                  uint64_t request,
                                  const char *data,
                                  size_t data_length,
                                  const pigato_options *options);

/*
 Ends a request whose handler has failed: the client gets `PIGATO_W_HANDLER` with this message. `PIGATO_C_CLOSED` if
 the request is not live.
 */
pigato_status pigato_worker_fail(const pigato_worker *worker,
                                 uint64_t request,
                                 const char *message,
                                 size_t message_length);

/*
 Has another worker answer; the reason is JSON, or nothing. `PIGATO_C_CLOSED` if the request is not live.
 */
pigato_status pigato_worker_reject(const pigato_worker *worker,
                                   uint64_t request,
                                   const char *reason,
                                   size_t reason_length);

/*
 Whether a reply is still wanted, as far as is known: the request is live, and its client has said so within the last
 heartbeats.
 */
pigato_status pigato_worker_is_wanted(const pigato_worker *worker,
                                      uint64_t request,
                                      bool *is_wanted);

/*
 Takes this many requests at a time from now on, -1 for any number; the broker is told at once.
 */
pigato_status pigato_worker_set_concurrency(const pigato_worker *worker, int64_t concurrency);

/*
 Sends the broker a sign of life now. Happens by itself once a heartbeat interval, whatever your threads do.
 */
pigato_status pigato_worker_heartbeat(const pigato_worker *worker);

/*
 A descriptor that is readable while there are events, and from the end of the handle on, for poll, epoll, libuv and the
 like. Never read from it or close it. Valid until the worker is freed.
 */
pigato_status pigato_worker_fd(const pigato_worker *worker,
                               int *descriptor);

/*
 Takes up to `capacity` events, the oldest first, and no more than `PIGATO_EVENTS_PER_POLL`; `count` tells how many. Waits for the first up to `timeout_ms`: not
 at all with 0, without end below that. If none comes in time that is `PIGATO_OK` with a `count` of 0. Several threads may poll at once, each gets events of its own. The events are
 freed with `pigato_worker_events_free`. `PIGATO_C_CLOSED` once nothing can follow.
 */
pigato_status pigato_worker_poll(const pigato_worker *worker,
                                 pigato_worker_event *events,
                                 size_t capacity,
                                 int64_t timeout_ms,
                                 size_t *count);

/*
 Has what this worker is given from now on wait for each other, so that its I/O thread is woken once for all of it: for
 programs that deal with the events of one poll on several threads. Nothing waits for more than about a millisecond, unless
 the connection has no room. Corked twice is corked once, and one thread's uncorking ends another's cork. Left corked, the
 I/O thread wakes up each millisecond.
 */
pigato_status pigato_worker_cork(const pigato_worker *worker);

/*
 Ends what `pigato_worker_cork` began, and sends what has waited.
 */
pigato_status pigato_worker_uncork(const pigato_worker *worker);

/*
 Frees what events own. The array itself is the caller's. Freeing an event again does nothing.
 */
void pigato_worker_events_free(pigato_worker_event *events, size_t count);

/*
 Stops a worker once the requests that it has are answered, after `timeout_ms` at the latest (below 0: however long
 it takes); new ones go to other workers. Ends with `PIGATO_EVENT_STOPPED`. `PIGATO_C_CLOSED` if it has stopped already.
 */
pigato_status pigato_worker_stop(const pigato_worker *worker,
                                 int64_t timeout_ms);

/*
 Starts a broker that listens on `count` endpoints; with none, on `tcp://127.0.0.1:55555`. A `*` for a port takes a
 free one, which `pigato_broker_endpoint` tells. `PIGATO_E_ENDPOINT` for one that cannot be bound, and then nothing is
 left.
 */
pigato_status pigato_broker_start(const pigato_bytes *endpoints,
                                  size_t count,
                                  const pigato_options *options,
                                  pigato_broker **broker);

/*
 Stops a broker at once and frees it. No other call with this broker may be under way, nor follow. Does nothing with
 NULL.
 */
void pigato_broker_free(pigato_broker *broker);

/*
 Where a broker listens: the place with this number, from 0 on, with the port that `*` became. Valid until the broker is
 freed. `PIGATO_E_ARGUMENT` for a number that there is not.
 */
pigato_status pigato_broker_endpoint(const pigato_broker *broker,
                                     size_t index,
                                     pigato_bytes *endpoint);

/*
 Where a broker publishes for core services; empty if nowhere. Valid until the broker is freed.
 */
pigato_status pigato_broker_intch(const pigato_broker *broker, pigato_bytes *intch);

/*
 A broker's name. Valid until the broker is freed.
 */
pigato_status pigato_broker_name(const pigato_broker *broker, pigato_bytes *name);

/*
 Counters since the start, and what there is now. `PIGATO_C_CLOSED` once the broker has stopped.
 */
pigato_status pigato_broker_statistics(const pigato_broker *broker, pigato_statistics *statistics);

/*
 Which workers offer which service, as a JSON object of arrays of identities. Freed with `pigato_text_free`.
 `PIGATO_C_CLOSED` once the broker has stopped.
 */
pigato_status pigato_broker_directory(const pigato_broker *broker, pigato_text *directory);

/*
 A descriptor that is readable while there are events, and from the end of the handle on, for poll, epoll, libuv and the
 like. Never read from it or close it. Valid until the broker is freed.
 */
pigato_status pigato_broker_fd(const pigato_broker *broker,
                               int *descriptor);

/*
 Takes up to `capacity` events, the oldest first, and no more than `PIGATO_EVENTS_PER_POLL`; `count` tells how many. Waits for the first up to `timeout_ms`: not
 at all with 0, without end below that. If none comes in time that is `PIGATO_OK` with a `count` of 0. Several threads may poll at once, each gets events of its own. The events are
 freed with `pigato_broker_events_free`. `PIGATO_C_CLOSED` once nothing can follow.
 */
pigato_status pigato_broker_poll(const pigato_broker *broker,
                                 pigato_broker_event *events,
                                 size_t capacity,
                                 int64_t timeout_ms,
                                 size_t *count);

/*
 Frees what events own. The array itself is the caller's. Freeing an event again does nothing.
 */
void pigato_broker_events_free(pigato_broker_event *events, size_t count);

/*
 Stops a broker: it finishes what it has accepted, for `timeout_ms` at most (below 0: however long it takes), refuses
 new requests with `PIGATO_B_DRAINING`, tells its workers, and frees its addresses. Ends with `PIGATO_EVENT_STOPPED`.
 `PIGATO_C_CLOSED` if it has stopped already.
 */
pigato_status pigato_broker_stop(const pigato_broker *broker,
                                 int64_t timeout_ms);

/*
 Starts a directory service at the broker at `endpoint` that publishes at `intch`. A broker of this library answers `$dir`
 by itself; published ones need such a service.
 */
pigato_status pigato_directory_start(const char *endpoint,
                                     size_t endpoint_length,
                                     const char *intch,
                                     size_t intch_length,
                                     pigato_directory **directory);

/*
 Stops a directory service and frees it. Does nothing with NULL.
 */
void pigato_directory_free(pigato_directory *directory);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PIGATO_H */
