/* The client: requests with partial replies, floods, cancellation and heartbeats. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  char *tag;
  int64_t began_ms;
  int count, answered, failed;
  cJSON *first_error;
} flood;

/* The purpose of a request, by request number. A held request grants no credit for its partial
 * replies. */
typedef struct {
  char *tag;
  flood *flood;
  char *expected;
  bool is_held;
  uint32_t unread;
} purpose;

static pigato_client *client;
static purpose *purposes;
static size_t purpose_count;
static bool is_ready;

static const char *text_member(const cJSON *line, const char *name) {
  return cJSON_GetStringValue(cJSON_GetObjectItem(line, name));
}

static void remember(uint64_t request, purpose purpose) {
  if (request >= purpose_count) {
    size_t wanted = (size_t)request * 2 + 16;
    purposes = allocated(purposes, wanted * sizeof *purposes);
    memset(purposes + purpose_count, 0, (wanted - purpose_count) * sizeof *purposes);
    purpose_count = wanted;
  }
  purposes[request] = purpose;
}

static char *copied(const char *text) {
  return strcpy(allocated(NULL, strlen(text) + 1), text);
}

static void final_error(const char *tag, const char *error) {
  cJSON *fields = cJSON_CreateObject();
  cJSON_AddStringToObject(fields, "tag", tag);
  cJSON_AddStringToObject(fields, "error", error);
  say("final", fields);
}

static const char *status_name(pigato_status status) {
  pigato_bytes name = {"", 0};
  must(pigato_status_name(status, &name), "the name of a status");
  return name.data;
}

/* Sends a request with the command's service, data and options. */
static pigato_status submit(const cJSON *line, const char *data, size_t length, uint64_t *request) {
  const char *service = text_member(line, "service");
  pigato_options *options = options_from(PIGATO_OPTIONS_REQUEST, cJSON_GetObjectItem(line, "opts"));
  pigato_status status = pigato_client_request(client, service, strlen(service), data, length, options, request);
  pigato_options_free(options);
  return status;
}

static void make_request(const cJSON *line) {
  const char *tag = text_member(line, "tag");
  const char *digits = text_member(line, "bytes");
  const cJSON *value = cJSON_GetObjectItem(line, "data");
  size_t length = 0;
  char *data;
  if (digits != NULL) {
    data = from_hexadecimal(digits, &length);
  } else {
    data = value != NULL ? text_of(value) : copied("undefined");
    length = strlen(data);
  }
  uint64_t request;
  pigato_status status = submit(line, data, length, &request);
  if (status == PIGATO_OK) remember(request, (purpose){copied(tag), NULL, NULL, cJSON_IsTrue(cJSON_GetObjectItem(line, "hold")), 0});
  else final_error(tag, status_name(status));
  free(data);
}

static void start_flood(const cJSON *line) {
  flood *all = allocated(NULL, sizeof *all);
  *all = (flood){copied(text_member(line, "tag")), now_ms(), 0, 0, 0, NULL};
  all->count = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(line, "count"));
  for (int number = 0; number < all->count; number++) {
    cJSON *value = cJSON_CreateNumber(number);
    char *data = text_of(value);
    uint64_t request;
    must(submit(line, data, strlen(data), &request), "a request of the flood");
    remember(request, (purpose){NULL, all, data, false, 0});
    cJSON_Delete(value);
  }
}

static uint64_t tagged(const char *tag) {
  for (uint64_t request = 1; request < purpose_count; request++) {
    if (purposes[request].tag != NULL && strcmp(purposes[request].tag, tag) == 0) return request;
  }
  return 0;
}

/* Starts consuming the partial replies of a held request. */
static void read_held(uint64_t request) {
  purpose *held = &purposes[request];
  held->is_held = false;
  if (held->unread > 0) tried(pigato_client_consumed(client, request, held->unread), "consumed");
  held->unread = 0;
}

static void command(const char *operation, const cJSON *line) {
  if (strcmp(operation, "request") == 0) make_request(line);
  else if (strcmp(operation, "flood") == 0) start_flood(line);
  else if (strcmp(operation, "cancel") == 0) tried(pigato_client_cancel(client, tagged(text_member(line, "tag"))), "cancel");
  else if (strcmp(operation, "read") == 0) read_held(tagged(text_member(line, "tag")));
  else if (strcmp(operation, "heartbeat") == 0) tried(pigato_client_heartbeat(client, tagged(text_member(line, "tag"))), "heartbeat");
  else tried(PIGATO_E_ARGUMENT, "an operation that there is not");
}

static void settle(flood *all, const pigato_client_event *event, char *expected) {
  bool is_right = event->kind == PIGATO_EVENT_REPLY && event->data.length == strlen(expected) &&
                  memcmp(event->data.data, expected, event->data.length) == 0;
  all->answered += is_right;
  all->failed += !is_right;
  if (!is_right && all->first_error == NULL) all->first_error = cJSON_CreateString(status_name(event->status));
  if (all->answered + all->failed < all->count) return;
  cJSON *fields = cJSON_CreateObject();
  cJSON_AddStringToObject(fields, "tag", all->tag);
  cJSON_AddNumberToObject(fields, "ok", all->answered);
  cJSON_AddNumberToObject(fields, "failed", all->failed);
  cJSON_AddItemToObject(fields, "first_error", all->first_error != NULL ? all->first_error : cJSON_CreateNull());
  cJSON_AddNumberToObject(fields, "ms", (double)(now_ms() - all->began_ms));
  say("flooded", fields);
  free(all->tag);
  free(all);
}

/* The error of a failed request as the published callback receives it: a value or a code. */
static cJSON *error_of(const pigato_client_event *event) {
  if (event->origin == PIGATO_ORIGIN_LOCAL) return cJSON_CreateString(status_name(event->status));
  return parsed(event->data);
}

static void tell_outcome(const char *tag, const pigato_client_event *event) {
  cJSON *fields = cJSON_CreateObject();
  cJSON_AddStringToObject(fields, "tag", tag);
  bool is_reply = event->kind == PIGATO_EVENT_REPLY;
  cJSON_AddItemToObject(fields, "error", is_reply ? cJSON_CreateNumber(0) : error_of(event));
  if (is_reply && event->codec == PIGATO_CODEC_RAW) {
    char *digits = hexadecimal(event->data);
    cJSON_AddStringToObject(fields, "bytes", digits);
    free(digits);
  } else if (is_reply) {
    cJSON_AddItemToObject(fields, "data", parsed(event->data));
  }
  say(event->is_final ? "final" : "partial", fields);
}

static void deal_with(const pigato_client_event *event) {
  if (event->kind == PIGATO_EVENT_DISCONNECTED) say("disconnect", NULL);
  if (event->kind == PIGATO_EVENT_CONNECTED) {
    say("connect", NULL);
    if (!is_ready) say("ready", NULL);
    is_ready = true;
  }
  if (event->kind != PIGATO_EVENT_REPLY && event->kind != PIGATO_EVENT_FAILED) return;
  purpose *meant = &purposes[event->request];
  if (meant->flood != NULL) settle(meant->flood, event, meant->expected);
  else tell_outcome(meant->tag, event);
  if (!event->is_final && meant->is_held) meant->unread++;
  else if (!event->is_final) tried(pigato_client_consumed(client, event->request, 1), "consumed");
  if (event->is_final) {
    free(meant->tag);
    free(meant->expected);
    *meant = (purpose){NULL, NULL, NULL, false, 0};
  }
}

static bool events(void) {
  pigato_client_event polled[256];
  size_t count = 0;
  if (pigato_client_poll(client, polled, 256, 0, &count) == PIGATO_C_CLOSED) return false;
  for (size_t at = 0; at < count; at++) deal_with(&polled[at]);
  pigato_client_events_free(polled, count);
  return true;
}

static int due(void) {
  return -1;
}

static void stop(void) {
  tried(pigato_client_stop(client), "stop");
}

static void end(void) {
  pigato_client_free(client);
  free(purposes);
}

role client_role(const settings *given) {
  pigato_options *options = options_from(PIGATO_OPTIONS_CLIENT, given->configuration);
  must(pigato_client_start(given->endpoint, strlen(given->endpoint), options, PIGATO_GRANT_AS_CONSUMED, &client), "start");
  pigato_options_free(options);
  role role = {command, events, due, stop, end, -1};
  must(pigato_client_fd(client, &role.descriptor), "the descriptor");
  return role;
}
