/* Checking and printing for the examples. */

#ifndef PIGATO_EXAMPLES_SUPPORT_H
#define PIGATO_EXAMPLES_SUPPORT_H

#include <pigato.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Whether a call succeeded; if not, prints the attempt and the error to standard error. */
static inline bool succeeded(pigato_status status, const char *attempt)
{
    pigato_bytes error;

    if (status == PIGATO_OK) {
        return true;
    }
    if (pigato_last_error(&error) == PIGATO_OK) {
        fprintf(stderr, "%s: %s\n", attempt, error.data);
    }
    return false;
}

/* Whether bytes equal a text. */
static inline bool is_text(pigato_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

/* Arguments for printf("%.*s"): bytes from the library need not end with a NUL. */
#define PRINTED(bytes) (int)(bytes).length, (bytes).data

/* Starts a broker on a free port. The endpoint is valid until the broker is freed. */
static inline bool start_broker(pigato_broker **broker, pigato_bytes *endpoint)
{
    const pigato_bytes anywhere = {PIGATO_TEXT("tcp://127.0.0.1:*")};
    pigato_options *options = NULL;
    bool started;

    /* intch, for core services of the published packages, would occupy a fixed port. */
    started = succeeded(pigato_options_new(PIGATO_OPTIONS_BROKER, &options), "making broker options")
        && succeeded(pigato_options_set(options, PIGATO_TEXT("intch"), PIGATO_TEXT("null")), "setting intch")
        && succeeded(pigato_broker_start(&anywhere, 1, options, broker), "starting the broker")
        && succeeded(pigato_broker_endpoint(*broker, 0, endpoint), "asking where the broker listens");
    pigato_options_free(options);
    return started;
}

#endif
