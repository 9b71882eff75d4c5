/*
 * Streams: a worker that sends the prices of a stock, one row per partial reply.
 *
 * Usage: stocks FILE.csv [TIMES]. The worker sends the file TIMES times (default 1). A client reads
 * all prices of one stock, and requests an unknown one. One thread and one poll() serve worker and
 * client. When the worker is 1024 rows ahead of its client, it gets PIGATO_C_BUSY, and continues
 * after PIGATO_EVENT_WRITABLE. The exit status is 0 if the client received what the file contains.
 */

#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { EVENTS = 64, ROWS = 1000, STREAMS = 4, TIMEOUT_MS = 10000 };

/* ---- the prices ---- */

struct row {
    char symbol[12]; /* JSON, as clients send it */
    char json[96];
};

struct prices {
    struct row rows[ROWS];
    size_t count; /* rows in the file */
    size_t total; /* rows to send: count * TIMES */
};

static bool read_prices(struct prices *prices, const char *path)
{
    char line[128], symbol[10], date[11];
    double close;
    unsigned long volume;
    struct row *row;
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        perror(path);
        return false;
    }
    prices->count = 0;
    /* The header line has no numbers and does not match. */
    while (fgets(line, sizeof line, file) != NULL && prices->count < ROWS) {
        if (sscanf(line, "%9[^,],%10[^,],%lf,%lu", symbol, date, &close, &volume) == 4) {
            row = &prices->rows[prices->count++];
            snprintf(row->symbol, sizeof row->symbol, "\"%s\"", symbol);
            snprintf(row->json, sizeof row->json, "{\"date\":\"%s\",\"close\":%.2f,\"volume\":%lu}", date, close, volume);
        }
    }
    fclose(file);
    return true;
}

/* The next row of a symbol, from `place` on, which is advanced; NULL after the last row. */
static const struct row *next_row(const struct prices *prices, const char *symbol, size_t *place)
{
    while (*place < prices->total) {
        const struct row *row = &prices->rows[(*place)++ % prices->count];

        if (strcmp(row->symbol, symbol) == 0) {
            return row;
        }
    }
    return NULL;
}

/* ---- the worker ---- */

/* A job whose rows are being sent. */
struct stream {
    uint64_t request; /* 0: unused */
    char symbol[sizeof ((struct row *)0)->symbol];
    size_t place;
    size_t written;
};

struct service {
    pigato_worker *worker;
    const struct prices *prices;
    struct stream streams[STREAMS];
    unsigned long pauses; /* how often the worker had to wait for the client */
};

/* Sends rows until the last one, or until the client is too far behind. */
static bool advance(struct service *service, struct stream *stream)
{
    const struct row *row;
    char total[24];
    size_t before = stream->place;
    pigato_status status;

    while ((row = next_row(service->prices, stream->symbol, &stream->place)) != NULL) {
        status = pigato_worker_write(service->worker, stream->request, row->json, strlen(row->json), NULL);
        if (status == PIGATO_C_BUSY) {
            /* Nothing was sent. PIGATO_EVENT_WRITABLE repeats this row. */
            stream->place = before;
            service->pauses++;
            return true;
        }
        if (status != PIGATO_OK) {
            stream->request = 0;
            /* Closed: the job has ended, and its PIGATO_EVENT_CANCELLED follows. */
            return status == PIGATO_C_CLOSED || succeeded(status, "writing a row");
        }
        before = stream->place;
        stream->written++;
    }
    snprintf(total, sizeof total, "%lu", (unsigned long)stream->written);
    status = pigato_worker_end(service->worker, stream->request, total, strlen(total), NULL);
    stream->request = 0;
    return status == PIGATO_C_CLOSED || succeeded(status, "ending a stream");
}

/* Answers with an error value, whose format the service defines. */
static bool refuse(struct service *service, uint64_t request, const char *code)
{
    char error[64];
    pigato_status status;

    snprintf(error, sizeof error, "{\"code\":\"%s\"}", code);
    status = pigato_worker_error(service->worker, request, error, strlen(error), NULL);
    return status == PIGATO_C_CLOSED || succeeded(status, "refusing a request");
}

static struct stream *find_stream(struct service *service, uint64_t request)
{
    size_t index;

    for (index = 0; index < STREAMS; index++) {
        if (service->streams[index].request == request) {
            return &service->streams[index];
        }
    }
    return NULL;
}

static bool begin(struct service *service, const pigato_worker_event *event)
{
    /* At least one is unused, because the worker's concurrency is STREAMS. */
    struct stream *stream = find_stream(service, 0);
    size_t place = 0;

    if (stream == NULL) {
        return refuse(service, event->request, "TOO_MANY_STREAMS");
    }
    if (event->data.length >= sizeof stream->symbol) {
        return refuse(service, event->request, "UNKNOWN_SYMBOL");
    }
    memcpy(stream->symbol, event->data.data, event->data.length);
    stream->symbol[event->data.length] = '\0';
    if (next_row(service->prices, stream->symbol, &place) == NULL) {
        return refuse(service, event->request, "UNKNOWN_SYMBOL");
    }
    stream->request = event->request;
    stream->place = stream->written = 0;
    return advance(service, stream);
}

static bool serve(struct service *service, const pigato_worker_event *event)
{
    struct stream *stream;

    switch (event->kind) {
    case PIGATO_EVENT_REQUEST:
        return begin(service, event);
    case PIGATO_EVENT_WRITABLE:
        stream = find_stream(service, event->request);
        return stream == NULL || advance(service, stream);
    case PIGATO_EVENT_CANCELLED:
        stream = find_stream(service, event->request);
        if (stream != NULL) {
            stream->request = 0;
        }
        return true;
    case PIGATO_EVENT_PROTOCOL_ERROR:
        fprintf(stderr, "worker: %.*s\n", PRINTED(event->message));
        return true;
    default:
        return true;
    }
}

/* ---- the client ---- */

struct reader {
    pigato_client *client;
    const struct prices *prices;
    uint64_t known, unknown; /* request numbers */
    size_t place;            /* position in the rows of the known symbol */
    size_t rows;
    bool has_all, has_error;
};

#define KNOWN "\"ACME\""
#define UNKNOWN "\"NOSUCH\""

static bool ask(struct reader *reader)
{
    pigato_options *options = NULL;
    bool asked;

    asked = succeeded(pigato_options_new(PIGATO_OPTIONS_REQUEST, &options), "making request options")
        && succeeded(pigato_options_set_number(options, PIGATO_TEXT("timeout"), TIMEOUT_MS), "setting timeout")
        && succeeded(
            pigato_client_request(
                reader->client, PIGATO_TEXT("stocks"), PIGATO_TEXT(KNOWN), options, &reader->known),
            "asking for " KNOWN)
        && succeeded(
            pigato_client_request(
                reader->client, PIGATO_TEXT("stocks"), PIGATO_TEXT(UNKNOWN), options, &reader->unknown),
            "asking for " UNKNOWN);
    pigato_options_free(options);
    return asked;
}

/* Whether a reply is the next row or, at the end, the number of rows. */
static bool take_reply(struct reader *reader, const pigato_client_event *event)
{
    const struct row *row;
    char total[24];

    if (event->request != reader->known) {
        fprintf(stderr, "client: a reply to the unknown stock: %.*s\n", PRINTED(event->data));
        return false;
    }
    row = next_row(reader->prices, KNOWN, &reader->place);
    if (event->is_final) {
        reader->has_all = true;
        snprintf(total, sizeof total, "%lu", (unsigned long)reader->rows);
        printf("client: %s rows in total\n", total);
        return row == NULL && is_text(event->data, total);
    }
    if (reader->rows < 3) {
        printf("client: %.*s\n", PRINTED(event->data));
    }
    reader->rows++;
    return row != NULL && is_text(event->data, row->json);
}

static bool take(struct reader *reader, const pigato_client_event *event)
{
    switch (event->kind) {
    case PIGATO_EVENT_REPLY:
        return take_reply(reader, event);
    case PIGATO_EVENT_FAILED:
        if (event->request == reader->unknown && event->status == PIGATO_REMOTE_ERROR) {
            printf("client: %s: %.*s\n", UNKNOWN, PRINTED(event->data));
            reader->has_error = true;
            return is_text(event->data, "{\"code\":\"UNKNOWN_SYMBOL\"}");
        }
        /* fall through */
    case PIGATO_EVENT_PROTOCOL_ERROR:
        fprintf(stderr, "client: %.*s\n", PRINTED(event->message));
        return false;
    default:
        return true;
    }
}

/* ---- the event loop ---- */

/* Handles the worker's events. Does not wait, because poll() has waited. */
static bool handle_worker(struct service *service)
{
    pigato_worker_event events[EVENTS];
    size_t count, index;
    bool is_ok = true;

    if (!succeeded(pigato_worker_poll(service->worker, events, EVENTS, 0, &count), "taking the worker's events")) {
        return false;
    }
    for (index = 0; index < count; index++) {
        is_ok = serve(service, &events[index]) && is_ok;
    }
    pigato_worker_events_free(events, count);
    return is_ok;
}

/* Handles the client's events. */
static bool handle_client(struct reader *reader)
{
    pigato_client_event events[EVENTS];
    size_t count, index;
    bool is_ok = true;

    if (!succeeded(pigato_client_poll(reader->client, events, EVENTS, 0, &count), "taking the client's events")) {
        return false;
    }
    for (index = 0; index < count; index++) {
        is_ok = take(reader, &events[index]) && is_ok;
    }
    pigato_client_events_free(events, count);
    return is_ok;
}

/* Serves worker and client until both requests have ended. */
static bool loop(struct service *service, struct reader *reader)
{
    struct pollfd places[2];

    if (!succeeded(pigato_worker_fd(service->worker, &places[0].fd), "asking for the worker's descriptor")
        || !succeeded(pigato_client_fd(reader->client, &places[1].fd), "asking for the client's descriptor")) {
        return false;
    }
    places[0].events = places[1].events = POLLIN;
    while (!reader->has_all || !reader->has_error) {
        int ready = poll(places, 2, 2 * TIMEOUT_MS);

        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            fprintf(stderr, "waiting for events: %s\n", ready < 0 ? strerror(errno) : "timeout");
            return false;
        }
        /* Events that remain keep the descriptor readable. */
        if ((places[0].revents != 0 && !handle_worker(service)) || (places[1].revents != 0 && !handle_client(reader))) {
            return false;
        }
    }
    return true;
}

/* ---- the program ---- */

static bool start(struct service *service, struct reader *reader, pigato_bytes at)
{
    pigato_options *options = NULL;
    bool started;

    started = succeeded(pigato_options_new(PIGATO_OPTIONS_WORKER, &options), "making worker options")
        && succeeded(pigato_options_set_number(options, PIGATO_TEXT("concurrency"), STREAMS), "setting concurrency")
        && succeeded(
            pigato_worker_start(at.data, at.length, PIGATO_TEXT("stocks"), options, &service->worker),
            "starting the worker")
        && succeeded(
            pigato_client_start(at.data, at.length, NULL, PIGATO_GRANT_AS_POLLED, &reader->client),
            "starting the client");
    pigato_options_free(options);
    return started;
}

int main(int argc, char **argv)
{
    static struct prices prices;
    struct service service;
    struct reader reader;
    pigato_broker *broker = NULL;
    pigato_bytes at;
    long times = argc == 3 ? strtol(argv[2], NULL, 10) : 1;
    bool is_ok;

    if (argc < 2 || argc > 3 || times < 1 || times > 1000000) {
        fprintf(stderr, "usage: %s FILE.csv [TIMES]\n", argv[0]);
        return EXIT_FAILURE;
    }
    memset(&service, 0, sizeof service);
    memset(&reader, 0, sizeof reader);
    service.prices = reader.prices = &prices;
    is_ok = read_prices(&prices, argv[1]);
    prices.total = prices.count * (size_t)times;
    is_ok = is_ok && start_broker(&broker, &at) && start(&service, &reader, at) && ask(&reader)
        && loop(&service, &reader);
    if (is_ok) {
        printf("worker: waited %lu times for its client\n", service.pauses);
    }
    pigato_client_free(reader.client);
    pigato_worker_free(service.worker);
    pigato_broker_free(broker);
    return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
