// SPDX-License-Identifier: GPL-2.0

//! The glue patches.

use crate::{error::StepError, proc, ui::Ui};
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A patch of the series.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The file.
    pub path: PathBuf,
    /// Its contents.
    pub text: String,
}

impl Patch {
    /// Returns the file's name.
    pub fn name(&self) -> String {
        self.path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// Returns the files that the patch changes, makes or removes.
    pub fn touches(&self) -> BTreeSet<String> {
        let mut touched = BTreeSet::new();
        for line in self.text.lines() {
            // Of a file that comes or goes, one of the two is /dev/null.
            let name = line
                .strip_prefix("+++ b/")
                .or_else(|| line.strip_prefix("--- a/"));
            if let Some(name) = name {
                touched.insert(name.trim_end().to_owned());
            }
        }
        touched
    }
}

/// Reads the series in the folder `dir`, in order.
///
/// # Errors
///
/// Fails if it cannot be read.
pub fn series(dir: &Path) -> Result<Vec<Patch>> {
    let entries = fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "patch") {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
            Ok(Patch { path, text })
        })
        .collect()
}

/// Applies `series` to copies, in the empty folder `scratch`, of the files of
/// `tree` that it touches. Returns their new contents; `None` where the series
/// removes a file.
///
/// A patch has to apply without fuzz. Unless `strict`, one that does not is
/// tried again with less context, and the user is told.
///
/// # Errors
///
/// Fails if a patch does not apply.
pub fn apply(
    series: &[Patch],
    tree: &Path,
    scratch: &Path,
    strict: bool,
    ui: &Ui,
) -> Result<BTreeMap<String, Option<Vec<u8>>>> {
    let touched: BTreeSet<String> = series.iter().flat_map(Patch::touches).collect();
    for name in &touched {
        let from = tree.join(name);
        if from.is_file() {
            let to = scratch.join(name);
            fs::create_dir_all(to.parent().context("no folder")?)?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    for patch in series {
        apply_one(patch, scratch, strict, ui)?;
    }
    touched
        .into_iter()
        .map(|name| {
            let path = scratch.join(&name);
            let data = if path.is_file() {
                Some(fs::read(&path)?)
            } else {
                None
            };
            Ok((name, data))
        })
        .collect()
}

fn apply_one(patch: &Patch, scratch: &Path, strict: bool, ui: &Ui) -> Result<()> {
    let step = format!("apply {}", patch.name());
    let exact = git_apply(patch, scratch, &[]);
    let Err(err) = exact else {
        return Ok(());
    };
    proc::check()?;
    if strict {
        return Err(err.context(step));
    }
    if git_apply(patch, scratch, &["-C1"]).is_ok() {
        ui.say(format!(
            "{}: the lines around the change differ from those recorded; applied with less context",
            patch.name()
        ));
        return Ok(());
    }
    match err.downcast::<StepError>() {
        Ok(err) => bail!(
            "{} does not apply to this kernel source\n{}\n\
             if it did apply to an older source, `./lab refresh` rebases it",
            patch.name(),
            err.lines.join("\n")
        ),
        Err(err) => Err(err.context(step)),
    }
}

/// Runs `git apply` in the folder `dir`, which is in no repository.
pub fn git_apply(patch: &Patch, dir: &Path, options: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        // Inside a repository, git apply would silently leave out the files
        // that are not below the working directory.
        .env("GIT_CEILING_DIRECTORIES", dir.parent().unwrap_or(dir))
        .env("LC_ALL", "C.UTF-8")
        .args(["apply", "--whitespace=nowarn", "-p1"])
        .args(options)
        .arg(&patch.path);
    proc::output(&format!("apply {}", patch.name()), &mut command)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Subject: x\n---\n--- a/dir/file\n+++ b/dir/file\n@@ -2,7 +2,7 @@\n one\n two\n three\n-four\n+FOUR\n five\n six\n seven\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n";

    fn run(stock: &str, strict: bool) -> Result<BTreeMap<String, Option<Vec<u8>>>> {
        let dir = tempfile::tempdir().expect("a folder");
        let [series_dir, tree, scratch] =
            ["series", "tree", "scratch"].map(|name| dir.path().join(name));
        for dir in [&series_dir, &tree.join("dir"), &scratch] {
            fs::create_dir_all(dir).expect("a folder");
        }
        fs::write(series_dir.join("0001-x.patch"), PATCH).expect("a file");
        fs::write(tree.join("dir/file"), stock).expect("a file");
        fs::write(tree.join("old"), "old\n").expect("a file");
        let series = series(&series_dir).expect("a series");
        assert_eq!(
            Vec::from_iter(series[0].touches()),
            ["dir/file", "new", "old"]
        );
        apply(&series, &tree, &scratch, strict, &Ui::new())
    }

    #[test]
    fn files_change_come_and_go() {
        let files =
            run("a\nb\nc\none\ntwo\nthree\nfour\nfive\nsix\nseven\n", true).expect("success");
        let text = files["dir/file"].as_deref().expect("a file");
        assert!(text.ends_with(b"three\nFOUR\nfive\nsix\nseven\n"));
        assert_eq!(files["new"].as_deref(), Some(&b"new\n"[..]));
        assert_eq!(files["old"], None);
    }

    #[test]
    fn changed_context_is_refused_only_if_strict() {
        let stock = "zero\none\nTWO\nthree\nfour\nfive\nsix\nseven\n";
        assert!(run(stock, true).is_err());
        assert!(run(stock, false).is_ok());
    }

    #[test]
    fn a_changed_line_is_always_refused() {
        let err = run("zero\none\ntwo\nthree\n4\nfive\nsix\nseven\n", false).expect_err("no match");
        assert!(err.to_string().contains("0001-x.patch does not apply"));
    }
}
