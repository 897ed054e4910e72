// SPDX-License-Identifier: GPL-2.0

//! One writer at a time.

use crate::{error::Interrupted, proc, ui::Ui};
use anyhow::{Context, Result};
use fs4::fs_std::FileExt;
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, Write},
    path::Path,
    thread,
    time::Duration,
};

/// How often a waiting process looks again.
const POLL: Duration = Duration::from_millis(100);

/// A lock that is held until this value is dropped, or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `name` in folder `dir`, for sole use. If another process
    /// has it, says so and waits.
    ///
    /// # Errors
    ///
    /// Fails if the lock file cannot be made, or we are interrupted.
    pub fn take(dir: &Path, name: &str, ui: &Ui) -> Result<Self> {
        let mut file = open(dir, name)?;
        let mut told = false;
        while !file.try_lock_exclusive()? {
            if !told {
                let mut holder = String::new();
                let _ = file
                    .rewind()
                    .and_then(|()| file.read_to_string(&mut holder));
                let holder = holder.trim();
                ui.say(format!(
                    "waiting for another lab (process {}) to finish with {name}",
                    if holder.is_empty() { "unknown" } else { holder },
                ));
                told = true;
            }
            if proc::interrupted() {
                return Err(Interrupted.into());
            }
            thread::sleep(POLL);
        }
        // Only to tell those who wait; the lock does not depend on it.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    ///
    /// Fails if the lock file cannot be made.
    pub fn try_take(dir: &Path, name: &str) -> Result<Option<Self>> {
        let file = open(dir, name)?;
        Ok(file.try_lock_exclusive()?.then_some(Self { _file: file }))
    }
}

fn open(dir: &Path, name: &str) -> Result<File> {
    fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
    let path = dir.join(name.replace('/', "-"));
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot open the lock {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_second_waits_for_the_first() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Lock::take(dir.path(), "x", &Ui::new()).expect("the lock");
        assert!(Lock::try_take(dir.path(), "x").expect("a file").is_none());
        assert!(Lock::try_take(dir.path(), "y").expect("a file").is_some());

        let hold = Duration::from_millis(300);
        let start = Instant::now();
        let releaser = thread::spawn(move || {
            thread::sleep(hold);
            drop(first);
        });
        let _second = Lock::take(dir.path(), "x", &Ui::new()).expect("the lock");
        assert!(start.elapsed() >= hold);
        releaser.join().expect("the releaser");
    }
}
