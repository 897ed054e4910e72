// SPDX-License-Identifier: GPL-2.0

//! The kernels: which there are, how each is configured and built.

mod build;
mod config;
mod diagnostics;
mod flavour;

pub use build::{Options, compile_partial, ensure, ensure_prepared};
pub use flavour::Flavour;

use crate::{lock::Lock, sandbox::Sandbox};
use std::{path::PathBuf, sync::Arc};

/// A finished build.
#[derive(Clone, Debug)]
pub struct Built {
    /// Which kernel.
    pub flavour: Flavour,
    /// The kernel source with the overlay; `/src` in the sandbox.
    pub src: PathBuf,
    /// The build output; `/out` in the sandbox.
    pub out: PathBuf,
    /// The file system of the Debian root.
    pub root: PathBuf,
    /// ccache's folder; `/ccache` in the sandbox.
    pub ccache: PathBuf,
    /// Where the results of runs go.
    pub runs: PathBuf,
    /// Stands for everything that went into the build.
    pub fingerprint: String,
    /// Whether anything was compiled, or all was up to date.
    pub changed: bool,
    /// Keeps other labs from changing source and output. Dropping the last
    /// copy of this value lets them.
    pub lock: Arc<Lock>,
}

/// Returns what rustc, rustdoc or clippy say in `log` about the files for which
/// `is_ours` holds.
pub fn diagnostics(log: &str, is_ours: impl Fn(&str) -> bool) -> Vec<String> {
    diagnostics::find(log, is_ours)
        .into_iter()
        .map(|diagnostic| diagnostic.text)
        .collect()
}

impl Built {
    /// Returns the kernel image; for UML the program, which is linked
    /// statically, and so runs outside of the root as well.
    pub fn image(&self) -> PathBuf {
        self.out.join(self.flavour.image())
    }

    /// Returns a sandbox with source, output and ccache in place.
    pub fn sandbox(&self) -> Sandbox {
        build::sandbox(&self.root, &self.src, &self.out, &self.ccache)
    }
}
