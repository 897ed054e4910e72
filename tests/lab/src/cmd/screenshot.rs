// SPDX-License-Identifier: GPL-2.0

//! `lab screenshot`.

use crate::context::Lab;
use anyhow::{Result, bail};
use clap::Args;
use std::process::ExitCode;

/// Arguments of `lab screenshot`.
#[derive(Debug, Args)]
pub struct ScreenshotArgs {}

/// Runs the subcommand.
pub fn main(_lab: &Lab, _args: &ScreenshotArgs) -> Result<ExitCode> {
    bail!("`lab screenshot` is not part of this build")
}
