/* The driver for the C library: a broker, worker or client that tests control with lines
 * of JSON; see ../PROTOCOL.md.
 *
 *   driver broker --endpoint E [--conf JSON]
 *   driver client --endpoint E [--conf JSON]
 *   driver worker --endpoint E --service S [--conf JSON] [--verbose]
 *
 * One thread waits for standard input and for the handle at the same time. */
#define _POSIX_C_SOURCE 200809L
#include "driver.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *input;
static size_t input_length, input_capacity;
static bool is_stopping;

static void usage(const char *why) {
  fprintf(stderr, "driver: %s\n", why);
  exit(2);
}

static settings read_arguments(int count, char **arguments) {
  settings given = {NULL, NULL, NULL, false};
  for (int at = 2; at < count; at++) {
    const char *name = arguments[at];
    if (strcmp(name, "--verbose") == 0) {
      given.verbose = true;
      continue;
    }
    if (at + 1 == count) usage("an option without a value");
    const char *value = arguments[++at];
    if (strcmp(name, "--endpoint") == 0) given.endpoint = value;
    else if (strcmp(name, "--service") == 0) given.service = value;
    else if (strcmp(name, "--conf") == 0) given.configuration = cJSON_Parse(value);
    else usage("an option that there is not");
  }
  if (given.endpoint == NULL) usage("--endpoint is missing");
  return given;
}

static void stop(const role *role) {
  if (is_stopping) return;
  is_stopping = true;
  role->stop();
}

static void deal_with_line(const role *role, const char *text, size_t length) {
  cJSON *line = cJSON_ParseWithLength(text, length);
  const char *operation = cJSON_GetStringValue(cJSON_GetObjectItem(line, "op"));
  if (operation == NULL) usage("a line without an operation");
  if (strcmp(operation, "stop") == 0) stop(role);
  else if (!is_stopping) role->command(operation, line);
  cJSON_Delete(line);
}

/* Reads the available input and handles complete lines; returns false at the end of the input. */
static bool read_lines(const role *role) {
  if (input_length == input_capacity) {
    input_capacity = input_capacity == 0 ? 65536 : 2 * input_capacity;
    input = allocated(input, input_capacity);
  }
  ssize_t count = read(STDIN_FILENO, input + input_length, input_capacity - input_length);
  if (count <= 0) return false;
  size_t unseen = input_length, start = 0;
  input_length += (size_t)count;
  char *end;
  while ((end = memchr(input + unseen, '\n', input_length - unseen)) != NULL) {
    size_t next = (size_t)(end - input) + 1;
    if (next > start + 1) deal_with_line(role, input + start, next - start);
    start = unseen = next;
  }
  memmove(input, input + start, input_length - start);
  input_length -= start;
  return true;
}

int main(int count, char **arguments) {
  const char *name = count > 1 ? arguments[1] : "";
  bool is_worker = strcmp(name, "worker") == 0;
  bool is_broker = strcmp(name, "broker") == 0;
  if (!is_worker && !is_broker && strcmp(name, "client") != 0) usage("broker, worker or client?");
  settings given = read_arguments(count, arguments);
  if (is_worker && given.service == NULL) usage("--service is missing");
  role role = is_worker ? worker_role(&given) : is_broker ? broker_role(&given) : client_role(&given);

  struct pollfd waited[2] = {{role.descriptor, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  bool lives = true;
  while (lives) {
    poll(waited, 2, role.due());
    if (waited[1].revents != 0 && !read_lines(&role)) {
      waited[1].fd = -1;
      stop(&role);
    }
    lives = role.events();
  }
  role.end();
  free(input);
  cJSON_Delete((cJSON *)given.configuration);
  say("stopped", NULL);
  return 0;
}
