/* The worker, with the behaviours that a request's data can ask for. */
#define _POSIX_C_SOURCE 200809L
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A request that is answered bit by bit: partial replies while there is credit, or one reply later. */
typedef struct task {
  struct task *next;
  uint64_t request;
  /* Numbers or lines that are still to be written. */
  int64_t number, count;
  FILE *lines;
  char *line;
  /* The reply to send, and when. */
  char *reply;
  int64_t due_ms;
} task;

static pigato_worker *worker;
static pigato_options *raw_reply;
static task *tasks;
static bool is_ready, is_rejecting, is_verbose;

static void end_with(uint64_t request, const char *json) {
  tried(pigato_worker_end(worker, request, json, strlen(json), NULL), "end");
}

static task *new_task(uint64_t request) {
  task *made = allocated(NULL, sizeof *made);
  *made = (task){tasks, request, 0, 0, NULL, NULL, NULL, -1};
  return tasks = made;
}

static void remove_task(uint64_t request) {
  for (task **at = &tasks; *at != NULL; at = &(*at)->next) {
    if ((*at)->request != request) continue;
    task *gone = *at;
    *at = gone->next;
    if (gone->lines != NULL) fclose(gone->lines);
    free(gone->line);
    free(gone->reply);
    free(gone);
    return;
  }
}

static task *find_task(uint64_t request) {
  task *at = tasks;
  while (at != NULL && at->request != request) at = at->next;
  return at;
}

/* The next line of the file as JSON, or NULL. */
static char *next_line(FILE *lines) {
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length = getline(&line, &capacity, lines);
  if (length > 0 && line[length - 1] == '\n') line[length - 1] = 0;
  cJSON *value = length < 0 ? NULL : cJSON_CreateString(line);
  char *json = value != NULL ? text_of(value) : NULL;
  cJSON_Delete(value);
  free(line);
  return json;
}

/* The partial reply that is to be sent next, kept until it is; NULL when there is none. */
static const char *next_partial(task *task) {
  if (task->line == NULL && task->lines != NULL) task->line = next_line(task->lines);
  if (task->line == NULL && task->number < task->count) {
    task->line = allocated(NULL, 24);
    sprintf(task->line, "%lld", (long long)task->number++);
  }
  return task->line;
}

/* Writes while the client reads fast enough; goes on when a `WRITABLE` says so. */
static void go_on(task *task) {
  const char *partial;
  while ((partial = next_partial(task)) != NULL) {
    pigato_status status = pigato_worker_write(worker, task->request, partial, strlen(partial), NULL);
    if (status == PIGATO_C_BUSY) return;
    if (!tried(status, "write")) break;
    free(task->line);
    task->line = NULL;
  }
  if (partial == NULL) end_with(task->request, task->reply);
  remove_task(task->request);
}

static const char *file_error(const char *path) {
  static char message[512];
  snprintf(message, sizeof message, "%s cannot be read", path);
  return message;
}

static void start_stream(uint64_t request, const char *path) {
  FILE *lines = path != NULL ? fopen(path, "r") : NULL;
  if (lines == NULL) {
    const char *message = file_error(path != NULL ? path : "nothing");
    tried(pigato_worker_fail(worker, request, message, strlen(message)), "fail");
    return;
  }
  task *task = new_task(request);
  task->lines = lines;
  task->reply = strcpy(allocated(NULL, 5), "null");
  go_on(task);
}

static void start_partials(uint64_t request, double count) {
  task *task = new_task(request);
  task->count = (int64_t)count;
  task->reply = allocated(NULL, 24);
  sprintf(task->reply, "%lld", (long long)task->count);
  go_on(task);
}

/* Answers as the data's `do` says; see ../pigato-js/README.md, "What a worker does". */
static void behave(const pigato_worker_event *event, const char *behaviour, const cJSON *data) {
  uint64_t request = event->request;
  const cJSON *given = cJSON_GetObjectItem(data, "value");
  char *value = given != NULL ? text_of(given) : strcpy(allocated(NULL, 5), "null");
  size_t length = strlen(value);
  if (strcmp(behaviour, "echo") == 0) {
    end_with(request, value);
  } else if (strcmp(behaviour, "partials") == 0) {
    start_partials(request, cJSON_GetNumberValue(cJSON_GetObjectItem(data, "count")));
  } else if (strcmp(behaviour, "stream") == 0) {
    start_stream(request, cJSON_GetStringValue(cJSON_GetObjectItem(data, "file")));
  } else if (strcmp(behaviour, "error") == 0) {
    tried(pigato_worker_error(worker, request, value, length, NULL), "error");
  } else if (strcmp(behaviour, "reject") == 0) {
    tried(pigato_worker_reject(worker, request, value, length), "reject");
  } else if (strcmp(behaviour, "sleep") == 0) {
    task *task = new_task(request);
    task->reply = value;
    task->due_ms = now_ms() + (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(data, "ms"));
    value = NULL;
  } else if (strcmp(behaviour, "throw") == 0) {
    const char *message = cJSON_IsString(given) ? given->valuestring : "thrown";
    tried(pigato_worker_fail(worker, request, message, strlen(message)), "fail");
  } else if (strcmp(behaviour, "opts") == 0) {
    tried(pigato_worker_end(worker, request, event->options.data, event->options.length, NULL), "end");
  } else if (strcmp(behaviour, "pid") == 0) {
    char process[24];
    sprintf(process, "%ld", (long)getpid());
    end_with(request, process);
  } else if (strcmp(behaviour, "never") != 0) {
    tried(pigato_worker_fail(worker, request, "unknown behaviour", strlen("unknown behaviour")), "fail");
  }
  free(value);
}

static void tell_request(const pigato_worker_event *event, const cJSON *data) {
  cJSON *fields = cJSON_CreateObject();
  char *digits = hexadecimal(event->id);
  cJSON_AddStringToObject(fields, "rid", digits);
  free(digits);
  cJSON_AddNumberToObject(fields, "request", (double)event->request);
  cJSON_AddNumberToObject(fields, "attempt", event->attempt);
  cJSON_AddItemToObject(fields, "data", cJSON_Duplicate(data, true));
  say("request", fields);
}

static void answer(const pigato_worker_event *event) {
  if (event->codec == PIGATO_CODEC_RAW) {
    tried(pigato_worker_end(worker, event->request, event->data.data, event->data.length, raw_reply), "end");
    return;
  }
  cJSON *data = parsed(event->data);
  if (is_verbose) tell_request(event, data);
  const char *behaviour = cJSON_GetStringValue(cJSON_GetObjectItem(data, "do"));
  if (is_rejecting) {
    tried(pigato_worker_reject(worker, event->request, "\"told to reject\"", 16), "reject");
  } else if (behaviour != NULL) {
    behave(event, behaviour, data);
  } else {
    tried(pigato_worker_end(worker, event->request, event->data.data, event->data.length, NULL), "end");
  }
  cJSON_Delete(data);
}

static void tell_cancelled(const pigato_worker_event *event) {
  remove_task(event->request);
  if (!is_verbose) return;
  cJSON *fields = cJSON_CreateObject();
  cJSON_AddNumberToObject(fields, "request", (double)event->request);
  cJSON_AddNumberToObject(fields, "reason", event->reason);
  say("cancelled", fields);
}

static void deal_with(const pigato_worker_event *event) {
  task *task;
  switch (event->kind) {
    case PIGATO_EVENT_CONNECTED:
      if (!is_ready) say("ready", NULL);
      is_ready = true;
      break;
    case PIGATO_EVENT_REQUEST: answer(event); break;
    case PIGATO_EVENT_CANCELLED: tell_cancelled(event); break;
    case PIGATO_EVENT_WRITABLE:
      task = find_task(event->request);
      if (task != NULL) go_on(task);
      break;
    default: break;
  }
}

static bool events(void) {
  pigato_worker_event polled[256];
  size_t count = 0;
  if (pigato_worker_poll(worker, polled, 256, 0, &count) == PIGATO_C_CLOSED) return false;
  for (size_t at = 0; at < count; at++) deal_with(&polled[at]);
  pigato_worker_events_free(polled, count);
  return true;
}

static int due(void) {
  int64_t next = -1;
  for (task *at = tasks; at != NULL;) {
    task *task = at;
    at = at->next;
    if (task->due_ms < 0) continue;
    int64_t left = task->due_ms - now_ms();
    if (left <= 0) {
      end_with(task->request, task->reply);
      remove_task(task->request);
    } else if (next < 0 || left < next) {
      next = left;
    }
  }
  return (int)next;
}

static void command(const char *operation, const cJSON *line) {
  const cJSON *value = cJSON_GetObjectItem(line, "value");
  if (strcmp(operation, "reject") == 0) is_rejecting = !cJSON_IsFalse(value);
  else if (strcmp(operation, "heartbeat") == 0) tried(pigato_worker_heartbeat(worker), "heartbeat");
  else if (strcmp(operation, "concurrency") == 0) tried(pigato_worker_set_concurrency(worker, (int64_t)cJSON_GetNumberValue(value)), "concurrency");
  else tried(PIGATO_E_ARGUMENT, "an operation that there is not");
}

static void stop(void) {
  tried(pigato_worker_stop(worker, 0), "stop");
}

static void end(void) {
  while (tasks != NULL) remove_task(tasks->request);
  pigato_options_free(raw_reply);
  pigato_worker_free(worker);
}

role worker_role(const settings *given) {
  is_verbose = given->verbose;
  pigato_options *options = options_from(PIGATO_OPTIONS_WORKER, given->configuration);
  must(pigato_options_new(PIGATO_OPTIONS_REPLY, &raw_reply), "options");
  must(pigato_options_set_text(raw_reply, PIGATO_TEXT("codec"), PIGATO_TEXT("raw")), "codec");
  must(pigato_worker_start(given->endpoint, strlen(given->endpoint), given->service, strlen(given->service), options, &worker), "start");
  pigato_options_free(options);
  role role = {command, events, due, stop, end, -1};
  must(pigato_worker_fd(worker, &role.descriptor), "the descriptor");
  return role;
}
