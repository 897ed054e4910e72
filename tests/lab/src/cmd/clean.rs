// SPDX-License-Identifier: GPL-2.0

//! `lab clean`.

use crate::{cli::CleanArgs, context::Lab};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &CleanArgs) -> Result<ExitCode> {
    bail!("`lab clean` is not part of this build")
}
