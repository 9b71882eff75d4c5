/* Output lines, options, bytes and time. */
#define _POSIX_C_SOURCE 200809L
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void say(const char *event, cJSON *fields) {
  cJSON *line = fields != NULL ? fields : cJSON_CreateObject();
  cJSON_AddStringToObject(line, "event", event);
  char *text = text_of(line);
  puts(text);
  fflush(stdout);
  cJSON_free(text);
  cJSON_Delete(line);
}

bool tried(pigato_status status, const char *what) {
  if (status == PIGATO_OK) return true;
  pigato_bytes why = {"", 0};
  pigato_last_error(&why);
  cJSON *fields = cJSON_CreateObject();
  char *text = allocated(NULL, strlen(what) + why.length + 3);
  sprintf(text, "%s: %.*s", what, (int)why.length, why.data);
  cJSON_AddStringToObject(fields, "error", text);
  free(text);
  say("error", fields);
  return false;
}

void must(pigato_status status, const char *what) {
  if (!tried(status, what)) exit(4);
}

pigato_options *options_from(pigato_options_kind kind, const cJSON *members) {
  if (!cJSON_IsObject(members) || members->child == NULL) return NULL;
  pigato_options *options = NULL;
  must(pigato_options_new(kind, &options), "options");
  const cJSON *member;
  cJSON_ArrayForEach(member, members) {
    char *value = text_of(member);
    must(pigato_options_set(options, member->string, strlen(member->string), value, strlen(value)), member->string);
    cJSON_free(value);
  }
  return options;
}

/* Writes numbers with all digits as raw text: cJSON writes only 15 digits. */
static void spell_numbers(cJSON *value) {
  for (; value != NULL; value = value->next) {
    spell_numbers(value->child);
    if (!cJSON_IsNumber(value)) continue;
    char digits[32];
    sprintf(digits, "%.17g", value->valuedouble);
    cJSON *raw = cJSON_CreateRaw(digits);
    value->type = raw->type;
    value->valuestring = raw->valuestring;
    raw->valuestring = NULL;
    cJSON_Delete(raw);
  }
}

char *text_of(const cJSON *value) {
  cJSON *copy = cJSON_Duplicate(value, true);
  spell_numbers(copy);
  char *text = cJSON_PrintUnformatted(copy);
  if (text == NULL) abort();
  cJSON_Delete(copy);
  return text;
}

cJSON *parsed(pigato_bytes bytes) {
  cJSON *value = cJSON_ParseWithLength(bytes.data, bytes.length);
  return value != NULL ? value : cJSON_CreateNull();
}

char *hexadecimal(pigato_bytes bytes) {
  char *digits = allocated(NULL, 2 * bytes.length + 1);
  digits[0] = 0;
  for (size_t at = 0; at < bytes.length; at++) sprintf(digits + 2 * at, "%02x", (unsigned char)bytes.data[at]);
  return digits;
}

char *from_hexadecimal(const char *digits, size_t *length) {
  *length = strlen(digits) / 2;
  char *bytes = allocated(NULL, *length + 1);
  for (size_t at = 0; at < *length; at++) {
    const char pair[3] = {digits[2 * at], digits[2 * at + 1], 0};
    bytes[at] = (char)strtoul(pair, NULL, 16);
  }
  return bytes;
}

void *allocated(void *former, size_t size) {
  void *memory = realloc(former, size);
  if (memory == NULL) abort();
  return memory;
}

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
