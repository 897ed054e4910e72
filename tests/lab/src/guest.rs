// SPDX-License-Identifier: GPL-2.0

//! Our programs that run inside guests: built from `tests/guest`, linked
//! statically, since a guest's root may have another C library or none.

use crate::{atomic, context::Lab, lock::Lock, proc, sandbox::Sandbox};
use anyhow::{Context, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use walkdir::WalkDir;

/// What rustc calls the guests that we build programs for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The guest's first process.
const AGENT: &str = "guest-agent";

/// What the machine, and the root, trust when they download.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Programs that every run finds in its `bin` folder.
const PROGRAMS: [&str; 6] = [
    "churn",
    "compositions",
    "copies",
    "showcase",
    "snapshot",
    "teardown",
];

/// The crates below `tests`.
const OUR_CRATES: [&str; 4] = ["display", "drm-lab", "guest-agent", "guest-protocol"];

/// The built programs.
#[derive(Clone, Debug)]
pub struct Programs {
    dir: PathBuf,
}

impl Programs {
    /// Builds what is not up to date, with the toolchain of the Debian root
    /// `root`.
    ///
    /// # Errors
    ///
    /// Fails if the build does.
    pub fn ensure(lab: &Lab, root: &Path) -> Result<Self> {
        let _lock = lock(lab)?;
        let step = lab.ui.step("guest programs", None);
        let log = lab.cache.work(&lab.checkout).logs().join("guest.log");
        let mut command = cargo(lab, root, "guest")?;
        command.args(["build", "--release", "--locked", "--workspace"]);
        proc::run_logged("build the guest programs", &mut command, &log, |line| {
            // Warnings of the linker about static programs are in the log.
            if line.trim().starts_with("Compiling ") {
                step.note(line.trim());
            }
        })?;
        drop(step);
        // The next checkout puts its own programs at the same place.
        let made = target_dir(lab, "guest").join(TARGET).join("release");
        let dir = lab.cache.work(&lab.checkout).dir().join("programs");
        fs::create_dir_all(&dir).with_context(|| format!("{}", dir.display()))?;
        for name in PROGRAMS.into_iter().chain([AGENT]) {
            let from = made.join(name);
            let data = fs::read(&from).with_context(|| format!("{}", from.display()))?;
            atomic::write_with(&dir.join(name), &data, 0o755, None)?;
        }
        Ok(Self { dir })
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

/// Returns where cargo puts what it makes of the workspace `tests/NAME`.
fn target_dir(lab: &Lab, name: &str) -> PathBuf {
    lab.cache.dir().join("cargo-target").join(name)
}

/// Takes what cargo makes for sole use: all checkouts share it.
///
/// # Errors
///
/// Fails as [`Lock::take`] does.
pub fn lock(lab: &Lab) -> Result<Lock> {
    Lock::take(&lab.cache.locks(), "guest programs", &lab.ui)
}

/// Returns the cargo of the Debian root `root`, ready to work on the workspace
/// `tests/NAME`. The caller has taken the [`lock`].
///
/// # Errors
///
/// Fails if folders cannot be made.
pub fn cargo(lab: &Lab, root: &Path, name: &str) -> Result<Command> {
    let home = lab.cache.dir().join("cargo");
    let target = target_dir(lab, name);
    for dir in [&home, &target] {
        fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
    }
    // Where the user gets crates from.
    for config in user_cargo_configs() {
        if config.is_file() {
            fs::copy(&config, home.join("config.toml"))
                .with_context(|| format!("{}", config.display()))?;
            break;
        }
    }
    forget_others(lab, &target)?;
    let sandbox = Sandbox::new(root)
        .ro_bind(lab.checkout.dir(), "/src")
        .bind(&home, "/mnt")
        .bind(&target, "/out")
        .env("CARGO_HOME", "/mnt")
        .env("CARGO_TARGET_DIR", "/out")
        .dir(&format!("/src/tests/{name}"));
    // A machine behind a proxy may trust more than Debian does.
    let certificates = Path::new(CERTIFICATES);
    let sandbox = if certificates.is_file() {
        sandbox.ro_bind(certificates, CERTIFICATES)
    } else {
        sandbox
    };
    Ok(sandbox.command("cargo"))
}

/// Makes cargo compile our own crates anew if it was another checkout that it
/// compiled them for last.
///
/// It goes by the times of files, and would take crates of the other checkout
/// for ours if they are younger than our sources.
fn forget_others(lab: &Lab, target: &Path) -> Result<()> {
    let stamp = target.join("checkout");
    let checkout = lab.checkout.dir().as_os_str().as_encoded_bytes();
    if fs::read(&stamp).is_ok_and(|last| last == checkout) {
        return Ok(());
    }
    for entry in WalkDir::new(target).max_depth(4) {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy();
        let ours = OUR_CRATES.iter().any(|krate| {
            let hash = name
                .strip_prefix(krate)
                .and_then(|rest| rest.strip_prefix('-'));
            hash.is_some_and(|hash| !hash.contains('-'))
        });
        if ours
            && entry
                .path()
                .parent()
                .is_some_and(|dir| dir.ends_with(".fingerprint"))
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    atomic::write(&stamp, checkout)
}

/// Returns the files in which the user may have configured cargo.
fn user_cargo_configs() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cargo")));
    home.into_iter()
        .flat_map(|home| [home.join("config.toml"), home.join("config")])
        .collect()
}
