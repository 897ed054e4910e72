// SPDX-License-Identifier: GPL-2.0

//! `lab test`.

use crate::context::Lab;
use anyhow::{Result, bail};
use clap::Args;
use std::process::ExitCode;

/// Arguments of `lab test`.
#[derive(Debug, Args)]
pub struct TestArgs {}

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &TestArgs) -> Result<ExitCode> {
    bail!("`lab test` is not part of this build")
}
