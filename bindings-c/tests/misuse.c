/* Wrong or missing arguments and calls at the wrong time return a status and change nothing. */

#define _POSIX_C_SOURCE 200809L

#include "fleet.h"

#include <math.h>
#include <pthread.h>

static const char *const NOWHERE = "tcp://127.0.0.1:1";

static void freeing_null_does_nothing(void)
{
    pigato_options_free(NULL);
    pigato_broker_free(NULL);
    pigato_worker_free(NULL);
    pigato_client_free(NULL);
    pigato_directory_free(NULL);
    pigato_text_free(NULL);
    pigato_client_events_free(NULL, 3);
    pigato_worker_events_free(NULL, 3);
    pigato_broker_events_free(NULL, 3);
}

static void a_null_handle_is_a_bad_argument(void)
{
    pigato_client_event client_event;
    pigato_worker_event worker_event;
    pigato_broker_event broker_event;
    pigato_statistics statistics;
    pigato_text text;
    pigato_bytes bytes;
    uint64_t request;
    size_t count;
    bool yes;
    int fd;

    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_request(NULL, PIGATO_TEXT("a"), NULL, 0, NULL, &request));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_cancel(NULL, 1));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_heartbeat(NULL, 1));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_consumed(NULL, 1, 1));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_fd(NULL, &fd));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_poll(NULL, &client_event, 1, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_cork(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_uncork(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_stop(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_write(NULL, 1, NULL, 0, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_end(NULL, 1, NULL, 0, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_error(NULL, 1, NULL, 0, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_fail(NULL, 1, NULL, 0));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_reject(NULL, 1, NULL, 0));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_is_wanted(NULL, 1, &yes));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_set_concurrency(NULL, 1));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_heartbeat(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_fd(NULL, &fd));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_poll(NULL, &worker_event, 1, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_cork(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_uncork(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_stop(NULL, 0));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_endpoint(NULL, 0, &bytes));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_intch(NULL, &bytes));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_name(NULL, &bytes));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_statistics(NULL, &statistics));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_directory(NULL, &text));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_fd(NULL, &fd));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_poll(NULL, &broker_event, 1, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_stop(NULL, 0));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set(NULL, PIGATO_TEXT("name"), PIGATO_TEXT("1")));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set_number(NULL, PIGATO_TEXT("name"), 1));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set_text(NULL, PIGATO_TEXT("name"), PIGATO_TEXT("1")));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set_bool(NULL, PIGATO_TEXT("name"), true));
}

static void a_null_out_parameter_is_a_bad_argument(void)
{
    struct fleet fleet = start_fleet();
    const pigato_bytes anywhere = {PIGATO_TEXT("tcp://127.0.0.1:*")};
    pigato_client_event client_event;
    pigato_worker_event worker_event;
    pigato_broker_event broker_event;
    size_t count;

    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_last_error(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_version(NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_status_name(PIGATO_OK, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_status_message(PIGATO_OK, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_new(PIGATO_OPTIONS_BROKER, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_start(&anywhere, 1, NULL, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_start(NULL, 1, NULL, &fleet.broker));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_start(NOWHERE, strlen(NOWHERE), PIGATO_TEXT("a"), NULL, NULL));
    CHECK_STATUS(
        PIGATO_E_ARGUMENT, pigato_client_start(NOWHERE, strlen(NOWHERE), NULL, PIGATO_GRANT_AS_POLLED, NULL));
    CHECK_STATUS(
        PIGATO_E_ARGUMENT,
        pigato_directory_start(NOWHERE, strlen(NOWHERE), NOWHERE, strlen(NOWHERE), NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_request(fleet.client, PIGATO_TEXT("a"), NULL, 0, NULL, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_fd(fleet.client, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_poll(fleet.client, NULL, 1, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_poll(fleet.client, &client_event, 1, 0, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_poll(fleet.client, &client_event, 0, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_is_wanted(fleet.worker, 1, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_fd(fleet.worker, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_poll(fleet.worker, NULL, 1, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_poll(fleet.worker, &worker_event, 1, 0, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_poll(fleet.worker, &worker_event, 0, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_endpoint(fleet.broker, 0, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_intch(fleet.broker, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_name(fleet.broker, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_statistics(fleet.broker, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_directory(fleet.broker, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_fd(fleet.broker, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_poll(fleet.broker, NULL, 1, 0, &count));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_poll(fleet.broker, &broker_event, 1, 0, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_poll(fleet.broker, &broker_event, 0, 0, &count));
    stop_fleet(&fleet);
}

static void a_failure_does_not_write_out_parameters(void)
{
    struct fleet fleet = start_fleet();
    pigato_options *const no_options = (pigato_options *)&fleet;
    pigato_client *const no_client = (pigato_client *)&fleet;
    pigato_options *options = no_options;
    pigato_client *client = no_client;
    uint64_t request = 77;
    pigato_bytes bytes = {"before", 6};

    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_new(99, &options));
    CHECK(options == no_options);
    CHECK_STATUS(PIGATO_E_ENDPOINT, pigato_client_start(PIGATO_TEXT("nonsense"), NULL, 0, &client));
    CHECK(client == no_client);
    CHECK_STATUS(PIGATO_E_OPTION, pigato_client_request(fleet.client, NULL, 0, NULL, 0, NULL, &request));
    CHECK(request == 77);
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_endpoint(fleet.broker, 1, &bytes));
    CHECK_TEXT("before", bytes);
    stop_fleet(&fleet);
}

static void invalid_numbers_are_bad_arguments(void)
{
    pigato_options *options = NULL;
    pigato_client *client = NULL;
    pigato_bytes text;

    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_new(0, &options));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_new(-1, &options));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_new(6, &options));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_start(NOWHERE, strlen(NOWHERE), NULL, 2, &client));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_start(NOWHERE, strlen(NOWHERE), NULL, -1, &client));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_status_name(2, &text));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_status_message(-1, &text));
}

static void invalid_text_is_a_bad_argument(void)
{
    const pigato_bytes bad_endpoint = {PIGATO_TEXT("tcp://\xff")};
    const pigato_bytes no_endpoint = {NULL, 3};
    pigato_options *options = options_with(PIGATO_OPTIONS_REQUEST, "own", "1");
    pigato_broker *broker = NULL;
    pigato_client *client = NULL;
    pigato_worker *worker = NULL;
    struct fleet fleet = start_fleet();
    uint64_t request;

    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_start(&bad_endpoint, 1, NULL, &broker));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_start(&no_endpoint, 1, NULL, &broker));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_start(PIGATO_TEXT("\xc3"), NULL, 0, &client));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_start(NULL, 5, NULL, 0, &client));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_start(NULL, 5, PIGATO_TEXT("a"), NULL, &worker));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_start(NOWHERE, strlen(NOWHERE), NULL, 5, NULL, &worker));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set(options, PIGATO_TEXT("\xff"), PIGATO_TEXT("1")));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set(options, PIGATO_TEXT("own"), PIGATO_TEXT("\"\xff\"")));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set_text(options, PIGATO_TEXT("own"), PIGATO_TEXT("\xff")));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set_text(options, PIGATO_TEXT("own"), NULL, 1));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set(options, NULL, 1, PIGATO_TEXT("1")));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_request(fleet.client, NULL, 1, NULL, 0, NULL, &request));
    CHECK_STATUS(
        PIGATO_E_ARGUMENT, pigato_client_request(fleet.client, PIGATO_TEXT("a"), NULL, 1, NULL, &request));
    CHECK_STATUS(
        PIGATO_E_ARGUMENT, pigato_client_request(fleet.client, PIGATO_TEXT("a"), "x", SIZE_MAX, NULL, &request));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_end(fleet.worker, 1, NULL, 1, NULL));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_reject(fleet.worker, 1, NULL, 1));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_worker_fail(fleet.worker, 1, NULL, 1));
    stop_fleet(&fleet);
    pigato_options_free(options);
}

static void empty_names_and_endpoints_are_refused(void)
{
    const pigato_bytes empty = {NULL, 0};
    pigato_broker *broker = NULL;
    pigato_client *client = NULL;
    pigato_worker *worker = NULL;

    CHECK_STATUS(PIGATO_E_ENDPOINT, pigato_broker_start(&empty, 1, NULL, &broker));
    CHECK_STATUS(PIGATO_E_ENDPOINT, pigato_client_start(NULL, 0, NULL, 0, &client));
    CHECK_STATUS(PIGATO_E_ENDPOINT, pigato_worker_start(NULL, 0, PIGATO_TEXT("a"), NULL, &worker));
    CHECK_STATUS(PIGATO_E_OPTION, pigato_worker_start(NOWHERE, strlen(NOWHERE), NULL, 0, NULL, &worker));
}

static void options_are_checked(void)
{
    pigato_options *broker = options_with(PIGATO_OPTIONS_BROKER, "intch", "null");
    pigato_options *request = options_with(PIGATO_OPTIONS_REQUEST, "timeout", "-1");
    pigato_worker *worker = NULL;

    CHECK_STATUS(PIGATO_E_OPTION, pigato_options_set(broker, PIGATO_TEXT("heartbaet"), PIGATO_TEXT("1")));
    CHECK(strncmp(last_error(), "E_OPTION", 8) == 0);
    CHECK(strstr(last_error(), "heartbaet") != NULL && strstr(last_error(), "maxRequestBytes") != NULL);
    CHECK_STATUS(PIGATO_E_OPTION, pigato_options_set(broker, NULL, 0, PIGATO_TEXT("1")));
    CHECK_STATUS(PIGATO_E_OPTION, pigato_options_set_text(broker, PIGATO_TEXT("heartbeat"), PIGATO_TEXT("often")));
    CHECK_STATUS(PIGATO_E_OPTION, pigato_options_set_number(broker, PIGATO_TEXT("maxRequests"), 1.5));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_options_set_number(broker, PIGATO_TEXT("intch"), HUGE_VAL));
    CHECK_STATUS(PIGATO_E_OPTION, pigato_options_set_number(broker, PIGATO_TEXT("heartbeat"), -7));
    CHECK_STATUS(PIGATO_E_DATA, pigato_options_set(broker, PIGATO_TEXT("name"), PIGATO_TEXT("unquoted")));
    CHECK(strstr(last_error(), "needs its quotes") != NULL);
    CHECK_STATUS(PIGATO_E_OPTION, pigato_options_set_bool(request, PIGATO_TEXT("timeout"), true));
    CHECK_STATUS(PIGATO_E_OPTION, pigato_options_set_text(request, PIGATO_TEXT("codec"), PIGATO_TEXT("xml")));
    CHECK_STATUS(PIGATO_E_DATA, pigato_options_set(request, PIGATO_TEXT("timeout"), PIGATO_TEXT("{")));
    CHECK_STATUS(PIGATO_E_DATA, pigato_options_set(request, PIGATO_TEXT("timeout"), NULL, 0));
    CHECK_STATUS(
        PIGATO_E_ARGUMENT, pigato_worker_start(NOWHERE, strlen(NOWHERE), PIGATO_TEXT("a"), request, &worker));
    CHECK(strstr(last_error(), "another kind") != NULL);
    pigato_options_free(broker);
    pigato_options_free(request);
}

static void freeing_twice_does_nothing(void)
{
    struct fleet fleet = start_fleet();
    pigato_client_event reply;
    pigato_worker_event request;
    pigato_broker_event joined = next_broker_event(fleet.broker, PIGATO_EVENT_WORKER_JOINED);
    pigato_text text;

    ask(&fleet, "1");
    request = next_worker_event(fleet.worker, PIGATO_EVENT_REQUEST);
    CHECK_OK(pigato_worker_end(fleet.worker, request.request, PIGATO_TEXT("1"), NULL));
    reply = next_client_event(fleet.client, PIGATO_EVENT_REPLY);
    CHECK_OK(pigato_broker_directory(fleet.broker, &text));
    pigato_client_events_free(&reply, 1);
    pigato_client_events_free(&reply, 1);
    pigato_worker_events_free(&request, 1);
    pigato_worker_events_free(&request, 1);
    pigato_broker_events_free(&joined, 1);
    pigato_broker_events_free(&joined, 1);
    pigato_text_free(&text);
    CHECK(text.data == NULL && text.length == 0);
    pigato_text_free(&text);
    stop_fleet(&fleet);
}

static void events_outlive_their_handle(void)
{
    struct fleet fleet = start_fleet();
    pigato_worker_event event;

    ask(&fleet, "\"still here\"");
    event = next_worker_event(fleet.worker, PIGATO_EVENT_REQUEST);
    stop_fleet(&fleet);
    CHECK_TEXT("\"still here\"", event.data);
    pigato_worker_events_free(&event, 1);
}

static void calls_after_a_stop_return_closed(void)
{
    struct fleet fleet = start_fleet();
    pigato_client_event client_event;
    pigato_worker_event worker_event;
    pigato_broker_event broker_event;
    uint64_t request;
    size_t count;

    CHECK_OK(pigato_client_stop(fleet.client));
    await_client_event(fleet.client, PIGATO_EVENT_STOPPED);
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_client_poll(fleet.client, &client_event, 1, -1, &count));
    CHECK_STATUS(
        PIGATO_C_CLOSED, pigato_client_request(fleet.client, PIGATO_TEXT("a"), NULL, 0, NULL, &request));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_client_cancel(fleet.client, 1));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_client_heartbeat(fleet.client, 1));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_client_stop(fleet.client));
    CHECK_OK(pigato_worker_stop(fleet.worker, 0));
    await_worker_event(fleet.worker, PIGATO_EVENT_STOPPED);
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_poll(fleet.worker, &worker_event, 1, -1, &count));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_end(fleet.worker, 1, PIGATO_TEXT("1"), NULL));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_set_concurrency(fleet.worker, 2));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_heartbeat(fleet.worker));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_stop(fleet.worker, 0));
    CHECK_OK(pigato_broker_stop(fleet.broker, 0));
    await_broker_event(fleet.broker, PIGATO_EVENT_STOPPED);
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_broker_poll(fleet.broker, &broker_event, 1, -1, &count));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_broker_stop(fleet.broker, 0));
    stop_fleet(&fleet);
}

static void replies_to_an_unknown_job_return_closed(void)
{
    struct fleet fleet = start_fleet();
    bool is_wanted = true;

    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_write(fleet.worker, 99, PIGATO_TEXT("1"), NULL));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_end(fleet.worker, 0, PIGATO_TEXT("1"), NULL));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_error(fleet.worker, 99, PIGATO_TEXT("1"), NULL));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_fail(fleet.worker, 99, PIGATO_TEXT("1")));
    CHECK_STATUS(PIGATO_C_CLOSED, pigato_worker_reject(fleet.worker, 99, NULL, 0));
    CHECK_OK(pigato_worker_is_wanted(fleet.worker, 99, &is_wanted));
    CHECK(!is_wanted);
    CHECK_OK(pigato_client_cancel(fleet.client, 99));
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_consumed(fleet.client, 99, 5));
    stop_fleet(&fleet);
}

static void *fail_in_this_thread(void *argument)
{
    pigato_bytes text;

    (void)argument;
    CHECK_OK(pigato_last_error(&text));
    CHECK(text.length == 0);
    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_client_stop(NULL));
    CHECK_OK(pigato_last_error(&text));
    CHECK(contains(text, "client"));
    return NULL;
}

static void each_thread_has_its_own_last_error(void)
{
    pigato_bytes text;
    pthread_t thread;

    CHECK_STATUS(PIGATO_E_ARGUMENT, pigato_broker_stop(NULL, 0));
    CHECK(pthread_create(&thread, NULL, fail_in_this_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK_OK(pigato_last_error(&text));
    CHECK(contains(text, "E_ARGUMENT") && contains(text, "broker"));
    CHECK(text.data[text.length] == '\0');
}

static void statuses_have_names_and_messages(void)
{
    static const struct {
        pigato_status status;
        const char *name;
    } known[] = {
        {PIGATO_OK, "OK"},
        {PIGATO_REMOTE_ERROR, "REMOTE_ERROR"},
        {PIGATO_C_TIMEOUT, "C_TIMEOUT"},
        {PIGATO_B_NO_WORKER, "B_NO_WORKER"},
        {PIGATO_W_HANDLER, "W_HANDLER"},
        {PIGATO_E_INTERNAL, "E_INTERNAL"},
    };
    pigato_bytes name, message, version;
    size_t index;

    for (index = 0; index < sizeof known / sizeof known[0]; index++) {
        CHECK_OK(pigato_status_name(known[index].status, &name));
        CHECK_TEXT(known[index].name, name);
        CHECK_OK(pigato_status_message(known[index].status, &message));
        CHECK(message.length > 0);
        CHECK(name.data[name.length] == '\0' && message.data[message.length] == '\0');
    }
    CHECK_OK(pigato_version(&version));
    CHECK(contains(version, ".") && version.data[version.length] == '\0');
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(freeing_null_does_nothing),
        TEST(a_null_handle_is_a_bad_argument),
        TEST(a_null_out_parameter_is_a_bad_argument),
        TEST(a_failure_does_not_write_out_parameters),
        TEST(invalid_numbers_are_bad_arguments),
        TEST(invalid_text_is_a_bad_argument),
        TEST(empty_names_and_endpoints_are_refused),
        TEST(options_are_checked),
        TEST(freeing_twice_does_nothing),
        TEST(events_outlive_their_handle),
        TEST(calls_after_a_stop_return_closed),
        TEST(replies_to_an_unknown_job_return_closed),
        TEST(each_thread_has_its_own_last_error),
        TEST(statuses_have_names_and_messages),
    };

    return RUN_TESTS(tests, argc, argv);
}
