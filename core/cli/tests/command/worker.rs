//! `pigato worker`: the input of a command, and how its output becomes replies.

use serde_json::json;

use crate::support::{run, Broker};

#[test]
fn lines_are_partial_replies_and_the_final_reply_is_null() {
    let broker = Broker::start();
    let _worker = broker.worker("lines", "echo text; echo; echo '[1,2]'; printf 'no end\\r\\n{\"a\":1}'", &[]);
    let expected = "\"text\"\n\"\"\n[1,2]\n\"no end\"\n{\"a\":1}\nnull\n";
    assert_eq!(broker.run(&["request", "lines"]).success(), expected);
}

#[test]
fn the_last_line_can_be_the_final_reply() {
    let broker = Broker::start();
    let _worker = broker.worker("last", "echo one; echo 2", &["--last"]);
    let replies = broker.run(&["request", "last", "--json"]).json();
    assert_eq!(replies[0]["kind"], "partial");
    assert_eq!(replies[1], json!({ "kind": "final", "data": 2, "options": {} }));
    let _silent = broker.worker("silent", "true", &["--last"]);
    assert_eq!(broker.run(&["request", "silent"]).success(), "null\n");
}

#[test]
fn a_command_receives_json_with_a_line_break_or_raw_bytes() {
    let broker = Broker::start();
    let _worker = broker.worker("read", "read line && echo \"$line\"", &["--last"]);
    assert_eq!(broker.run(&["request", "read", "{\"a\": 1}"]).success(), "{\"a\": 1}\n");
    let _size = broker.worker("size", "wc -c", &["--last", "--raw"]);
    assert_eq!(broker.run(&["request", "size", "--raw", "12345"]).success().trim(), "5");
    assert_eq!(broker.run(&["request", "size", "12345", "--raw"]).success().trim(), "5");
}

#[test]
fn a_command_need_not_read_its_input() {
    let broker = Broker::start();
    let _worker = broker.worker("deaf", "echo done", &["--last"]);
    let much = vec![b'x'; 4 << 20];
    assert_eq!(broker.run_with(&["request", "deaf", "-"], &much).success(), "\"done\"\n");
}

#[test]
fn a_failed_command_becomes_an_error_with_its_reason() {
    let broker = Broker::start();
    let _worker = broker.worker("failing", "echo first; echo 'the disk is full' >&2; exit 7", &[]);
    let outcome = broker.run(&["request", "failing", "--json"]).expect(1, &["status 7"]);
    let replies = outcome.json();
    assert_eq!(replies[0]["data"], "first");
    let expected = json!({
        "code": "W_HANDLER",
        "message": "the command ended with status 7",
        "status": 7,
        "stderr": "the disk is full\n",
    });
    assert_eq!(replies[1]["value"], expected);

    let _killed = broker.worker("killed", "kill -9 $$", &[]);
    let value = &broker.run(&["request", "killed", "--json"]).json()[0]["value"];
    assert_eq!((&value["signal"], &value["code"]), (&json!(9), &json!("W_HANDLER")));

    let _missing = broker.worker("missing", "/nonexistent/command", &[]);
    let value = &broker.run(&["request", "missing", "--json"]).json()[0]["value"];
    assert_eq!(value["status"], 127);
}

#[test]
fn an_error_contains_only_the_end_of_standard_error() {
    let broker = Broker::start();
    let _worker = broker.worker("loud", "yes | head -c 100000 >&2; echo the end >&2; exit 1", &[]);
    let value = &broker.run(&["request", "loud", "--json"]).json()[0]["value"];
    let stderr = value["stderr"].as_str().unwrap();
    assert_eq!(stderr.len(), 4096);
    assert!(stderr.ends_with("y\nthe end\n"));
}

#[test]
fn the_environment_describes_the_request() {
    let broker = Broker::start();
    let show = "printf '%s\\n' \"$PIGATO_SERVICE\" \"$PIGATO_CLIENT\" \"$PIGATO_ATTEMPT\" \"$PIGATO_OPTIONS\"";
    let _worker = broker.worker("show*", show, &[]);
    let outcome = broker.run(&["request", "show-me", "--header", "k=v"]).expect(0, &[]);
    let lines = outcome.json();
    assert_eq!(lines[0], "show-me");
    assert!(lines[1].as_str().unwrap().starts_with('C'));
    assert_eq!(lines[2], 1);
    assert_eq!(lines[3]["k"], "v");
}

#[test]
fn at_most_concurrency_commands_run_at_the_same_time() {
    let broker = Broker::start();
    let place = tempfile::tempdir().unwrap();
    let lock = place.path().join("lock");
    // `mkdir` fails while another command has created the directory and not yet removed it.
    let command = format!("mkdir '{0}' && sleep 0.05 && rmdir '{0}'", lock.display());
    let _worker = broker.worker("alone", &command, &["--concurrency", "1"]);
    let requests: Vec<_> = (0..5).map(|_| broker.spawn(&["request", "alone"])).collect();
    for request in requests {
        assert_eq!(request.end().success(), "null\n");
    }
}

#[test]
fn without_a_limit_all_commands_run_concurrently() {
    let broker = Broker::start();
    let place = tempfile::tempdir().unwrap();
    // Each command waits until all 5 have started.
    let command =
        format!("cd '{}'; : > $$; while [ \"$(ls | wc -l)\" -lt 5 ]; do sleep 0.02; done", place.path().display());
    let _worker = broker.worker("together", &command, &["--concurrency", "-1"]);
    let requests: Vec<_> = (0..5).map(|_| broker.spawn(&["request", "together"])).collect();
    for request in requests {
        assert_eq!(request.end().success(), "null\n");
    }
}

#[test]
fn invalid_options_are_errors() {
    run(["worker", "echo"]).expect(2, &["--exec"]);
    run(["worker", "echo", "--exec", "cat", "--concurrency", "0"]).expect(2, &["1 or more, or -1"]);
    run(["worker", "", "--exec", "cat"]).expect(2, &["service name"]);
    run(["worker", "echo", "--exec", "cat", "-e", "nonsense"]).expect(1, &["E_ENDPOINT", "nonsense"]);
}
