/* Checks for test programs. A check that fails prints its condition and exits. */

#ifndef PIGATO_TESTS_CHECK_H
#define PIGATO_TESTS_CHECK_H

#include <pigato.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Limits that only a hang exceeds, even under valgrind on a busy machine. */
enum { WAIT_LIMIT_MS = 20000, PROGRAM_SECONDS = 120 };

static const char *check_test_name = "";

static inline void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: in %s: %s\n", file, line, check_test_name, what);
    exit(EXIT_FAILURE);
}

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            check_failed(__FILE__, __LINE__, "false: " #condition);                                                   \
        }                                                                                                             \
    } while (0)

static inline const char *status_name(pigato_status status)
{
    pigato_bytes name;

    return pigato_status_name(status, &name) == PIGATO_OK ? name.data : "no status";
}

/* The last failure on this thread. */
static inline const char *last_error(void)
{
    pigato_bytes text;

    return pigato_last_error(&text) == PIGATO_OK ? text.data : "unknown";
}

static inline void check_status(pigato_status expected, pigato_status got, const char *file, int line, const char *call)
{
    char what[1024];

    if (expected != got) {
        /* Before status_name(), which can replace the last error. */
        snprintf(what, sizeof what, "%s: %d (%s)", call, (int)got, got == PIGATO_OK ? "no error" : last_error());
        fprintf(stderr, "expected %s\n", status_name(expected));
        check_failed(file, line, what);
    }
}

#define CHECK_STATUS(expected, call) check_status(expected, call, __FILE__, __LINE__, #call)
#define CHECK_OK(call) CHECK_STATUS(PIGATO_OK, call)

static inline bool is_text(pigato_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

/* Whether bytes, which need not end with a NUL, contain a text. */
static inline bool contains(pigato_bytes bytes, const char *text)
{
    const size_t length = strlen(text);
    size_t at;

    for (at = 0; at + length <= bytes.length; at++) {
        if (memcmp(bytes.data + at, text, length) == 0) {
            return true;
        }
    }
    return false;
}

static inline void check_text(const char *expected, pigato_bytes got, const char *file, int line)
{
    char what[256];

    if (!is_text(got, expected)) {
        snprintf(what, sizeof what, "expected %s, got %.*s", expected, (int)got.length, got.data);
        check_failed(file, line, what);
    }
}

#define CHECK_TEXT(expected, bytes) check_text(expected, bytes, __FILE__, __LINE__)

/* Monotonic time in milliseconds. */
static inline int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct check_test {
    const char *name;
    void (*run)(void);
};

#define TEST(function) {#function, function}

/*
 * Runs the tests whose name contains the first argument; without one, all. A signal ends a program
 * that hangs.
 */
static inline int run_tests(const struct check_test *tests, size_t count, int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    size_t index, run = 0;

    alarm(PROGRAM_SECONDS);
    for (index = 0; index < count; index++) {
        if (strstr(tests[index].name, wanted) != NULL) {
            check_test_name = tests[index].name;
            tests[index].run();
            run++;
        }
    }
    if (run == 0) {
        fprintf(stderr, "no test name contains %s\n", wanted);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

#define RUN_TESTS(tests, argc, argv) run_tests(tests, sizeof(tests) / sizeof((tests)[0]), argc, argv)

#endif
