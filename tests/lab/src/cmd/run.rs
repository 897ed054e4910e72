// SPDX-License-Identifier: GPL-2.0

//! `lab run`.

use crate::context::Lab;
use anyhow::{Result, bail};
use clap::Args;
use std::process::ExitCode;

/// Arguments of `lab run`.
#[derive(Debug, Args)]
pub struct RunArgs {}

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &RunArgs) -> Result<ExitCode> {
    bail!("`lab run` is not part of this build")
}
