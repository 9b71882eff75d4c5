/* A child process cannot use its parent's handles, but may free them and create its own. */

#define _POSIX_C_SOURCE 200809L

#include "fleet.h"

#include <pthread.h>
#include <sys/types.h>
#include <sys/wait.h>

static void expect_fork_errors(const struct fleet *fleet, uint64_t request)
{
    pigato_client_event client_event;
    pigato_worker_event worker_event;
    pigato_broker_event broker_event;
    pigato_statistics statistics;
    pigato_text text;
    uint64_t ignored;
    bool is_wanted;
    int descriptor;
    size_t count;

    CHECK_STATUS(PIGATO_E_FORK, pigato_client_request(fleet->client, PIGATO_TEXT("a"), NULL, 0, NULL, &ignored));
    CHECK_STATUS(PIGATO_E_FORK, pigato_client_cancel(fleet->client, 1));
    CHECK_STATUS(PIGATO_E_FORK, pigato_client_poll(fleet->client, &client_event, 1, -1, &count));
    CHECK_STATUS(PIGATO_E_FORK, pigato_client_consumed(fleet->client, 1, 1));
    CHECK_STATUS(PIGATO_E_FORK, pigato_client_fd(fleet->client, &descriptor));
    CHECK_STATUS(PIGATO_E_FORK, pigato_client_cork(fleet->client));
    CHECK_STATUS(PIGATO_E_FORK, pigato_client_uncork(fleet->client));
    CHECK_STATUS(PIGATO_E_FORK, pigato_client_stop(fleet->client));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_write(fleet->worker, request, PIGATO_TEXT("1"), NULL));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_end(fleet->worker, request, PIGATO_TEXT("1"), NULL));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_poll(fleet->worker, &worker_event, 1, -1, &count));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_is_wanted(fleet->worker, request, &is_wanted));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_fd(fleet->worker, &descriptor));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_cork(fleet->worker));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_uncork(fleet->worker));
    CHECK_STATUS(PIGATO_E_FORK, pigato_worker_stop(fleet->worker, -1));
    CHECK_STATUS(PIGATO_E_FORK, pigato_broker_statistics(fleet->broker, &statistics));
    CHECK_STATUS(PIGATO_E_FORK, pigato_broker_directory(fleet->broker, &text));
    CHECK_STATUS(PIGATO_E_FORK, pigato_broker_poll(fleet->broker, &broker_event, 1, -1, &count));
    CHECK_STATUS(PIGATO_E_FORK, pigato_broker_fd(fleet->broker, &descriptor));
    CHECK_STATUS(PIGATO_E_FORK, pigato_broker_stop(fleet->broker, -1));
}

/* Sends and answers a request with new handles. */
static void run_a_request(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "1");

    CHECK_OK(pigato_worker_end(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("\"done\""), NULL));
    expect_reply(&fleet, asked, "\"done\"");
    stop_fleet(&fleet);
}

/* Waits for a child, which must exit by itself. */
static int exit_status_of(pid_t child)
{
    int status = 0;

    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_child_gets_e_fork_and_its_parent_is_not_affected(void)
{
    struct fleet fleet = start_fleet();
    uint64_t asked = ask(&fleet, "1");
    uint64_t request = next_request(fleet.worker);
    pid_t child = fork();

    if (child == 0) {
        alarm(PROGRAM_SECONDS);
        expect_fork_errors(&fleet, request);
        stop_fleet(&fleet);
        _exit(EXIT_SUCCESS);
    }
    CHECK(exit_status_of(child) == EXIT_SUCCESS);
    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("\"parent\""), NULL));
    expect_reply(&fleet, asked, "\"parent\"");
    stop_fleet(&fleet);
}

static void a_child_creates_its_own_handles(void)
{
    struct fleet fleet = start_fleet();
    pid_t child = fork();

    if (child == 0) {
        alarm(PROGRAM_SECONDS);
        run_a_request();
        stop_fleet(&fleet);
        run_a_request();
        _exit(EXIT_SUCCESS);
    }
    CHECK(exit_status_of(child) == EXIT_SUCCESS);
    stop_fleet(&fleet);
    run_a_request();
}

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static bool is_over;

static bool read_is_over(void)
{
    bool value;

    pthread_mutex_lock(&guard);
    value = is_over;
    pthread_mutex_unlock(&guard);
    return value;
}

static void set_is_over(void)
{
    pthread_mutex_lock(&guard);
    is_over = true;
    pthread_mutex_unlock(&guard);
}

/* The client needs no broker. */
static void free_new_client(void)
{
    pigato_client *client;

    CHECK_OK(pigato_client_start(PIGATO_TEXT("tcp://127.0.0.1:9"), NULL, PIGATO_GRANT_AS_POLLED, &client));
    pigato_client_free(client);
}

/* Starts and frees clients until is_over, so that a fork interrupts it at any point. */
static void *churn(void *nothing)
{
    while (!read_is_over()) {
        free_new_client();
    }
    return nothing;
}

static void a_child_creates_handles_whatever_other_threads_were_doing(void)
{
    pthread_t thread;
    int count;

    CHECK(pthread_create(&thread, NULL, churn, NULL) == 0);
    for (count = 0; count < 100; count++) {
        pid_t child = fork();

        if (child == 0) {
            alarm(PROGRAM_SECONDS);
            free_new_client();
            _exit(EXIT_SUCCESS);
        }
        CHECK(exit_status_of(child) == EXIT_SUCCESS);
    }
    set_is_over();
    CHECK(pthread_join(thread, NULL) == 0);
}

#define THREADS 16

static void *poll_until_closed(void *argument)
{
    const pigato_client *client = (const pigato_client *)argument;
    pigato_client_event event;
    pigato_status status;
    size_t count;

    while ((status = pigato_client_poll(client, &event, 1, WAIT_LIMIT_MS, &count)) == PIGATO_OK) {
        CHECK(count == 1);
        pigato_client_events_free(&event, count);
    }
    CHECK_STATUS(PIGATO_C_CLOSED, status);
    return NULL;
}

static void *run_two_requests(void *nothing)
{
    run_a_request();
    run_a_request();
    return nothing;
}

#define CLIENTS 20

/* Waits on CLIENTS clients in turn. */
static void *poll_many(void *nothing)
{
    pigato_client *clients[CLIENTS];
    pigato_client_event event;
    size_t count;
    int at;

    for (at = 0; at < CLIENTS; at++) {
        CHECK_OK(pigato_client_start(PIGATO_TEXT("tcp://127.0.0.1:9"), NULL, PIGATO_GRANT_AS_POLLED, &clients[at]));
        CHECK_OK(pigato_client_poll(clients[at], &event, 1, 1, &count));
        pigato_client_events_free(&event, count);
    }
    for (at = 0; at < CLIENTS; at++) {
        pigato_client_free(clients[at]);
    }
    return nothing;
}

static void run_threads(pthread_t threads[], void *(*body)(void *), void *argument)
{
    int at;

    for (at = 0; at < THREADS; at++) {
        CHECK(pthread_create(&threads[at], NULL, body, argument) == 0);
    }
}

static void join_threads(pthread_t threads[])
{
    int at;

    for (at = 0; at < THREADS; at++) {
        CHECK(pthread_join(threads[at], NULL) == 0);
    }
}

/*
 * The parent's waiting threads do not exist in the child. Threads of the child reuse the memory of
 * their stacks and thread-local data.
 */
static void a_child_may_poll_in_many_threads_as_its_parent_did(void)
{
    struct fleet fleet = start_fleet();
    pthread_t threads[THREADS];
    pid_t child;

    run_threads(threads, poll_until_closed, fleet.client);
    run_a_request();
    child = fork();
    if (child == 0) {
        alarm(PROGRAM_SECONDS);
        run_threads(threads, poll_many, NULL);
        join_threads(threads);
        run_threads(threads, run_two_requests, NULL);
        join_threads(threads);
        _exit(EXIT_SUCCESS);
    }
    CHECK(exit_status_of(child) == EXIT_SUCCESS);
    CHECK_OK(pigato_client_stop(fleet.client));
    join_threads(threads);
    stop_fleet(&fleet);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_child_gets_e_fork_and_its_parent_is_not_affected),
        TEST(a_child_creates_its_own_handles),
        TEST(a_child_creates_handles_whatever_other_threads_were_doing),
        TEST(a_child_may_poll_in_many_threads_as_its_parent_did),
    };

    return RUN_TESTS(tests, argc, argv);
}
