/* A broker, a worker and a client for a test, and functions that wait for their events. */

#ifndef PIGATO_TESTS_FLEET_H
#define PIGATO_TESTS_FLEET_H

#include "check.h"

struct fleet {
    pigato_broker *broker;
    pigato_worker *worker;
    pigato_client *client;
    pigato_bytes endpoint; /* valid until the broker is freed */
};

/* Options with one value, written as JSON. */
static inline pigato_options *options_with(pigato_options_kind kind, const char *name, const char *json)
{
    pigato_options *options;

    CHECK_OK(pigato_options_new(kind, &options));
    CHECK_OK(pigato_options_set(options, name, strlen(name), json, strlen(json)));
    return options;
}

/* A broker on a free port and without intch, so that any number of them can run on a machine. */
static inline pigato_broker *start_broker(void)
{
    const pigato_bytes anywhere = {PIGATO_TEXT("tcp://127.0.0.1:*")};
    pigato_options *options = options_with(PIGATO_OPTIONS_BROKER, "intch", "null");
    pigato_broker *broker;

    CHECK_OK(pigato_broker_start(&anywhere, 1, options, &broker));
    pigato_options_free(options);
    return broker;
}

static inline pigato_worker *start_worker(const struct fleet *fleet, const char *service)
{
    pigato_worker *worker;

    CHECK_OK(pigato_worker_start(
        fleet->endpoint.data, fleet->endpoint.length, service, strlen(service), NULL, &worker));
    return worker;
}

static inline struct fleet start_fleet_with(const char *service, pigato_grant grant)
{
    struct fleet fleet;

    fleet.broker = start_broker();
    CHECK_OK(pigato_broker_endpoint(fleet.broker, 0, &fleet.endpoint));
    fleet.worker = start_worker(&fleet, service);
    CHECK_OK(pigato_client_start(fleet.endpoint.data, fleet.endpoint.length, NULL, grant, &fleet.client));
    return fleet;
}

static inline struct fleet start_fleet(void)
{
    return start_fleet_with("service", PIGATO_GRANT_AS_POLLED);
}

static inline void stop_fleet(struct fleet *fleet)
{
    pigato_client_free(fleet->client);
    pigato_worker_free(fleet->worker);
    pigato_broker_free(fleet->broker);
}

static inline uint64_t ask_for(
    const struct fleet *fleet, const char *service, pigato_bytes data, const pigato_options *options)
{
    uint64_t request = 0;

    CHECK_OK(pigato_client_request(
        fleet->client, service, strlen(service), data.data, data.length, options, &request));
    CHECK(request > 0);
    return request;
}

/* Asks "service" with JSON. */
static inline uint64_t ask(const struct fleet *fleet, const char *json)
{
    pigato_bytes data;

    data.data = json;
    data.length = strlen(json);
    return ask_for(fleet, "service", data, NULL);
}

/* Polls until an event of this kind arrives and drops the ones before it. The caller frees it. */
#define DEFINE_NEXT(peer)                                                                                             \
    static inline pigato_##peer##_event next_##peer##_event(const pigato_##peer *peer, pigato_event_kind kind)        \
    {                                                                                                                 \
        const int64_t deadline = now_ms() + WAIT_LIMIT_MS;                                                            \
        pigato_##peer##_event event;                                                                                  \
        size_t count;                                                                                                 \
                                                                                                                      \
        for (;;) {                                                                                                    \
            CHECK(now_ms() < deadline);                                                                               \
            CHECK_OK(pigato_##peer##_poll(peer, &event, 1, WAIT_LIMIT_MS, &count));                                   \
            CHECK(count == 1);                                                                                        \
            if (event.kind == kind) {                                                                                 \
                return event;                                                                                         \
            }                                                                                                         \
            pigato_##peer##_events_free(&event, count);                                                               \
        }                                                                                                             \
    }                                                                                                                 \
                                                                                                                      \
    /* As above; frees the event. */                                                                                  \
    static inline void await_##peer##_event(const pigato_##peer *peer, pigato_event_kind kind)                        \
    {                                                                                                                 \
        pigato_##peer##_event event = next_##peer##_event(peer, kind);                                                \
                                                                                                                      \
        pigato_##peer##_events_free(&event, 1);                                                                       \
    }

DEFINE_NEXT(client)
DEFINE_NEXT(worker)
DEFINE_NEXT(broker)

/* The request number of the worker's next job. */
static inline uint64_t next_request(const pigato_worker *worker)
{
    pigato_worker_event event = next_worker_event(worker, PIGATO_EVENT_REQUEST);
    uint64_t request = event.request;

    pigato_worker_events_free(&event, 1);
    return request;
}

/* Waits until a request fails and checks its status. */
static inline void expect_failure(const struct fleet *fleet, uint64_t request, pigato_status status)
{
    pigato_client_event event = next_client_event(fleet->client, PIGATO_EVENT_FAILED);

    CHECK(event.request == request);
    CHECK(event.is_final);
    CHECK_STATUS(status, event.status);
    CHECK(event.message.length > 0);
    pigato_client_events_free(&event, 1);
}

/* Waits for a request's final reply and checks its data. */
static inline void expect_reply(const struct fleet *fleet, uint64_t request, const char *json)
{
    pigato_client_event event = next_client_event(fleet->client, PIGATO_EVENT_REPLY);

    CHECK(event.request == request);
    CHECK(event.is_final);
    CHECK_STATUS(PIGATO_OK, event.status);
    CHECK(event.codec == PIGATO_CODEC_JSON);
    CHECK_TEXT(json, event.data);
    pigato_client_events_free(&event, 1);
}

#endif
