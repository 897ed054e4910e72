// SPDX-License-Identifier: GPL-2.0

//! Our programs that run inside guests: built from `tests/guest`, linked
//! statically, since a guest's root may have another C library or none.

use crate::{context::Lab, lock::Lock, proc};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What rustc calls the guests that we build programs for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The guest's first process.
const AGENT: &str = "guest-agent";

/// Programs that every run finds in its `bin` folder.
const PROGRAMS: [&str; 2] = ["showcase", "snapshot"];

/// The built programs.
#[derive(Clone, Debug)]
pub struct Programs {
    dir: PathBuf,
}

impl Programs {
    /// Builds what is not up to date.
    ///
    /// # Errors
    ///
    /// Fails if the build does.
    pub fn ensure(lab: &Lab) -> Result<Self> {
        let target = target_dir(lab);
        let _lock = Lock::take(&lab.cache.locks(), "guest programs", &lab.ui)?;
        let step = lab.ui.step("guest programs", None);
        let log = lab.cache.work(&lab.checkout).logs().join("guest.log");
        let mut command = cargo(lab);
        command.args(["build", "--release", "--locked", "--workspace"]);
        proc::run_logged("build the guest programs", &mut command, &log, |line| {
            step.note(line.trim());
        })?;
        drop(step);
        Ok(Self {
            dir: target.join(TARGET).join("release"),
        })
    }

    /// Returns the guest's first process.
    pub fn agent(&self) -> PathBuf {
        self.dir.join(AGENT)
    }

    /// Puts the other programs into the folder `dir`.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be copied.
    pub fn copy_to(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
        for name in PROGRAMS {
            let from = self.dir.join(name);
            fs::copy(&from, dir.join(name)).with_context(|| format!("{}", from.display()))?;
        }
        Ok(())
    }
}

/// Returns where cargo puts what it makes of `tests/guest`.
fn target_dir(lab: &Lab) -> PathBuf {
    lab.cache.dir().join("guest")
}

/// Returns cargo, ready to work on `tests/guest`.
pub fn cargo(lab: &Lab) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(lab.checkout.path("tests/guest"))
        .env("CARGO_TARGET_DIR", target_dir(lab))
        // The folder's own configuration says how to link.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}
