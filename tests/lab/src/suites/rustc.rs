// SPDX-License-Identifier: GPL-2.0

//! Compiling Rust files as the kernel's build compiles modules.

use crate::{kernel::Built, proc, sandbox::Sandbox};
use anyhow::{Context, Result, anyhow};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// What takes the place of rustc in a build that lints.
const CLIPPY: &str = "clippy-driver";

/// The command that compiled a module, without what says where it comes from
/// and goes to.
#[derive(Clone, Debug)]
pub struct Flags {
    /// As for a shell.
    words: String,
}

impl Flags {
    /// Reads how `object`, a path in the build output, was compiled.
    ///
    /// # Errors
    ///
    /// Fails if it was not, or not by rustc.
    pub fn of(built: &Built, object: &str) -> Result<Self> {
        let (dir, name) = object.rsplit_once('/').unwrap_or((".", object));
        let path = built.out.join(dir).join(format!(".{name}.cmd"));
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        Self::parse(&text, object).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str, object: &str) -> Result<Self> {
        let start = format!("savedcmd_{object} := ");
        let command = text
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .ok_or_else(|| anyhow!("it does not say how {object} was made"))?;
        // What follows a semicolon works on the finished object.
        let command = command.split(" ; ").next().unwrap_or(command);
        let is_rustc = |word: &str| word.ends_with("rustc") || word == CLIPPY;
        if !command.split(' ').any(is_rustc) {
            return Err(anyhow!("{object} was not made by rustc"));
        }
        let words: Vec<_> = command
            .split(' ')
            .map(|word| if word == CLIPPY { "rustc" } else { word })
            .filter(|word| {
                !word.starts_with("--emit=") && !word.starts_with("/src/") && !word.is_empty()
            })
            .collect();
        let mut kept = Vec::new();
        let mut skip = false;
        for word in words {
            if skip {
                skip = false;
                continue;
            }
            if word == "--out-dir" || word == "-o" {
                skip = true;
                continue;
            }
            kept.push(word);
        }
        Ok(Self {
            words: kept.join(" "),
        })
    }

    /// Returns a command that compiles the file `source` of the sandbox with
    /// `more` arguments and throws the result away.
    pub fn command(&self, sandbox: &Sandbox, source: &str, more: &[&str]) -> Command {
        // What the kernel's Makefile exports for its unstable features.
        let sandbox = sandbox.clone().env("RUSTC_BOOTSTRAP", "1");
        let mut command = sandbox.dir("/out").command("bash");
        // The flags were written for a shell; what is added is not read by one.
        command
            .arg("-c")
            .arg(format!(
                "{} \"$@\" -Aunused_attributes --out-dir=/tmp --emit=obj=/tmp/object",
                self.words
            ))
            .arg("rustc")
            .arg(source)
            .args(more);
        command
    }
}

/// What came of a compilation.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Whether rustc was content.
    pub ok: bool,
    /// What it said.
    pub text: String,
}

/// Runs the commands, as many at once as there are processors, and returns what
/// came of each.
///
/// # Errors
///
/// Fails if one cannot be run, or if we are interrupted.
pub fn run_all(commands: Vec<Command>) -> Result<Vec<Compiled>> {
    let jobs = thread::available_parallelism().map_or(1, |jobs| jobs.get());
    let mut results = Vec::new();
    let mut commands = commands.into_iter();
    loop {
        // Each batch is waited for here, so this thread outlives its children.
        let batch: Vec<_> = commands.by_ref().take(jobs).collect();
        if batch.is_empty() {
            return Ok(results);
        }
        let mut running = Vec::new();
        for mut command in batch {
            let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
            command
                .stdin(Stdio::null())
                .stdout(write.try_clone()?)
                .stderr(write);
            let job = proc::Job::start(&mut command)?;
            drop(command);
            let reader = thread::spawn(move || std::io::read_to_string(fs::File::from(read)));
            running.push((job, reader));
        }
        for (mut job, reader) in running {
            let text = reader
                .join()
                .map_err(|_| anyhow!("the reading of rustc's output panicked"))??;
            let ok = job.wait()?.success();
            proc::check()?;
            results.push(Compiled { ok, text });
        }
    }
}

/// Returns the file name of a path below `tests`, as the sandbox sees it when
/// that folder is at `/mnt`.
pub fn inside(tests: &Path, path: &Path) -> Result<String> {
    let below = path.strip_prefix(tests)?;
    let name = below
        .to_str()
        .ok_or_else(|| anyhow!("{} is not valid UTF-8", path.display()))?;
    Ok(format!("/mnt/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CMD: &str = "savedcmd_drivers/gpu/drm/x/x_main.o := OBJTREE=/out RUST_MODFILE=drivers/gpu/drm/x/x rustc --edition=2021 -Zcrate-attr='feature(a,b)' @./include/generated/rustc_cfg --out-dir drivers/gpu/drm/x/ --emit=dep-info=drivers/.d --emit=obj=drivers/gpu/drm/x/x_main.o /src/drivers/gpu/drm/x/x_main.rs  ; ./tools/objtool x\n\nsource_x := y\n";

    #[test]
    fn only_what_and_where_is_taken_out() {
        let flags = Flags::parse(CMD, "drivers/gpu/drm/x/x_main.o").expect("flags");
        assert_eq!(
            flags.words,
            "OBJTREE=/out RUST_MODFILE=drivers/gpu/drm/x/x rustc --edition=2021 \
             -Zcrate-attr='feature(a,b)' @./include/generated/rustc_cfg"
        );
    }

    #[test]
    fn another_object_or_compiler_is_refused() {
        assert!(Flags::parse(CMD, "y.o").is_err());
        assert!(Flags::parse("savedcmd_y.o := clang -c y.c\n", "y.o").is_err());
    }
}
