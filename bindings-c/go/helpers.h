/*
 * Wrappers of pigato.h for Go. They return results by value, so that C needs no pointers to Go memory.
 * They include the text of an error, because that text belongs to the thread that made the call.
 */
#ifndef PIGATO_GO_HELPERS_H
#define PIGATO_GO_HELPERS_H

#include <pigato.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  pigato_status status;
  /* The text of a failure, to be freed with free(), and its length. NULL if not needed. */
  char *error;
  size_t error_length;
  /* A request number, a count or a boolean. */
  uint64_t number;
  /* A handle. */
  void *handle;
} pigato_go_result;

static inline pigato_go_result pigato_go_outcome(pigato_status status) {
  pigato_go_result result = {status, NULL, 0, 0, NULL};
  pigato_bytes text;
  if (status != PIGATO_OK && pigato_last_error(&text) == PIGATO_OK) {
    /* One more byte, because malloc(0) may return NULL. */
    result.error = malloc(text.length + 1);
    if (result.error != NULL) {
      memcpy(result.error, text.data, text.length);
      result.error_length = text.length;
    }
  }
  return result;
}

static inline pigato_go_result pigato_go_options_new(pigato_options_kind kind) {
  pigato_options *options = NULL;
  pigato_go_result result = pigato_go_outcome(pigato_options_new(kind, &options));
  result.handle = options;
  return result;
}

static inline pigato_go_result pigato_go_options_set(pigato_options *options, const char *name, size_t name_length,
                                                     const char *json, size_t json_length) {
  return pigato_go_outcome(pigato_options_set(options, name, name_length, json, json_length));
}

static inline pigato_go_result pigato_go_client_start(const char *endpoint, size_t length,
                                                      const pigato_options *options) {
  pigato_client *client = NULL;
  pigato_go_result result =
      pigato_go_outcome(pigato_client_start(endpoint, length, options, PIGATO_GRANT_AS_CONSUMED, &client));
  result.handle = client;
  return result;
}

static inline pigato_go_result pigato_go_client_request(const pigato_client *client, const char *service,
                                                        size_t service_length, const char *data, size_t data_length,
                                                        const pigato_options *options) {
  uint64_t request = 0;
  pigato_status status =
      pigato_client_request(client, service, service_length, data, data_length, options, &request);
  pigato_go_result result = pigato_go_outcome(status);
  result.number = request;
  return result;
}

static inline pigato_go_result pigato_go_client_poll(const pigato_client *client, pigato_client_event *events,
                                                     size_t capacity) {
  size_t count = 0;
  pigato_go_result result = pigato_go_outcome(pigato_client_poll(client, events, capacity, -1, &count));
  result.number = count;
  return result;
}

static inline pigato_go_result pigato_go_worker_start(const char *endpoint, size_t endpoint_length,
                                                      const char *service, size_t service_length,
                                                      const pigato_options *options) {
  pigato_worker *worker = NULL;
  pigato_status status =
      pigato_worker_start(endpoint, endpoint_length, service, service_length, options, &worker);
  pigato_go_result result = pigato_go_outcome(status);
  result.handle = worker;
  return result;
}

static inline pigato_go_result pigato_go_worker_poll(const pigato_worker *worker, pigato_worker_event *events,
                                                     size_t capacity) {
  size_t count = 0;
  pigato_go_result result = pigato_go_outcome(pigato_worker_poll(worker, events, capacity, -1, &count));
  result.number = count;
  return result;
}

/* PIGATO_C_BUSY is a normal outcome here, so its text is not needed. */
static inline pigato_go_result pigato_go_worker_write(const pigato_worker *worker, uint64_t request, const char *data,
                                                      size_t length, const pigato_options *options) {
  pigato_status status = pigato_worker_write(worker, request, data, length, options);
  if (status == PIGATO_C_BUSY) {
    pigato_go_result busy = {status, NULL, 0, 0, NULL};
    return busy;
  }
  return pigato_go_outcome(status);
}

static inline pigato_go_result pigato_go_worker_end(const pigato_worker *worker, uint64_t request, const char *data,
                                                    size_t length, const pigato_options *options) {
  return pigato_go_outcome(pigato_worker_end(worker, request, data, length, options));
}

static inline pigato_go_result pigato_go_worker_error(const pigato_worker *worker, uint64_t request, const char *data,
                                                      size_t length, const pigato_options *options) {
  return pigato_go_outcome(pigato_worker_error(worker, request, data, length, options));
}

static inline pigato_go_result pigato_go_worker_fail(const pigato_worker *worker, uint64_t request,
                                                     const char *message, size_t length) {
  return pigato_go_outcome(pigato_worker_fail(worker, request, message, length));
}

static inline pigato_go_result pigato_go_worker_reject(const pigato_worker *worker, uint64_t request,
                                                       const char *reason, size_t length) {
  return pigato_go_outcome(pigato_worker_reject(worker, request, reason, length));
}

static inline pigato_go_result pigato_go_worker_is_wanted(const pigato_worker *worker, uint64_t request) {
  bool is_wanted = false;
  pigato_go_result result = pigato_go_outcome(pigato_worker_is_wanted(worker, request, &is_wanted));
  result.number = is_wanted;
  return result;
}

static inline pigato_go_result pigato_go_worker_set_concurrency(const pigato_worker *worker, int64_t concurrency) {
  return pigato_go_outcome(pigato_worker_set_concurrency(worker, concurrency));
}

static inline pigato_go_result pigato_go_worker_heartbeat(const pigato_worker *worker) {
  return pigato_go_outcome(pigato_worker_heartbeat(worker));
}

/* Takes the endpoints as one text and their ends, so that Go memory contains no pointers. */
static inline pigato_go_result pigato_go_broker_start(const char *text, const size_t *ends, size_t count,
                                                      const pigato_options *options) {
  pigato_bytes *endpoints = calloc(count + 1, sizeof *endpoints);
  if (endpoints == NULL) {
    pigato_go_result failed = {PIGATO_E_SYSTEM, NULL, 0, 0, NULL};
    return failed;
  }
  for (size_t at = 0, start = 0; at < count; start = ends[at], at++) {
    endpoints[at].data = text + start;
    endpoints[at].length = ends[at] - start;
  }
  pigato_broker *broker = NULL;
  pigato_go_result result = pigato_go_outcome(pigato_broker_start(endpoints, count, options, &broker));
  result.handle = broker;
  free(endpoints);
  return result;
}

static inline pigato_go_result pigato_go_broker_poll(const pigato_broker *broker, pigato_broker_event *events,
                                                     size_t capacity) {
  size_t count = 0;
  pigato_go_result result = pigato_go_outcome(pigato_broker_poll(broker, events, capacity, -1, &count));
  result.number = count;
  return result;
}

static inline pigato_go_result pigato_go_broker_statistics(const pigato_broker *broker,
                                                           pigato_statistics *statistics) {
  return pigato_go_outcome(pigato_broker_statistics(broker, statistics));
}

static inline pigato_go_result pigato_go_broker_directory(const pigato_broker *broker, pigato_text *directory) {
  return pigato_go_outcome(pigato_broker_directory(broker, directory));
}

static inline pigato_go_result pigato_go_directory_start(const char *endpoint, size_t endpoint_length,
                                                         const char *intch, size_t intch_length) {
  pigato_directory *directory = NULL;
  pigato_go_result result =
      pigato_go_outcome(pigato_directory_start(endpoint, endpoint_length, intch, intch_length, &directory));
  result.handle = directory;
  return result;
}

#endif
