/* The broker. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

static pigato_broker *broker;
static bool is_draining;

static const char *name_of(pigato_event_kind kind) {
  switch (kind) {
    case PIGATO_EVENT_WORKER_JOINED: return "workerJoined";
    case PIGATO_EVENT_WORKER_LEFT: return "workerLeft";
    case PIGATO_EVENT_CLIENT_LEFT: return "clientLeft";
    case PIGATO_EVENT_PROTOCOL_ERROR: return "protocolError";
    default: return NULL;
  }
}

static bool events(void) {
  pigato_broker_event polled[256];
  size_t count = 0;
  if (pigato_broker_poll(broker, polled, 256, 0, &count) == PIGATO_C_CLOSED) return false;
  for (size_t at = 0; at < count; at++) {
    const char *name = name_of(polled[at].kind);
    if (name != NULL) say(name, NULL);
    if (polled[at].kind == PIGATO_EVENT_STOPPED && is_draining) say("drained", NULL);
  }
  pigato_broker_events_free(polled, count);
  return true;
}

static void tell_statistics(const cJSON *tag) {
  pigato_statistics of;
  if (!tried(pigato_broker_statistics(broker, &of), "statistics")) return;
  const struct {
    const char *name;
    uint64_t number;
  } members[] = {
      {"requests", of.requests}, {"dispatches", of.dispatches}, {"replies", of.replies},
      {"partialReplies", of.partial_replies}, {"rejects", of.rejects}, {"retries", of.retries},
      {"expired", of.expired}, {"cancelled", of.cancelled}, {"errors", of.errors},
      {"lateReplies", of.late_replies}, {"cacheHits", of.cache_hits}, {"protocolErrors", of.protocol_errors},
      {"workers", of.workers}, {"clients", of.clients}, {"queued", of.queued}, {"inFlight", of.in_flight},
  };
  cJSON *statistics = cJSON_CreateObject();
  for (size_t at = 0; at < sizeof members / sizeof *members; at++) {
    cJSON_AddNumberToObject(statistics, members[at].name, (double)members[at].number);
  }
  cJSON *fields = cJSON_CreateObject();
  cJSON_AddItemToObject(fields, "tag", cJSON_Duplicate(tag, true));
  cJSON_AddItemToObject(fields, "statistics", statistics);
  say("statistics", fields);
}

static void command(const char *operation, const cJSON *line) {
  if (strcmp(operation, "statistics") == 0) {
    tell_statistics(cJSON_GetObjectItem(line, "tag"));
  } else if (strcmp(operation, "drain") == 0) {
    is_draining = true;
    tried(pigato_broker_stop(broker, (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(line, "ms"))), "drain");
  } else {
    tried(PIGATO_E_ARGUMENT, "an operation that there is not");
  }
}

static int due(void) {
  return -1;
}

static void stop(void) {
  if (!is_draining) tried(pigato_broker_stop(broker, 0), "stop");
}

static void end(void) {
  pigato_broker_free(broker);
}

static void add_text(cJSON *fields, const char *name, pigato_bytes text) {
  char *copy = allocated(NULL, text.length + 1);
  memcpy(copy, text.data, text.length);
  copy[text.length] = 0;
  cJSON_AddStringToObject(fields, name, copy);
  free(copy);
}

role broker_role(const settings *given) {
  pigato_options *options = options_from(PIGATO_OPTIONS_BROKER, given->configuration);
  const pigato_bytes place = {given->endpoint, strlen(given->endpoint)};
  must(pigato_broker_start(&place, 1, options, &broker), "start");
  pigato_options_free(options);
  pigato_bytes endpoint, intch;
  must(pigato_broker_endpoint(broker, 0, &endpoint), "the endpoint");
  must(pigato_broker_intch(broker, &intch), "the internal channel");
  cJSON *fields = cJSON_CreateObject();
  add_text(fields, "endpoint", endpoint);
  add_text(fields, "intch", intch);
  say("ready", fields);
  role role = {command, events, due, stop, end, -1};
  must(pigato_broker_fd(broker, &role.descriptor), "the descriptor");
  return role;
}
