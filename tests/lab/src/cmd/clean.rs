// SPDX-License-Identifier: GPL-2.0

//! `lab clean`.

use crate::{
    atomic,
    cache::Workspace,
    cli::CleanArgs,
    context::Lab,
    lock::Lock,
    workspace::{self, Record},
};
use anyhow::Result;
use std::{fs, path::Path, process::ExitCode};

/// What `--all` removes, the locks last.
const ALL: [&str; 8] = [
    "work",
    "roots",
    "bases",
    "downloads",
    "ccache",
    "logs",
    "tool",
    "locks",
];

/// Removes what the checkout has in the cache; or the whole cache.
pub fn main(lab: &Lab, args: &CleanArgs) -> Result<ExitCode> {
    let _root = Lock::take(&lab.cache.locks(), "the Debian root", &lab.ui)?;
    let _base = Lock::take(&lab.cache.locks(), "the kernel source", &lab.ui)?;
    let step = lab.ui.step("clean", None);

    if args.all {
        let _works = workspace::all(lab)?
            .iter()
            .map(|(work, _)| work.lock(lab))
            .collect::<Result<Vec<_>>>()?;
        for name in ALL {
            step.note(name);
            atomic::remove(&lab.cache.dir().join(name))?;
        }
        // Only if nothing of the user's is in it.
        let _ = fs::remove_dir(lab.cache.dir());
        step.done("the whole cache is removed");
        return Ok(ExitCode::SUCCESS);
    }

    let work = lab.cache.work(&lab.checkout);
    let _lock = work.lock(lab)?;
    atomic::remove(work.dir())?;
    // Roots and sources go with the last workspace that was made from them;
    // the newest stay.
    let others = workspace::all(lab)?;
    for (dir, used) in [
        (lab.cache.roots(), of(&others, |record| &record.root)),
        (lab.cache.bases(), of(&others, |record| &record.base)),
    ] {
        let newest = newest(&dir);
        for name in folders(&dir) {
            if !used.contains(&name) && newest.as_ref() != Some(&name) {
                step.note(&name);
                atomic::remove(&dir.join(&name))?;
            }
        }
    }
    step.done("what belongs to this checkout is removed");
    Ok(ExitCode::SUCCESS)
}

/// Returns what `get` finds in the records of workspaces.
fn of(works: &[(Workspace, Record)], get: impl Fn(&Record) -> &String) -> Vec<String> {
    works
        .iter()
        .map(|(_, record)| get(record).clone())
        .collect()
}

/// Returns the names of the folders in `dir`.
fn folders(dir: &Path) -> Vec<String> {
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            entry.file_type().ok()?.is_dir().then_some(())?;
            entry.file_name().into_string().ok()
        })
        .collect()
}

/// Returns the folder in `dir` that was made last: the next checkout starts
/// from it.
fn newest(dir: &Path) -> Option<String> {
    folders(dir)
        .into_iter()
        .filter_map(|name| {
            let made = dir.join(&name).metadata().ok()?.modified().ok()?;
            Some((made, name))
        })
        .max()
        .map(|(_, name)| name)
}
