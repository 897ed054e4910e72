// SPDX-License-Identifier: GPL-2.0

//! The event file, and files that survive the death of the guest.

use anyhow::{Context, Result};
use guest_protocol::{EVENTS_FILE, Event};
use nix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Milliseconds of the monotonic clock.
pub fn now_ms() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| {
        now.tv_sec() as u64 * 1000 + now.tv_nsec() as u64 / 1_000_000
    })
}

/// The event file.
pub struct Log {
    file: File,
}

impl Log {
    /// Starts an empty event file in `folder`.
    pub fn create(folder: &Path) -> Result<Self> {
        let path = folder.join(EVENTS_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("creating {}", path.display()))?;
        Ok(Log { file })
    }

    /// Appends one event. It is on the host when this returns: the next step may take the kernel
    /// down.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.file.write_all(&line).context("writing an event")?;
        self.file.sync_data().context("writing an event")
    }
}
