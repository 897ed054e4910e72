// SPDX-License-Identifier: GPL-2.0

//! `churn`: devices that come and go while clients hold on to them.

use super::Context;
use crate::{
    boot::{self, RunDir},
    machine::{self, Boot, GUEST_RUN, monitor::Progress},
    report::Case,
};
use anyhow::Result;
use std::time::Duration;

/// Name of the suite.
pub const NAME: &str = "churn";

/// How many devices are made every day, and when everything is asked for.
const EVERYDAY: u32 = 100;
const ALL: u32 = 1000;

/// How long one may take, on a debug kernel on a busy machine.
const CYCLE: Duration = Duration::from_secs(20);

/// The program that makes them.
const CHURN: &str = "churn";

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let name = context.driver.to_string();
    if !context.filters.wants(NAME, &name) {
        return Ok(Vec::new());
    }
    let cycles = if context.igt.full { ALL } else { EVERYDAY };
    let built = context.built(context.test_kernel())?;
    let programs = context.programs()?;
    let dir = RunDir::new(&built)?;
    let mut boot = Boot::new(context.lab, dir.path())?;
    boot.memory = 2048;
    boot.arguments.push("kunit.autorun=0".into());
    boot::load_driver(&mut boot, &built, context.driver)?;
    let limit = CYCLE.saturating_mul(cycles);
    let program = format!("{GUEST_RUN}/bin/{CHURN}");
    boot.run(
        CHURN,
        limit,
        [program.as_str(), "--cycles", &cycles.to_string()],
    );
    boot::scan_for_leaks(&mut boot, &built);

    let step = context.lab.ui.step(&name, None);
    let report = machine::run(
        &*machine::of(context.lab, &built)?,
        &built,
        &programs,
        &boot,
        |progress| {
            if let Progress::Splat(title) = progress {
                step.note(title);
            }
        },
    )?;
    step.done("done");
    boot::keep(&report, machine::monitor::CONSOLE, &context.output)?;
    for line in report.stdout(CHURN).lines() {
        context.lab.ui.say(line);
    }

    let mut cases = Vec::new();
    for step in boot.steps.iter().filter(|step| step.id != boot::LEAKS) {
        let complaints = boot::step_complaint(&report, &step.id);
        if step.id == CHURN {
            cases.push(Case::judge(NAME, &name, complaints));
        } else if !complaints.is_empty() {
            cases.push(Case::judge(NAME, step.id.clone(), complaints));
        }
    }
    cases.push(Case::judge(
        NAME,
        boot::LEAKS,
        boot::leak_complaints(&report),
    ));
    let mut log = Case::judge(NAME, "kernel log", report.complaints());
    for splat in &report.splats {
        log.details.extend(splat.lines.iter().cloned());
    }
    cases.push(log);
    Ok(cases)
}
