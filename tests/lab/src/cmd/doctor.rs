// SPDX-License-Identifier: GPL-2.0

//! `lab doctor`.

use crate::{
    cli::DoctorArgs,
    context::Lab,
    host::{self, Lack},
    prepare,
};
use anyhow::Result;
use std::process::ExitCode;

/// Says what the machine lacks; with `--fix`, installs it.
pub fn main(lab: &Lab, args: &DoctorArgs) -> Result<ExitCode> {
    let mut lacks = lacks(lab)?;

    if args.fix && lacks.iter().any(|lack| lack.package.is_some()) {
        host::install(lab, &lacks)?;
        lacks = self::lacks(lab)?;
    }
    if lacks.is_empty() {
        println!(
            "nothing is missing; the cache is {}",
            lab.cache.dir().display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    for lack in &lacks {
        println!("missing: {}", lack.what);
        if let Some(advice) = &lack.advice {
            println!("         {advice}");
        }
    }
    let packages: Vec<_> = lacks.iter().filter_map(|lack| lack.package).collect();
    if !packages.is_empty() {
        println!(
            "install: {}\n         or: ./lab doctor --fix",
            host::install_command(&packages)
        );
    }
    Ok(ExitCode::FAILURE)
}

/// Returns all that is lacking.
fn lacks(lab: &Lab) -> Result<Vec<Lack>> {
    let mut lacks = host::lacking_tools();
    lacks.extend(host::lacking_sandbox());
    lacks.extend(host::lacking_room(
        lab.cache.dir(),
        prepare::room_needed(lab),
        "all of it",
    )?);
    lacks.extend(host::lacking_memory());
    Ok(lacks)
}
