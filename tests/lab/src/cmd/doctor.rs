// SPDX-License-Identifier: GPL-2.0

//! `lab doctor`.

use crate::{cli::DoctorArgs, context::Lab};
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &DoctorArgs) -> Result<ExitCode> {
    bail!("`lab doctor` is not part of this build")
}
