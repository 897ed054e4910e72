// SPDX-License-Identifier: GPL-2.0

//! `teardown`: unloading the driver while its device has work in flight, again
//! and again, on the kernel with every check.
//!
//! Each round loads the module, has a client leave the device at a bad moment,
//! and unloads the module. What then runs in memory that is gone, or waits for
//! what never comes, the kernel reports or the machine shows.

use super::Context;
use crate::{
    boot::{self, RunDir},
    machine::{self, Boot, GUEST_RUN, monitor::Progress, uml::Uml},
    report::Case,
};
use anyhow::Result;
use guest_protocol::Action;
use std::time::Duration;

/// Name of the suite.
pub const NAME: &str = "teardown";

/// How the client leaves the device; see the program `teardown`.
const SCENES: [&str; 5] = ["flip", "close", "killed", "held", "interrupted"];

/// How often each is played.
const ROUNDS: usize = 20;

/// How long a client, or the end of the module, may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the suite.
///
/// # Errors
///
/// Fails if the kernel cannot be built or booted.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let built = context.built(context.test_kernel())?;
    let programs = context.programs()?;
    let module = context.driver.module();
    let mut cases = Vec::new();

    for scene in SCENES {
        if !context.filters.wants(NAME, scene) {
            continue;
        }
        let dir = RunDir::new(&built)?;
        let mut boot = Boot::new(context.lab, dir.path())?;
        // KUnit has its own suite.
        boot.arguments.push("kunit.autorun=0".into());
        for round in 1..=ROUNDS {
            boot::load_module_again(&mut boot, &built, module, &format!("#{round}"))?;
            let program = format!("{GUEST_RUN}/bin/teardown");
            let drm_name = context.driver.drm_name();
            boot.run(
                client(round),
                LIMIT,
                [&*program, "--driver", drm_name, "--module", module, scene],
            );
            if scene != "interrupted" {
                let action = Action::UnloadModule {
                    name: module.into(),
                };
                boot.step(format!("unload #{round}"), LIMIT, action)
                    .required = true;
            }
        }
        boot::scan_for_leaks(&mut boot, &built);

        let step = context.lab.ui.step(format!("{NAME}/{scene}"), None);
        let report = machine::run(&Uml::new(&built), &built, &programs, &boot, |progress| {
            if let Progress::Splat(title) = progress {
                step.note(title);
            }
        })?;
        step.done("done");
        let output = context.output.join(NAME).join(scene);
        boot::keep(&report, machine::monitor::CONSOLE, &output)?;
        cases.push(judge(scene, &boot, &report));
    }
    Ok(cases)
}

/// The step of the client in a round.
fn client(round: usize) -> String {
    format!("client #{round}")
}

/// Judges the rounds of a scene.
fn judge(scene: &str, boot: &Boot, report: &machine::Report) -> Case {
    let mut complaints = report.complaints();

    for step in boot.steps.iter().filter(|step| step.id != boot::LEAKS) {
        // The client of that scene is killed, as it has to be.
        if scene == "killed" && step.id.starts_with("client") {
            let killed = guest_protocol::Outcome::Signal { signal: 9 };

            if report.outcome(&step.id) == Some(&killed) {
                continue;
            }
        }
        let complaint = boot::step_complaint(report, &step.id);
        if !complaint.is_empty() {
            complaints.extend(complaint);
            break;
        }
    }
    complaints.extend(boot::leak_complaints(report));
    let mut case = Case::judge(NAME, scene, complaints);
    for splat in &report.splats {
        case.details.extend(splat.lines.iter().cloned());
    }
    case
}
