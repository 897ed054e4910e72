// SPDX-License-Identifier: GPL-2.0

//! The overlay: our files at kernel paths, and the glue patches.

pub mod lay;
pub mod maintainers;
pub mod manifest;
pub mod patches;
pub mod series;

use crate::checkout::Checkout;
use anyhow::{Context, Result};
use ignore::{WalkBuilder, overrides::OverrideBuilder};
use std::{collections::BTreeMap, path::PathBuf};

/// The folders of the checkout whose files go into the kernel tree.
pub const FOLDERS: [&str; 5] = ["Documentation", "drivers", "include", "rust", "samples"];

/// The folders of the kernel tree that hold our files only: what stock has
/// there and we have not is removed.
pub const OWNED: [&str; 1] = ["rust/kernel/drm"];

/// What editors leave beside the files that they edit.
const EDITORS: [&str; 6] = ["!*~", "!.#*", "!#*#", "!.*.sw?", "!*.orig", "!*.rej"];

/// The kernel's list of maintainers, into which our sections are merged.
pub const MAINTAINERS: &str = "MAINTAINERS";

/// Returns the overlay's files, by their paths in the kernel tree.
///
/// # Errors
///
/// Fails if the checkout cannot be read.
pub fn files(checkout: &Checkout) -> Result<BTreeMap<String, PathBuf>> {
    let mut overrides = OverrideBuilder::new(checkout.dir());
    for glob in EDITORS {
        overrides.add(glob)?;
    }
    let overrides = overrides.build()?;
    let mut files = BTreeMap::new();

    for folder in FOLDERS {
        let top = checkout.path(folder);
        if !top.is_dir() {
            continue;
        }
        let walk = WalkBuilder::new(&top)
            // `.kunitconfig` is a file like others.
            .hidden(false)
            .require_git(false)
            .git_global(false)
            .overrides(overrides.clone())
            .build();
        for entry in walk {
            let entry = entry?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) {
                let path = entry.path().strip_prefix(checkout.dir())?;
                let name = path
                    .to_str()
                    .with_context(|| format!("{} is not a proper name", path.display()))?;
                files.insert(name.to_owned(), entry.path().to_owned());
            }
        }
    }
    Ok(files)
}

/// Tells whether the folder `owned` of the kernel tree holds only files of
/// `files`: as soon as these have its module.
pub fn owns(files: &BTreeMap<String, PathBuf>, owned: &str) -> bool {
    files.contains_key(&format!("{owned}/mod.rs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_are_found_but_not_what_editors_leave() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in [
            "rust/kernel/drm/.kunitconfig",
            "rust/kernel/drm/mod.rs",
            "rust/kernel/drm/mod.rs~",
            "rust/kernel/drm/.mod.rs.swp",
            "rust/kernel/drm/a.o",
            "tests/lab/x.rs",
            "patches/7.3/0001-x.patch",
            "configs/uml.config",
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        fs::write(dir.path().join(".gitignore"), "*.o\n").expect("a file");

        let checkout = Checkout::find(Some(dir.path())).expect("a checkout");
        let files = files(&checkout).expect("files");
        let names: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["rust/kernel/drm/.kunitconfig", "rust/kernel/drm/mod.rs"]
        );
        assert!(owns(&files, OWNED[0]));
    }
}
