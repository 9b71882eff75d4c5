/* Polling: timeouts, descriptors, several threads, event loops, corks. */

#define _POSIX_C_SOURCE 200809L

#include "fleet.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

static bool is_readable(int fd)
{
    struct pollfd place;

    place.fd = fd;
    place.events = POLLIN;
    return poll(&place, 1, 0) == 1 && (place.revents & POLLIN) != 0;
}

static bool becomes_readable(int fd)
{
    struct pollfd place;

    place.fd = fd;
    place.events = POLLIN;
    return poll(&place, 1, WAIT_LIMIT_MS) == 1 && (place.revents & POLLIN) != 0;
}

static void a_poll_with_timeout_0_returns_at_once(void)
{
    struct fleet fleet = start_fleet();
    pigato_client_event event;
    size_t count = 99;
    int64_t before;

    await_client_event(fleet.client, PIGATO_EVENT_CONNECTED);
    before = now_ms();
    CHECK_OK(pigato_client_poll(fleet.client, &event, 1, 0, &count));
    CHECK(count == 0);
    CHECK(now_ms() - before < WAIT_LIMIT_MS / 2);
    stop_fleet(&fleet);
}

static void a_poll_returns_after_its_timeout(void)
{
    struct fleet fleet = start_fleet();
    pigato_client_event event;
    size_t count = 99;
    int64_t before;

    await_client_event(fleet.client, PIGATO_EVENT_CONNECTED);
    before = now_ms();
    CHECK_OK(pigato_client_poll(fleet.client, &event, 1, 50, &count));
    CHECK(count == 0);
    /* Less 1 ms, because now_ms() rounds down. */
    CHECK(now_ms() - before >= 49);
    stop_fleet(&fleet);
}

static void the_descriptor_is_readable_exactly_while_there_are_events(void)
{
    struct fleet fleet = start_fleet();
    /* The client's heartbeats would be events at the worker. */
    pigato_options *options = options_with(PIGATO_OPTIONS_CLIENT, "heartbeat", "600000");
    pigato_worker_event event;
    uint64_t request;
    size_t count;
    int client, worker;

    pigato_client_free(fleet.client);
    CHECK_OK(pigato_client_start(
        fleet.endpoint.data, fleet.endpoint.length, options, PIGATO_GRANT_AS_POLLED, &fleet.client));
    pigato_options_free(options);
    CHECK_OK(pigato_client_fd(fleet.client, &client));
    CHECK_OK(pigato_worker_fd(fleet.worker, &worker));
    await_worker_event(fleet.worker, PIGATO_EVENT_CONNECTED);
    await_client_event(fleet.client, PIGATO_EVENT_CONNECTED);
    CHECK(!is_readable(client) && !is_readable(worker));
    ask(&fleet, "1");
    ask(&fleet, "2");
    CHECK(becomes_readable(worker));
    request = next_request(fleet.worker);
    CHECK(becomes_readable(worker));
    CHECK_OK(pigato_worker_poll(fleet.worker, &event, 1, 0, &count));
    CHECK(count == 1 && event.kind == PIGATO_EVENT_REQUEST);
    CHECK(!is_readable(worker));
    CHECK(!is_readable(client));
    CHECK_OK(pigato_worker_end(fleet.worker, request, PIGATO_TEXT("1"), NULL));
    CHECK(becomes_readable(client));
    CHECK(is_readable(client));
    await_client_event(fleet.client, PIGATO_EVENT_REPLY);
    CHECK(!is_readable(client));
    CHECK_OK(pigato_worker_end(fleet.worker, event.request, PIGATO_TEXT("2"), NULL));
    pigato_worker_events_free(&event, 1);
    CHECK(becomes_readable(client));
    stop_fleet(&fleet);
}

/* Answers the worker's next events. */
static void answer_all(const struct fleet *fleet)
{
    pigato_worker_event events[3];
    size_t count, index;

    CHECK_OK(pigato_worker_poll(fleet->worker, events, 3, 0, &count));
    for (index = 0; index < count; index++) {
        if (events[index].kind == PIGATO_EVENT_REQUEST) {
            CHECK_OK(pigato_worker_end(
                fleet->worker, events[index].request, events[index].data.data, events[index].data.length, NULL));
        }
    }
    pigato_worker_events_free(events, count);
}

/* Takes the client's next events; returns the number of replies among them. */
static size_t count_replies(const struct fleet *fleet)
{
    pigato_client_event events[3];
    size_t count, index, replies = 0;

    CHECK_OK(pigato_client_poll(fleet->client, events, 3, 0, &count));
    for (index = 0; index < count; index++) {
        replies += events[index].kind == PIGATO_EVENT_REPLY;
    }
    pigato_client_events_free(events, count);
    return replies;
}

static void one_epoll_loop_serves_a_worker_and_a_client(void)
{
    enum { REQUESTS = 300 };
    struct fleet fleet = start_fleet();
    struct epoll_event watched, ready[2];
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int client, worker, index, found;
    size_t replies = 0;

    CHECK(loop >= 0);
    CHECK_OK(pigato_client_fd(fleet.client, &client));
    CHECK_OK(pigato_worker_fd(fleet.worker, &worker));
    watched.events = EPOLLIN;
    watched.data.fd = client;
    CHECK(epoll_ctl(loop, EPOLL_CTL_ADD, client, &watched) == 0);
    watched.data.fd = worker;
    CHECK(epoll_ctl(loop, EPOLL_CTL_ADD, worker, &watched) == 0);
    for (index = 0; index < REQUESTS; index++) {
        ask(&fleet, "1");
    }
    while (replies < REQUESTS) {
        found = epoll_wait(loop, ready, 2, WAIT_LIMIT_MS);
        CHECK(found > 0);
        for (index = 0; index < found; index++) {
            if (ready[index].data.fd == worker) {
                answer_all(&fleet);
            } else {
                replies += count_replies(&fleet);
            }
        }
    }
    CHECK(replies == REQUESTS);
    CHECK(close(loop) == 0);
    stop_fleet(&fleet);
}

enum { SHARED_REQUESTS = 2000, POLLING_THREADS = 2 };

struct pollers {
    struct fleet fleet;
    pthread_mutex_t lock;
    pthread_cond_t is_done;
    unsigned char seen[SHARED_REQUESTS + 1]; /* by request number: how often its reply was polled */
    size_t replies;
};

static void *poll_until_closed(void *argument)
{
    struct pollers *pollers = (struct pollers *)argument;
    pigato_client_event events[7];
    pigato_status status;
    size_t count, index;

    while ((status = pigato_client_poll(pollers->fleet.client, events, 7, -1, &count)) == PIGATO_OK) {
        CHECK(count > 0);
        CHECK(pthread_mutex_lock(&pollers->lock) == 0);
        for (index = 0; index < count; index++) {
            if (events[index].kind == PIGATO_EVENT_REPLY) {
                CHECK(events[index].request <= SHARED_REQUESTS);
                pollers->seen[events[index].request]++;
                pollers->replies++;
            }
        }
        if (pollers->replies == SHARED_REQUESTS) {
            CHECK(pthread_cond_signal(&pollers->is_done) == 0);
        }
        CHECK(pthread_mutex_unlock(&pollers->lock) == 0);
        pigato_client_events_free(events, count);
    }
    CHECK_STATUS(PIGATO_C_CLOSED, status);
    return NULL;
}

static void threads_that_poll_one_handle_share_its_events(void)
{
    struct pollers pollers;
    pthread_t threads[POLLING_THREADS];
    struct timespec deadline;
    size_t index;

    memset(&pollers, 0, sizeof pollers);
    pollers.fleet = start_fleet();
    CHECK(pthread_mutex_init(&pollers.lock, NULL) == 0);
    CHECK(pthread_cond_init(&pollers.is_done, NULL) == 0);
    for (index = 0; index < POLLING_THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, poll_until_closed, &pollers) == 0);
    }
    for (index = 0; index < SHARED_REQUESTS; index++) {
        CHECK(ask(&pollers.fleet, "1") == index + 1);
    }
    for (index = 0; index < SHARED_REQUESTS; index++) {
        CHECK_OK(pigato_worker_end(
            pollers.fleet.worker, next_request(pollers.fleet.worker), PIGATO_TEXT("1"), NULL));
    }
    CHECK(clock_gettime(CLOCK_REALTIME, &deadline) == 0);
    deadline.tv_sec += WAIT_LIMIT_MS / 1000;
    CHECK(pthread_mutex_lock(&pollers.lock) == 0);
    while (pollers.replies < SHARED_REQUESTS) {
        CHECK(pthread_cond_timedwait(&pollers.is_done, &pollers.lock, &deadline) == 0);
    }
    CHECK(pthread_mutex_unlock(&pollers.lock) == 0);
    CHECK_OK(pigato_client_stop(pollers.fleet.client));
    for (index = 0; index < POLLING_THREADS; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    for (index = 1; index <= SHARED_REQUESTS; index++) {
        CHECK(pollers.seen[index] == 1);
    }
    CHECK(pthread_cond_destroy(&pollers.is_done) == 0);
    CHECK(pthread_mutex_destroy(&pollers.lock) == 0);
    stop_fleet(&pollers.fleet);
}

static void *poll_worker_until_closed(void *argument)
{
    const pigato_worker *worker = (const pigato_worker *)argument;
    pigato_worker_event event;
    pigato_status status;
    size_t count;

    while ((status = pigato_worker_poll(worker, &event, 1, -1, &count)) == PIGATO_OK) {
        CHECK(count > 0);
        pigato_worker_events_free(&event, count);
    }
    CHECK_STATUS(PIGATO_C_CLOSED, status);
    return NULL;
}

static void a_stop_wakes_threads_that_wait_forever(void)
{
    struct fleet fleet = start_fleet();
    pthread_t threads[POLLING_THREADS];
    size_t index;

    for (index = 0; index < POLLING_THREADS; index++) {
        CHECK(pthread_create(&threads[index], NULL, poll_worker_until_closed, fleet.worker) == 0);
    }
    await_broker_event(fleet.broker, PIGATO_EVENT_WORKER_JOINED);
    CHECK_OK(pigato_worker_stop(fleet.worker, 0));
    for (index = 0; index < POLLING_THREADS; index++) {
        CHECK(pthread_join(threads[index], NULL) == 0);
    }
    stop_fleet(&fleet);
}

static void a_poll_returns_at_most_events_per_poll(void)
{
    enum { REQUESTS = PIGATO_EVENTS_PER_POLL * 2 };
    struct fleet fleet = start_fleet();
    pigato_client_event events[REQUESTS];
    size_t count, index;

    await_client_event(fleet.client, PIGATO_EVENT_CONNECTED);
    for (index = 0; index < REQUESTS; index++) {
        ask(&fleet, "1");
    }
    /* The stop queues a failure of every request. */
    CHECK_OK(pigato_client_stop(fleet.client));
    CHECK_OK(pigato_client_poll(fleet.client, events, REQUESTS, WAIT_LIMIT_MS, &count));
    CHECK(count == PIGATO_EVENTS_PER_POLL);
    pigato_client_events_free(events, count);
    stop_fleet(&fleet);
}

/* Without heartbeats nothing but the commands themselves can wake the I/O thread. */
static struct fleet start_fleet_without_heartbeats(void)
{
    pigato_options *client = options_with(PIGATO_OPTIONS_CLIENT, "heartbeat", "3600000");
    pigato_options *worker = options_with(PIGATO_OPTIONS_WORKER, "heartbeat", "3600000");
    struct fleet fleet = start_fleet();

    pigato_client_free(fleet.client);
    pigato_worker_free(fleet.worker);
    CHECK_OK(pigato_worker_start(
        fleet.endpoint.data, fleet.endpoint.length, PIGATO_TEXT("service"), worker, &fleet.worker));
    CHECK_OK(pigato_client_start(
        fleet.endpoint.data, fleet.endpoint.length, client, PIGATO_GRANT_AS_POLLED, &fleet.client));
    pigato_options_free(client);
    pigato_options_free(worker);
    return fleet;
}

static void corked_commands_are_sent(void)
{
    enum { REQUESTS = 3 };
    struct fleet fleet = start_fleet_without_heartbeats();
    uint64_t request;
    size_t index;

    CHECK_OK(pigato_client_cork(fleet.client));
    CHECK_OK(pigato_worker_cork(fleet.worker));
    for (index = 0; index < REQUESTS; index++) {
        request = ask(&fleet, "1");
        CHECK_OK(pigato_worker_end(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("2"), NULL));
        expect_reply(&fleet, request, "2");
    }
    CHECK_OK(pigato_client_uncork(fleet.client));
    CHECK_OK(pigato_worker_uncork(fleet.worker));
    request = ask(&fleet, "1");
    CHECK_OK(pigato_worker_end(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("2"), NULL));
    expect_reply(&fleet, request, "2");
    stop_fleet(&fleet);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_poll_with_timeout_0_returns_at_once),
        TEST(a_poll_returns_after_its_timeout),
        TEST(the_descriptor_is_readable_exactly_while_there_are_events),
        TEST(one_epoll_loop_serves_a_worker_and_a_client),
        TEST(threads_that_poll_one_handle_share_its_events),
        TEST(a_stop_wakes_threads_that_wait_forever),
        TEST(a_poll_returns_at_most_events_per_poll),
        TEST(corked_commands_are_sent),
    };

    return RUN_TESTS(tests, argc, argv);
}
