// SPDX-License-Identifier: GPL-2.0

//! `lab bench`.

mod kms;

use super::run::{self, RunArgs};
use crate::{
    atomic,
    boot::{Driver, Foreign},
    checkout::Checkout,
    context::Lab,
    ui::Ui,
};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};
use walkdir::{DirEntry, WalkDir};

/// Arguments of `lab bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    what: What,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
enum What {
    /// How long a developer waits: for the first frame if nothing changed, and
    /// for the result after a change.
    Loop,
    /// How many frames RVKMS composes per second, and VKMS.
    Kms(kms::KmsArgs),
}

/// A goal, on two processors.
struct Goal {
    what: &'static str,
    most: Duration,
}

const FIRST_FRAME: Goal = Goal {
    what: "nothing changed: first frame",
    most: Duration::from_secs(15),
};

/// Files that are changed, with what that is called.
const EDITS: [(&str, Goal); 2] = [
    (
        "drivers/gpu/drm/rvkms",
        Goal {
            what: "a line of the driver changed: result",
            most: Duration::from_secs(60),
        },
    ),
    (
        "rust/kernel/drm",
        Goal {
            what: "a line of rust/kernel/drm changed: result",
            most: Duration::from_secs(120),
        },
    ),
];

/// Runs the subcommand.
pub fn main(lab: &Lab, args: &BenchArgs) -> Result<ExitCode> {
    match &args.what {
        What::Loop => measure_loop(lab),
        What::Kms(args) => kms::main(lab, args),
    }
}

fn measure_loop(lab: &Lab) -> Result<ExitCode> {
    // The user's files are not touched: all happens on a copy, always at the
    // same place, so that its workspace is there the next time.
    let copy = lab.cache.dir().join("bench");
    atomic::remove(&copy)?;
    atomic::make_dir(&copy, |half| copy_checkout(lab.checkout.dir(), half))?;
    let bench = Lab {
        checkout: Checkout::find(Some(&copy))?,
        cache: lab.cache.clone(),
        ui: Ui::new(),
    };
    let measured = measure(&bench, &copy);
    atomic::remove(&copy)?;
    let measured = measured?;

    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(["what", "measured", "goal", "result"]);
    let mut missed = false;
    for (goal, time) in &measured {
        let late = *time > goal.most;
        missed |= late;
        table.add_row([
            goal.what.to_owned(),
            format!("{:.1} s", time.as_secs_f64()),
            format!("{} s", goal.most.as_secs()),
            if late { "MISSED" } else { "met" }.into(),
        ]);
    }
    println!("{table}");
    Ok(if missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn measure<'a>(bench: &Lab, copy: &Path) -> Result<Vec<(&'a Goal, Duration)>> {
    bench.ui.say("first, everything is brought up to date");
    result(bench)?;
    let mut measured = Vec::new();
    let (first, _) = result(bench)?;
    measured.push((&FIRST_FRAME, first));
    for (folder, goal) in &EDITS {
        let file = largest_source(&copy.join(folder))?;
        bench.ui.say(format!("changing {}", file.display()));
        change(&file)?;
        let (_, whole) = result(bench)?;
        measured.push((goal, whole));
    }
    Ok(measured)
}

/// Runs what `lab run` runs. Returns when the first frame was on the screen,
/// and when all was done.
fn result(bench: &Lab) -> Result<(Duration, Duration)> {
    let output = bench.checkout.path("out/run");
    let args = RunArgs {
        driver: Driver::Rvkms,
        output: None,
        frames: 60,
        client: None,
        debug: false,
        foreign: Foreign::default(),
    };
    let began = Instant::now();
    let outcome = run::show(bench, &args, &output)?;
    let whole = began.elapsed();
    if !outcome.is_ok() {
        run::print(&outcome);
        bail!("the run that was measured failed");
    }
    let first = outcome.first_frame.context("no frame was shown")?;
    Ok((first, whole))
}

/// Copies what makes up a checkout: all but what git and builds keep there.
fn copy_checkout(from: &Path, to: &Path) -> Result<()> {
    let top = |entry: &DirEntry| entry.depth() == 1;
    let is = |entry: &DirEntry, name: &str| entry.file_name() == name;
    let walk = WalkDir::new(from)
        .into_iter()
        .filter_entry(|entry| !(top(entry) && (is(entry, ".git") || is(entry, "out"))));
    for entry in walk {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from)?);
        let context = || format!("{}", target.display());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).with_context(context)?;
        } else if entry.file_type().is_file() {
            fs::copy(entry.path(), &target).with_context(context)?;
        }
    }
    Ok(())
}

/// Picks the largest Rust file in `folder`, subfolders aside.
fn largest_source(folder: &Path) -> Result<std::path::PathBuf> {
    let mut largest = None;
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "rs") {
            let size = fs::metadata(&path)?.len();
            if largest.as_ref().is_none_or(|(most, _)| size > *most) {
                largest = Some((size, path));
            }
        }
    }
    match largest {
        Some((_, path)) => Ok(path),
        None => bail!("{} has no Rust file", folder.display()),
    }
}

/// Adds a line of code. It does nothing, but rustc cannot know before it has
/// compiled the crate.
fn change(file: &Path) -> Result<()> {
    let mut file = OpenOptions::new()
        .append(true)
        .open(file)
        .with_context(|| format!("{}", file.display()))?;
    let number = std::process::id();
    writeln!(file, "const _: u32 = {number};")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_sources_but_neither_history_nor_output() {
        let from = tempfile::tempdir().expect("a folder");
        let to = tempfile::tempdir().expect("a folder");
        for name in [".git/config", "out/run/x.png", "drivers/gpu/out/a.rs"] {
            let path = from.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "x").expect("a file");
        }
        copy_checkout(from.path(), to.path()).expect("a copy");
        assert!(to.path().join("drivers/gpu/out/a.rs").is_file());
        assert!(!to.path().join(".git").exists() && !to.path().join("out").exists());
    }

    #[test]
    fn the_largest_source_is_changed_by_a_line() {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("a.rs", "//\n"),
            ("b.rs", "// more\n"),
            ("c.txt", "// most\n\n"),
        ] {
            fs::write(dir.path().join(name), text).expect("a file");
        }
        let file = largest_source(dir.path()).expect("a file");
        assert!(file.ends_with("b.rs"));
        change(&file).expect("success");
        let text = fs::read_to_string(&file).expect("text");
        assert_eq!(text.lines().count(), 2);
    }
}
