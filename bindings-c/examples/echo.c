/*
 * A broker, a worker that echoes, and a client, in one process.
 *
 * The worker's thread waits in pigato_worker_poll(); stocks.c uses an event loop instead. The exit
 * status is 0 if every reply is correct.
 */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <pthread.h>
#include <stdlib.h>

enum { EVENTS = 16, TIMEOUT_MS = 10000 };

static const char *const GREETINGS[] = {"\"hello\"", "{\"to\":\"you\"}", "\"\\u00e9t\xc3\xa9 \xf0\x9f\x90\xb1\""};
enum { GREETING_COUNT = sizeof GREETINGS / sizeof GREETINGS[0] };

/* ---- the worker ---- */

static void answer(const pigato_worker *worker, const pigato_worker_event *event)
{
    pigato_status status;

    switch (event->kind) {
    case PIGATO_EVENT_REQUEST:
        printf("worker: %.*s asks for %.*s\n", PRINTED(event->client), PRINTED(event->data));
        status = pigato_worker_end(worker, event->request, event->data.data, event->data.length, NULL);
        /* Closed: the job has ended, for example because the client cancelled it. Not a failure. */
        if (status != PIGATO_C_CLOSED) {
            succeeded(status, "answering");
        }
        break;
    case PIGATO_EVENT_PROTOCOL_ERROR:
        fprintf(stderr, "worker: %.*s\n", PRINTED(event->message));
        break;
    default:
        /* Nothing to do: this worker answers at once and keeps no state. */
        break;
    }
}

static void *serve(void *argument)
{
    const pigato_worker *worker = (const pigato_worker *)argument;
    pigato_worker_event events[EVENTS];
    size_t count, index;
    pigato_status status;

    /* Waits forever: after pigato_worker_stop() in run() it returns PIGATO_C_CLOSED. */
    while ((status = pigato_worker_poll(worker, events, EVENTS, -1, &count)) == PIGATO_OK) {
        for (index = 0; index < count; index++) {
            answer(worker, &events[index]);
        }
        pigato_worker_events_free(events, count);
    }
    if (status != PIGATO_C_CLOSED) {
        succeeded(status, "waiting for requests");
    }
    return NULL;
}

/* ---- the client ---- */

/* Sends all requests; `requests` gets their numbers. */
static bool ask(const pigato_client *client, uint64_t requests[GREETING_COUNT])
{
    pigato_options *options = NULL;
    size_t index;
    bool asked;

    asked = succeeded(pigato_options_new(PIGATO_OPTIONS_REQUEST, &options), "making request options")
        && succeeded(pigato_options_set_number(options, PIGATO_TEXT("timeout"), TIMEOUT_MS), "setting timeout");
    for (index = 0; asked && index < GREETING_COUNT; index++) {
        const char *data = GREETINGS[index];

        asked = succeeded(
            pigato_client_request(client, PIGATO_TEXT("echo"), data, strlen(data), options, &requests[index]),
            "sending a request");
    }
    pigato_options_free(options);
    return asked;
}

/* Whether an event is as expected; counts the replies in `answered`. */
static bool take(const pigato_client_event *event, const uint64_t requests[GREETING_COUNT], size_t *answered)
{
    size_t index;

    switch (event->kind) {
    case PIGATO_EVENT_REPLY:
        for (index = 0; index < GREETING_COUNT; index++) {
            if (requests[index] == event->request) {
                printf("client: %s is answered with %.*s\n", GREETINGS[index], PRINTED(event->data));
                *answered += 1;
                return event->is_final && is_text(event->data, GREETINGS[index]);
            }
        }
        fprintf(stderr, "client: a reply to an unknown request\n");
        return false;
    case PIGATO_EVENT_FAILED:
    case PIGATO_EVENT_PROTOCOL_ERROR:
        fprintf(stderr, "client: %.*s\n", PRINTED(event->message));
        return false;
    case PIGATO_EVENT_CONNECTED:
        printf("client: connected\n");
        return true;
    default:
        return true;
    }
}

static bool ask_and_wait(const pigato_client *client)
{
    uint64_t requests[GREETING_COUNT];
    pigato_client_event events[EVENTS];
    size_t count, index, answered = 0;
    bool is_ok = ask(client, requests);

    /* Waiting forever is safe: every request ends with an event, after its timeout at the latest. */
    while (is_ok && answered < GREETING_COUNT) {
        is_ok = succeeded(pigato_client_poll(client, events, EVENTS, -1, &count), "waiting for answers");
        if (!is_ok) {
            break;
        }
        for (index = 0; index < count; index++) {
            is_ok = take(&events[index], requests, &answered) && is_ok;
        }
        pigato_client_events_free(events, count);
    }
    return is_ok;
}

/* ---- the program ---- */

/* Runs the worker in a thread while the client sends requests. */
static bool run(pigato_worker *worker, const pigato_client *client)
{
    pthread_t thread;
    bool is_ok;

    if (pthread_create(&thread, NULL, serve, worker) != 0) {
        fprintf(stderr, "cannot create a thread for the worker\n");
        return false;
    }
    is_ok = ask_and_wait(client);
    is_ok = succeeded(pigato_worker_stop(worker, 1000), "stopping the worker") && is_ok;
    /* No thread may use the worker while it is freed. */
    return pthread_join(thread, NULL) == 0 && is_ok;
}

int main(void)
{
    pigato_broker *broker = NULL;
    pigato_worker *worker = NULL;
    pigato_client *client = NULL;
    pigato_bytes at;
    bool is_ok;

    is_ok = start_broker(&broker, &at)
        && succeeded(pigato_worker_start(at.data, at.length, PIGATO_TEXT("echo"), NULL, &worker), "starting the worker")
        && succeeded(pigato_client_start(at.data, at.length, NULL, PIGATO_GRANT_AS_POLLED, &client), "starting the client")
        && run(worker, client);
    pigato_client_free(client);
    pigato_worker_free(worker);
    pigato_broker_free(broker);
    return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
