//! Selects the cells: all triples for smoke scenarios. Other scenarios run pairwise: every two
//! languages meet in every two roles.

use std::sync::Arc;

use super::cell::{Cell, Triple};
use super::drivers::{Drivers, Role};
use super::scenario::Scenario;

/// The cells to run and to skip.
#[derive(Debug, Default)]
pub struct Plan {
    /// Lists of cells that share one stage, in order.
    pub units: Vec<Vec<Cell>>,
    /// Cells that cannot run, with the missing capability.
    pub skipped: Vec<(Cell, Lack)>,
}

/// A capability that a language does not have in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The language.
    pub language: String,
    /// The role.
    pub role: Role,
    /// The missing capability.
    pub capability: String,
}

/// Plans the cells that `wanted` accepts. With `is_full` every scenario runs with all triples.
pub fn plan(drivers: &Drivers, scenarios: &[Arc<Scenario>], is_full: bool, wanted: impl Fn(&Cell) -> bool) -> Plan {
    let mut plan = Plan::default();
    let mut shared: Vec<Cell> = Vec::new();
    for (number, scenario) in scenarios.iter().enumerate() {
        let able = Role::ALL.map(|role| able(drivers, scenario, role));
        let every = is_full || scenario.smoke;
        let triples = if every { product(&able) } else { pairs(&able, number) };
        let cells = triples.into_iter().map(|triple| Cell { scenario: Arc::clone(scenario), triple });
        for cell in cells.filter(|cell| wanted(cell)) {
            if scenario.is_sharing() {
                shared.push(cell);
            } else {
                plan.units.push(vec![cell]);
            }
        }
        plan.skipped.extend(skipped(drivers, scenario, &able, every).into_iter().filter(|(cell, _)| wanted(cell)));
    }
    // The slow cells, which do not share processes, come last so that they run concurrently.
    shared.sort_by(|one, other| one.triple.cmp(&other.triple));
    let mut units: Vec<Vec<Cell>> = Vec::new();
    for cell in shared {
        match units.last_mut() {
            Some(unit) if unit[0].triple == cell.triple => unit.push(cell),
            _ => units.push(vec![cell]),
        }
    }
    units.append(&mut plan.units);
    plan.units = units;
    plan
}

fn able(drivers: &Drivers, scenario: &Scenario, role: Role) -> Vec<String> {
    let able = drivers.with_role(role).into_iter();
    able.filter(|language| drivers.lacking(language, role, scenario.needs.of(role)).is_none())
        .map(str::to_owned)
        .collect()
}

fn triple(client: &str, worker: &str, broker: &str) -> Triple {
    Triple { client: client.to_owned(), worker: worker.to_owned(), broker: broker.to_owned() }
}

fn product(able: &[Vec<String>; 3]) -> Vec<Triple> {
    let [clients, workers, brokers] = able;
    let mut all = Vec::new();
    for client in clients {
        for worker in workers {
            all.extend(brokers.iter().map(|broker| triple(client, worker, broker)));
        }
    }
    all
}

/// Triples in which every two languages meet in every two roles: all pairs of the two longest
/// lists, combined with the third list in rotation. `turn` shifts the rotation, so that scenarios
/// use different triples.
fn pairs(able: &[Vec<String>; 3], turn: usize) -> Vec<Triple> {
    let mut order = [0, 1, 2];
    order.sort_by_key(|role| std::cmp::Reverse(able[*role].len()));
    if able.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (i, first) in able[order[0]].iter().enumerate() {
        for (j, second) in able[order[1]].iter().enumerate() {
            let thirds = &able[order[2]];
            let mut chosen = [first; 3];
            chosen[order[1]] = second;
            chosen[order[2]] = &thirds[(i + j + turn) % thirds.len()];
            all.push(triple(chosen[0], chosen[1], chosen[2]));
        }
    }
    all
}

/// Cells that cannot run: all of them, or one per language and role that lacks a capability.
fn skipped(drivers: &Drivers, scenario: &Arc<Scenario>, able: &[Vec<String>; 3], every: bool) -> Vec<(Cell, Lack)> {
    let lack = |language: &str, role: Role| {
        let capability = drivers.lacking(language, role, scenario.needs.of(role))?.to_owned();
        Some(Lack { language: language.to_owned(), role, capability })
    };
    let cell = |triple| Cell { scenario: Arc::clone(scenario), triple };
    if every {
        let all = Role::ALL.map(|role| drivers.with_role(role).into_iter().map(str::to_owned).collect());
        let lacks = |triple: &Triple| Role::ALL.into_iter().find_map(|role| lack(triple.of(role), role));
        let with_lack = product(&all).into_iter().filter_map(|triple| lacks(&triple).map(|lack| (cell(triple), lack)));
        return with_lack.collect();
    }
    let mut some = Vec::new();
    for (position, role) in Role::ALL.into_iter().enumerate() {
        for language in drivers.with_role(role) {
            let Some(lack) = lack(language, role) else { continue };
            let others = able.each_ref().map(|names| names.first().map_or("rust", String::as_str));
            let mut names = others;
            names[position] = language;
            some.push((cell(triple(names[0], names[1], names[2])), lack));
        }
    }
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("l{number}")).collect()
    }

    #[test]
    fn every_two_languages_meet_in_every_two_roles() {
        for sizes in [[7, 6, 5], [4, 4, 4], [2, 5, 3], [1, 4, 4], [3, 1, 6]] {
            let able = sizes.map(names);
            for turn in 0..5 {
                let all = pairs(&able, turn);
                for (one, other) in
                    [(Role::Client, Role::Worker), (Role::Client, Role::Broker), (Role::Worker, Role::Broker)]
                {
                    let mut met: Vec<_> = all.iter().map(|triple| (triple.of(one), triple.of(other))).collect();
                    met.sort_unstable();
                    met.dedup();
                    let size = |role| able[Role::ALL.iter().position(|other| *other == role).unwrap()].len();
                    assert_eq!(met.len(), size(one) * size(other), "{sizes:?} {one} {other}");
                }
            }
        }
        assert_eq!(pairs(&[7, 6, 5].map(names), 0).len(), 42);
    }
}
