// SPDX-License-Identifier: GPL-2.0

//! `lab shell`.

use crate::context::Lab;
use anyhow::{Result, bail};
use clap::Args;
use std::process::ExitCode;

/// Arguments of `lab shell`.
#[derive(Debug, Args)]
pub struct ShellArgs {}

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &ShellArgs) -> Result<ExitCode> {
    bail!("`lab shell` is not part of this build")
}
