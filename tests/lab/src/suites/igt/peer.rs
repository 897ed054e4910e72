// SPDX-License-Identifier: GPL-2.0

//! `--peer`: the same tests on another driver, side by side.

use super::{Run, execute};
use crate::{
    boot::Driver,
    expect::State,
    report::{Case, Outcome},
    suites::{Context, PEER},
};
use anyhow::Result;
use comfy_table::{Table, presets};
use std::collections::BTreeMap;

/// As many tests are shown in full.
const SHORT: usize = 60;

/// Runs the tests on `peer` and on the driver under test. What passes on the
/// peer has to pass on the driver.
///
/// # Errors
///
/// Fails if the kernel cannot be built or booted.
pub fn compare(context: &Context<'_>, peer: Driver, own: &Run) -> Result<Vec<Case>> {
    let other = execute(context, peer)?;
    println!("{}", table(context.driver, own, peer, &other));
    let mut cases: Vec<Case> = own
        .tests
        .iter()
        .map(|name| {
            let (ours, theirs) = (own.result(name), other.result(name));
            let outcome = verdict(peer, theirs.state, ours.state);
            let mut case = Case::new(PEER, name, outcome);
            case.details = ours.details;
            case
        })
        .collect();
    for complaint in other.complaints {
        cases.push(Case::judge(PEER, format!("{peer} kernel log"), complaint));
    }
    Ok(cases)
}

fn verdict(peer: Driver, theirs: State, ours: State) -> Outcome {
    match (theirs, ours) {
        (State::Pass, State::Pass) => Outcome::Pass,
        (State::Pass, ours) => Outcome::Fail(format!("{peer} passes, this driver: {ours}")),
        (theirs, _) => Outcome::Skip(format!("{peer}: {theirs}")),
    }
}

/// Lays both drivers side by side: how often each combination came, and the
/// names where they differ.
fn table(driver: Driver, own: &Run, peer: Driver, other: &Run) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_header([
            "test".to_owned(),
            peer.to_string(),
            driver.to_string(),
            format!("{peer} time"),
            format!("{driver} time"),
        ]);
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for name in &own.tests {
        let (ours, theirs) = (own.result(name), other.result(name));
        *counts
            .entry((theirs.state.to_string(), ours.state.to_string()))
            .or_default() += 1;
        // The rest of a long list is not worth reading.
        if own.tests.len() > SHORT && ours.state == theirs.state {
            continue;
        }
        table.add_row([
            name.clone(),
            theirs.state.to_string(),
            ours.state.to_string(),
            format!("{:.2} s", theirs.time.as_secs_f64()),
            format!("{:.2} s", ours.time.as_secs_f64()),
        ]);
    }
    for ((theirs, ours), count) in counts {
        table.add_row([format!("{count} tests"), theirs, ours]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_peer_passes_has_to_pass() {
        let verdict = |theirs, ours| verdict(Driver::Vkms, theirs, ours);
        assert_eq!(verdict(State::Pass, State::Pass), Outcome::Pass);
        for ours in [State::Fail, State::Skip, State::Missing, State::Splat] {
            assert!(matches!(verdict(State::Pass, ours), Outcome::Fail(_)));
        }
        assert!(matches!(
            verdict(State::Fail, State::Fail),
            Outcome::Skip(_)
        ));
        assert!(matches!(
            verdict(State::Skip, State::Pass),
            Outcome::Skip(_)
        ));
    }
}
