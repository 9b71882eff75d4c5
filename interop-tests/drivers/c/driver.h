/* Declarations that the parts of the C driver share. ../PROTOCOL.md defines its commands and
 * events. */
#ifndef DRIVER_H
#define DRIVER_H

#include <pigato.h>

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* One role: broker, worker or client. */
typedef struct {
  /* Handles a command other than "stop". */
  void (*command)(const char *operation, const cJSON *line);
  /* Handles events; returns false once the handle has stopped. */
  bool (*events)(void);
  /* Performs due work; returns the milliseconds until the next, or -1 for none. */
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

/* Prints {"event":event, …}; takes ownership of the fields, which may be NULL. */
void say(const char *event, cJSON *fields);
/* Exits with a message if a call has failed. */
void must(pigato_status status, const char *what);
/* Prints an error if a call has failed; returns whether it succeeded. */
bool tried(pigato_status status, const char *what);

/* Options from the members of an object; NULL if there are none. */
pigato_options *options_from(pigato_options_kind kind, const cJSON *members);
/* JSON as text without spaces; the caller frees it with cJSON_free. */
char *text_of(const cJSON *value);
/* Parses bytes as JSON; null for the forms that published peers send for missing data. */
cJSON *parsed(pigato_bytes bytes);
/* Converts bytes to hexadecimal digits and back; the caller frees the result. */
char *hexadecimal(pigato_bytes bytes);
char *from_hexadecimal(const char *digits, size_t *length);
/* Allocates memory or exits. */
void *allocated(void *former, size_t size);
/* Milliseconds of a monotonic clock. */
int64_t now_ms(void);

#endif
