// SPDX-License-Identifier: GPL-2.0

//! The command line.

use crate::kernel::Flavour;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Builds, boots and tests the Rust DRM library and its drivers.
#[derive(Debug, Parser)]
#[command(name = "lab", bin_name = "./lab", max_term_width = 100, version)]
pub struct Cli {
    /// The checkout to work on.
    #[arg(
        long,
        global = true,
        env = "DRM_RUST_CHECKOUT",
        value_name = "DIR",
        hide = true
    )]
    pub checkout: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what this machine lacks, and how to install it.
    Doctor(DoctorArgs),
    /// Make the Debian root, fetch the kernel source and lay the overlay.
    Prepare(PrepareArgs),
    /// Build a kernel.
    Build(BuildArgs),
    /// Boot, load RVKMS and let clients show frames on it.
    Run(crate::cmd::run::RunArgs),
    /// Run the tests.
    Test(crate::cmd::test::TestArgs),
    /// Open an interactive shell in a guest.
    Shell(crate::cmd::shell::ShellArgs),
    /// Write what is on RVKMS's screen as PNG files.
    Screenshot(crate::cmd::screenshot::ScreenshotArgs),
    /// Measure.
    Bench(crate::cmd::bench::BenchArgs),
    /// Record the stock files under the overlay and rebase the patches.
    Refresh(RefreshArgs),
    /// Write the overlay as one patch series on the stock source.
    Export(ExportArgs),
    /// Remove what this checkout has in the cache.
    Clean(CleanArgs),
}

/// Arguments of `lab doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Install what is missing (as root, or by sudo).
    #[arg(long)]
    pub fix: bool,
}

/// Arguments of `lab prepare`.
#[derive(Debug, Default, Args)]
pub struct PrepareArgs {
    /// Stop if stock files under the overlay differ from the recorded ones.
    #[arg(long)]
    pub strict: bool,
    /// Look for a newer kernel source and make a new Debian root.
    #[arg(long)]
    pub update: bool,
    /// Take the kernel source from this archive (.deb or .tar.*) instead of
    /// looking for a package.
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
}

/// Arguments of `lab build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Which kernel.
    #[arg(value_enum, default_value = "uml")]
    pub flavour: Flavour,
    /// Stop if stock files under the overlay differ from the recorded ones.
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `lab refresh`.
#[derive(Debug, Args)]
pub struct RefreshArgs {
    /// Only say what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `lab export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to write the series; must not exist or be empty.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Compile the library and the drivers at each commit.
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `lab clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Remove the whole cache: roots, sources and the builds of every checkout.
    #[arg(long)]
    pub all: bool,
}
