// SPDX-License-Identifier: GPL-2.0

//! Complaints of the stock kernel that are known, each with the reason.
//!
//! `tests/expectations/kernel.toml` lists them. They are not ours to mend, and
//! must not hide one that is: a complaint is known only if all of the listed
//! words are in it.

use super::{leaks::Leak, splat::Splat};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{fs, path::Path};

/// The list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    #[serde(default)]
    splat: Vec<Entry>,
    #[serde(default)]
    leak: Vec<LeakEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// How its first line begins.
    title: String,
    /// Words that are in it.
    with: Vec<String>,
    /// Why it is not ours to mend.
    reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeakEntry {
    /// The task that allocated the object.
    task: String,
    /// Its size in bytes.
    size: u64,
    /// How its contents begin, as kmemleak writes them.
    first: String,
    /// Why it is not ours to mend.
    reason: String,
}

impl Known {
    /// Reads the list in the file `path`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or says something that makes no sense.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{}", path.display()))
    }

    /// Reads a list.
    ///
    /// # Errors
    ///
    /// Fails if it says something that makes no sense.
    pub fn parse(text: &str) -> Result<Self> {
        let known: Self = toml::from_str(text)?;
        for entry in &known.splat {
            if entry.with.is_empty() || entry.reason.trim().is_empty() {
                bail!("\"{}\": words or reason are missing", entry.title);
            }
        }
        for leak in &known.leak {
            if leak.first.trim().is_empty() || leak.reason.trim().is_empty() {
                bail!("leak of \"{}\": contents or reason are missing", leak.task);
            }
        }
        Ok(known)
    }

    /// Tells whether `leak` is on the list.
    pub fn has_leak(&self, leak: &Leak) -> bool {
        self.leak.iter().any(|entry| {
            leak.task == entry.task
                && leak.size == entry.size
                && leak
                    .lines
                    .iter()
                    .any(|line| line.trim_start().starts_with(&entry.first))
        })
    }

    /// Tells whether `splat` is on the list.
    pub fn has(&self, splat: &Splat) -> bool {
        self.splat.iter().any(|entry| {
            splat.title.starts_with(&entry.title)
                && entry
                    .with
                    .iter()
                    .all(|word| splat.lines.iter().any(|line| line.contains(word)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::splat::scan;

    #[test]
    fn all_words_have_to_be_there() {
        let log = include_str!("../../data/suspicious-rcu.log");
        let splat = &scan(log)[0];
        let known = |with: &str| {
            let text = format!(
                "[[splat]]\ntitle = 'WARNING: suspicious RCU usage'\nwith = {with}\nreason = 'x'"
            );
            Known::parse(&text).expect("a list").has(splat)
        };
        assert!(known(
            "['Callback enqueued on offline CPU', 'os_start_secondary']"
        ));
        assert!(!known("['Callback enqueued on offline CPU', 'drm_']"));
        assert!(!Known::default().has(splat));
    }

    #[test]
    fn an_entry_without_words_would_hide_everything() {
        let text = "[[splat]]\ntitle = 'WARNING:'\nwith = []\nreason = 'x'";
        assert!(Known::parse(text).is_err());
    }
}
