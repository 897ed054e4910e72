// SPDX-License-Identifier: GPL-2.0

//! `lab build`.

use crate::{cli::BuildArgs, context::Lab, kernel};
use anyhow::Result;
use std::process::ExitCode;

/// Builds a kernel, and says where it is.
pub fn main(lab: &Lab, args: &BuildArgs) -> Result<ExitCode> {
    let built = kernel::ensure(
        lab,
        args.flavour,
        kernel::Options {
            strict: args.strict,
        },
    )?;
    let state = if built.changed { "built" } else { "up to date" };
    let place = if built.flavour.boots() {
        built.image()
    } else {
        built.out
    };
    println!("{}: {state}: {}", args.flavour, place.display());
    Ok(ExitCode::SUCCESS)
}
