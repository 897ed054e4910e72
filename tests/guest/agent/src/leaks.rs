// SPDX-License-Identifier: GPL-2.0

//! The kernel's memory leak detector.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::time::Duration;

const FILE: &str = "/sys/kernel/debug/kmemleak";

/// kmemleak does not report objects younger than five seconds.
const MINIMUM_AGE: Duration = Duration::from_millis(5500);

fn command(word: &str) -> Result<()> {
    if !Path::new(FILE).exists() {
        bail!("this kernel has no kmemleak");
    }
    std::fs::write(FILE, word).with_context(|| format!("kmemleak: {word}"))
}

/// Looks twice, since a reference may have been on its way during the first look, and returns
/// the report.
pub fn scan() -> Result<String> {
    std::thread::sleep(MINIMUM_AGE);
    command("scan")?;
    command("scan")?;
    std::fs::read_to_string(FILE).context("reading the report of kmemleak")
}
