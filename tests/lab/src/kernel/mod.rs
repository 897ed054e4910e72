// SPDX-License-Identifier: GPL-2.0

//! The kernels: which there are, how each is configured and built.

use crate::{context::Lab, sandbox::Sandbox};
use anyhow::Result;
use std::path::PathBuf;

/// A kernel that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Flavour {
    /// User-Mode Linux, fast: for `lab run`.
    Uml,
    /// User-Mode Linux with every check: for `lab test`.
    UmlDebug,
    /// x86-64: the library and the drivers, with clippy.
    #[value(name = "x86_64")]
    X86_64,
    /// arm64: the library and the drivers, with clippy.
    Arm64,
}

impl Flavour {
    /// Returns the name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uml => "uml",
            Self::UmlDebug => "uml-debug",
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }
}

impl std::fmt::Display for Flavour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How to build.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Stop if stock files under the overlay differ from the recorded ones.
    pub strict: bool,
}

/// A finished build.
#[derive(Clone, Debug)]
pub struct Built {
    /// Which kernel.
    pub flavour: Flavour,
    /// The kernel source with the overlay; `/src` in the sandbox.
    pub src: PathBuf,
    /// The build output; `/out` in the sandbox.
    pub out: PathBuf,
    /// The Debian root.
    pub root: PathBuf,
    /// ccache's folder; `/ccache` in the sandbox.
    pub ccache: PathBuf,
    /// Whether anything was compiled, or all was up to date.
    pub changed: bool,
}

impl Built {
    /// Returns the UML program, which is linked statically.
    pub fn image(&self) -> PathBuf {
        self.out.join("linux")
    }

    /// Returns a sandbox with source, output and ccache in place.
    pub fn sandbox(&self) -> Sandbox {
        Sandbox::new(&self.root)
            .ro_bind(&self.src, "/src")
            .bind(&self.out, "/out")
            .bind(&self.ccache, "/ccache")
            .env("CCACHE_DIR", "/ccache")
            .dir("/out")
    }
}

/// Brings everything up to date that the kernel `flavour` needs, the kernel
/// included. If nothing changed since the last time, this takes well under a
/// second.
///
/// # Errors
///
/// Fails if a step does.
pub fn ensure(_lab: &Lab, _flavour: Flavour, _options: Options) -> Result<Built> {
    anyhow::bail!("not there yet")
}
