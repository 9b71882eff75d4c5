//! What stands once in the core is the same in every language: error codes and their numbers, option names, defaults, the
//! version.

use std::collections::BTreeSet;
use std::path::Path;

use pigato::config::{BrokerOptions, ClientOptions, WorkerOptions};
use pigato::ErrorCode;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Words of a text that look like error codes.
fn codes_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let starts = ["C_", "B_", "W_", "E_"];
    words.filter(|word| starts.iter().any(|start| word.starts_with(start))).collect()
}

fn all_codes() -> BTreeSet<&'static str> {
    ErrorCode::ALL.iter().map(|code| code.as_str()).collect()
}

#[test]
fn the_c_header_has_every_code_with_its_number() {
    let header = read("bindings-c/include/pigato.h");
    for code in ErrorCode::ALL {
        let line = format!("#define PIGATO_{} {}\n", code.as_str(), code.number());
        assert!(header.contains(&line), "no {line}");
    }
}

#[test]
fn javascript_types_have_every_code_and_no_other() {
    let types = read("bindings-node/index.d.ts");
    let (_, union) = types.split_once("export type ErrorCode =").expect("the union of codes");
    let (union, _) = union.split_once(';').expect("its end");
    assert_eq!(codes_in(union), all_codes());
}

#[test]
fn go_has_every_code_and_no_other() {
    let go = read("bindings-c/go/errors.go");
    let constants =
        go.lines().filter_map(|line| line.split_once(" Code = \"")).filter_map(|(_, rest)| rest.split_once('"'));
    let codes: BTreeSet<&str> = constants.map(|(code, _)| code).filter(|code| *code != "REMOTE_ERROR").collect();
    assert_eq!(codes, all_codes());
}

/// The members of an interface in `index.d.ts`.
fn members<'a>(types: &'a str, interface: &str) -> BTreeSet<&'a str> {
    let (_, body) = types.split_once(&format!("export interface {interface} ")).expect("the interface");
    let (_, body) = body.split_once("{\n").expect("its beginning");
    let (body, _) = body.split_once("\n}").expect("its end");
    let names = body.split(['\n', ';']).filter_map(|line| line.trim().split_once("?: "));
    names.map(|(name, _)| name).collect()
}

#[test]
fn javascript_types_have_every_option() {
    let types = read("bindings-node/index.d.ts");
    let peer = members(&types, "PeerConf");
    for (interface, names) in [
        ("ClientConf", ClientOptions::NAMES),
        ("WorkerConf", WorkerOptions::NAMES),
        ("BrokerConf", BrokerOptions::NAMES),
    ] {
        let own = members(&types, interface);
        for name in names {
            let is_there = own.contains(name) || (interface != "BrokerConf" && peer.contains(name));
            assert!(is_there, "{interface} has no {name}");
        }
    }
}

#[test]
fn go_has_every_option() {
    let go = read("bindings-c/go/options.go");
    let names = [ClientOptions::NAMES, WorkerOptions::NAMES, BrokerOptions::NAMES].concat();
    for name in names {
        assert!(go.contains(&format!("\"{name}\"")), "no option sets {name}");
    }
}

#[test]
fn the_defaults_that_javascript_types_tell_are_the_cores() {
    let types = read("bindings-node/index.d.ts");
    let client = ClientOptions::default().to_json();
    let worker = WorkerOptions::default().to_json();
    for (name, options) in
        [("heartbeat", &client), ("heartbeatLiveness", &client), ("reconnect", &client), ("concurrency", &worker)]
    {
        // The comment above a member ends in its default.
        let (before, _) = types.split_once(&format!("  {name}?: number;")).expect("the member");
        let comment = before.rsplit("/**").next().expect("its comment");
        let default = options[name].to_string();
        assert!(comment.contains(&format!(": {default}")), "{name} is {default}, and the comment says:{comment}");
    }
}

#[test]
fn the_version_is_the_same_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let package: serde_json::Value = serde_json::from_str(&read("bindings-node/package.json")).expect("JSON");
    assert_eq!(package["version"], version);
    let workspace = read("Cargo.toml");
    assert!(workspace.contains(&format!("pigato = {{ path = \"core\", version = \"{version}\" }}")));
}
