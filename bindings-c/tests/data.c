/* Data arrives unchanged. */

#define _POSIX_C_SOURCE 200809L

#include "fleet.h"

/* Sends data to the worker and back, and checks it and its codec on both sides. */
static void send_around(pigato_bytes data, pigato_codec codec)
{
    struct fleet fleet = start_fleet();
    const char *json = codec == PIGATO_CODEC_RAW ? "\"raw\"" : "\"json\"";
    pigato_options *ask_options = options_with(PIGATO_OPTIONS_REQUEST, "codec", json);
    pigato_options *answer_options = options_with(PIGATO_OPTIONS_REPLY, "codec", json);
    uint64_t asked = ask_for(&fleet, "service", data, ask_options);
    pigato_worker_event event = next_worker_event(fleet.worker, PIGATO_EVENT_REQUEST);
    pigato_client_event reply;

    CHECK(event.codec == codec);
    CHECK(event.data.length == data.length && memcmp(event.data.data, data.data, data.length) == 0);
    CHECK_OK(pigato_worker_end(fleet.worker, event.request, event.data.data, event.data.length, answer_options));
    pigato_worker_events_free(&event, 1);
    reply = next_client_event(fleet.client, PIGATO_EVENT_REPLY);
    CHECK(reply.request == asked && reply.codec == codec && reply.is_final);
    CHECK(reply.data.length == data.length && memcmp(reply.data.data, data.data, data.length) == 0);
    pigato_client_events_free(&reply, 1);
    pigato_options_free(answer_options);
    pigato_options_free(ask_options);
    stop_fleet(&fleet);
}

static void every_byte_value_arrives(void)
{
    char every[256];
    pigato_bytes data = {every, sizeof every};
    int value;

    for (value = 0; value < 256; value++) {
        every[value] = (char)value;
    }
    send_around(data, PIGATO_CODEC_RAW);
}

static void sixteen_mebibytes_arrive(void)
{
    const size_t length = (size_t)16 << 20;
    char *large = (char *)malloc(length);
    pigato_bytes data = {large, length};
    size_t at;

    CHECK(large != NULL);
    for (at = 0; at < length; at++) {
        large[at] = (char)(at * 31 + (at >> 12));
    }
    send_around(data, PIGATO_CODEC_RAW);
    free(large);
}

static void characters_beyond_the_basic_plane_arrive(void)
{
    const pigato_bytes data = {PIGATO_TEXT("\"\xf0\x9f\x95\x8a \xf0\x9d\x84\x9e \xf4\x8f\xbf\xbf \xc3\xa9\"")};

    send_around(data, PIGATO_CODEC_JSON);
}

static void empty_data_arrives(void)
{
    const pigato_bytes data = {PIGATO_TEXT("")};

    send_around(data, PIGATO_CODEC_RAW);
}

static void unicode_in_a_failure_message_arrives(void)
{
    struct fleet fleet = start_fleet();
    pigato_client_event event;

    ask(&fleet, "1");
    CHECK_OK(pigato_worker_fail(fleet.worker, next_request(fleet.worker), PIGATO_TEXT("\xf0\x9f\x95\x8a gone")));
    event = next_client_event(fleet.client, PIGATO_EVENT_FAILED);
    CHECK(contains(event.message, "\xf0\x9f\x95\x8a gone"));
    pigato_client_events_free(&event, 1);
    stop_fleet(&fleet);
}

static void data_above_max_body_bytes_is_refused(void)
{
    const pigato_bytes anywhere = {PIGATO_TEXT("tcp://127.0.0.1:*")};
    pigato_options *options = options_with(PIGATO_OPTIONS_BROKER, "intch", "null");
    char large[2000];
    pigato_bytes data = {large, sizeof large};
    struct fleet fleet;

    memset(large, '1', sizeof large);
    CHECK_OK(pigato_options_set_number(options, PIGATO_TEXT("maxBodyBytes"), 1000));
    CHECK_OK(pigato_broker_start(&anywhere, 1, options, &fleet.broker));
    pigato_options_free(options);
    CHECK_OK(pigato_broker_endpoint(fleet.broker, 0, &fleet.endpoint));
    fleet.worker = start_worker(&fleet, "service");
    CHECK_OK(pigato_client_start(
        fleet.endpoint.data, fleet.endpoint.length, NULL, PIGATO_GRANT_AS_POLLED, &fleet.client));
    expect_failure(&fleet, ask_for(&fleet, "service", data, NULL), PIGATO_B_TOO_LARGE);
    stop_fleet(&fleet);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(every_byte_value_arrives),
        TEST(sixteen_mebibytes_arrive),
        TEST(characters_beyond_the_basic_plane_arrive),
        TEST(empty_data_arrives),
        TEST(unicode_in_a_failure_message_arrives),
        TEST(data_above_max_body_bytes_is_refused),
    };

    return RUN_TESTS(tests, argc, argv);
}
