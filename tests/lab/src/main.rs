// SPDX-License-Identifier: GPL-2.0

//! Entry point of `lab`.

use clap::Parser;
use drm_lab::{cli::Cli, cmd, error, proc};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();

    if let Err(err) = proc::catch_signals() {
        eprintln!("lab: cannot catch signals: {err}");
        return ExitCode::FAILURE;
    }
    match cmd::dispatch(cli) {
        Ok(code) => code,
        Err(err) => error::report(&err),
    }
}
