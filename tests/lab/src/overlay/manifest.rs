// SPDX-License-Identifier: GPL-2.0

//! The manifest: what the stock files under the overlay were when it was
//! written.
//!
//! Of a file that we replace or remove, every line's hash is kept as well, so
//! that the difference to a later stock file can be shown without having the
//! earlier one.

use crate::{
    base::{Base, Origin},
    cache::hex,
    checkout::Checkout,
};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Hexadecimal digits kept of each line's hash.
const DIGITS: usize = 6;

/// The recorded stock.
#[derive(Debug, Deserialize, Serialize)]
pub struct Manifest {
    /// The source that was recorded.
    pub base: Origin,
    /// The stock files, by path.
    pub files: BTreeMap<String, Stock>,
}

/// What we do to a stock file.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Our file takes its place.
    Replaced,
    /// It is removed.
    Removed,
    /// A patch changes it, or sections are merged into it.
    Patched,
}

impl Fate {
    const fn name(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Removed => "removed",
            Self::Patched => "patched",
        }
    }
}

/// A recorded stock file.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Stock {
    /// What we do to it.
    pub fate: Fate,
    /// SHA-256 of the whole.
    pub sha256: String,
    /// The first digits of the SHA-256 of each line, without separators; empty
    /// for files that are patched.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lines: String,
}

impl Stock {
    /// Records the file contents `data`.
    pub fn record(fate: Fate, data: &[u8]) -> Self {
        let lines = match fate {
            // Whether a patch still applies is seen when it is applied.
            Fate::Patched => String::new(),
            Fate::Replaced | Fate::Removed => line_hashes(data).concat(),
        };
        Self {
            fate,
            sha256: hex(&Sha256::digest(data)),
            lines,
        }
    }
}

fn line_hashes(data: &[u8]) -> Vec<String> {
    data.split_inclusive(|&byte| byte == b'\n')
        .map(|line| {
            let mut hash = hex(&Sha256::digest(line));
            hash.truncate(DIGITS);
            hash
        })
        .collect()
}

/// How a stock file differs from the recorded one.
#[derive(Debug, PartialEq)]
pub struct Change {
    /// The file.
    pub path: String,
    /// What is different.
    pub what: What,
}

/// See [`Change`].
#[derive(Debug, PartialEq)]
pub enum What {
    /// Its contents; with the difference, as far as it is known.
    Contents(Fate, Vec<String>),
    /// It was recorded and is no longer there.
    Gone(Fate),
    /// It is touched by the overlay and was not recorded.
    Unrecorded(Fate),
    /// It was recorded and the overlay no longer touches it.
    Untouched,
}

impl Change {
    /// Writes the change for people, in one or more lines.
    pub fn describe(&self) -> Vec<String> {
        let (text, diff): (String, &[String]) = match &self.what {
            What::Contents(fate, diff) => (format!("changed, is {} by us", fate.name()), diff),
            What::Gone(fate) => (format!("gone, was {} by us", fate.name()), &[]),
            What::Unrecorded(fate) => (format!("not recorded, is {} by us", fate.name()), &[]),
            What::Untouched => ("recorded, but no longer touched by us".into(), &[]),
        };
        let mut lines = vec![format!("{}: {text}", self.path)];
        lines.extend(diff.iter().map(|line| format!("    {line}")));
        lines
    }
}

/// Returns where the manifest of `checkout` is.
pub fn path(checkout: &Checkout) -> PathBuf {
    checkout.patches().join("manifest.json")
}

impl Manifest {
    /// Reads the manifest of `checkout`, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn read(checkout: &Checkout) -> Result<Option<Self>> {
        let path = path(checkout);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read(&path).with_context(|| format!("{}", path.display()))?;
        let manifest =
            serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
        Ok(Some(manifest))
    }

    /// Records the files of `fates` as they are in `base`.
    ///
    /// # Errors
    ///
    /// Fails if one cannot be read.
    pub fn record(base: &Base, fates: &BTreeMap<String, Fate>) -> Result<Self> {
        let mut files = BTreeMap::new();
        for (name, &fate) in fates {
            let path = base.tree.join(name);
            let data = fs::read(&path).with_context(|| format!("{}", path.display()))?;
            files.insert(name.clone(), Stock::record(fate, &data));
        }
        Ok(Self {
            base: base.origin.clone(),
            files,
        })
    }

    /// Compares the files of `tree` that the overlay touches, `fates`, with the
    /// recorded ones.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be read.
    pub fn compare(&self, tree: &Path, fates: &BTreeMap<String, Fate>) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        let mut add = |path: &String, what| {
            changes.push(Change {
                path: path.clone(),
                what,
            });
        };
        for (name, &fate) in fates {
            let Some(stock) = self.files.get(name) else {
                add(name, What::Unrecorded(fate));
                continue;
            };
            let path = tree.join(name);
            let data = fs::read(&path).with_context(|| format!("{}", path.display()))?;
            if hex(&Sha256::digest(&data)) != stock.sha256 {
                add(name, What::Contents(fate, difference(&stock.lines, &data)));
            }
        }
        for (name, stock) in &self.files {
            if !fates.contains_key(name) {
                let what = if tree.join(name).exists() {
                    What::Untouched
                } else {
                    What::Gone(stock.fate)
                };
                add(name, what);
            }
        }
        Ok(changes)
    }
}

/// Shows how `data` differs from the lines whose hashes are `recorded`: new
/// lines in full, lost ones by number.
fn difference(recorded: &str, data: &[u8]) -> Vec<String> {
    if recorded.is_empty() {
        return Vec::new();
    }
    let old: Vec<&str> = recorded
        .as_bytes()
        .chunks(DIGITS)
        .filter_map(|digits| std::str::from_utf8(digits).ok())
        .collect();
    let new_hashes = line_hashes(data);
    let new: Vec<&str> = new_hashes.iter().map(String::as_str).collect();
    let text = String::from_utf8_lossy(data);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut shown = Vec::new();

    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let (old_at, old_len, new_at, new_len) = match op {
            DiffOp::Equal { .. } => continue,
            DiffOp::Delete {
                old_index,
                old_len,
                new_index,
            } => (old_index, old_len, new_index, 0),
            DiffOp::Insert {
                old_index,
                new_index,
                new_len,
            } => (old_index, 0, new_index, new_len),
            DiffOp::Replace {
                old_index,
                old_len,
                new_index,
                new_len,
            } => (old_index, old_len, new_index, new_len),
        };
        shown.push(format!(
            "@@ -{},{old_len} +{},{new_len} @@",
            old_at + 1,
            new_at + 1
        ));
        if old_len > 0 {
            let s = if old_len == 1 { "" } else { "s" };
            shown.push(format!("-({old_len} recorded line{s})"));
        }
        for line in lines.iter().skip(new_at).take(new_len) {
            shown.push(format!("+{}", line.trim_end()));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(dir: &Path) -> Base {
        Base {
            key: "k".into(),
            tree: dir.into(),
            origin: Origin {
                package: "p".into(),
                version: "7.3".into(),
                sha256: "0".into(),
            },
        }
    }

    #[test]
    fn a_changed_stock_file_is_found_and_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("a file");
        write("mine.rs", "a\nb\nc\nd\n");
        write("same.rs", "s\n");
        write("glue.h", "g\n");
        write("gone.rs", "g\n");
        let mut fates = BTreeMap::from([
            ("mine.rs".to_owned(), Fate::Replaced),
            ("same.rs".to_owned(), Fate::Removed),
            ("glue.h".to_owned(), Fate::Patched),
            ("gone.rs".to_owned(), Fate::Removed),
        ]);
        let manifest = Manifest::record(&base(dir.path()), &fates).expect("a manifest");
        let text = serde_json::to_string(&manifest).expect("text");
        let manifest: Manifest = serde_json::from_str(&text).expect("a manifest");
        assert_eq!(manifest.compare(dir.path(), &fates).expect("changes"), []);

        write("mine.rs", "a\nB\nc\nd\ne\n");
        write("glue.h", "h\n");
        write("new.rs", "n\n");
        fs::remove_file(dir.path().join("gone.rs")).expect("removal");
        fates.remove("gone.rs");
        fates.insert("new.rs".to_owned(), Fate::Replaced);

        let changes = manifest.compare(dir.path(), &fates).expect("changes");
        let names: Vec<_> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(names, ["glue.h", "mine.rs", "new.rs", "gone.rs"]);
        assert_eq!(
            changes[1].describe(),
            [
                "mine.rs: changed, is replaced by us",
                "    @@ -2,1 +2,1 @@",
                "    -(1 recorded line)",
                "    +B",
                "    @@ -5,0 +5,1 @@",
                "    +e",
            ]
        );
        assert_eq!(changes[2].what, What::Unrecorded(Fate::Replaced));
        assert_eq!(changes[3].what, What::Gone(Fate::Removed));
    }
}
