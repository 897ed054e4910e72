// SPDX-License-Identifier: GPL-2.0

//! `lab build`.

use crate::{cli::BuildArgs, context::Lab};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &BuildArgs) -> Result<ExitCode> {
    bail!("`lab build` is not part of this build")
}
