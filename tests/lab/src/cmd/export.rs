// SPDX-License-Identifier: GPL-2.0

//! `lab export`.

use crate::{cli::ExportArgs, context::Lab};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &ExportArgs) -> Result<ExitCode> {
    bail!("`lab export` is not part of this build")
}
