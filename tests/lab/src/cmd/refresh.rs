// SPDX-License-Identifier: GPL-2.0

//! `lab refresh`: for whoever moves the overlay to a newer source.
//!
//! The patches are applied, as mails, to a small repository of the stock files
//! that they touch, and written again from its commits. If one does not apply,
//! the repository stays, for the conflict to be resolved in it; the next
//! `lab refresh` takes the result.

use crate::{
    atomic,
    base::{self, Base, Want},
    cli::RefreshArgs,
    context::Lab,
    error::StepError,
    host,
    overlay::{
        lay,
        manifest::{self, Change, Manifest},
        patches::{self, Patch},
    },
    proc, root,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The tag of the stock files in the small repository.
const STOCK: &str = "stock";

/// Rebases the patches and records the stock files.
pub fn main(lab: &Lab, args: &RefreshArgs) -> Result<ExitCode> {
    host::ensure_tools(lab)?;
    let root = root::ensure(lab, false)?;
    let base = base::ensure(lab, &root, Want::default())?;
    let _lock = lab.cache.work(&lab.checkout).lock(lab)?;

    let fates = lay::fates(&lab.checkout, &base.tree)?;
    if let Some(manifest) = Manifest::read(&lab.checkout)? {
        let changes = manifest.compare(&base.tree, &fates)?;
        for line in changes.iter().flat_map(Change::describe) {
            println!("{line}");
        }
    }
    let series = patches::series(&lab.checkout.patches())?;
    let repository = rebase(lab, &base, &series)?;
    let new = written(&repository, &series)?;
    for (patch, text) in &new {
        if hunks(&patch.text).eq(hunks(text)) {
            continue;
        }
        if args.dry_run {
            println!("{}: would be rebased", patch.name());
        } else {
            println!("{}: rebased", patch.name());
            atomic::write(&patch.path, text.as_bytes())?;
        }
    }
    atomic::remove(&repository)?;
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }

    // The patches may touch other files now.
    let fates = lay::fates(&lab.checkout, &base.tree)?;
    let manifest = Manifest::record(&base, &fates)?;
    let mut text = serde_json::to_string_pretty(&manifest)?;
    text.push('\n');
    let path = manifest::path(&lab.checkout);
    atomic::write(&path, text.as_bytes())?;
    println!(
        "{}: {} stock files of {} {}",
        path.display(),
        manifest.files.len(),
        base.origin.package,
        base.origin.version
    );
    Ok(ExitCode::SUCCESS)
}

/// Applies `series` in a repository of the stock files that it touches, or
/// takes the one that the user has resolved conflicts in.
fn rebase(lab: &Lab, base: &Base, series: &[Patch]) -> Result<PathBuf> {
    let dir = lab.cache.work(&lab.checkout).dir().join("refresh");
    if dir.exists() {
        if dir.join(".git/rebase-apply").exists() {
            bail!("{}", unresolved(&dir));
        }
        return Ok(dir);
    }
    atomic::make_dir(&dir, |dir| {
        let touched: BTreeSet<_> = series.iter().flat_map(Patch::touches).collect();
        git(dir, &["init", "--quiet"])?;
        for name in touched {
            let stock = base.tree.join(&name);
            if stock.is_file() {
                let copy = dir.join(&name);
                fs::create_dir_all(copy.parent().context("no folder")?)?;
                fs::copy(&stock, &copy)?;
            }
        }
        git(dir, &["add", "--all"])?;
        git(
            dir,
            &["commit", "--quiet", "--allow-empty", "--message", STOCK],
        )?;
        git(dir, &["tag", STOCK])
    })?;
    for patch in series {
        let path = patch.path.to_string_lossy();
        if let Err(err) = git(&dir, &["am", "--quiet", "-C1", "--", &path]) {
            proc::check()?;
            let lines = err
                .downcast_ref::<StepError>()
                .map(|err| err.lines.join("\n"))
                .unwrap_or_default();
            bail!(
                "{} does not apply\n{lines}\n{}",
                patch.name(),
                unresolved(&dir)
            );
        }
    }
    Ok(dir)
}

fn unresolved(dir: &Path) -> String {
    format!(
        "make the change by hand in {}, `git add` it, `git am --continue`, \
         `git am` the patches after it, and run `./lab refresh` again",
        dir.display()
    )
}

/// Returns what each patch of `series` has become in the repository.
fn written<'a>(repository: &Path, series: &'a [Patch]) -> Result<Vec<(&'a Patch, String)>> {
    let commits = git(repository, &["rev-list", "--reverse", "stock..HEAD"])?;
    let commits: Vec<_> = commits.lines().collect();
    if commits.len() != series.len() {
        bail!(
            "{} has {} commits for {} patches; remove it to start again",
            repository.display(),
            commits.len(),
            series.len()
        );
    }
    series
        .iter()
        .zip(commits)
        .map(|(patch, commit)| {
            let text = git(
                repository,
                &[
                    "format-patch",
                    "--stdout",
                    "--zero-commit",
                    "--no-signature",
                    "--no-numbered",
                    "--abbrev=12",
                    "-1",
                    commit,
                ],
            )?;
            Ok((patch, text))
        })
        .collect()
}

/// Returns the lines of a patch that say what it changes, where. The others
/// depend on the version of git and on what else is in the series.
fn hunks(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .skip_while(|line| !line.starts_with("diff --git "))
        .filter(|line| !line.starts_with("index "))
        .take_while(|line| *line != "-- ")
}

/// Runs git in the folder `dir`, as someone even if the user has not said who.
fn git(dir: &Path, args: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .env("GIT_COMMITTER_NAME", "lab")
        .env("GIT_COMMITTER_EMAIL", "lab@localhost")
        .env("GIT_AUTHOR_NAME", "lab")
        .env("GIT_AUTHOR_EMAIL", "lab@localhost")
        .args(["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false"])
        .args(args);
    let step = format!("git {}", args.first().unwrap_or(&""));
    proc::output(&step, &mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Subject: [PATCH] x\n---\n 1 file\n\ndiff --git a/f b/f\nindex 12..34\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n-- \n2.39\n";

    #[test]
    fn only_hunks_count() {
        let same = PATCH
            .replace("[PATCH]", "[PATCH 1/2]")
            .replace("12..34", "1234..5678")
            .replace("2.39", "2.50");
        assert!(hunks(PATCH).eq(hunks(&same)));
        let moved = PATCH.replace("@@ -1 +1 @@", "@@ -2 +2 @@");
        assert!(!hunks(PATCH).eq(hunks(&moved)));
    }
}
