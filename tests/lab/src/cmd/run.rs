// SPDX-License-Identifier: GPL-2.0

//! `lab run`.

use crate::{
    boot::{self, Driver, Foreign, RunDir},
    clients::Client,
    context::Lab,
    guest::Programs,
    kernel::Flavour,
    machine::{self, Boot, Report, monitor::Progress},
    show::{self, Row, Show},
};
use anyhow::Result;
use clap::Args;
use guest_protocol::Event;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// Arguments of `lab run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The driver to show pictures on.
    #[arg(long, value_enum, default_value = "rvkms")]
    pub driver: Driver,
    /// Where the pictures and the kernel's log go.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Frames of the moving pattern.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: u32,
    /// Let this client show something instead of the usual ones.
    #[arg(long, value_enum)]
    pub client: Option<Client>,
    /// Run on the kernel with every check.
    #[arg(long)]
    pub debug: bool,
    /// A kernel from elsewhere.
    #[command(flatten)]
    pub foreign: Foreign,
}

/// What came of showing pictures.
#[derive(Debug)]
pub struct Outcome {
    /// The lines of the table.
    pub rows: Vec<Row>,
    /// What was wrong with the machine as a whole.
    pub complaints: Vec<String>,
    /// How long it took from the start to the first frame on the screen.
    pub first_frame: Option<Duration>,
    /// The pictures.
    pub pictures: Vec<PathBuf>,
    /// The kernel's log, and the client's.
    pub logs: Vec<PathBuf>,
}

impl Outcome {
    /// Tells whether nothing was wrong.
    pub fn is_ok(&self) -> bool {
        self.complaints.is_empty() && self.rows.iter().all(|row| row.errors.is_empty())
    }
}

/// Boots, shows pictures, and leaves pictures and log in the folder `output`.
///
/// # Errors
///
/// Fails if the kernel cannot be built or booted. What goes wrong in it is in
/// the outcome.
pub fn show(lab: &Lab, args: &RunArgs, output: &Path) -> Result<Outcome> {
    let started = Instant::now();
    let flavour = if args.debug {
        Flavour::UmlDebug
    } else {
        Flavour::Uml
    };
    let built = args.foreign.ensure(lab, flavour)?;
    let programs = Programs::ensure(lab, &built.root)?;
    let show = Show {
        driver: args.driver,
        frames: args.frames,
    };
    let dir = RunDir::new(&built)?;
    let mut boot = Boot::new(lab, dir.path())?;
    match args.client {
        Some(client) => client.plan(&mut boot, &built, args.driver)?,
        None => show.plan(&mut boot, &built)?,
    }
    boot::scan_for_leaks(&mut boot, &built);

    let step = lab.ui.step(format!("run {}", args.driver), None);
    let mut first_frame = None;
    let report = machine::run(
        &*machine::of(lab, &built)?,
        &built,
        &programs,
        &boot,
        |progress| match progress {
            Progress::Event(Event::Began { step: name, .. }) => step.note(name),
            Progress::Event(Event::Ended { step: name, .. })
                if !name.starts_with("load ") && first_frame.is_none() =>
            {
                first_frame = Some(started.elapsed());
            }
            Progress::Event(_) | Progress::Line(_) | Progress::Paused(_) => {}
            Progress::Splat(title) => lab.ui.say(format!("kernel: {title}")),
        },
    )?;
    step.done("done");
    let (rows, log) = match args.client {
        Some(client) => (client.rows(&report), client.log()),
        None => (show.rows(&report), None),
    };
    finish(rows, &report, output, first_frame, log)
}

fn finish(
    rows: Vec<Row>,
    report: &Report,
    output: &Path,
    first_frame: Option<Duration>,
    client_log: Option<&str>,
) -> Result<Outcome> {
    // The first step of a client says nothing if that client failed.
    let shown = rows.first().is_some_and(|row| row.errors.is_empty());
    let mut complaints = report.complaints();
    complaints.extend(boot::leak_complaints(report));
    let mut logs = Vec::new();
    for name in [machine::monitor::CONSOLE].into_iter().chain(client_log) {
        logs.extend(boot::keep(report, name, output)?);
    }
    Ok(Outcome {
        complaints,
        first_frame: first_frame.filter(|_| shown),
        pictures: show::keep_pictures(report, output)?,
        logs,
        rows,
    })
}

/// Tells the user what came of it.
pub fn print(outcome: &Outcome) {
    println!("{}", show::table(&outcome.rows));
    for error in outcome.rows.iter().flat_map(|row| &row.errors) {
        println!("{error}");
    }
    for complaint in &outcome.complaints {
        println!("{complaint}");
    }
    if let Some(time) = outcome.first_frame {
        println!("first frame after {:.1} s", time.as_secs_f64());
    }
    for picture in &outcome.pictures {
        println!("picture: {}", picture.display());
    }
    for log in &outcome.logs {
        println!("log: {}", log.display());
    }
}

/// Runs the subcommand.
pub fn main(lab: &Lab, args: &RunArgs) -> Result<ExitCode> {
    let output = match &args.output {
        Some(dir) => dir.clone(),
        None => lab.checkout.path("out/run"),
    };
    let outcome = show(lab, args, &output)?;
    print(&outcome);
    Ok(if outcome.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
