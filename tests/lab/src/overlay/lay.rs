// SPDX-License-Identifier: GPL-2.0

//! Laying the overlay over a stock tree, again and again.
//!
//! A file is written only when its contents change, so that make rebuilds only
//! what a change reaches. What was laid is in an index; a file of the checkout
//! whose time and size are as recorded there is not even read.

use super::{
    FOLDERS, MAINTAINERS, OWNED, files, maintainers,
    manifest::{Change, Fate, Manifest},
    owns,
    patches::{self, Patch},
};
use crate::{atomic, base::Base, cache::hex, checkout::Checkout, ui::Ui};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};
use walkdir::WalkDir;

/// What has been laid over a tree.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Index {
    /// The source below.
    base: String,
    /// What the glue was made from.
    glue: String,
    /// What was last compared with the manifest.
    compared: String,
    /// The paths that differ from the base.
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Entry {
    /// A file of the checkout, and how it looked there.
    Ours {
        mtime: i128,
        size: u64,
        mode: u32,
        sha256: String,
    },
    /// A stock file with patches, or one that patches make.
    Glue { sha256: String },
    /// Nothing.
    Removed,
}

impl Entry {
    fn sha256(&self) -> Option<&str> {
        match self {
            Self::Ours { sha256, .. } | Self::Glue { sha256 } => Some(sha256),
            Self::Removed => None,
        }
    }

    fn mode(&self) -> u32 {
        match self {
            Self::Ours { mode, .. } => *mode,
            _ => 0o644,
        }
    }
}

/// How a tree was laid.
#[derive(Debug)]
pub struct Laid {
    /// Stands for everything in the tree.
    pub fingerprint: String,
    /// Stands for what decides which options there are.
    pub kconfig: String,
    /// The paths that were written or removed this time.
    pub written: Vec<String>,
}

impl Index {
    /// Reads the index in the file `path`; a new one if there is none.
    fn read(path: &Path) -> Self {
        fs::read(path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Writes the index to the file `path`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    fn write(&self, path: &Path) -> Result<()> {
        atomic::write(path, &serde_json::to_vec(self)?)
    }

    fn hash_entries(&self, select: impl Fn(&str) -> bool) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.base);
        for (name, entry) in &self.entries {
            if select(name) {
                hash.update(format!(
                    "\n{name}\0{}\0{}",
                    entry.sha256().unwrap_or("removed"),
                    entry.mode()
                ));
            }
        }
        hex(&hash.finalize())
    }
}

/// Tells whether the file `index` is the index of a tree of `base`. If not,
/// nobody knows what is in the tree.
pub fn knows(index: &Path, base: &Base) -> bool {
    Index::read(index).base == base.key
}

/// Returns the paths that differ from stock in the tree whose index is the file
/// `index`.
pub fn touched(index: &Path) -> Vec<String> {
    Index::read(index).entries.into_keys().collect()
}

/// Returns what the overlay does to each stock file that it touches.
///
/// # Errors
///
/// Fails if the checkout or the source cannot be read.
pub fn fates(checkout: &Checkout, tree: &Path) -> Result<BTreeMap<String, Fate>> {
    let ours = files(checkout)?;
    let mut fates = BTreeMap::new();
    for name in ours.keys() {
        if tree.join(name).is_file() {
            fates.insert(name.clone(), Fate::Replaced);
        }
    }
    for name in not_ours(&ours, tree)? {
        fates.insert(name, Fate::Removed);
    }
    for patch in patches::series(&checkout.patches())? {
        for name in patch.touches() {
            if tree.join(&name).is_file() {
                fates.insert(name, Fate::Patched);
            }
        }
    }
    Ok(fates)
}

/// Returns the stock files in folders that are ours whole which we do not have.
fn not_ours(ours: &BTreeMap<String, PathBuf>, tree: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for owned in OWNED.iter().filter(|owned| owns(ours, owned)) {
        for entry in WalkDir::new(tree.join(owned)) {
            let entry = entry?;
            let path = entry.path().strip_prefix(tree)?;
            let name = path.to_str().context("an improper name in the source")?;
            if entry.file_type().is_file() && !ours.contains_key(name) {
                names.push(name.to_owned());
            }
        }
    }
    Ok(names)
}

/// Lays the overlay of `checkout` over `tree`, which the index in the file
/// `index_path` says is `base` with an earlier overlay on it.
///
/// Tells the user which stock files differ from the recorded ones; with
/// `strict`, that is an error.
///
/// # Errors
///
/// Fails if a patch does not apply, or something cannot be read or written.
pub fn lay(
    checkout: &Checkout,
    base: &Base,
    tree: &Path,
    index_path: &Path,
    strict: bool,
    ui: &Ui,
) -> Result<Laid> {
    let mut index = Index::read(index_path);
    if index.base != base.key {
        index = Index::default();
    }
    let compared_before = index.compared.clone();
    let ours = files(checkout)?;
    let series = patches::series(&checkout.patches())?;
    let maintainers = fs::read_to_string(checkout.path(MAINTAINERS)).unwrap_or_default();
    check_separate(&ours, &series)?;
    compare(checkout, base, &ours, &series, &mut index, strict, ui)?;

    let mut wanted = Index {
        base: base.key.clone(),
        compared: index.compared.clone(),
        ..Index::default()
    };
    for name in not_ours(&ours, &base.tree)? {
        wanted.entries.insert(name, Entry::Removed);
    }
    for (name, path) in &ours {
        let entry = our_entry(path, index.entries.get(name))?;
        wanted.entries.insert(name.clone(), entry);
    }

    // Patches are applied only when they, or the source, change.
    wanted.glue = glue_key(base, &series, &maintainers);
    let mut glue = BTreeMap::new();
    if wanted.glue == index.glue {
        for (name, entry) in &index.entries {
            let from_glue = match entry {
                Entry::Glue { .. } => true,
                // Removed, but not because the folder is ours: by a patch.
                Entry::Removed => !OWNED.iter().any(|owned| name.starts_with(owned)),
                Entry::Ours { .. } => false,
            };
            if from_glue && !ours.contains_key(name) {
                wanted.entries.insert(name.clone(), entry.clone());
            }
        }
    } else {
        glue = make_glue(base, &series, &maintainers, tree, strict, ui)?;
        for (name, data) in &glue {
            let entry = match data {
                Some(data) => Entry::Glue {
                    sha256: hex(&Sha256::digest(data)),
                },
                None => Entry::Removed,
            };
            wanted.entries.insert(name.clone(), entry);
        }
    }

    let mut written = Vec::new();
    let same = |name: &String, entry: &Entry| {
        index
            .entries
            .get(name)
            .is_some_and(|old| old.sha256() == entry.sha256() && old.mode() == entry.mode())
    };
    // From here on, until the new index is written, a file that is to change
    // counts as one of unknown contents.
    let mut unsure = Index {
        base: base.key.clone(),
        entries: index.entries.clone(),
        ..Index::default()
    };
    for (name, entry) in &wanted.entries {
        if !same(name, entry) {
            unsure.entries.insert(
                name.clone(),
                Entry::Glue {
                    sha256: String::new(),
                },
            );
        }
    }
    if unsure.entries != index.entries {
        unsure.write(index_path)?;
    }
    for (name, entry) in &wanted.entries {
        if same(name, entry) {
            continue;
        }
        let path = tree.join(name);
        match entry {
            Entry::Ours { mode, .. } => {
                let data = fs::read(&ours[name])?;
                atomic::write_with(&path, &data, *mode, None)?;
            }
            Entry::Glue { .. } => {
                let data = glue.get(name).and_then(Option::as_deref);
                let data = data.with_context(|| format!("{name} was not patched"))?;
                atomic::write(&path, data)?;
            }
            Entry::Removed => atomic::remove(&path)?,
        }
        written.push(name.clone());
    }
    // What was touched before and is not any more becomes stock again, with a
    // new time, since what was built from it is newer than stock.
    for name in index.entries.keys() {
        if wanted.entries.contains_key(name) {
            continue;
        }
        let stock = base.tree.join(name);
        let path = tree.join(name);
        if stock.is_file() {
            let mode = fs::metadata(&stock)?.permissions().mode() & 0o777;
            atomic::write_with(&path, &fs::read(&stock)?, mode, None)?;
        } else {
            atomic::remove(&path)?;
        }
        written.push(name.clone());
    }
    let laid = Laid {
        fingerprint: wanted.hash_entries(|_| true),
        kconfig: wanted.hash_entries(|name| name.contains("Kconfig")),
        written,
    };
    if wanted != index || wanted.compared != compared_before {
        wanted.write(index_path)?;
    }
    Ok(laid)
}

/// Describes a file of the checkout; reads it only if it does not look as it
/// did last time.
fn our_entry(path: &Path, last: Option<&Entry>) -> Result<Entry> {
    let stat = fs::metadata(path).with_context(|| format!("{}", path.display()))?;
    let (now_mtime, now_size, now_mode) = (mtime(&stat), stat.len(), file_mode(&stat));
    if let Some(Entry::Ours {
        mtime, size, mode, ..
    }) = last
    {
        if (*mtime, *size, *mode) == (now_mtime, now_size, now_mode) {
            if let Some(last) = last {
                return Ok(last.clone());
            }
        }
    }
    let data = fs::read(path).with_context(|| format!("{}", path.display()))?;
    Ok(Entry::Ours {
        mtime: now_mtime,
        size: now_size,
        mode: now_mode,
        sha256: hex(&Sha256::digest(&data)),
    })
}

fn mtime(stat: &Metadata) -> i128 {
    i128::from(stat.mtime()) * 1_000_000_000 + i128::from(stat.mtime_nsec())
}

/// Returns the permissions that git would keep.
fn file_mode(stat: &Metadata) -> u32 {
    if stat.mode() & 0o100 != 0 {
        0o755
    } else {
        0o644
    }
}

/// Fails if a patch changes a file that is ours anyway.
fn check_separate(ours: &BTreeMap<String, PathBuf>, series: &[Patch]) -> Result<()> {
    for patch in series {
        for name in patch.touches() {
            if ours.contains_key(&name) {
                bail!("{} changes {name}, which is a file of ours", patch.name());
            }
            let known = FOLDERS
                .iter()
                .any(|folder| name.starts_with(&format!("{folder}/")));
            if !known && (name.starts_with('/') || name.contains("../")) {
                bail!("{} leaves the kernel tree: {name}", patch.name());
            }
        }
    }
    Ok(())
}

fn glue_key(base: &Base, series: &[Patch], maintainers: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(&base.key);
    for patch in series {
        hash.update(format!("\0{}\0{}", patch.name(), patch.text));
    }
    hash.update(format!("\0{maintainers}"));
    hex(&hash.finalize())
}

/// Makes the patched files and the list of maintainers.
fn make_glue(
    base: &Base,
    series: &[Patch],
    maintainers: &str,
    tree: &Path,
    strict: bool,
    ui: &Ui,
) -> Result<BTreeMap<String, Option<Vec<u8>>>> {
    let scratch = tree.with_file_name("patched");
    let mut glue = atomic::make_dir(&scratch, |scratch| {
        patches::apply(series, &base.tree, scratch, strict, ui)
    })?;
    atomic::remove(&scratch)?;
    if !maintainers.is_empty() {
        let stock = match glue.remove(MAINTAINERS).flatten() {
            Some(patched) => patched,
            None => fs::read(base.tree.join(MAINTAINERS)).context(MAINTAINERS)?,
        };
        let stock = String::from_utf8(stock).context(MAINTAINERS)?;
        let merged = maintainers::merge(&stock, maintainers);
        glue.insert(MAINTAINERS.into(), Some(merged.into_bytes()));
    }
    Ok(glue)
}

/// Compares stock with the manifest when one of them or the set of our files
/// changed, or always if `strict`.
fn compare(
    checkout: &Checkout,
    base: &Base,
    ours: &BTreeMap<String, PathBuf>,
    series: &[Patch],
    index: &mut Index,
    strict: bool,
    ui: &Ui,
) -> Result<()> {
    let recorded = fs::read(super::manifest::path(checkout)).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(&base.key);
    hash.update(&recorded);
    for name in ours.keys() {
        hash.update(format!("\0{name}"));
    }
    for patch in series {
        hash.update(format!("\0{:?}", patch.touches()));
    }
    let key = hex(&hash.finalize());
    if key == index.compared && !strict {
        return Ok(());
    }
    let Some(manifest) = Manifest::read(checkout)? else {
        if strict {
            bail!(
                "{} is missing; `./lab refresh` writes it",
                super::manifest::path(checkout).display()
            );
        }
        return Ok(());
    };
    let changes = manifest.compare(&base.tree, &fates(checkout, &base.tree)?)?;
    if !changes.is_empty() {
        ui.say(format!(
            "stock files under the overlay are not as recorded (source: {} {}):",
            base.origin.package, base.origin.version
        ));
        for line in changes.iter().flat_map(Change::describe) {
            ui.say(format!("  {line}"));
        }
        if strict {
            bail!(
                "{} stock files are not as recorded; after looking at them, record them by \
                 `./lab refresh`",
                changes.len()
            );
        }
        ui.say("  `./lab refresh` records them as they are now");
    }
    index.compared = key;
    Ok(())
}

#[cfg(test)]
mod tests;
