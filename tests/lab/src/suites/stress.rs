// SPDX-License-Identifier: GPL-2.0

//! `stress`: IGT programs that race with themselves, and devices that come and
//! go, all at the same time on the kernel with every check, for as long as one
//! likes.
//!
//! The kernel is the judge: no complaint, no hang, no leak.

use super::Context;
use crate::{
    boot::{self, RunDir},
    machine::{self, Boot, GUEST_RUN, monitor::Progress},
    report::Case,
};
use anyhow::{Context as _, Result};
use clap::Args;
use guest_protocol::Action;
use std::{fs, time::Duration};

/// Name of the suite.
pub const NAME: &str = "stress";

/// How long the programs may take to end when the time is up.
const LATE: Duration = Duration::from_secs(300);

const SCRIPT: &str = "stress.sh";

/// How the suite is run.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How long the suite `stress` runs.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub minutes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { minutes: 60 }
    }
}

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let built = context.built(context.test_kernel())?;
    let dir = RunDir::new(&built)?;
    let long = Duration::from_secs(context.stress.minutes * 60);
    let mut boot = Boot::new(context.lab, dir.path())?;
    boot.memory = 3072;
    // KUnit has its own suite.
    boot.arguments.push("kunit.autorun=0".into());
    boot::load_driver(&mut boot, &built, context.driver)?;
    let path = dir.path().join(SCRIPT);
    fs::write(&path, include_str!("stress.sh")).with_context(|| format!("{}", path.display()))?;
    let mut command = machine::command(["bash", &format!("{GUEST_RUN}/{SCRIPT}")]);
    command.env = vec![
        ("RUN".into(), GUEST_RUN.into()),
        ("SECONDS_LONG".into(), long.as_secs().to_string()),
        ("DRIVER".into(), context.driver.drm_name().into()),
    ];
    boot.step(NAME, long + LATE, Action::Run(command));
    boot::scan_for_leaks(&mut boot, &built);

    let step = context.lab.ui.step(
        format!(
            "{NAME} on {}, {} minutes",
            context.driver,
            long.as_secs() / 60
        ),
        None,
    );
    let report = machine::run(
        &*machine::of(context.lab, &built)?,
        &built,
        &context.programs()?,
        &boot,
        |progress| match progress {
            Progress::Line(line) if line.contains("[IGT] ") => step.note(line.trim()),
            Progress::Splat(title) => context.lab.ui.say(format!("kernel: {title}")),
            _ => {}
        },
    )?;
    step.done("done");
    let output = context.output.join(NAME);
    boot::keep(&report, machine::monitor::CONSOLE, &output)?;

    let mut programs = Vec::new();
    for step in &boot.steps {
        if step.id != boot::LEAKS {
            programs.extend(boot::step_complaint(&report, &step.id));
        }
    }
    let mut programs = Case::judge(NAME, "programs", programs);
    let counts = report.stdout(NAME);
    programs.details.extend(counts.lines().map(str::to_owned));
    context.lab.ui.say(counts.trim());
    if let Some(time) = report.duration(NAME) {
        programs = programs.took(time);
    }
    let mut complaints = report.complaints();
    for splat in &report.splats {
        complaints.extend(splat.lines.iter().cloned());
    }
    Ok(vec![
        programs,
        Case::judge(NAME, "kernel log", complaints),
        Case::judge(NAME, boot::LEAKS, boot::leak_complaints(&report)),
    ])
}
