//! `name@RANGE` may go to any worker of a version that satisfies the range.

use super::world::{sorted, World};

/// Which of the versions a request for `asked` may go to, by filling each up until the request waits.
fn served_by(asked: &str, versions: &[&str]) -> Vec<String> {
    let mut world = World::new();
    for version in versions {
        world.worker_of(version, &format!("name@{version}"), 1);
    }
    for number in 0..=versions.len() {
        world.send_frames("c1", ["C", "2", &format!("name@{asked}"), &format!("r{number}"), "1", "{}"]);
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
fn star_takes_every_release() {
    let releases = ["0.9.0", "1.0.0", "1.2.0", "1.2.9", "1.3.0", "2.0.0", "3.0.0"];
    assert_eq!(served_by("*", VERSIONS), releases);
}

#[test]
fn a_prerelease_is_only_taken_by_a_range_that_names_one() {
    assert_eq!(served_by("^2.0.0", VERSIONS), ["2.0.0"]);
    assert_eq!(served_by("^2.1.0-alpha", VERSIONS), ["2.1.0-beta.1"]);
}

#[test]
fn one_version_is_only_that_one() {
    assert_eq!(served_by("1.2.0", VERSIONS), ["1.2.0"]);
    assert!(served_by("1.2.1", VERSIONS).is_empty());
}

#[test]
fn a_worker_that_bears_the_asked_name_itself_comes_first() {
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
fn the_worker_is_told_the_range_that_was_asked_for() {
    let mut world = World::new();
    world.worker("w1", "name@1.2.0");
    world.request("c1", "name@^1", "r1");
    assert_eq!(world.received("w1"), ["W|2|c1|name@^1||r1|1|{}"]);
}

#[test]
fn versions_of_another_name_do_not_count() {
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
