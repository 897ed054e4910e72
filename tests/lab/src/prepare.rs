// SPDX-License-Identifier: GPL-2.0

//! Everything before a build: root, source, workspace, overlay.

use crate::{
    base::{self, Base, Want},
    cache::Workspace,
    context::Lab,
    host,
    lock::Lock,
    overlay::lay::{self, Laid},
    root::{self, Root},
    workspace,
};
use anyhow::Result;
use std::{path::Path, sync::Arc};

/// Bytes that the workspace of a checkout with all its builds takes.
const WORK_ROOM: u64 = 6 * host::GIB;

/// What is prepared.
#[derive(Debug)]
pub struct Prepared {
    /// The Debian root.
    pub root: Root,
    /// The stock source.
    pub base: Base,
    /// The checkout's workspace.
    pub work: Workspace,
    /// The overlay on it.
    pub laid: Laid,
    /// Keeps other labs from changing the workspace.
    pub lock: Arc<Lock>,
}

/// How to prepare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Stop if stock files under the overlay differ from the recorded ones.
    pub strict: bool,
    /// Look for a newer source and make a new root.
    pub update: bool,
    /// Take this source archive.
    pub archive: Option<&'a Path>,
}

/// Brings root, source, workspace and overlay up to date; installs the tools
/// that are missing.
///
/// # Errors
///
/// Fails if a step does.
pub fn ensure(lab: &Lab, options: Options<'_>) -> Result<Prepared> {
    host::ensure_tools(lab)?;
    let root = root::ensure(lab, options.update)?;
    let base = base::ensure(
        lab,
        &root,
        Want {
            newest: options.update,
            archive: options.archive,
        },
    )?;
    let lock = lab.cache.work(&lab.checkout).lock(lab)?;
    let work = workspace::ensure(lab, &base, &root)?;
    let laid = lay::lay(
        &lab.checkout,
        &base,
        &work.linux(),
        &work.index(),
        options.strict,
        &lab.ui,
    )?;
    Ok(Prepared {
        root,
        base,
        work,
        laid,
        lock: Arc::new(lock),
    })
}

/// Returns how many bytes are still needed on the cache's disk.
pub fn room_needed(lab: &Lab) -> u64 {
    let mut bytes = 0;
    if !lab.cache.roots().exists() {
        bytes += root::ROOM;
    }
    if !lab.cache.bases().exists() {
        bytes += base::ROOM;
    }
    if !lab.cache.work(&lab.checkout).out().exists() {
        bytes += WORK_ROOM;
    }
    bytes
}
