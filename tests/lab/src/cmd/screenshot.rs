// SPDX-License-Identifier: GPL-2.0

//! `lab screenshot`.

use super::run::{self, Outcome, RunArgs};
use crate::{
    boot::{self, Driver, Foreign, RunDir},
    context::Lab,
    guest::Programs,
    kernel::Flavour,
    machine::{self, Boot, GUEST_RUN, monitor::Progress},
    show,
};
use anyhow::Result;
use clap::Args;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

const CLIENT: &str = "client";

/// How long the client may take.
const LIMIT: Duration = Duration::from_secs(180);

/// Arguments of `lab screenshot`.
#[derive(Debug, Args)]
pub struct ScreenshotArgs {
    /// The driver to take the pictures from.
    #[arg(long, value_enum, default_value = "rvkms")]
    pub driver: Driver,
    /// Where the pictures and the kernel's log go.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// A kernel from elsewhere.
    #[command(flatten)]
    pub foreign: Foreign,
    /// Take a picture of what this client shows, instead of the usual ones. It
    /// is ended by the end of its standard input.
    #[arg(last = true)]
    pub client: Vec<String>,
}

/// Runs the subcommand.
pub fn main(lab: &Lab, args: &ScreenshotArgs) -> Result<ExitCode> {
    let output = match &args.output {
        Some(dir) => dir.clone(),
        None => lab.checkout.path("out/screenshot"),
    };
    let outcome = if args.client.is_empty() {
        let run_args = RunArgs {
            driver: args.driver,
            output: None,
            frames: 1,
            client: None,
            debug: false,
            foreign: args.foreign.clone(),
        };
        run::show(lab, &run_args, &output)?
    } else {
        picture(lab, args, &output)?
    };
    run::print(&outcome);
    Ok(if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Takes a picture of what the user's client shows.
fn picture(lab: &Lab, args: &ScreenshotArgs, output: &Path) -> Result<Outcome> {
    let built = args.foreign.ensure(lab, Flavour::Uml)?;
    let programs = Programs::ensure(lab, &built.root)?;
    let dir = RunDir::new(&built)?;
    let mut boot = Boot::new(lab, dir.path())?;
    boot::load_driver(&mut boot, &built, args.driver)?;
    let mut command = vec![
        format!("{GUEST_RUN}/bin/snapshot"),
        "--driver".into(),
        args.driver.drm_name().into(),
        "--name".into(),
        args.client.join(" "),
        "--png".into(),
        format!("{GUEST_RUN}/{CLIENT}.png"),
        "--report".into(),
        format!("{GUEST_RUN}/{CLIENT}.json"),
        "--".into(),
    ];
    command.extend(args.client.iter().cloned());
    boot.run(CLIENT, LIMIT, command);

    let report = machine::run(
        &*machine::of(lab, &built)?,
        &built,
        &programs,
        &boot,
        |progress| {
            if let Progress::Splat(title) = progress {
                lab.ui.say(format!("kernel: {title}"));
            }
        },
    )?;
    let mut rows = show::failed_loads(&report);
    rows.extend(show::client_rows(&report, CLIENT));
    Ok(Outcome {
        rows,
        complaints: report.complaints(),
        first_frame: None,
        pictures: show::keep_pictures(&report, output)?,
        logs: Vec::from_iter(boot::keep(&report, machine::monitor::CONSOLE, output)?),
    })
}
