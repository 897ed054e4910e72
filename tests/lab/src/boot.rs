// SPDX-License-Identifier: GPL-2.0

//! What the subcommands that boot a kernel have in common: which build, which
//! driver, a folder for the run, and results that outlive it.

use crate::{
    atomic,
    context::Lab,
    kernel::{self, Built, Flavour, Options},
    log::leaks,
    machine::{self, Boot, GUEST_MODULES, Report},
    modules::Modules,
};
use anyhow::{Context, Result};
use clap::Args;
use guest_protocol::Action;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// How long loading a module may take.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// Lets a module be found in sysfs under another name as well.
const ALIAS_SCRIPT: &str = r#"
set -e
mkdir -p /run/lab/module
ln -s "$1" "/run/lab/module/$2"
mount -t overlay -o lowerdir=/run/lab/module:/sys/module overlay /sys/module
test -d "/sys/module/$2/holders"
"#;

/// The step that looks for memory leaks.
pub const LEAKS: &str = "kmemleak";

/// How long that may take.
const LEAK_LIMIT: Duration = Duration::from_secs(120);

/// A display driver that can be shown and tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Driver {
    /// Ours, in Rust.
    Rvkms,
    /// The stock one, in C.
    Vkms,
}

impl Driver {
    /// Returns the name of the kernel module, and of the driver in files.
    pub const fn module(self) -> &'static str {
        match self {
            Self::Rvkms => "rvkms",
            Self::Vkms => "vkms",
        }
    }

    /// Returns the name that user space knows the DRM driver by.
    pub const fn drm_name(self) -> &'static str {
        "vkms"
    }
}

impl std::fmt::Display for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.module())
    }
}

/// Lets a developer of this tool boot a kernel that something else built.
#[derive(Clone, Debug, Default, Args)]
pub struct Foreign {
    /// Do not build: boot the kernel in this build output.
    #[arg(
        long,
        hide = true,
        value_name = "DIR",
        requires_all = ["foreign_root", "foreign_src"]
    )]
    pub foreign_out: Option<PathBuf>,
    /// The source that it was built from.
    #[arg(long, hide = true, value_name = "DIR")]
    pub foreign_src: Option<PathBuf>,
    /// The Debian root to boot it with.
    #[arg(long, hide = true, value_name = "DIR")]
    pub foreign_root: Option<PathBuf>,
}

impl Foreign {
    /// Returns the kernel `flavour`, up to date.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be built.
    pub fn ensure(&self, lab: &Lab, flavour: Flavour) -> Result<Built> {
        match self.built(lab, flavour)? {
            Some(built) => Ok(built),
            None => kernel::ensure(lab, flavour, Options::default()),
        }
    }

    /// Returns the kernel from elsewhere, if one is given.
    ///
    /// # Errors
    ///
    /// Fails if it is not there.
    pub fn built(&self, lab: &Lab, flavour: Flavour) -> Result<Option<Built>> {
        let (Some(out), Some(root), Some(src)) =
            (&self.foreign_out, &self.foreign_root, &self.foreign_src)
        else {
            return Ok(None);
        };
        let real = |path: &PathBuf| {
            path.canonicalize()
                .with_context(|| format!("{}", path.display()))
        };
        let work = lab.cache.work(&lab.checkout);
        fs::create_dir_all(lab.cache.ccache())?;
        Ok(Some(Built {
            flavour,
            src: real(src)?,
            out: real(out)?,
            root: real(root)?,
            ccache: lab.cache.ccache(),
            runs: work.runs(),
            fingerprint: String::new(),
            changed: false,
            lock: Arc::new(work.lock(lab)?),
        }))
    }
}

/// A folder for one boot, removed with this value.
#[derive(Debug)]
pub struct RunDir {
    dir: TempDir,
}

impl RunDir {
    /// Makes a new folder in the workspace.
    ///
    /// # Errors
    ///
    /// Fails if that does.
    pub fn new(built: &Built) -> Result<Self> {
        let runs = &built.runs;
        fs::create_dir_all(runs).with_context(|| format!("{}", runs.display()))?;
        // What a lab that was killed left behind.
        atomic::sweep(runs)?;
        let dir = tempfile::Builder::new()
            .prefix(&atomic::mark("run"))
            .tempdir_in(runs)
            .with_context(|| format!("{}", runs.display()))?;
        Ok(Self { dir })
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Adds the steps that load module `name` and what it needs. All later steps
/// depend on them.
///
/// # Errors
///
/// Fails if the build does not have the modules.
pub fn load_module(boot: &mut Boot, built: &Built, name: &str) -> Result<()> {
    for path in Modules::of(&built.out)?.load_order(name)? {
        load(boot, &path, "");
    }
    Ok(())
}

/// Adds the steps that load the module of `driver`.
///
/// Programs ask sysfs for the module by the name of the DRM driver. A kernel that has only one
/// module for that DRM driver has it under that name; ours have both, and only one can.
///
/// # Errors
///
/// Fails if the build does not have the module.
pub fn load_driver(boot: &mut Boot, built: &Built, driver: Driver) -> Result<()> {
    load_module(boot, built, driver.module())?;
    if driver.module() != driver.drm_name() {
        let argv = [
            "sh",
            "-c",
            ALIAS_SCRIPT,
            "sh",
            driver.module(),
            driver.drm_name(),
        ];
        let action = Action::Run(machine::command(argv));
        boot.step("name the module", LOAD_LIMIT, action).required = true;
    }
    Ok(())
}

/// Adds the step that loads module `name`, which may have been unloaded before,
/// and the first time those for what it needs. `mark` tells the steps apart.
///
/// # Errors
///
/// Fails if the build does not have the modules.
pub fn load_module_again(boot: &mut Boot, built: &Built, name: &str, mark: &str) -> Result<()> {
    let order = Modules::of(&built.out)?.load_order(name)?;
    let Some((module, needed)) = order.split_last() else {
        return Ok(());
    };
    if boot.steps.is_empty() {
        for path in needed {
            load(boot, path, "");
        }
    }
    load(boot, module, mark);
    Ok(())
}

fn load(boot: &mut Boot, path: &Path, mark: &str) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let id = format!("load {stem} {mark}");
    let action = Action::LoadModule {
        path: Path::new(GUEST_MODULES).join(path),
        parameters: String::new(),
    };
    boot.step(id.trim_end(), LOAD_LIMIT, action).required = true;
}

/// Adds the step that looks for memory leaks, if the kernel can.
pub fn scan_for_leaks(boot: &mut Boot, built: &Built) {
    if built.flavour == Flavour::UmlDebug {
        boot.step(LEAKS, LEAK_LIMIT, Action::LeakScan);
    }
}

/// Says what the step that looks for memory leaks found.
pub fn leak_complaints(report: &Report) -> Vec<String> {
    if report.outcome(LEAKS).is_none() {
        return Vec::new();
    }
    let mut complaints = step_complaint(report, LEAKS);
    complaints.extend(leaks::complaints(&report.stdout(LEAKS), &report.known));
    complaints
}

/// Describes what went wrong in step `id`, with the end of what it printed.
/// Empty if nothing did.
pub fn step_complaint(report: &Report, id: &str) -> Vec<String> {
    const SHOWN: usize = 12;

    let what = match report.outcome(id) {
        Some(outcome) if outcome.is_ok() => return Vec::new(),
        Some(outcome) => format!("{id}: {outcome}"),
        None => format!("{id}: no result"),
    };
    let text = report.stdout(id) + &report.stderr(id);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(SHOWN);
    std::iter::once(what)
        .chain(lines[from..].iter().map(|line| format!("  | {line}")))
        .collect()
}

/// Copies the file `name` of a boot into the folder `to`, if it exists.
///
/// # Errors
///
/// Fails if it cannot be copied.
pub fn keep(report: &Report, name: &str, to: &Path) -> Result<Option<PathBuf>> {
    let from = report.dir.join(name);
    if !from.is_file() {
        return Ok(None);
    }
    fs::create_dir_all(to).with_context(|| format!("{}", to.display()))?;
    let to = to.join(Path::new(name).file_name().unwrap_or_default());
    fs::copy(&from, &to).with_context(|| format!("{}", to.display()))?;
    Ok(Some(to))
}
