// SPDX-License-Identifier: GPL-2.0

//! Building a kernel.

use super::{
    Built, Flavour, config,
    diagnostics::{self, Diagnostic},
};
use crate::{
    atomic,
    cache::short_hash,
    checkout::Checkout,
    context::Lab,
    host,
    overlay::{self, lay::Laid},
    prepare::{self, Prepared},
    proc,
    sandbox::Sandbox,
    ui::Step,
};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

/// Bytes that a build from nothing may take, and one of what changed.
const ROOM: (u64, u64) = (3 * host::GIB, host::GIB / 4);

/// How much ccache may keep.
const CCACHE_SIZE: &str = "5G";

/// Our configuration in the output folder.
const ASKED: &str = "lab.config";

/// How to build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Stop if stock files under the overlay differ from the recorded ones.
    pub strict: bool,
}

/// What is recorded of the last build.
#[derive(Debug, Default, Deserialize, Serialize)]
struct State {
    /// What `.config` was made from.
    config: String,
    /// What was built to the end.
    finished: String,
}

/// Brings everything up to date that the kernel `flavour` needs, the kernel
/// included. If nothing changed since the last time, this takes well under a
/// second.
///
/// # Errors
///
/// Fails if a step does.
pub fn ensure(lab: &Lab, flavour: Flavour, options: Options) -> Result<Built> {
    let prepared = prepare::ensure(
        lab,
        prepare::Options {
            strict: options.strict,
            ..prepare::Options::default()
        },
    )?;
    ensure_prepared(lab, flavour, &prepared)
}

/// Builds the kernel `flavour` from what is prepared.
///
/// # Errors
///
/// Fails if a step does.
pub fn ensure_prepared(lab: &Lab, flavour: Flavour, prepared: &Prepared) -> Result<Built> {
    let out = prepared.work.out().join(flavour.name());
    let asked = config::merge(&lab.checkout, flavour.fragments())?;
    let config = short_hash(format!("{asked}\0{}", prepared.laid.kconfig).as_bytes());
    let fingerprint = short_hash(format!("{config}\0{}", prepared.laid.fingerprint).as_bytes());

    let build = Build {
        lab,
        flavour,
        prepared,
        state: prepared.work.out().join(format!("{}.json", flavour.name())),
        asked,
        config,
        built: Built {
            flavour,
            src: prepared.work.linux(),
            out,
            root: prepared.root.fs.clone(),
            ccache: lab.cache.ccache(),
            runs: prepared.work.runs(),
            fingerprint,
            changed: false,
            lock: prepared.lock.clone(),
        },
    };
    build.run()
}

/// Returns a sandbox with the kernel source, the output and ccache in place.
pub fn sandbox(root: &Path, src: &Path, out: &Path, ccache: &Path) -> Sandbox {
    Sandbox::new(root)
        .ro_bind(src, "/src")
        .bind(out, "/out")
        .bind(ccache, "/ccache")
        .env("CCACHE_DIR", "/ccache")
        .env("CCACHE_MAXSIZE", CCACHE_SIZE)
        // The same source gives the same kernel, whoever builds it.
        .env("KBUILD_BUILD_TIMESTAMP", "2026-01-01")
        .env("KBUILD_BUILD_USER", "lab")
        .env("KBUILD_BUILD_HOST", "lab")
        .dir("/src")
}

/// Returns make for `flavour` in `sandbox`, ready for targets.
fn make(flavour: Flavour, sandbox: &Sandbox) -> Command {
    let mut make = sandbox.command("make");
    let jobs = thread::available_parallelism().map_or(1, |jobs| jobs.get());
    make.args([
        &format!("-j{jobs}"),
        &format!("ARCH={}", flavour.arch()),
        "O=/out",
        "LLVM=1",
        "CC=ccache clang",
    ]);
    if flavour.is_strict() {
        make.arg("CLIPPY=1");
    }
    if flavour.arch() == "um" {
        // The module loader of UML knows neither GOT relocations nor how to
        // reach further than 2 GiB.
        make.arg("RUSTFLAGS_MODULE=-Ccode-model=large -Crelocation-model=static");
    }
    make
}

/// Returns what is compiled of a kernel that is not linked: the library, and
/// the folders of our drivers and samples.
fn targets(checkout: &Checkout) -> Result<Vec<String>> {
    let folders: BTreeSet<String> = overlay::files(checkout)?
        .keys()
        .filter(|name| name.starts_with("drivers/") || name.starts_with("samples/"))
        .filter_map(|name| name.strip_suffix("Makefile"))
        .map(str::to_owned)
        .collect();
    let mut targets = vec!["prepare".to_owned(), "rust/".to_owned()];
    targets.extend(folders);
    Ok(targets)
}

/// Compiles library and drivers in the source tree `src`, in which the overlay
/// may be incomplete: without asking for every option, and leaving out the
/// folders that are not there.
///
/// # Errors
///
/// Fails if that fails; `step` names it.
pub fn compile_partial(
    lab: &Lab,
    prepared: &Prepared,
    src: &Path,
    out: &Path,
    step: &str,
    mut line: impl FnMut(&str),
) -> Result<()> {
    let flavour = Flavour::X86_64;
    let ccache = lab.cache.ccache();
    fs::create_dir_all(out)?;
    fs::create_dir_all(&ccache)?;
    fs::write(
        out.join(ASKED),
        config::merge(&lab.checkout, flavour.fragments())?,
    )?;
    let sandbox = sandbox(&prepared.root.fs, src, out, &ccache);
    let log = prepared.work.logs().join("build-partial.log");

    let mut configure = make(flavour, &sandbox);
    configure.args([&format!("KCONFIG_ALLCONFIG=/out/{ASKED}"), "allnoconfig"]);
    proc::run_logged(step, &mut configure, &log, &mut line)?;
    let mut compile = make(flavour, &sandbox);
    for target in targets(&lab.checkout)? {
        if !target.ends_with('/') || src.join(&target).is_dir() {
            compile.arg(target);
        }
    }
    proc::run_logged(step, &mut compile, &log, line)
}

/// A build that goes on.
struct Build<'a> {
    lab: &'a Lab,
    flavour: Flavour,
    prepared: &'a Prepared,
    /// The file of the [`State`].
    state: PathBuf,
    /// The options asked for.
    asked: String,
    /// Stands for these, and for what decides which options there are.
    config: String,
    built: Built,
}

impl Build<'_> {
    fn run(mut self) -> Result<Built> {
        let mut state = self.read_state();
        if state.finished == self.built.fingerprint {
            return Ok(self.built);
        }
        let first = state.finished.is_empty();
        let room = if first { ROOM.0 } else { ROOM.1 };
        host::need_room(self.lab.cache.dir(), room, "a kernel build")?;
        fs::create_dir_all(&self.built.out)?;
        fs::create_dir_all(&self.built.ccache)?;

        if state.config != self.config {
            self.configure()?;
            state.config = self.config.clone();
            self.write_state(&state)?;
        }
        self.compile(first)?;
        state.finished = self.built.fingerprint.clone();
        self.write_state(&state)?;
        self.built.changed = true;
        Ok(self.built)
    }

    fn read_state(&self) -> State {
        fs::read(&self.state)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    fn write_state(&self, state: &State) -> Result<()> {
        atomic::write(&self.state, &serde_json::to_vec_pretty(state)?)
    }

    fn log(&self, what: &str) -> PathBuf {
        let name = format!("{what}-{}.log", self.flavour);
        self.prepared.work.logs().join(name)
    }

    /// Returns make, ready for targets.
    fn make(&self) -> Command {
        make(self.flavour, &self.built.sandbox())
    }

    fn configure(&self) -> Result<()> {
        let step = self
            .lab
            .ui
            .step(format!("configure {}", self.flavour), None);
        let log = self.log("config");
        fs::write(self.built.out.join(ASKED), &self.asked)?;
        // Configured aside, so that a configuration that stays the same keeps
        // its time.
        let mut make = self.make();
        make.args([
            "KCONFIG_CONFIG=/out/.config.new",
            &format!("KCONFIG_ALLCONFIG=/out/{ASKED}"),
            "allnoconfig",
        ]);
        proc::run_logged(
            &format!("configure {}", self.flavour),
            &mut make,
            &log,
            |line| step.note(line),
        )?;
        let new = self.built.out.join(".config.new");
        let text = fs::read_to_string(&new).with_context(|| format!("{}", new.display()))?;
        config::verify(&self.asked, &text)
            .with_context(|| format!("configure {}", self.flavour))?;
        let old = self.built.out.join(".config");
        if fs::read_to_string(&old).ok().as_ref() == Some(&text) {
            fs::remove_file(&new)?;
        } else {
            fs::rename(&new, &old)?;
        }
        step.done("done");
        Ok(())
    }

    /// Returns what to make.
    fn targets(&self) -> Result<Vec<String>> {
        if self.flavour.boots() {
            return Ok(vec!["all".into()]);
        }
        targets(&self.lab.checkout)
    }

    fn compile(&self, first: bool) -> Result<()> {
        let name = format!("build {}", self.flavour);
        let step = self.lab.ui.step(&name, first.then(|| self.flavour.steps()));
        let log = self.log("build");
        let mut make = self.make();
        make.args(self.targets()?);
        let result = proc::run_logged(&name, &mut make, &log, |line| progress(&step, line));

        let text = fs::read(&log).unwrap_or_default();
        let ours = overlay::files(&self.lab.checkout)?;
        let found = diagnostics::find(&String::from_utf8_lossy(&text), |path| {
            ours.contains_key(path)
        });
        if self.flavour.is_strict() {
            self.forget(&found)?;
        }
        result?;
        if found.is_empty() {
            step.done("done");
            return Ok(());
        }
        for diagnostic in &found {
            self.lab.ui.say(format!("{}\n", diagnostic.text));
        }
        if self.flavour.is_strict() {
            bail!(
                "{name} failed: {} warnings in our files\n  log: {}",
                found.len(),
                log.display()
            );
        }
        step.done(&format!("done, with {} warnings in our files", found.len()));
        Ok(())
    }

    /// Makes the files that were warned of newer than what was compiled from
    /// them, so that the next build warns of them again.
    fn forget(&self, found: &[Diagnostic]) -> Result<()> {
        let paths: BTreeSet<_> = found.iter().map(|diagnostic| &diagnostic.path).collect();
        for path in paths {
            let path = self.built.src.join(path);
            let data = fs::read(&path).with_context(|| format!("{}", path.display()))?;
            atomic::write(&path, &data)?;
        }
        Ok(())
    }
}

/// Shows a line of make's output: steps are those that name what is made.
fn progress(step: &Step, line: &str) {
    let is_step = line
        .strip_prefix("  ")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    if is_step {
        step.advance(line.trim());
    }
}

impl Laid {
    /// Returns the paths written this time, shortened for people.
    pub fn summary(&self) -> String {
        match self.written.as_slice() {
            [] => "nothing changed".into(),
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        }
    }
}
