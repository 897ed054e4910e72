// SPDX-License-Identifier: GPL-2.0

//! `kunit`: the kernel's own unit tests and the runnable examples of the
//! documentation, on the kernel with every check.
//!
//! What is built in runs while the kernel boots, what is in a module when it is
//! loaded; then the leak detector looks at what they left behind.

use super::Context;
use crate::{
    boot::{self, RunDir},
    log::ktap::{self, Status},
    machine::{self, Boot, Need, monitor::Progress},
    report::{Case, Outcome},
};
use anyhow::{Context as _, Result};
use std::{fs, time::Duration};

/// Name of the suite.
pub const NAME: &str = "kunit";

/// The drivers that the guide walks through.
const SAMPLES: [&str; 2] = ["rust_driver_drm_skeleton", "rust_driver_drm_kms"];

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let built = context.built_for(&[Need::Checks])?;
    let programs = context.programs()?;
    let dir = RunDir::new(&built)?;
    let mut boot = Boot::new(context.lab, dir.path())?;
    boot.patience = Duration::from_secs(600);
    for module in [context.driver.module()].into_iter().chain(SAMPLES) {
        boot::load_module(&mut boot, &built, module)?;
    }
    boot::scan_for_leaks(&mut boot, &built);

    let step = context.lab.ui.step(NAME, None);
    let report = machine::run(
        &*machine::of(context.lab, &built)?,
        &built,
        &programs,
        &boot,
        |progress| match progress {
            Progress::Line(line) if line.trim_start().starts_with("ok ") => {
                step.note(line.trim());
            }
            Progress::Splat(title) => context.lab.ui.say(format!("kernel: {title}")),
            _ => {}
        },
    )?;
    step.done("done");
    boot::keep(&report, machine::monitor::CONSOLE, &context.output)?;
    let log = report.console();
    let text = fs::read(&log).with_context(|| format!("{}", log.display()))?;

    let mut cases = cases(&String::from_utf8_lossy(&text));
    if cases.is_empty() {
        let complaint = vec!["the kernel's log has no test results".into()];
        cases.push(Case::judge(NAME, "results", complaint));
    }
    cases.retain(|case| context.filters.wants(NAME, &case.name));
    for step in boot.steps.iter().filter(|step| step.id != boot::LEAKS) {
        let complaints = boot::step_complaint(&report, &step.id);
        if !complaints.is_empty() {
            cases.push(Case::judge(NAME, step.id.clone(), complaints));
        }
    }
    let leaks = boot::leak_complaints(&report);
    cases.push(Case::judge(NAME, boot::LEAKS, leaks));
    cases.push(log_case(&report));
    Ok(cases)
}

/// The kernel's complaints, and an end that came too early, as a case.
fn log_case(report: &machine::Report) -> Case {
    let mut case = Case::judge(NAME, "kernel log", report.complaints());
    for splat in &report.splats {
        case.details.extend(splat.lines.iter().cloned());
    }
    case
}

/// The results in a kernel log.
fn cases(log: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for test in ktap::parse(log) {
        test.leaves("", &mut |name, leaf| {
            let outcome = match &leaf.status {
                Status::Pass => Outcome::Pass,
                Status::Skip(reason) => Outcome::Skip(reason.clone()),
                Status::Fail => {
                    let reason = leaf.notes.first().cloned();
                    Outcome::Fail(reason.unwrap_or_else(|| "it failed".into()))
                }
                Status::Crash => Outcome::Fail("it began, but has no result".into()),
            };
            let mut case = Case::new(NAME, name, outcome);
            if matches!(case.outcome, Outcome::Fail(_)) {
                case.details = leaf.notes.clone();
            }
            cases.push(case);
        });
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_become_cases_with_full_names() {
        let log = "\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: suite
    1..3
    ok 1 good
    # bad: EXPECTATION FAILED at a.rs:3
    not ok 2 bad
    ok 3 idle # SKIP nothing to do
not ok 1 suite
";
        let cases = cases(log);
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["suite.good", "suite.bad", "suite.idle"]);
        assert_eq!(cases[0].outcome, Outcome::Pass);
        assert_eq!(
            cases[1].outcome,
            Outcome::Fail("bad: EXPECTATION FAILED at a.rs:3".into())
        );
        assert_eq!(cases[2].outcome, Outcome::Skip("nothing to do".into()));
    }
}
