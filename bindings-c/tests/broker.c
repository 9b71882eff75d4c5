/* A broker's name, endpoints, statistics, directory and events, and how it stops. */

#define _POSIX_C_SOURCE 200809L

#include "fleet.h"

static void a_broker_reports_its_name_and_endpoints(void)
{
    const pigato_bytes endpoints[] = {{PIGATO_TEXT("tcp://127.0.0.1:*")}, {PIGATO_TEXT("tcp://127.0.0.1:*")}};
    pigato_options *options = options_with(PIGATO_OPTIONS_BROKER, "intch", "\"tcp://127.0.0.1:*\"");
    pigato_broker *broker;
    pigato_bytes first, second, name, intch;

    CHECK_OK(pigato_options_set_text(options, PIGATO_TEXT("name"), PIGATO_TEXT("Berta")));
    CHECK_OK(pigato_broker_start(endpoints, 2, options, &broker));
    pigato_options_free(options);
    CHECK_OK(pigato_broker_endpoint(broker, 0, &first));
    CHECK_OK(pigato_broker_endpoint(broker, 1, &second));
    CHECK(contains(first, "tcp://127.0.0.1:") && !contains(first, "*"));
    CHECK(contains(second, "tcp://127.0.0.1:") && !contains(second, "*"));
    CHECK(first.length != second.length || memcmp(first.data, second.data, first.length) != 0);
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_endpoint(broker, 2, &first));
    CHECK_OK(pigato_broker_name(broker, &name));
    CHECK_TEXT("Berta", name);
    CHECK_OK(pigato_broker_intch(broker, &intch));
    CHECK(contains(intch, "tcp://127.0.0.1:") && !contains(intch, "*"));
    pigato_broker_free(broker);
    broker = start_broker();
    CHECK_OK(pigato_broker_intch(broker, &intch));
    CHECK(intch.length == 0);
    pigato_broker_free(broker);
}

static void an_endpoint_in_use_is_an_error(void)
{
    pigato_broker *broker = start_broker();
    pigato_options *options = options_with(PIGATO_OPTIONS_BROKER, "intch", "null");
    pigato_broker *second = NULL;
    pigato_bytes taken, refused;

    CHECK_OK(pigato_broker_endpoint(broker, 0, &taken));
    CHECK_STATUS(PIGATO_E_ENDPOINT, pigato_broker_start(&taken, 1, options, &second));
    CHECK(second == NULL);
    CHECK_OK(pigato_last_error(&refused));
    CHECK(contains(refused, "127.0.0.1"));
    pigato_options_free(options);
    pigato_broker_free(broker);
}

static void statistics_count_requests_and_replies(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "null");
    uint64_t request = next_request(fleet.worker);
    pigato_statistics now;

    CHECK_OK(pigato_worker_write(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    await_client_event(fleet.client, PIGATO_EVENT_REPLY);
    CHECK_OK(pigato_broker_statistics(fleet.broker, &now));
    CHECK(now.requests == 1 && now.dispatches == 1 && now.partial_replies == 1 && now.replies == 0);
    CHECK(now.in_flight == 1 && now.queued == 0 && now.workers == 1 && now.clients == 1);
    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    expect_reply(&fleet, asked, "1");
    CHECK_OK(pigato_broker_statistics(fleet.broker, &now));
    CHECK(now.replies == 1 && now.in_flight == 0 && now.missed_events == 0 && now.protocol_errors == 0);
    stop_fleet(&fleet);
}

static void the_directory_lists_services_and_their_workers(void)
{
    struct fleet fleet = start_fleet();
    pigato_broker_event event = next_broker_event(fleet.broker, PIGATO_EVENT_WORKER_JOINED);
    pigato_bytes data = {PIGATO_TEXT("\"service\"")};
    pigato_client_event reply;
    pigato_text directory;
    char expected[300];

    snprintf(expected, sizeof expected, "{\"service\":[\"%.*s\"]}", (int)event.peer.length, event.peer.data);
    CHECK_OK(pigato_broker_directory(fleet.broker, &directory));
    CHECK(strcmp(directory.data, expected) == 0 && strlen(directory.data) == directory.length);
    pigato_text_free(&directory);
    /* The same through a request. */
    ask_for(&fleet, "$dir", data, NULL);
    reply = next_client_event(fleet.client, PIGATO_EVENT_REPLY);
    snprintf(expected, sizeof expected, "[\"%.*s\"]", (int)event.peer.length, event.peer.data);
    CHECK_TEXT(expected, reply.data);
    pigato_client_events_free(&reply, 1);
    pigato_broker_events_free(&event, 1);
    stop_fleet(&fleet);
}

static void events_report_workers_that_join_and_leave(void)
{
    struct fleet fleet = start_fleet();
    pigato_broker_event joined = next_broker_event(fleet.broker, PIGATO_EVENT_WORKER_JOINED);
    pigato_broker_event left;

    CHECK_TEXT("service", joined.service);
    CHECK(joined.peer.length > 0);
    pigato_worker_free(fleet.worker);
    fleet.worker = NULL;
    left = next_broker_event(fleet.broker, PIGATO_EVENT_WORKER_LEFT);
    CHECK_TEXT("service", left.service);
    CHECK_TEXT("disconnected", left.reason);
    CHECK(left.peer.length == joined.peer.length && memcmp(left.peer.data, joined.peer.data, left.peer.length) == 0);
    pigato_broker_events_free(&joined, 1);
    pigato_broker_events_free(&left, 1);
    stop_fleet(&fleet);
}

static void a_stop_finishes_jobs_and_refuses_new_requests(void)
{
    struct fleet fleet = start_fleet();
    uint64_t accepted = ask(&fleet, "1");
    uint64_t request = next_request(fleet.worker);
    pigato_statistics now;
    pigato_text directory;

    CHECK_OK(pigato_broker_stop(fleet.broker, WAIT_LIMIT_MS));
    expect_failure(&fleet, ask(&fleet, "2"), PIGATO_B_DRAINING);
    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    expect_reply(&fleet, accepted, "1");
    await_broker_event(fleet.broker, PIGATO_EVENT_STOPPED);
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_broker_statistics(fleet.broker, &now));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_broker_directory(fleet.broker, &directory));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_broker_stop(fleet.broker, 0));
    stop_fleet(&fleet);
}

static void peers_reconnect_after_a_broker_restart(void)
{
    struct fleet fleet = start_fleet();
    pigato_options *options = options_with(PIGATO_OPTIONS_BROKER, "intch", "null");
    char endpoint[64];
    pigato_bytes same = {endpoint, 0};
    uint64_t asked;

    await_worker_event(fleet.worker, PIGATO_EVENT_CONNECTED);
    await_client_event(fleet.client, PIGATO_EVENT_CONNECTED);
    same.length = fleet.endpoint.length;
    memcpy(endpoint, fleet.endpoint.data, same.length);
    CHECK_OK(pigato_broker_stop(fleet.broker, 0));
    await_broker_event(fleet.broker, PIGATO_EVENT_STOPPED);
    pigato_broker_free(fleet.broker);
    await_worker_event(fleet.worker, PIGATO_EVENT_DISCONNECTED);
    await_client_event(fleet.client, PIGATO_EVENT_DISCONNECTED);
    CHECK_OK(pigato_broker_start(&same, 1, options, &fleet.broker));
    pigato_options_free(options);
    await_worker_event(fleet.worker, PIGATO_EVENT_CONNECTED);
    await_client_event(fleet.client, PIGATO_EVENT_CONNECTED);
    asked = ask(&fleet, "1");
    CHECK_OK(pigato_worker_end(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("1"), NULL));
    expect_reply(&fleet, asked, "1");
    stop_fleet(&fleet);
}

static void a_directory_service_joins_and_leaves(void)
{
    const pigato_bytes anywhere = {PIGATO_TEXT("tcp://127.0.0.1:*")};
    pigato_options *options = options_with(PIGATO_OPTIONS_BROKER, "intch", "\"tcp://127.0.0.1:*\"");
    pigato_broker *broker;
    pigato_broker_event event;
    pigato_directory *directory = NULL;
    pigato_bytes endpoint, intch;

    CHECK_OK(pigato_broker_start(&anywhere, 1, options, &broker));
    pigato_options_free(options);
    CHECK_OK(pigato_broker_endpoint(broker, 0, &endpoint));
    CHECK_OK(pigato_broker_intch(broker, &intch));
    CHECK_OK(pigato_directory_start(endpoint.data, endpoint.length, intch.data, intch.length, &directory));
    event = next_broker_event(broker, PIGATO_EVENT_WORKER_JOINED);
    CHECK_TEXT("$dir", event.service);
    pigato_broker_events_free(&event, 1);
    pigato_directory_free(directory);
    event = next_broker_event(broker, PIGATO_EVENT_WORKER_LEFT);
    CHECK_TEXT("$dir", event.service);
    pigato_broker_events_free(&event, 1);
    pigato_broker_free(broker);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_broker_reports_its_name_and_endpoints),
        TEST(an_endpoint_in_use_is_an_error),
        TEST(statistics_count_requests_and_replies),
        TEST(the_directory_lists_services_and_their_workers),
        TEST(events_report_workers_that_join_and_leave),
        TEST(a_stop_finishes_jobs_and_refuses_new_requests),
        TEST(peers_reconnect_after_a_broker_restart),
        TEST(a_directory_service_joins_and_leaves),
    };

    return RUN_TESTS(tests, argc, argv);
}
