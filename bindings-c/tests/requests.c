/* Requests and their outcomes. */

#define _POSIX_C_SOURCE 200809L

#include "fleet.h"

#include <poll.h>

static void a_job_and_its_reply_carry_the_data(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "{\"n\":1}");
    pigato_worker_event event = next_worker_event(fleet.worker, PIGATO_EVENT_REQUEST);

    CHECK_TEXT("{\"n\":1}", event.data);
    CHECK_TEXT("service", event.service);
    CHECK(event.client.length > 0 && event.id.length > 0);
    CHECK(event.attempt == 1 && event.codec == PIGATO_CODEC_JSON);
    CHECK(event.remaining_ms > 0 && event.remaining_ms <= 60000);
    CHECK_OK(pigato_worker_end(fleet.worker, event.request, event.data.data, event.data.length, NULL));
    pigato_worker_events_free(&event, 1);
    expect_reply(&fleet, asked, "{\"n\":1}");
    stop_fleet(&fleet);
}

static void a_thousand_partial_replies_keep_their_order(void)
{
    enum { PARTIALS = 1000 };
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    uint64_t request = next_request(fleet.worker);
    char number[16];
    int index;

    for (index = 0; index < PARTIALS; index++) {
        snprintf(number, sizeof number, "%d", index);
        CHECK_OK(pigato_worker_write(fleet.worker, request, number, strlen(number), NULL));
    }
    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("\"end\""), NULL));
    for (index = 0; index < PARTIALS; index++) {
        pigato_client_event event = next_client_event(fleet.client, PIGATO_EVENT_REPLY);

        snprintf(number, sizeof number, "%d", index);
        CHECK_TEXT(number, event.data);
        CHECK(event.request == asked && !event.is_final);
        pigato_client_events_free(&event, 1);
    }
    expect_reply(&fleet, asked, "\"end\"");
    stop_fleet(&fleet);
}

static void an_error_value_arrives_unchanged(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    pigato_client_event event;

    CHECK_OK(pigato_worker_error(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("{\"why\":[1]}"), NULL));
    event = next_client_event(fleet.client, PIGATO_EVENT_FAILED);
    CHECK(event.request == asked && event.is_final);
    CHECK(event.status == PIGATO_REMOTE_ERROR && event.origin == PIGATO_ORIGIN_WORKER);
    CHECK_TEXT("{\"why\":[1]}", event.data);
    pigato_client_events_free(&event, 1);
    stop_fleet(&fleet);
}

static void a_failed_handler_is_reported_with_its_message(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    pigato_client_event event;

    CHECK_OK(pigato_worker_fail(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("no luck")));
    event = next_client_event(fleet.client, PIGATO_EVENT_FAILED);
    CHECK(event.request == asked && event.is_final);
    CHECK(event.status == PIGATO_W_HANDLER && event.origin == PIGATO_ORIGIN_WORKER);
    CHECK(contains(event.message, "no luck"));
    pigato_client_events_free(&event, 1);
    stop_fleet(&fleet);
}

static void a_rejected_request_goes_to_another_worker(void)
{
    struct fleet fleet = start_fleet();
    pigato_worker *other = start_worker(&fleet, "service");
    pigato_worker *rejecter, *answerer;
    struct pollfd places[2];
    uint64_t asked, request;

    await_worker_event(fleet.worker, PIGATO_EVENT_CONNECTED);
    await_worker_event(other, PIGATO_EVENT_CONNECTED);
    CHECK_OK(pigato_worker_fd(fleet.worker, &places[0].fd));
    CHECK_OK(pigato_worker_fd(other, &places[1].fd));
    places[0].events = places[1].events = POLLIN;
    asked = ask(&fleet, "null");
    /* The broker decides which of the two workers gets the request. */
    CHECK(poll(places, 2, WAIT_LIMIT_MS) == 1);
    rejecter = places[0].revents != 0 ? fleet.worker : other;
    answerer = places[0].revents != 0 ? other : fleet.worker;
    request = next_request(rejecter);
    CHECK_OK(pigato_worker_reject(rejecter, request, NULL, 0));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_end(rejecter, request, PIGATO_TEXT("1"), NULL));
    CHECK_OK(pigato_worker_end(answerer, next_request(answerer), PIGATO_TEXT("\"other\""), NULL));
    expect_reply(&fleet, asked, "\"other\"");
    pigato_worker_free(other);
    stop_fleet(&fleet);
}

static void a_request_without_a_worker_times_out(void)
{
    struct fleet fleet = start_fleet();
    pigato_options *options = options_with(PIGATO_OPTIONS_REQUEST, "timeout", "30");
    pigato_bytes data = {PIGATO_TEXT("1")};

    expect_failure(&fleet, ask_for(&fleet, "nobody", data, options), PIGATO_C_TIMEOUT);
    pigato_options_free(options);
    stop_fleet(&fleet);
}

static void fail_fast_does_not_wait_for_a_worker(void)
{
    struct fleet fleet = start_fleet();
    pigato_options *options = options_with(PIGATO_OPTIONS_REQUEST, "failFast", "true");
    pigato_bytes data = {PIGATO_TEXT("1")};
    uint64_t asked = ask_for(&fleet, "nobody", data, options);
    pigato_client_event event = next_client_event(fleet.client, PIGATO_EVENT_FAILED);

    CHECK(event.request == asked && event.status == PIGATO_B_NO_WORKER);
    CHECK(event.origin == PIGATO_ORIGIN_BROKER && event.is_final);
    pigato_client_events_free(&event, 1);
    pigato_options_free(options);
    stop_fleet(&fleet);
}

static void cancelling_a_request_ends_its_job(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    uint64_t request = next_request(fleet.worker);
    pigato_worker_event event;
    bool is_wanted = false;

    CHECK_OK(pigato_worker_is_wanted(fleet.worker, request, &is_wanted));
    CHECK(is_wanted);
    CHECK_OK(pigato_client_cancel(fleet.client, asked));
    expect_failure(&fleet, asked, PIGATO_C_CANCELLED);
    event = next_worker_event(fleet.worker, PIGATO_EVENT_CANCELLED);
    CHECK(event.request == request && event.reason == PIGATO_CANCEL_CLIENT);
    pigato_worker_events_free(&event, 1);
    CHECK_OK(pigato_worker_is_wanted(fleet.worker, request, &is_wanted));
    CHECK(!is_wanted);
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_write(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_end(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    CHECK_OK(pigato_client_cancel(fleet.client, asked));
    stop_fleet(&fleet);
}

static void a_cancelled_event_states_the_reason(void)
{
    struct fleet fleet = start_fleet();
    pigato_worker_event event;
    uint64_t request;

    ask(&fleet, "null");
    request = next_request(fleet.worker);
    CHECK_OK(pigato_worker_stop(fleet.worker, 0));
    event = next_worker_event(fleet.worker, PIGATO_EVENT_CANCELLED);
    CHECK(event.request == request && event.reason == PIGATO_CANCEL_STOPPED);
    pigato_worker_events_free(&event, 1);
    pigato_worker_free(fleet.worker);
    fleet.worker = start_worker(&fleet, "service");
    ask(&fleet, "null");
    request = next_request(fleet.worker);
    pigato_broker_free(fleet.broker);
    fleet.broker = NULL;
    event = next_worker_event(fleet.worker, PIGATO_EVENT_CANCELLED);
    CHECK(event.request == request && event.reason == PIGATO_CANCEL_DISCONNECTED);
    pigato_worker_events_free(&event, 1);
    stop_fleet(&fleet);
}

static void a_stopping_worker_finishes_its_jobs(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "1");
    uint64_t request = next_request(fleet.worker);

    CHECK_OK(pigato_worker_stop(fleet.worker, -1));
    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    await_worker_event(fleet.worker, PIGATO_EVENT_STOPPED);
    expect_reply(&fleet, asked, "1");
    stop_fleet(&fleet);
}

static void a_stopping_client_ends_its_requests(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "1");

    next_request(fleet.worker);
    CHECK_OK(pigato_client_stop(fleet.client));
    expect_failure(&fleet, asked, PIGATO_C_CLOSED);
    await_client_event(fleet.client, PIGATO_EVENT_STOPPED);
    await_worker_event(fleet.worker, PIGATO_EVENT_CANCELLED);
    stop_fleet(&fleet);
}

static void max_requests_limits_pending_requests(void)
{
    struct fleet fleet = start_fleet();
    pigato_options *options = options_with(PIGATO_OPTIONS_CLIENT, "maxRequests", "1");
    uint64_t first;

    pigato_client_free(fleet.client);
    CHECK_OK(pigato_client_start(
        fleet.endpoint.data, fleet.endpoint.length, options, PIGATO_GRANT_AS_POLLED, &fleet.client));
    pigato_options_free(options);
    first = ask(&fleet, "1");
    expect_failure(&fleet, ask(&fleet, "2"), PIGATO_C_BUSY);
    CHECK_OK(pigato_worker_end(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("1"), NULL));
    expect_reply(&fleet, first, "1");
    stop_fleet(&fleet);
}

static void a_client_heartbeat_reaches_the_worker(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    uint64_t request = next_request(fleet.worker);
    pigato_worker_event event;

    CHECK_OK(pigato_client_heartbeat(fleet.client, asked));
    event = next_worker_event(fleet.worker, PIGATO_EVENT_HEARTBEAT);
    CHECK(event.request == request);
    pigato_worker_events_free(&event, 1);
    CHECK_OK(pigato_worker_heartbeat(fleet.worker));
    stop_fleet(&fleet);
}

static void a_lost_worker_fails_its_requests(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    pigato_client_event event;

    next_request(fleet.worker);
    pigato_worker_free(fleet.worker);
    fleet.worker = NULL;
    event = next_client_event(fleet.client, PIGATO_EVENT_FAILED);
    CHECK(event.request == asked && event.status == PIGATO_B_WORKER_LOST && event.origin == PIGATO_ORIGIN_BROKER);
    pigato_client_events_free(&event, 1);
    stop_fleet(&fleet);
}

static void a_retried_request_counts_its_attempts(void)
{
    struct fleet fleet = start_fleet();
    pigato_options *options = options_with(PIGATO_OPTIONS_REQUEST, "retry", "true");
    pigato_bytes data = {PIGATO_TEXT("1")};
    uint64_t asked = ask_for(&fleet, "service", data, options);
    pigato_worker_event event;

    next_request(fleet.worker);
    pigato_worker_free(fleet.worker);
    fleet.worker = start_worker(&fleet, "service");
    event = next_worker_event(fleet.worker, PIGATO_EVENT_REQUEST);
    CHECK(event.attempt == 2);
    CHECK_OK(pigato_worker_end(fleet.worker, event.request, PIGATO_TEXT("2"), NULL));
    pigato_worker_events_free(&event, 1);
    expect_reply(&fleet, asked, "2");
    pigato_options_free(options);
    stop_fleet(&fleet);
}

static void one_options_object_serves_many_requests(void)
{
    struct fleet fleet = start_fleet();
    pigato_options *options = options_with(PIGATO_OPTIONS_REQUEST, "tenant", "{\"id\":7}");
    pigato_bytes data = {PIGATO_TEXT("1")};
    int index;

    for (index = 0; index < 2; index++) {
        uint64_t asked = ask_for(&fleet, "service", data, options);
        pigato_worker_event event = next_worker_event(fleet.worker, PIGATO_EVENT_REQUEST);
        pigato_options *answer = options_with(PIGATO_OPTIONS_REPLY, "rows", "3");
        pigato_client_event reply;

        CHECK(contains(event.options, "\"tenant\":{\"id\":7}"));
        CHECK_OK(pigato_worker_end(fleet.worker, event.request, PIGATO_TEXT("1"), answer));
        pigato_options_free(answer);
        pigato_worker_events_free(&event, 1);
        reply = next_client_event(fleet.client, PIGATO_EVENT_REPLY);
        CHECK(reply.request == asked);
        CHECK_TEXT("{\"rows\":3}", reply.options);
        pigato_client_events_free(&reply, 1);
    }
    pigato_options_free(options);
    stop_fleet(&fleet);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_job_and_its_reply_carry_the_data),
        TEST(a_thousand_partial_replies_keep_their_order),
        TEST(an_error_value_arrives_unchanged),
        TEST(a_failed_handler_is_reported_with_its_message),
        TEST(a_rejected_request_goes_to_another_worker),
        TEST(a_request_without_a_worker_times_out),
        TEST(fail_fast_does_not_wait_for_a_worker),
        TEST(cancelling_a_request_ends_its_job),
        TEST(a_cancelled_event_states_the_reason),
        TEST(a_stopping_worker_finishes_its_jobs),
        TEST(a_stopping_client_ends_its_requests),
        TEST(max_requests_limits_pending_requests),
        TEST(a_client_heartbeat_reaches_the_worker),
        TEST(a_lost_worker_fails_its_requests),
        TEST(a_retried_request_counts_its_attempts),
        TEST(one_options_object_serves_many_requests),
    };

    return RUN_TESTS(tests, argc, argv);
}
