// SPDX-License-Identifier: GPL-2.0

//! The checkout of this repository.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The kernel series that the overlay is written for.
pub const SERIES: &str = "7.3";

/// A checkout of the overlay.
#[derive(Clone, Debug)]
pub struct Checkout {
    dir: PathBuf,
}

impl Checkout {
    /// Finds the checkout that is `dir`, or else the one that the working
    /// directory lies in.
    ///
    /// # Errors
    ///
    /// Fails if there is none.
    pub fn find(dir: Option<&Path>) -> Result<Self> {
        let start = match dir {
            Some(dir) => dir.to_owned(),
            None => std::env::current_dir().context("the working directory")?,
        };
        let start = start
            .canonicalize()
            .with_context(|| format!("{}", start.display()))?;

        for dir in start.ancestors() {
            if dir.join("patches").join(SERIES).is_dir() && dir.join("configs").is_dir() {
                return Ok(Self { dir: dir.into() });
            }
        }
        bail!("{} is not in a checkout of the overlay", start.display())
    }

    /// Returns the top of the checkout.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder of the glue patches.
    pub fn patches(&self) -> PathBuf {
        self.dir.join("patches").join(SERIES)
    }

    /// Returns the folder of the kernel configuration fragments.
    pub fn configs(&self) -> PathBuf {
        self.dir.join("configs")
    }

    /// Returns a path below the top.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.join(relative)
    }
}
