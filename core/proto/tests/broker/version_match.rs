//! A request for `name@RANGE` goes to any worker of a version that satisfies the range.

use super::world::{sorted, World};

/// The versions to which a request for `range` may go, found by filling up each worker until the
/// request waits.
fn served_by(range: &str, versions: &[&str]) -> Vec<String> {
    let mut world = World::new();
    for version in versions {
        world.worker_of(version, &format!("name@{version}"), 1);
    }
    for number in 0..=versions.len() {
        world.send_frames("c1", ["C", "2", &format!("name@{range}"), &format!("r{number}"), "1", "{}"]);
    }
    let served = versions.iter().filter(|version| !world.jobs(*version).is_empty());
    sorted(served.map(|version| (*version).to_owned()))
}

const VERSIONS: &[&str] = &["0.9.0", "1.0.0", "1.2.0", "1.2.9", "1.3.0", "2.0.0", "2.1.0-beta.1", "3.0.0"];

#[test]
fn caret() {
    assert_eq!(served_by("^1.2.0", VERSIONS), ["1.2.0", "1.2.9", "1.3.0"]);
}

#[test]
fn tilde() {
    assert_eq!(served_by("~1.2", VERSIONS), ["1.2.0", "1.2.9"]);
}

#[test]
fn x_ranges() {
    assert_eq!(served_by("1.x", VERSIONS), ["1.0.0", "1.2.0", "1.2.9", "1.3.0"]);
    assert_eq!(served_by("1.2.X", VERSIONS), ["1.2.0", "1.2.9"]);
    assert_eq!(served_by("2", VERSIONS), ["2.0.0"]);
}

#[test]
fn comparators() {
    assert_eq!(served_by(">=1.3 <3", VERSIONS), ["1.3.0", "2.0.0"]);
    assert_eq!(served_by("<1 || >2", VERSIONS), ["0.9.0", "3.0.0"]);
}

#[test]
fn a_star_matches_every_release() {
    let releases = ["0.9.0", "1.0.0", "1.2.0", "1.2.9", "1.3.0", "2.0.0", "3.0.0"];
    assert_eq!(served_by("*", VERSIONS), releases);
}

#[test]
fn a_prerelease_matches_only_a_range_that_names_one() {
    assert_eq!(served_by("^2.0.0", VERSIONS), ["2.0.0"]);
    assert_eq!(served_by("^2.1.0-alpha", VERSIONS), ["2.1.0-beta.1"]);
}

#[test]
fn an_exact_version_matches_only_itself() {
    assert_eq!(served_by("1.2.0", VERSIONS), ["1.2.0"]);
    assert!(served_by("1.2.1", VERSIONS).is_empty());
}

#[test]
fn a_worker_registered_for_the_range_itself_takes_precedence() {
    let mut world = World::new();
    world.worker("version", "name@1.2.0");
    world.worker("named", "name@^1.0.0");
    world.request("c1", "name@^1.0.0", "r1");
    assert_eq!(world.jobs("named"), ["r1"]);

    world.send("named", "W|5");
    world.request("c1", "name@^1.0.0", "r2");
    assert_eq!(world.jobs("version"), ["r2"]);
}

#[test]
fn the_worker_receives_the_requested_range() {
    let mut world = World::new();
    world.worker("w1", "name@1.2.0");
    world.request("c1", "name@^1", "r1");
    assert_eq!(world.received("w1"), ["W|2|c1|name@^1||r1|1|{}"]);
}

#[test]
fn versions_of_another_name_do_not_match() {
    let mut world = World::new();
    world.worker("w1", "names@1.0.0");
    world.worker("w2", "name");
    world.request("c1", "name@*", "r1");
    world.request("c1", "name", "r2");
    assert_eq!(world.jobs("w2"), ["r2"]);
    assert!(world.jobs("w1").is_empty());
}

#[test]
fn versions_share_the_load_of_a_range() {
    let mut world = World::new();
    world.worker("w1", "name@1.0.0");
    world.worker("w2", "name@1.1.0");
    for number in 0..4 {
        world.request("c1", "name@1", &format!("r{number}"));
    }
    assert_eq!([world.jobs("w1").len(), world.jobs("w2").len()], [2, 2]);
}
