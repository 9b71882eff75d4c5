/* What the parts of the C driver share. The lines that it reads and writes are those of ../PROTOCOL.md. */
#ifndef DRIVER_H
#define DRIVER_H

#include <pigato.h>

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* One role: broker, worker or client. */
typedef struct {
  /* Deals with a line of standard input that is not "stop". */
  void (*command)(const char *operation, const cJSON *line);
  /* Deals with what has happened; returns false once the handle has stopped. */
  bool (*events)(void);
  /* Does what time has come for; returns the milliseconds until the next time, -1 for none. */
  int (*due)(void);
  void (*stop)(void);
  /* Frees everything. */
  void (*end)(void);
  int descriptor;
} role;

typedef struct {
  const char *endpoint;
  const char *service;
  const cJSON *configuration;
  bool verbose;
} settings;

role broker_role(const settings *settings);
role client_role(const settings *settings);
role worker_role(const settings *settings);

/* Prints {"event":event, …}; takes the fields, which may be NULL. */
void say(const char *event, cJSON *fields);
/* Ends the process with a message if a call has failed. */
void must(pigato_status status, const char *what);
/* Says so, if a call has failed; returns whether it worked. */
bool tried(pigato_status status, const char *what);

/* Options from the members of an object; NULL for none. */
pigato_options *options_from(pigato_options_kind kind, const cJSON *members);
/* JSON as text without spaces; the caller frees it with cJSON_free. */
char *text_of(const cJSON *value);
/* The value that bytes stand for; null for what published peers send for nothing. */
cJSON *parsed(pigato_bytes bytes);
/* Bytes as text of two digits each, and back; the caller frees both. */
char *hexadecimal(pigato_bytes bytes);
char *from_hexadecimal(const char *digits, size_t *length);
/* Allocates, or ends the process. */
void *allocated(void *former, size_t size);
/* Milliseconds of a clock that runs evenly. */
int64_t now_ms(void);

#endif
