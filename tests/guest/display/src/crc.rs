// SPDX-License-Identifier: GPL-2.0

//! The kernel's CRCs of composed frames, from debugfs.

use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One frame's CRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The vblank count of the frame; `None` if the driver does not know it.
    pub frame: Option<u32>,
    /// The value.
    pub crc: u32,
}

/// Reads a line of the data file: the frame as hexadecimal number or `XXXXXXXXXX`, and one value.
/// The kernel hands out a zero byte after each line, so all but the first begin with one.
pub fn parse_line(line: &str) -> Result<Entry> {
    let mut words = line.trim_start_matches('\0').split_ascii_whitespace();
    let (Some(frame), Some(value), None) = (words.next(), words.next(), words.next()) else {
        bail!("not a line of one CRC: {line:?}");
    };
    let hex = |word: &str| {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        u32::from_str_radix(digits, 16).with_context(|| format!("in CRC line {line:?}"))
    };
    let frame = if frame.starts_with('X') {
        None
    } else {
        Some(hex(frame)?)
    };
    Ok(Entry {
        frame,
        crc: hex(value)?,
    })
}

/// An open stream of CRCs. The kernel computes them only while this exists.
pub struct Stream {
    data: File,
    partial: String,
}

impl Stream {
    /// Starts the source "auto" of a CRTC. `None` if the driver has no CRCs.
    pub fn open(minor: u32, crtc_index: usize) -> Result<Option<Self>> {
        let dir = PathBuf::from(format!(
            "/sys/kernel/debug/dri/{minor}/crtc-{crtc_index}/crc"
        ));
        if !dir.exists() {
            return Ok(None);
        }
        std::fs::write(dir.join("control"), "auto")
            .with_context(|| format!("selecting the CRC source in {}", dir.display()))?;
        let data = OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
            .open(dir.join("data"))
            .with_context(|| format!("opening {}", dir.join("data").display()))?;
        Ok(Some(Stream {
            data,
            partial: String::new(),
        }))
    }

    /// Everything that has arrived since the last call.
    pub fn drain(&mut self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut buffer = [0; 256];
        loop {
            match self.data.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => self
                    .partial
                    .push_str(&String::from_utf8_lossy(&buffer[..count])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("reading CRCs"),
            }
        }
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            entries.push(parse_line(&line)?);
        }
        Ok(entries)
    }

    /// Waits until an entry for which `wanted` holds has arrived, and returns all up to then.
    pub fn wait(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&Entry) -> bool,
    ) -> Result<Vec<Entry>> {
        let deadline = Instant::now() + limit;
        let mut all = Vec::new();
        loop {
            let new = self.drain()?;
            let found = new.iter().any(&mut wanted);
            all.extend(new);
            if found {
                return Ok(all);
            }
            if Instant::now() > deadline {
                bail!(
                    "no such CRC in {limit:?}; the last ones: {:x?}",
                    all.iter().rev().take(3)
                );
            }
            sleep(Duration::from_millis(2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_and_without_frame_numbers() {
        assert_eq!(
            parse_line("0x0000002a 0xdeadbeef").unwrap(),
            Entry {
                frame: Some(42),
                crc: 0xdead_beef
            }
        );
        assert_eq!(
            parse_line("\0XXXXXXXXXX 0x00000001\n").unwrap(),
            Entry {
                frame: None,
                crc: 1
            }
        );
    }

    #[test]
    fn anything_else_is_an_error() {
        for line in ["", "0x1", "0x1 0x2 0x3", "0x1 zebra"] {
            assert!(parse_line(line).is_err(), "{line}");
        }
    }
}
