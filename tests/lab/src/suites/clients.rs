// SPDX-License-Identifier: GPL-2.0

//! `clients`: compositors and tools, as they come from the distribution, on the
//! driver.

use super::Context;
use crate::{
    boot::{self, Driver, RunDir},
    clients::{self, Client},
    kernel::Built,
    machine::{self, Boot, Report, monitor::Progress},
    report::Case,
    show,
};
use anyhow::Result;

/// Name of the suite.
pub const NAME: &str = "clients";

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let built = context.built(context.test_kernel())?;
    let mut cases = Vec::new();
    for client in Client::ALL {
        if context.filters.wants(NAME, client.name()) {
            cases.extend(try_client(context, &built, client)?);
        }
    }
    Ok(cases)
}

fn try_client(context: &Context<'_>, built: &Built, client: Client) -> Result<Vec<Case>> {
    let dir = RunDir::new(built)?;
    let report = run_client(context, built, client, context.driver, &dir)?;
    let output = context.output.join(NAME).join(client.name());
    show::keep_pictures(&report, &output)?;
    boot::keep(&report, machine::monitor::CONSOLE, &output)?;
    if let Some(log) = client.log() {
        boot::keep(&report, log, &output)?;
    }
    let complaints: Vec<_> = client
        .rows(&report)
        .into_iter()
        .flat_map(|row| row.errors)
        .collect();
    let mut case = Case::judge(NAME, client.name(), complaints);
    if let Some(time) = report.duration(client.name()) {
        case = case.took(time);
    }
    let mut cases = vec![case];
    let mut complaints = report.complaints();
    complaints.extend(boot::leak_complaints(&report));
    for splat in &report.splats {
        complaints.extend(splat.lines.iter().cloned());
    }
    let name = format!("{} kernel log", client.name());
    cases.push(Case::judge(NAME, name, complaints));
    if client == Client::DrmInfo {
        cases.push(compare(context, built, &report)?);
    }
    Ok(cases)
}

/// Compares what `drm_info` says with what it says about the stock driver.
fn compare(context: &Context<'_>, built: &Built, report: &Report) -> Result<Case> {
    const CASE: &str = "drm-info finds all that it finds on vkms";

    let dir = RunDir::new(built)?;
    let other = run_client(context, built, Client::DrmInfo, Driver::Vkms, &dir)?;
    let complaints = match (clients::info(&other), clients::info(report)) {
        (Ok(theirs), Ok(ours)) => clients::lacking(&theirs, &ours),
        (Err(error), _) | (_, Err(error)) => vec![format!("{error:#}")],
    };
    Ok(Case::judge(NAME, CASE, complaints))
}

fn run_client(
    context: &Context<'_>,
    built: &Built,
    client: Client,
    driver: Driver,
    dir: &RunDir,
) -> Result<Report> {
    let mut boot = Boot::new(context.lab, dir.path())?;
    // KUnit has its own suite.
    boot.arguments.push("kunit.autorun=0".into());
    client.plan(&mut boot, built, driver)?;
    boot::scan_for_leaks(&mut boot, built);
    let name = format!("{} on {driver}", client.name());
    let step = context.lab.ui.step(name, None);
    let report = machine::run(
        &*machine::of(context.lab, built)?,
        built,
        &context.programs()?,
        &boot,
        |progress| {
            if let Progress::Splat(title) = progress {
                context.lab.ui.say(format!("kernel: {title}"));
            }
        },
    )?;
    step.done("done");
    Ok(report)
}
