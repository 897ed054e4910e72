// SPDX-License-Identifier: GPL-2.0

//! The cache: everything that is made, outside the checkout.
//!
//! ```text
//! tool/                the lab program itself
//! roots/KEY/           Debian roots, by suite and package list
//! bases/KEY/           stock kernel sources, by version and hash
//! ccache/              compiled C objects
//! work/ID/             what belongs to one checkout:
//!     linux/             stock source + overlay (unchanged files are links)
//!     out/FLAVOUR/       build outputs
//!     logs/  runs/       logs and the results of runs
//! locks/               one file for each thing that has one writer
//! ```

use crate::checkout::Checkout;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{
    env, fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// The cache folder.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Finds the cache: `$DRM_RUST_CACHE`, or `drm-rust` in the user's cache
    /// folder; makes it if need be.
    ///
    /// # Errors
    ///
    /// Fails if no place is known or it cannot be made.
    pub fn open() -> Result<Self> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let dir = if let Some(dir) = set("DRM_RUST_CACHE") {
            PathBuf::from(dir)
        } else if let Some(dir) = set("XDG_CACHE_HOME") {
            Path::new(&dir).join("drm-rust")
        } else {
            let home = set("HOME").context("neither DRM_RUST_CACHE nor HOME is set")?;
            Path::new(&home).join(".cache/drm-rust")
        };
        Self::at(&dir)
    }

    /// Opens the cache in `dir`, making it if need be.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be made.
    pub fn at(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)
            .with_context(|| format!("cannot make the cache folder {}", dir.display()))?;
        Ok(Self {
            dir: dir.canonicalize()?,
        })
    }

    /// Returns the cache folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the folder of the Debian roots.
    pub fn roots(&self) -> PathBuf {
        self.dir.join("roots")
    }

    /// Returns the folder of the stock sources.
    pub fn bases(&self) -> PathBuf {
        self.dir.join("bases")
    }

    /// Returns ccache's folder.
    pub fn ccache(&self) -> PathBuf {
        self.dir.join("ccache")
    }

    /// Returns the folder of the locks.
    pub fn locks(&self) -> PathBuf {
        self.dir.join("locks")
    }

    /// Returns the folder of the checkouts' workspaces.
    pub fn works(&self) -> PathBuf {
        self.dir.join("work")
    }

    /// Returns the workspace of `checkout`.
    pub fn work(&self, checkout: &Checkout) -> Workspace {
        let id = short_hash(checkout.dir().as_os_str().as_bytes());
        Workspace::at(self.works().join(id))
    }
}

/// What belongs to one checkout.
#[derive(Clone, Debug)]
pub struct Workspace {
    dir: PathBuf,
}

impl Workspace {
    /// Returns the workspace in the folder `dir`.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Returns the workspace's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the kernel source with the overlay laid over it.
    pub fn linux(&self) -> PathBuf {
        self.dir.join("linux")
    }

    /// Returns the folder of the build outputs.
    pub fn out(&self) -> PathBuf {
        self.dir.join("out")
    }

    /// Returns the folder of the logs.
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    /// Returns the folder of the results of runs.
    pub fn runs(&self) -> PathBuf {
        self.dir.join("runs")
    }
}

/// Returns the first 16 hexadecimal digits of the SHA-256 of `data`.
pub fn short_hash(data: &[u8]) -> String {
    let mut hash = hex(&Sha256::digest(data));
    hash.truncate(16);
    hash
}

/// Writes `bytes` as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
