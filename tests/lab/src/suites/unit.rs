// SPDX-License-Identifier: GPL-2.0

//! `lab-unit`: the unit tests of this tool and of the guest's programs.

use super::Context;
use crate::{
    guest, proc,
    report::{Case, Outcome},
};
use anyhow::Result;
use std::fs;

/// Name of the suite.
pub const NAME: &str = "lab-unit";

/// The cargo workspaces below `tests`.
const WORKSPACES: [&str; 2] = ["guest", "lab"];

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let lab = context.lab;
    let root = context.root()?;
    let mut cases = Vec::new();
    for name in WORKSPACES {
        let step = lab.ui.step(format!("unit tests of {name}"), None);
        let log = context.output.join(format!("unit-{name}.log"));
        let _lock = guest::lock(lab)?;
        let mut command = guest::cargo(lab, &root, name)?;
        // All crates, whichever fails first.
        command.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
        let result = proc::run_logged(
            &format!("the unit tests of {name}"),
            &mut command,
            &log,
            |line| step.note(line.trim()),
        );
        proc::check()?;
        step.done("done");
        let text = fs::read(&log).unwrap_or_default();
        let found = read(name, &String::from_utf8_lossy(&text));
        let none_failed = found.iter().all(|case| case.outcome == Outcome::Pass);
        cases.extend(found);
        // Not a test that failed, but the build.
        if let (Err(error), true) = (result, none_failed) {
            cases.push(Case::judge(
                NAME,
                format!("{name} build"),
                vec![format!("{error:#}")],
            ));
        }
    }
    cases.retain(|case| context.filters.wants(NAME, &case.name));
    Ok(cases)
}

/// Reads what Rust's test harness prints.
fn read(workspace: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for line in text.lines() {
        let Some((name, result)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.split_once(" ... "))
        else {
            continue;
        };
        // What a test writes to standard error may stand before the result.
        let outcome = if result.trim_end().ends_with("ok") {
            Outcome::Pass
        } else if result.starts_with("ignored") {
            Outcome::Skip("ignored in the source".into())
        } else {
            Outcome::Fail("it failed".into())
        };
        let mut case = Case::new(NAME, format!("{workspace}::{name}"), outcome);
        if matches!(case.outcome, Outcome::Fail(_)) {
            case.details = output_of(name, text);
        }
        cases.push(case);
    }
    cases
}

/// Picks what test `name` printed.
fn output_of(name: &str, text: &str) -> Vec<String> {
    let start = format!("---- {name} stdout ----");
    text.lines()
        .skip_while(|line| *line != start)
        .skip(1)
        .take_while(|line| !line.starts_with("---- ") && *line != "failures:")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_is_understood() {
        let text = "\
running 4 tests
test a::good ... ok
test a::loud ... waiting for another lab to finish with xok
test a::bad ... FAILED
test a::idle ... ignored

failures:

---- a::bad stdout ----
thread panicked at x
---- a::other stdout ----
no

failures:
    a::bad
";
        let cases = read("lab", text);
        assert_eq!(cases.len(), 4);
        assert_eq!(cases[0].name, "lab::a::good");
        assert_eq!(cases[0].outcome, Outcome::Pass);
        assert_eq!(cases[1].outcome, Outcome::Pass);
        assert!(matches!(cases[2].outcome, Outcome::Fail(_)));
        assert_eq!(cases[2].details, ["thread panicked at x"]);
        assert!(matches!(cases[3].outcome, Outcome::Skip(_)));
    }
}
