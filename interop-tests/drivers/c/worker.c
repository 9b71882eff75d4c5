/* The worker, with the behaviours that a request's data selects. */
#define _POSIX_C_SOURCE 200809L
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A job that is not answered immediately: partial replies while there is credit, or one reply
 * later. */
typedef struct task {
  struct task *next;
  uint64_t request;
  /* The remaining partial replies, numbers or copies of one item, and the pause after each. */
  int64_t number, count, pause_ms;
  char *item;
  /* The next partial reply. */
  char *line;
  /* The final reply, and whether it is an error value. */
  char *reply;
  bool is_error;
  /* When the job continues. */
  int64_t due_ms;
} task;

static pigato_worker *worker;
static pigato_options *raw_reply;
static task *tasks;
static bool is_ready, is_rejecting, is_verbose, is_draining;

/* Sends the final reply, with options if the data has some. */
static void end_with(uint64_t request, const char *json, const cJSON *options) {
  pigato_options *made = options_from(PIGATO_OPTIONS_REPLY, options);
  tried(pigato_worker_end(worker, request, json, strlen(json), made), "end");
  pigato_options_free(made);
}

static task *new_task(uint64_t request) {
  task *made = allocated(NULL, sizeof *made);
  *made = (task){tasks, request, 0, 0, -1, NULL, NULL, NULL, false, -1};
  return tasks = made;
}

static void remove_task(uint64_t request) {
  for (task **at = &tasks; *at != NULL; at = &(*at)->next) {
    if ((*at)->request != request) continue;
    task *gone = *at;
    *at = gone->next;
    free(gone->item);
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

/* The next partial reply, kept until it is sent; NULL if there is none. */
static const char *next_partial(task *task) {
  if (task->line == NULL && task->number < task->count) {
    task->line = allocated(NULL, task->item != NULL ? strlen(task->item) + 1 : 24);
    if (task->item != NULL) strcpy(task->line, task->item);
    else sprintf(task->line, "%lld", (long long)task->number);
    task->number++;
  }
  return task->line;
}

static void finish(task *task) {
  if (task->is_error) tried(pigato_worker_error(worker, task->request, task->reply, strlen(task->reply), NULL), "error");
  else end_with(task->request, task->reply, NULL);
  remove_task(task->request);
}

/* Writes while there is credit; continues on a `WRITABLE` event or after the pause. */
static void go_on(task *task) {
  const char *partial;
  task->due_ms = -1;
  while ((partial = next_partial(task)) != NULL) {
    pigato_status status = pigato_worker_write(worker, task->request, partial, strlen(partial), NULL);
    if (status == PIGATO_C_BUSY) return;
    if (!tried(status, "write")) {
      remove_task(task->request);
      return;
    }
    free(task->line);
    task->line = NULL;
    if (task->pause_ms >= 0) {
      task->due_ms = now_ms() + task->pause_ms;
      return;
    }
  }
  finish(task);
}

static int64_t number_in(const cJSON *data, const char *name, int64_t without) {
  const cJSON *number = cJSON_GetObjectItem(data, name);
  return number != NULL ? (int64_t)cJSON_GetNumberValue(number) : without;
}

static char *text_in(const cJSON *data, const char *name) {
  const cJSON *value = cJSON_GetObjectItem(data, name);
  return value != NULL ? text_of(value) : NULL;
}

static void start_partials(uint64_t request, const cJSON *data, int64_t count) {
  task *task = new_task(request);
  task->count = count;
  task->pause_ms = number_in(data, "ms", -1);
  task->item = text_in(data, "item");
  task->reply = text_in(data, "error");
  task->is_error = task->reply != NULL;
  if (task->reply == NULL) {
    task->reply = allocated(NULL, 24);
    sprintf(task->reply, "%lld", (long long)count);
  }
  go_on(task);
}

static void start_sleep(uint64_t request, char *reply, int64_t ms) {
  task *task = new_task(request);
  task->reply = reply;
  task->due_ms = now_ms() + ms;
}

static void block(int64_t ms) {
  const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&pause, NULL);
}

static void end_with_text(uint64_t request, int64_t length) {
  char *json = allocated(NULL, (size_t)length + 3);
  memset(json, 'x', (size_t)length + 2);
  json[0] = json[length + 1] = '"';
  json[length + 2] = 0;
  end_with(request, json, NULL);
  free(json);
}

static void end_with_number(uint64_t request, int64_t number) {
  char digits[24];
  sprintf(digits, "%lld", (long long)number);
  end_with(request, digits, NULL);
}

/* Performs the behaviour that the data's `do` names; see ../PROTOCOL.md, "What a worker does". */
static void behave(const pigato_worker_event *event, const char *behaviour, const cJSON *data) {
  uint64_t request = event->request;
  const cJSON *given = cJSON_GetObjectItem(data, "value");
  const cJSON *options = cJSON_GetObjectItem(data, "replyOpts");
  int64_t ms = number_in(data, "ms", 0);
  char *value = given != NULL ? text_of(given) : strcpy(allocated(NULL, 5), "null");
  size_t length = strlen(value);
#define IS(name) (strcmp(behaviour, name) == 0)
  if (IS("block")) block(ms);
  if (IS("echo") || IS("block")) {
    end_with(request, value, options);
  } else if (IS("partials")) {
    start_partials(request, data, number_in(data, "count", 0));
  } else if (IS("count")) {
    start_partials(request, data, INT64_MAX);
  } else if (IS("text")) {
    end_with_text(request, number_in(data, "length", 0));
  } else if (IS("error")) {
    tried(pigato_worker_error(worker, request, value, length, NULL), "error");
  } else if (IS("reject")) {
    tried(pigato_worker_reject(worker, request, value, length), "reject");
  } else if (IS("sleep")) {
    start_sleep(request, value, ms);
    value = NULL;
  } else if (IS("throw")) {
    const char *message = cJSON_IsString(given) ? given->valuestring : "thrown";
    tried(pigato_worker_fail(worker, request, message, strlen(message)), "fail");
  } else if (IS("crash")) {
    _exit(9);
  } else if (IS("opts")) {
    tried(pigato_worker_end(worker, request, event->options.data, event->options.length, NULL), "end");
  } else if (IS("pid")) {
    char process[24];
    sprintf(process, "%ld", (long)getpid());
    end_with(request, process, options);
  } else if (IS("attempt")) {
    end_with_number(request, event->attempt);
  } else if (!IS("never")) {
    const char *message = "\"unknown behaviour\"";
    tried(pigato_worker_error(worker, request, message, strlen(message), NULL), "error");
  }
#undef IS
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
      say("connect", NULL);
      if (!is_ready) say("ready", NULL);
      is_ready = true;
      break;
    case PIGATO_EVENT_DISCONNECTED: say("disconnect", NULL); break;
    case PIGATO_EVENT_STOPPED:
      if (is_draining) say("drained", NULL);
      break;
    case PIGATO_EVENT_REQUEST: answer(event); break;
    case PIGATO_EVENT_CANCELLED: tell_cancelled(event); break;
    case PIGATO_EVENT_WRITABLE:
      task = find_task(event->request);
      if (task != NULL && task->due_ms < 0) go_on(task);
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
    if (task->due_ms <= now_ms()) {
      uint64_t request = task->request;
      go_on(task);
      task = find_task(request);
    }
    if (task == NULL || task->due_ms < 0) continue;
    int64_t left = task->due_ms - now_ms();
    if (left < 0) left = 0;
    if (next < 0 || left < next) next = left;
  }
  return (int)next;
}

static void drain(int64_t ms) {
  is_draining = true;
  tried(pigato_worker_stop(worker, ms), "drain");
}

static void command(const char *operation, const cJSON *line) {
  const cJSON *value = cJSON_GetObjectItem(line, "value");
  if (strcmp(operation, "reject") == 0) {
    is_rejecting = !cJSON_IsFalse(value);
    say("told", NULL);
  } else if (strcmp(operation, "heartbeat") == 0) tried(pigato_worker_heartbeat(worker), "heartbeat");
  else if (strcmp(operation, "concurrency") == 0) tried(pigato_worker_set_concurrency(worker, (int64_t)cJSON_GetNumberValue(value)), "concurrency");
  else if (strcmp(operation, "drain") == 0) drain(number_in(line, "ms", 0));
  else tried(PIGATO_E_ARGUMENT, "an operation that there is not");
}

static void stop(void) {
  if (!is_draining) tried(pigato_worker_stop(worker, 0), "stop");
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
