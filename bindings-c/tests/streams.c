/* Back-pressure of partial replies, concurrency, service names. */

#define _POSIX_C_SOURCE 200809L

#include "fleet.h"

/* Far more partial replies than a worker may send ahead. */
enum { MOST_AHEAD = 100000 };

/* Writes until PIGATO_C_BUSY; returns the number of replies sent. */
static uint32_t write_until_busy(const struct fleet *fleet, uint64_t request)
{
    uint32_t written = 0;
    pigato_status status;

    while ((status = pigato_worker_write(fleet->worker, request, PIGATO_TEXT("1"), NULL)) == PIGATO_OK) {
        CHECK(++written < MOST_AHEAD);
    }
    CHECK_STATUS(PIGATO_C_BUSY, status);
    CHECK(written > 0);
    return written;
}

static void read_partials(const struct fleet *fleet, uint32_t count)
{
    while (count-- > 0) {
        pigato_client_event event = next_client_event(fleet->client, PIGATO_EVENT_REPLY);

        CHECK(!event.is_final);
        pigato_client_events_free(&event, 1);
    }
}

static void expect_writable(const struct fleet *fleet, uint64_t request)
{
    pigato_worker_event event = next_worker_event(fleet->worker, PIGATO_EVENT_WRITABLE);

    CHECK(event.request == request);
    pigato_worker_events_free(&event, 1);
    CHECK_OK(pigato_worker_write(fleet->worker, request, PIGATO_TEXT("1"), NULL));
}

static void a_worker_waits_for_a_client_that_polls_slowly(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    uint64_t request = next_request(fleet.worker);
    uint32_t written = write_until_busy(&fleet, request);

    CHECK_STATUS(PIGATO_C_BUSY, pigato_worker_write(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    read_partials(&fleet, written);
    expect_writable(&fleet, request);
    read_partials(&fleet, 1);
    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("2"), NULL));
    expect_reply(&fleet, asked, "2");
    stop_fleet(&fleet);
}

static void a_worker_waits_until_partials_are_reported_as_consumed(void)
{
    struct fleet fleet = start_fleet_with("service", PIGATO_GRANT_AS_CONSUMED);
    uint64_t asked = ask(&fleet, "null");
    uint64_t request = next_request(fleet.worker);
    uint32_t written = write_until_busy(&fleet, request);
    uint64_t second;

    read_partials(&fleet, written);
    /* After this round trip a grant caused by polling alone would have reached the worker. */
    second = ask(&fleet, "null");
    CHECK_OK(pigato_worker_end(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("2"), NULL));
    expect_reply(&fleet, second, "2");
    CHECK_STATUS(PIGATO_C_BUSY, pigato_worker_write(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    CHECK_OK(pigato_client_consumed(fleet.client, asked, written));
    expect_writable(&fleet, request);
    stop_fleet(&fleet);
}

static void the_final_reply_needs_no_grant(void)
{
    struct fleet fleet = start_fleet_with("service", PIGATO_GRANT_AS_CONSUMED);
    uint64_t asked = ask(&fleet, "null");
    uint64_t request = next_request(fleet.worker);
    uint32_t written = write_until_busy(&fleet, request);

    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("2"), NULL));
    read_partials(&fleet, written);
    expect_reply(&fleet, asked, "2");
    stop_fleet(&fleet);
}

static void concurrency_limits_the_jobs_of_a_worker(void)
{
    struct fleet fleet = start_fleet_with("another", PIGATO_GRANT_AS_POLLED);
    pigato_options *options = options_with(PIGATO_OPTIONS_WORKER, "concurrency", "1");
    pigato_worker *worker;
    pigato_statistics now;
    int64_t deadline = now_ms() + WAIT_LIMIT_MS;
    uint64_t first;

    CHECK_OK(pigato_worker_start(
        fleet.endpoint.data, fleet.endpoint.length, PIGATO_TEXT("service"), options, &worker));
    pigato_options_free(options);
    ask(&fleet, "1");
    ask(&fleet, "2");
    first = next_request(worker);
    do {
        CHECK(now_ms() < deadline);
        CHECK_OK(pigato_broker_statistics(fleet.broker, &now));
    } while (now.requests < 2);
    CHECK(now.in_flight == 1 && now.queued == 1);
    CHECK_OK(pigato_worker_set_concurrency(worker, -1));
    CHECK(next_request(worker) != first);
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_set_concurrency(worker, 0));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_set_concurrency(worker, -2));
    pigato_worker_free(worker);
    stop_fleet(&fleet);
}

static void a_wildcard_worker_gets_the_requested_name(void)
{
    struct fleet fleet = start_fleet_with("ech*", PIGATO_GRANT_AS_POLLED);
    pigato_bytes data = {PIGATO_TEXT("1")};
    uint64_t asked = ask_for(&fleet, "echoes", data, NULL);
    pigato_worker_event event = next_worker_event(fleet.worker, PIGATO_EVENT_REQUEST);

    CHECK_TEXT("echoes", event.service);
    CHECK_OK(pigato_worker_end(fleet.worker, event.request, PIGATO_TEXT("1"), NULL));
    pigato_worker_events_free(&event, 1);
    expect_reply(&fleet, asked, "1");
    stop_fleet(&fleet);
}

static void a_version_range_finds_its_worker(void)
{
    struct fleet fleet = start_fleet_with("service@1.2.3", PIGATO_GRANT_AS_POLLED);
    pigato_bytes data = {PIGATO_TEXT("1")};
    uint64_t asked = ask_for(&fleet, "service@^1.0.0", data, NULL);

    CHECK_OK(pigato_worker_end(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("1"), NULL));
    expect_reply(&fleet, asked, "1");
    stop_fleet(&fleet);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_worker_waits_for_a_client_that_polls_slowly),
        TEST(a_worker_waits_until_partials_are_reported_as_consumed),
        TEST(the_final_reply_needs_no_grant),
        TEST(concurrency_limits_the_jobs_of_a_worker),
        TEST(a_wildcard_worker_gets_the_requested_name),
        TEST(a_version_range_finds_its_worker),
    };

    return RUN_TESTS(tests, argc, argv);
}
