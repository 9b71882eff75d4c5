//! Every language has the same error codes and numbers, option names, defaults and version as the
//! core.

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

/// The concatenated texts of a package's files with one of these endings, including subfolders.
fn texts(folder: &str, endings: &[&str]) -> String {
    let mut text = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| path.extension().is_some_and(|extension| extension == *ending)) {
                text += &std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
        }
    }
    text
}

/// Ruby's names for frames, which look like error codes.
const RUBY_FRAMES: [&str; 9] = [
    "C_CLIENT",
    "W_WORKER",
    "W_READY",
    "W_REQUEST",
    "W_REPLY",
    "W_HEARTBEAT",
    "W_DISCONNECT",
    "W_REPLY_PARTIAL",
    "W_REPLY_REJECT",
];

#[test]
fn no_package_has_a_code_that_the_core_lacks() {
    let all = all_codes();
    let ruby = texts("bindings-ruby/lib", &["rb"]) + &texts("bindings-ruby/sig", &["rbs"]);
    let node = texts("bindings-node/lib", &["js", "mjs"]);
    let mut ruby = codes_in(&ruby);
    for name in RUBY_FRAMES {
        assert!(ruby.remove(name), "Ruby has no {name}");
    }
    // Node.js also has names for frames, and for the published packages' error events, which have
    // another prefix.
    let frames = BTreeSet::from(RUBY_FRAMES);
    for (package, codes) in [("Ruby", ruby), ("Node.js", &codes_in(&node) - &frames)] {
        let unknown: Vec<_> = codes.difference(&all).collect();
        assert!(unknown.is_empty(), "{package} has {unknown:?}");
    }
}

#[test]
fn every_ruby_error_class_has_a_code_and_a_signature() {
    let ruby = read("bindings-ruby/lib/pigato/errors.rb");
    let (_, table) = ruby.split_once("CLASSES = {").expect("the table");
    let (table, _) = table.split_once('}').expect("its end");
    let signatures = read("bindings-ruby/sig/pigato.rbs");
    let rows: Vec<_> = table.split(',').filter_map(|row| row.split_once("=>")).collect();
    assert_eq!(rows.len(), codes_in(table).len());
    for (code, class) in rows {
        let (code, class) = (code.trim().trim_matches('"'), class.trim());
        assert!(all_codes().contains(code), "there is no {code}");
        assert!(signatures.contains(&format!("class {class} < Error")), "no signature of {class}");
    }
}

/// The options of a request, by name on the wire.
fn request_options() -> BTreeSet<String> {
    let (client, protocol) = (ClientOptions::default(), read("core/docs/protocol.md"));
    let row = protocol.lines().find(|line| line.starts_with("| request opts |")).expect("the row");
    let mut names: BTreeSet<String> = row.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    names.extend(["failFast", "codec"].map(str::to_owned));
    assert!(names.iter().filter(|name| client.to_json().contains_key(*name)).count() >= 2, "{names:?}");
    names
}

#[test]
fn request_options_have_the_same_names_in_every_language() {
    let types = read("bindings-node/index.d.ts");
    let javascript: BTreeSet<String> = members(&types, "RequestOptions").into_iter().map(str::to_owned).collect();
    assert_eq!(javascript, request_options());
    let go = read("bindings-c/go/options.go");
    // Only Node.js has an option for `persist`: Go uses `With`, Ruby a header. `codec` has separate
    // methods in both.
    for name in request_options().iter().filter(|name| !["codec", "persist"].contains(&name.as_str())) {
        assert!(go.contains(&format!("\"{name}\"")), "Go has no {name}");
    }

    // Ruby's keywords; a table lists those with another name on the wire.
    let ruby = read("bindings-ruby/lib/pigato/client.rb");
    let (_, table) = ruby.split_once("REQUEST_OPTIONS = {").expect("the table");
    let (table, _) = table.split_once('}').expect("its end");
    let signatures = read("bindings-ruby/sig/pigato.rbs");
    let (_, call) = signatures.split_once("def call: (").expect("the signature");
    let (call, _) = call.split_once(')').expect("its end");
    for (keyword, name) in table.split(',').filter_map(|row| row.split_once(": ")) {
        assert!(request_options().contains(name.trim().trim_matches('"')), "there is no {name}");
        assert!(call.contains(&format!("?{}: ", keyword.trim())), "no signature of {keyword}");
    }
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
fn the_defaults_in_javascript_types_equal_the_cores() {
    let types = read("bindings-node/index.d.ts");
    let client = ClientOptions::default().to_json();
    let worker = WorkerOptions::default().to_json();
    for (name, options) in
        [("heartbeat", &client), ("heartbeatLiveness", &client), ("reconnect", &client), ("concurrency", &worker)]
    {
        // The comment above a member ends with its default.
        let (before, _) = types.split_once(&format!("  {name}?: number;")).expect("the member");
        let comment = before.rsplit("/**").next().expect("its comment");
        let default = options[name].to_string();
        assert!(comment.contains(&format!(": {default}")), "{name} is {default}, and the comment says:{comment}");
    }
}

#[test]
fn the_version_is_the_same_in_every_package() {
    let version = env!("CARGO_PKG_VERSION");
    let package: serde_json::Value = serde_json::from_str(&read("bindings-node/package.json")).expect("JSON");
    assert_eq!(package["version"], version);
    assert_eq!(
        read("bindings-ruby/lib/pigato/version.rb").lines().find_map(quoted_version),
        Some(version.replace('-', "."))
    );
    // C, Go and the pkg-config file use the version of the library, which is that of the crate.
    for manifest in
        ["core/Cargo.toml", "bindings-c/Cargo.toml", "bindings-node/Cargo.toml", "bindings-ruby/ext/pigato/Cargo.toml"]
    {
        assert!(read(manifest).contains("\nversion.workspace = true\n"), "{manifest}");
    }
    assert!(read("bindings-c/pigato.pc.in").contains("\nVersion: @VERSION@\n"));
    let lock: serde_json::Value = serde_json::from_str(&read("bindings-node/package-lock.json")).expect("JSON");
    assert_eq!((&lock["version"], &lock["packages"][""]["version"]), (&version.into(), &version.into()));
    let workspace = read("Cargo.toml");
    assert!(workspace.contains(&format!("pigato = {{ path = \"core\", version = \"{version}\" }}")));
}

/// The version in a line of Ruby, `VERSION = "1.2.3"`.
fn quoted_version(line: &str) -> Option<String> {
    line.trim().strip_prefix("VERSION = \"")?.strip_suffix('"').map(str::to_owned)
}

#[test]
fn the_defaults_in_rubys_comments_are_correct() {
    let (client, worker) = (read("bindings-ruby/lib/pigato/client.rb"), read("bindings-ruby/lib/pigato/worker.rb"));
    // The defaults that differ from the core's are those of the published gem; the protocol's table
    // lists them.
    let protocol = read("core/docs/protocol.md");
    assert!(protocol.contains("| Ruby client | timeout 2500; Ruby worker: recv timeout 2500, reconnect 2500 |"));
    assert!(
        client.contains("DEFAULT_TIMEOUT = 2500\n") && client.contains("`:timeout` of requests in milliseconds (2500)")
    );
    assert!(worker.contains("DEFAULTS = { timeout: 2500, reconnect: 2500 }"));
    assert!(worker.contains("`:timeout` of {#recv} in milliseconds (2500)") && worker.contains("`:reconnect` (2500)"));
}

#[test]
fn the_defaults_in_the_protocol_document_equal_the_cores() {
    let protocol = read("core/docs/protocol.md");
    let broker = BrokerOptions::default().to_json();
    let (client, worker) = (ClientOptions::default().to_json(), WorkerOptions::default().to_json());
    for (row, options, names) in [
        ("| broker |", &broker, &["heartbeat", "heartbeatLiveness"][..]),
        ("| client |", &client, &["heartbeat", "reconnect", "timeout"]),
        ("| worker |", &worker, &["heartbeat", "reconnect", "concurrency"]),
    ] {
        let line = protocol.lines().find(|line| line.starts_with(row)).expect("the row");
        for name in names {
            assert!(line.contains(&format!("{name} {}", options[*name])), "{name} is {}: {line}", options[*name]);
        }
    }
    assert!(protocol.contains(&format!("intch `{}`", broker["intch"].as_str().expect("text"))));
}

/// `partialReplies` with `_` before each capital, in lower case.
fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |text, character| match character {
        'A'..='Z' => text + "_" + &character.to_ascii_lowercase().to_string(),
        _ => text + &character.to_string(),
    })
}

/// The text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, text) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    text.split_once(end).unwrap_or_else(|| panic!("no {end:?} after {start:?}")).0
}

/// Statistics without the two that count stored requests, which only brokers in Rust and Node.js
/// can have. `missedEvents` is the bindings' own.
fn statistics_in_c_and_go() -> Vec<String> {
    let statistics = pigato::broker::Statistics::default();
    let names = statistics.entries().map(|(name, _)| name).filter(|name| !["restored", "left"].contains(name));
    names.chain(["missedEvents"]).map(str::to_owned).collect()
}

#[test]
fn javascript_types_have_every_statistic_and_no_other() {
    let types = read("bindings-node/index.d.ts");
    let members = between(&types, "export interface Statistics {\n", "\n}").lines();
    let members: Vec<&str> = members.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(": number;")).collect();
    let statistics = pigato::broker::Statistics::default();
    let names: Vec<&str> = statistics.entries().map(|(name, _)| name).chain(["missedEvents"]).collect();
    assert_eq!(members, names);
}

#[test]
fn c_has_every_statistic_and_copies_it() {
    let names: Vec<String> = statistics_in_c_and_go().iter().map(|name| snake_case(name)).collect();
    let header = read("bindings-c/include/pigato.h");
    let (before, _) = header.split_once("} pigato_statistics;").expect("the struct");
    let (_, members) = before.rsplit_once("typedef struct {").expect("its beginning");
    let members: Vec<&str> =
        members.lines().filter_map(|line| line.strip_prefix("  uint64_t ")?.strip_suffix(';')).collect();
    assert_eq!(members, names);

    let code = read("bindings-c/src/broker.rs");
    let copies: Vec<&str> = between(&code, "place.write(pigato_statistics {", "});").lines().map(str::trim).collect();
    for name in names.iter().filter(|name| *name != "missed_events") {
        let copy = format!("{name}: now.{name}");
        let is_there =
            copies.contains(&format!("{copy},").as_str()) || copies.contains(&format!("{copy} as u64,").as_str());
        assert!(is_there, "bindings-c/src/broker.rs lacks {copy}");
    }
}

#[test]
fn go_has_every_statistic_and_copies_it() {
    let go = read("bindings-c/go/broker_event.go");
    let names = statistics_in_c_and_go();
    let public: Vec<String> = names.iter().map(|name| name[..1].to_uppercase() + &name[1..]).collect();
    let fields = between(&go, "type Statistics struct {\n", "\n}").lines();
    let fields: Vec<&str> = fields.filter_map(|line| line.strip_prefix('\t')?.strip_suffix(" uint64")).collect();
    assert_eq!(fields, public);

    // Go compiles without a field of the literal, which is then always 0.
    let copies = between(&go, "return Statistics{\n", "}, nil").lines();
    let copies: Vec<String> = copies.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for (name, public) in names.iter().zip(&public) {
        let copy = format!("{public}: uint64(counted.{})", snake_case(name));
        assert!(copies.iter().any(|line| line.starts_with(&copy)), "broker_event.go lacks {copy}");
    }
}
