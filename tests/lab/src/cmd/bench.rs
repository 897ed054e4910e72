// SPDX-License-Identifier: GPL-2.0

//! `lab bench`.

use crate::context::Lab;
use anyhow::{Result, bail};
use clap::Args;
use std::process::ExitCode;

/// Arguments of `lab bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {}

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &BenchArgs) -> Result<ExitCode> {
    bail!("`lab bench` is not part of this build")
}
