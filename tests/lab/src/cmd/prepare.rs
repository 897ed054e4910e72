// SPDX-License-Identifier: GPL-2.0

//! `lab prepare`.

use crate::{cli::PrepareArgs, context::Lab};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &PrepareArgs) -> Result<ExitCode> {
    bail!("`lab prepare` is not part of this build")
}
