// SPDX-License-Identifier: GPL-2.0

//! `lab prepare`.

use crate::{
    cli::PrepareArgs,
    context::Lab,
    prepare::{self, Options},
};
use anyhow::Result;
use std::process::ExitCode;

/// Prepares, and says what there is then.
pub fn main(lab: &Lab, args: &PrepareArgs) -> Result<ExitCode> {
    let prepared = prepare::ensure(
        lab,
        Options {
            strict: args.strict,
            update: args.update,
            archive: args.base.as_deref(),
        },
    )?;
    println!(
        "source:  {} {}",
        prepared.base.origin.package, prepared.base.origin.version
    );
    println!("root:    {}", prepared.root.fs.display());
    println!("tree:    {}", prepared.work.linux().display());
    println!("changed: {} files", prepared.laid.written.len());
    Ok(ExitCode::SUCCESS)
}
