// SPDX-License-Identifier: GPL-2.0

//! The workspace of a checkout: its kernel tree and build outputs.
//!
//! A new workspace starts from one of another checkout if there is one made
//! from the same source: unchanged files of the tree are links, build outputs
//! are copied with their times, so that make finds nothing to do but what the
//! two checkouts differ in. The workspace of a checkout that is gone is taken
//! over.

use crate::{
    atomic, base::Base, cache::Workspace, context::Lab, lock::Lock, overlay::lay, proc, root::Root,
    ui::Step,
};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};
use walkdir::WalkDir;

/// How many files are linked between two looks at whether to stop.
const BATCH: usize = 1024;

/// What a workspace was made for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Record {
    /// The checkout.
    pub checkout: PathBuf,
    /// The source.
    pub base: String,
    /// The Debian root that the build outputs come from.
    pub root: String,
}

impl Workspace {
    fn record_path(&self) -> PathBuf {
        self.dir().join("work.json")
    }

    /// Returns the index of what is laid over the tree.
    pub fn index(&self) -> PathBuf {
        self.dir().join("laid.json")
    }

    /// Returns what the workspace was made for, if it is finished.
    pub fn record(&self) -> Option<Record> {
        let text = fs::read(self.record_path()).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Returns the name of the lock of the workspace.
    fn lock_name(&self) -> String {
        let id = self.dir().file_name().unwrap_or_default();
        format!("workspace {}", id.to_string_lossy())
    }

    /// Takes the workspace for sole use.
    ///
    /// # Errors
    ///
    /// Fails as [`Lock::take`] does.
    pub fn lock(&self, lab: &Lab) -> Result<Lock> {
        Lock::take(&lab.cache.locks(), &self.lock_name(), &lab.ui)
    }

    fn try_lock(&self, lab: &Lab) -> Result<Option<Lock>> {
        Lock::try_take(&lab.cache.locks(), &self.lock_name())
    }

    fn write_record(&self, record: &Record) -> Result<()> {
        atomic::write(&self.record_path(), &serde_json::to_vec_pretty(record)?)
    }
}

/// Makes sure that the workspace of the checkout has a tree of `base` and no
/// outputs from another source or root. The caller holds its lock.
///
/// # Errors
///
/// Fails if something cannot be made or removed.
pub fn ensure(lab: &Lab, base: &Base, root: &Root) -> Result<Workspace> {
    let work = lab.cache.work(&lab.checkout);
    let wanted = Record {
        checkout: lab.checkout.dir().into(),
        base: base.key.clone(),
        root: root.key.clone(),
    };
    let mut found = work.record();
    let is_whole = |work: &Workspace| work.linux().is_dir() && lay::knows(&work.index(), base);
    if found.as_ref() == Some(&wanted) && is_whole(&work) {
        return Ok(work);
    }
    if found.is_none() {
        atomic::remove(work.dir())?;
        seed(lab, &work, &wanted)?;
        found = work.record();
    }
    let same_base = found.as_ref().is_some_and(|found| found.base == base.key);
    let same_root = found.as_ref().is_some_and(|found| found.root == root.key);
    if !same_base || !is_whole(&work) {
        let step = lab.ui.step("kernel tree", None);
        atomic::remove(&work.index())?;
        atomic::remove(&work.linux())?;
        atomic::make_dir(&work.linux(), |tree| link_tree(&base.tree, tree, &step))?;
        step.done("laid out");
    }
    if !same_base || !same_root {
        atomic::remove(&work.out())?;
    }
    work.write_record(&wanted)?;
    Ok(work)
}

/// Returns the workspaces that are finished.
///
/// # Errors
///
/// Fails if the cache cannot be read.
pub fn all(lab: &Lab) -> Result<Vec<(Workspace, Record)>> {
    let Ok(entries) = fs::read_dir(lab.cache.works()) else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for entry in entries {
        let work = Workspace::at(entry?.path());
        if let Some(record) = work.record() {
            all.push((work, record));
        }
    }
    Ok(all)
}

/// Fills the new workspace `work` from another one, if one is fit.
fn seed(lab: &Lab, work: &Workspace, wanted: &Record) -> Result<()> {
    let mut donors: Vec<_> = all(lab)?
        .into_iter()
        .filter(|(donor, record)| {
            record.base == wanted.base
                && record.root == wanted.root
                && donor.linux().is_dir()
                && donor.index().is_file()
        })
        .map(|(donor, record)| (built(&donor), donor, record))
        .collect();
    donors.sort_by_key(|(built, ..)| std::cmp::Reverse(*built));

    for (_, donor, record) in donors {
        // One that is in use now may be in the middle of a build.
        let Some(_lock) = donor.try_lock(lab)? else {
            continue;
        };
        let step = lab.ui.step("workspace", None);
        if !record.checkout.exists() {
            step.note("taking over that of a checkout that is gone");
            fs::rename(donor.dir(), work.dir())
                .with_context(|| format!("{}", work.dir().display()))?;
            step.done("taken over from a checkout that is gone");
        } else {
            atomic::make_dir(work.dir(), |dir| copy(&donor, dir, &step))?;
            step.done(&format!(
                "copied from that of {}",
                record.checkout.display()
            ));
        }
        work.write_record(wanted)?;
        return Ok(());
    }
    Ok(())
}

/// Returns how many kernels a workspace has, and when the last was built.
fn built(work: &Workspace) -> (usize, Option<SystemTime>) {
    let times: Vec<_> = fs::read_dir(work.out())
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_state = path.extension().is_some_and(|ext| ext == "json");
            is_state.then(|| path.metadata().and_then(|stat| stat.modified()).ok())?
        })
        .collect();
    (times.len(), times.into_iter().max())
}

/// Copies the tree, by links, and the outputs of `donor` to the folder `dir`.
fn copy(donor: &Workspace, dir: &Path, step: &Step) -> Result<()> {
    let to = Workspace::at(dir.into());
    fs::create_dir(to.linux())?;
    link_tree(&donor.linux(), &to.linux(), step)?;
    fs::copy(donor.index(), to.index())?;
    if donor.out().is_dir() {
        step.note("copying build outputs");
        let mut command = Command::new("cp");
        command
            .args(["--archive", "--reflink=auto"])
            .arg(donor.out())
            .arg(to.out());
        proc::output("copy build outputs", &mut command)?;
    }
    Ok(())
}

/// Fills the folder `to` with the folders of `from` and links to its files.
/// Whoever changes a file in a linked tree has to put a new one in its place.
fn link_tree(from: &Path, to: &Path, step: &Step) -> Result<()> {
    for (count, entry) in WalkDir::new(from).min_depth(1).into_iter().enumerate() {
        let entry = entry?;
        let name = entry.path().strip_prefix(from)?;
        let target = to.join(name);
        let result = if entry.file_type().is_dir() {
            fs::create_dir(&target)
        } else {
            fs::hard_link(entry.path(), &target)
        };
        result.with_context(|| format!("cannot make {}", target.display()))?;
        if count % BATCH == 0 {
            proc::check()?;
            step.note(&name.display().to_string());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
