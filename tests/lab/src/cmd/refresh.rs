// SPDX-License-Identifier: GPL-2.0

//! `lab refresh`.

use crate::{cli::RefreshArgs, context::Lab};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &RefreshArgs) -> Result<ExitCode> {
    bail!("`lab refresh` is not part of this build")
}
