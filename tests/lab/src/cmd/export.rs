// SPDX-License-Identifier: GPL-2.0

//! `lab export`: the overlay as a branch of commits on the stock source, and
//! as mails.

use crate::{
    atomic,
    base::Base,
    cli::ExportArgs,
    context::Lab,
    kernel,
    overlay::{
        lay,
        patches::{self, Patch},
        series::{Commit, Plan},
    },
    prepare::{self, Options, Prepared},
    proc,
    ui::Step,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The branch of the stock source.
const STOCK: &str = "stock";

/// The branch of the series.
const BRANCH: &str = "rust-drm";

/// Writes the series.
pub fn main(lab: &Lab, args: &ExportArgs) -> Result<ExitCode> {
    let author = author()?;
    if fs::read_dir(&args.dir).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty", args.dir.display());
    }
    let prepared = prepare::ensure(
        lab,
        Options {
            strict: true,
            ..Options::default()
        },
    )?;
    let plan = Plan::read(&lab.checkout)?;
    let series: BTreeMap<String, Patch> = patches::series(&lab.checkout.patches())?
        .into_iter()
        .map(|patch| (patch.name(), patch))
        .collect();
    plan.check_patches(&series.keys().cloned().collect())?;
    let patched: BTreeSet<String> = series.values().flat_map(Patch::touches).collect();
    let files: BTreeSet<String> = lay::touched(&prepared.work.index())
        .into_iter()
        .filter(|name| !patched.contains(name))
        .collect();
    let dealt = plan.deal(&files)?;

    let step = lab.ui.step("export", None);
    let stock = stock(lab, &prepared.base, &step)?;
    fs::create_dir_all(&args.dir)?;
    let dir = args.dir.canonicalize()?;
    let linux = dir.join("linux");
    step.note("checking out the stock source");
    clone(&stock, &linux)?;

    let mut count = 0;
    for (commit, files) in plan.commits.iter().zip(&dealt) {
        if commit.patch.is_none() && files.is_empty() {
            continue;
        }
        count += 1;
        step.note(commit.subject.as_deref().unwrap_or_default());
        add(&linux, commit, files, &series, &prepared, &author)?;
    }
    compare(&linux, &prepared, files.iter().chain(&patched))?;

    let mails = dir.join("patches");
    git(
        &linux,
        &[
            "format-patch",
            "--quiet",
            "--cover-letter",
            "--base=stock",
            "--output-directory",
            &mails.to_string_lossy(),
            STOCK,
        ],
    )?;
    step.done(&format!("{count} commits"));
    if args.check {
        check(lab, &linux, &prepared)?;
    }
    println!("branch: {BRANCH} in {}", linux.display());
    println!(
        "mails:  {} (the cover letter is to be written)",
        mails.display()
    );
    println!("b4:     in the former, `b4 prep --enroll {STOCK}`");
    Ok(ExitCode::SUCCESS)
}

/// Returns who signs the commits off.
fn author() -> Result<String> {
    let get = |name: &str| {
        let mut command = Command::new("git");
        command.args(["config", "--get", name]);
        proc::output("ask git who you are", &mut command).map(|text| text.trim().to_owned())
    };
    match (get("user.name"), get("user.email")) {
        (Ok(name), Ok(email)) => Ok(format!("{name} <{email}>")),
        _ => bail!("git does not know who you are: set user.name and user.email by `git config`"),
    }
}

/// Returns a bare repository of the stock source, made once.
fn stock(lab: &Lab, base: &Base, step: &Step) -> Result<PathBuf> {
    let repository = lab.cache.bases().join(&base.key).join("git");
    if repository.exists() {
        return Ok(repository);
    }
    step.note("reading the stock source into git (a minute or two, once)");
    atomic::make_dir(&repository, |dir| {
        let tree = base.tree.to_string_lossy();
        let message = format!("{} {}", base.origin.package, base.origin.version);
        git(
            dir,
            &["init", "--quiet", "--bare", "--initial-branch", STOCK],
        )?;
        let work = ["--work-tree", &tree, "-c", "core.bare=false"];
        let with_tree = |args: &[&str]| git(dir, &[&work[..], args].concat());
        // Everything, what the kernel's own ignore files name included.
        with_tree(&["add", "--all", "--force", "."])?;
        with_tree(&["commit", "--quiet", "--message", &message])?;
        Ok(())
    })?;
    Ok(repository)
}

/// Makes a repository of our own from the bare one.
fn clone(stock: &Path, linux: &Path) -> Result<()> {
    let mut command = Command::new("git");
    command
        .args(["clone", "--quiet", "--branch", STOCK])
        .arg(stock)
        .arg(linux);
    proc::output("git clone", &mut command)?;
    git(linux, &["remote", "remove", "origin"])?;
    git(linux, &["checkout", "--quiet", "-b", BRANCH])?;
    Ok(())
}

/// Adds one commit.
fn add(
    linux: &Path,
    commit: &Commit,
    files: &[String],
    series: &BTreeMap<String, Patch>,
    prepared: &Prepared,
    author: &str,
) -> Result<()> {
    if let Some(name) = &commit.patch {
        let patch = series.get(name).context("a patch of the plan is missing")?;
        git(linux, &["am", "--quiet", &patch.path.to_string_lossy()])?;
    }
    for name in files {
        let (from, to) = (prepared.work.linux().join(name), linux.join(name));
        if from.is_file() {
            fs::create_dir_all(to.parent().context("no folder")?)?;
            fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
        } else {
            atomic::remove(&to)?;
        }
    }
    if !files.is_empty() {
        let mut args = vec!["add", "--all", "--force", "--"];
        args.extend(files.iter().map(String::as_str));
        git(linux, &args)?;
    }
    let message = commit.subject.as_ref().map(|subject| {
        format!(
            "{subject}\n\n{}\n\nSigned-off-by: {author}\n",
            commit.body.trim()
        )
    });
    let mut args = vec!["commit", "--quiet"];
    if commit.patch.is_some() {
        args.push("--amend");
    }
    match &message {
        Some(message) => args.extend(["--message", message]),
        None => args.push("--no-edit"),
    }
    git(linux, &args)?;
    Ok(())
}

/// Fails unless the series ends with what was built and tested.
fn compare<'a>(
    linux: &Path,
    prepared: &Prepared,
    names: impl Iterator<Item = &'a String>,
) -> Result<()> {
    for name in names {
        let [ours, theirs] =
            [&prepared.work.linux(), linux].map(|tree| fs::read(tree.join(name)).ok());
        if ours != theirs {
            bail!("{name} is not the same in the series and in the prepared tree");
        }
    }
    let status = git(linux, &["status", "--porcelain"])?;
    if !status.is_empty() {
        bail!("the series leaves something out:\n{status}");
    }
    Ok(())
}

/// Compiles every commit of the series, to see that it can be bisected.
fn check(lab: &Lab, linux: &Path, prepared: &Prepared) -> Result<()> {
    let out = prepared.work.dir().join("export");
    let range = format!("{STOCK}..{BRANCH}");
    let commits = git(linux, &["log", "--reverse", "--format=%H %s", &range])?;
    for line in commits.lines() {
        let (commit, subject) = line.split_once(' ').context("git log has no subject")?;
        let step = lab.ui.step(format!("compile \"{subject}\""), None);
        git(linux, &["checkout", "--quiet", commit])?;
        kernel::compile_partial(lab, prepared, linux, &out, subject, |line| step.note(line))?;
        step.done("compiles");
    }
    git(linux, &["checkout", "--quiet", BRANCH])?;
    atomic::remove(&out)
}

/// Runs git in the folder `dir`.
fn git(dir: &Path, args: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .args([
            "-c",
            "commit.gpgsign=false",
            "-c",
            "core.autocrlf=false",
            "-c",
            "core.compression=1",
            "-c",
            "gc.auto=0",
        ])
        .args(args);
    let step = format!("git {}", args.first().unwrap_or(&""));
    proc::output(&step, &mut command)
}
