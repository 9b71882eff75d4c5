/*
 * Measures requests per second and latency. Its roles are those of the core's benchmark, so that
 * they can be combined:
 *
 *     bench worker ENDPOINT                               prints ready and echoes
 *     bench client ENDPOINT REQUESTS WINDOW BODY_BYTES    prints one line of JSON
 */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <stdlib.h>
#include <time.h>

enum { EVENTS = PIGATO_EVENTS_PER_POLL, WARM_UP = 10 };

static double microseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Options of this kind with the codec raw. */
static pigato_options *raw(pigato_options_kind kind)
{
    pigato_options *options = NULL;

    if (succeeded(pigato_options_new(kind, &options), "making options")
        && succeeded(pigato_options_set_text(options, PIGATO_TEXT("codec"), PIGATO_TEXT("raw")), "setting codec")) {
        return options;
    }
    pigato_options_free(options);
    return NULL;
}

/* ---- the worker ---- */

static bool answer(const pigato_worker *worker, const pigato_worker_event *event, const pigato_options *options)
{
    pigato_status status;

    switch (event->kind) {
    case PIGATO_EVENT_CONNECTED:
        printf("ready\n");
        return fflush(stdout) == 0;
    case PIGATO_EVENT_REQUEST:
        status = pigato_worker_end(worker, event->request, event->data.data, event->data.length, options);
        return status == PIGATO_C_CLOSED || succeeded(status, "answering");
    default:
        return true;
    }
}

static bool serve(pigato_bytes endpoint)
{
    pigato_options *unlimited = NULL, *options = raw(PIGATO_OPTIONS_REPLY);
    pigato_worker *worker = NULL;
    pigato_worker_event events[EVENTS];
    size_t count, index;
    bool is_ok;

    is_ok = options != NULL && succeeded(pigato_options_new(PIGATO_OPTIONS_WORKER, &unlimited), "making options")
        && succeeded(pigato_options_set_number(unlimited, PIGATO_TEXT("concurrency"), -1), "setting concurrency")
        && succeeded(
            pigato_worker_start(endpoint.data, endpoint.length, PIGATO_TEXT("echo"), unlimited, &worker), "starting");
    /* Runs until the process is killed. */
    while (is_ok && succeeded(pigato_worker_poll(worker, events, EVENTS, -1, &count), "waiting for requests")) {
        for (index = 0; index < count; index++) {
            is_ok = answer(worker, &events[index], options) && is_ok;
        }
        pigato_worker_events_free(events, count);
    }
    pigato_worker_free(worker);
    pigato_options_free(unlimited);
    pigato_options_free(options);
    return false;
}

/* ---- the client ---- */

/* A pending request. */
typedef struct {
    uint64_t request;
    double sent_at;
} pending_request;

typedef struct {
    const pigato_client *client;
    const pigato_options *options;
    char *body;
    size_t body_bytes, window;
    /*
     * Indexed by request number modulo window. take() fails if a later request has overwritten
     * the entry.
     */
    pending_request *pending;
    double *latencies;
} load;

static bool send_one(const load *load)
{
    const double now = microseconds_now();
    uint64_t request;
    pending_request *place;

    if (!succeeded(
            pigato_client_request(
                load->client, PIGATO_TEXT("echo"), load->body, load->body_bytes, load->options, &request),
            "sending a request")) {
        return false;
    }
    place = &load->pending[request % load->window];
    place->request = request;
    place->sent_at = now;
    return true;
}

/* Whether the event is as expected; sets `latency` for a reply, otherwise -1. */
static bool take(const load *load, const pigato_client_event *event, double *latency)
{
    const pending_request *place = &load->pending[event->request % load->window];

    *latency = -1;
    switch (event->kind) {
    case PIGATO_EVENT_REPLY:
        *latency = microseconds_now() - place->sent_at;
        return place->request == event->request && event->is_final;
    case PIGATO_EVENT_FAILED:
    case PIGATO_EVENT_PROTOCOL_ERROR:
        fprintf(stderr, "client: %.*s\n", PRINTED(event->message));
        return false;
    default:
        return true;
    }
}

/*
 * Keeps the window full until this number of requests is answered. Returns the time in
 * microseconds, or a negative number after a failure.
 */
static double keep(const load *load, size_t requests)
{
    const double begun = microseconds_now();
    pigato_client_event events[EVENTS];
    size_t sent = 0, answered = 0, count, index;
    double latency;
    bool is_ok = true;

    while (is_ok && answered < requests) {
        while (is_ok && sent < requests && sent - answered < load->window) {
            is_ok = send_one(load);
            sent += 1;
        }
        if (!is_ok || !succeeded(pigato_client_poll(load->client, events, EVENTS, -1, &count), "waiting")) {
            return -1;
        }
        for (index = 0; index < count; index++) {
            is_ok = take(load, &events[index], &latency) && is_ok;
            if (latency >= 0) {
                load->latencies[answered++] = latency;
            }
        }
        pigato_client_events_free(events, count);
    }
    return is_ok ? microseconds_now() - begun : -1;
}

static int compare(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;

    return (a > b) - (a < b);
}

static bool measure(const load *load, size_t requests)
{
    const size_t warm_up = requests / WARM_UP;
    double took;

    if ((warm_up > 0 && keep(load, warm_up) < 0) || (took = keep(load, requests)) < 0) {
        return false;
    }
    qsort(load->latencies, requests, sizeof *load->latencies, compare);
    printf("{\"requests_per_second\":%.1f,\"p50_microseconds\":%.2f,\"p90_microseconds\":%.2f,\"p99_microseconds\":%.2f,"
           "\"p999_microseconds\":%.2f}\n",
        (double)requests / took * 1e6, load->latencies[requests / 2], load->latencies[requests * 9 / 10],
        load->latencies[requests * 99 / 100], load->latencies[requests * 999 / 1000]);
    return fflush(stdout) == 0;
}

static bool ask(pigato_bytes endpoint, size_t requests, size_t window, size_t body_bytes)
{
    pigato_options *options = raw(PIGATO_OPTIONS_REQUEST);
    pigato_client *client = NULL;
    load load = {NULL, options, (char *)malloc(body_bytes + 1), body_bytes, window,
        (pending_request *)calloc(window, sizeof(pending_request)), (double *)calloc(requests, sizeof(double))};
    bool is_ok = options != NULL && load.body != NULL && load.pending != NULL && load.latencies != NULL
        && succeeded(pigato_client_start(endpoint.data, endpoint.length, NULL, PIGATO_GRANT_AS_POLLED, &client), "starting");

    if (is_ok) {
        memset(load.body, 'x', body_bytes);
        load.client = client;
        is_ok = measure(&load, requests);
    }
    pigato_client_free(client);
    pigato_options_free(options);
    free(load.body);
    free(load.pending);
    free(load.latencies);
    return is_ok;
}

int main(int count, char **arguments)
{
    pigato_bytes endpoint;
    long numbers[3] = {0, 0, 0};
    int at;

    if (count >= 3) {
        endpoint.data = arguments[2];
        endpoint.length = strlen(arguments[2]);
        for (at = 3; at < count && at < 6; at++) {
            numbers[at - 3] = strtol(arguments[at], NULL, 10);
        }
        if (count == 3 && strcmp(arguments[1], "worker") == 0) {
            return serve(endpoint) ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        if (count == 6 && strcmp(arguments[1], "client") == 0 && numbers[0] > 0 && numbers[1] > 0 && numbers[2] >= 0) {
            return ask(endpoint, (size_t)numbers[0], (size_t)numbers[1], (size_t)numbers[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
        }
    }
    fprintf(stderr, "bench worker ENDPOINT | client ENDPOINT REQUESTS WINDOW BODY_BYTES\n");
    return EXIT_FAILURE;
}
