// SPDX-License-Identifier: GPL-2.0

//! `lab shell`.

use crate::{
    boot::{self, Driver, Foreign, RunDir},
    context::Lab,
    guest::Programs,
    kernel::Flavour,
    machine::{self, Boot, Device, Need, monitor::Progress, needs},
};
use anyhow::Result;
use clap::Args;
use guest_protocol::{Action, Outcome};
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

const SHELL: &str = "shell";
const COMMAND: &str = "command";

/// Arguments of `lab shell`.
#[derive(Debug, Args)]
pub struct ShellArgs {
    /// The driver to load.
    #[arg(long, value_enum, default_value = "rvkms")]
    pub driver: Driver,
    /// Load no driver.
    #[arg(long, conflicts_with = "driver")]
    pub bare: bool,
    /// Boot the kernel with every check.
    #[arg(long)]
    pub debug: bool,
    /// Boot this kernel.
    #[arg(long, value_enum, value_name = "KERNEL", conflicts_with = "debug")]
    pub kernel: Option<Flavour>,
    /// Have QEMU emulate this device: what its option -device says.
    #[arg(long, value_name = "DEVICE", conflicts_with = "debug")]
    pub device: Vec<String>,
    /// How long a command may take, in seconds.
    #[arg(long, default_value_t = 600)]
    pub limit: u64,
    /// A kernel from elsewhere.
    #[command(flatten)]
    pub foreign: Foreign,
    /// Run this command in the guest instead of a shell.
    #[arg(last = true)]
    pub command: Vec<String>,
}

/// Runs the subcommand.
pub fn main(lab: &Lab, args: &ShellArgs) -> Result<ExitCode> {
    let mut needs = Vec::new();
    if args.debug {
        needs.push(Need::Checks);
    }
    if !args.device.is_empty() {
        needs.push(Need::EmulatedDevices);
    }
    let flavour = match args.kernel {
        Some(flavour) => flavour,
        None => needs::cheapest(&needs)?,
    };
    let built = args.foreign.ensure(lab, flavour)?;
    let programs = Programs::ensure(lab, &built.root)?;
    let dir = RunDir::new(&built)?;
    let mut boot = Boot::new(lab, dir.path())?;
    if !args.bare {
        boot::load_driver(&mut boot, &built, args.driver)?;
    }
    boot.devices = args.device.iter().cloned().map(Device::Emulated).collect();
    if args.command.is_empty() {
        if !std::io::stdin().is_terminal() {
            anyhow::bail!("a shell needs a terminal; `lab shell -- COMMAND` does not");
        }
        boot.interactive = true;
        // Warnings only: the log is on the same screen.
        boot.arguments.push("loglevel=5".into());
        let mut shell = machine::command(["setsid", "--ctty", "--wait", "bash", "-i"]);
        let term = std::env::var("TERM").unwrap_or_else(|_| "linux".into());
        shell.env = vec![("TERM".into(), term)];
        boot.step(SHELL, Duration::ZERO, Action::Interact(shell));
    } else {
        let limit = Duration::from_secs(args.limit);
        boot.run(COMMAND, limit, &args.command);
    }
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
    std::io::stdout().write_all(report.stdout(COMMAND).as_bytes())?;
    std::io::stderr().write_all(report.stderr(COMMAND).as_bytes())?;

    let mut complaints = Vec::new();
    for step in &boot.steps {
        match report.outcome(&step.id) {
            Some(Outcome::Ok | Outcome::Exit { .. }) if step.id == SHELL => {}
            Some(Outcome::Ok) => {}
            Some(outcome) => complaints.push(format!("{}: {outcome}", step.id)),
            None => complaints.push(format!("{}: no result", step.id)),
        }
    }
    complaints.extend(report.complaints());
    for splat in &report.splats {
        for line in &splat.lines {
            lab.ui.say(format!("  | {line}"));
        }
    }
    for complaint in &complaints {
        lab.ui.say(complaint);
    }
    Ok(if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
