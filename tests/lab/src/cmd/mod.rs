// SPDX-License-Identifier: GPL-2.0

//! One file for each subcommand; each has one entry point, `main`.

pub mod bench;
pub mod build;
pub mod clean;
pub mod doctor;
pub mod export;
pub mod prepare;
pub mod refresh;
pub mod run;
pub mod screenshot;
pub mod shell;
pub mod test;

use crate::{
    cli::{Cli, Command},
    context::Lab,
};
use anyhow::Result;
use std::process::ExitCode;

/// Runs the subcommand that the command line names.
pub fn dispatch(cli: Cli) -> Result<ExitCode> {
    let lab = Lab::open(cli.checkout.as_deref())?;

    match cli.command {
        Command::Doctor(args) => doctor::main(&lab, &args),
        Command::Prepare(args) => prepare::main(&lab, &args),
        Command::Build(args) => build::main(&lab, &args),
        Command::Run(args) => run::main(&lab, &args),
        Command::Test(args) => test::main(&lab, &args),
        Command::Shell(args) => shell::main(&lab, &args),
        Command::Screenshot(args) => screenshot::main(&lab, &args),
        Command::Bench(args) => bench::main(&lab, &args),
        Command::Refresh(args) => refresh::main(&lab, &args),
        Command::Export(args) => export::main(&lab, &args),
        Command::Clean(args) => clean::main(&lab, &args),
    }
}
