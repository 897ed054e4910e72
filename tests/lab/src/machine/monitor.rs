// SPDX-License-Identifier: GPL-2.0

//! Following a running guest: its events and its console.

use crate::log::lines::Lines;
use anyhow::{Context, Result};
use guest_protocol::{EVENTS_FILE, Event, PAUSE_DIR, PAUSE_END};
use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Name of the file that the console is captured in.
pub const CONSOLE: &str = "console.log";

/// What happens in a guest, as it happens.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The guest said something.
    Event(&'a Event),
    /// A line appeared on the console.
    Line(&'a str),
    /// The kernel began to complain; this is the first line of it.
    Splat(&'a str),
    /// A program in the guest waits for us, under this name; it goes on when
    /// this has been dealt with.
    Paused(&'a str),
}

/// Reads what is new in the files of a boot.
#[derive(Debug)]
pub struct Follower {
    event_lines: Lines,
    console: Lines,
    pauses: PathBuf,
    events: Vec<Event>,
}

impl Follower {
    /// Starts at the beginning of the files in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self {
            event_lines: Lines::new(dir.join(EVENTS_FILE)),
            console: Lines::new(dir.join(CONSOLE)),
            pauses: dir.join(PAUSE_DIR),
            events: Vec::new(),
        }
    }

    /// Returns the events that are new.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or holds something else.
    pub fn poll(&mut self) -> Result<Vec<Event>> {
        let mut new = Vec::new();
        for line in self.event_lines.next_lines()? {
            let event: Event = serde_json::from_str(&line)
                .with_context(|| format!("a line of the guest's events: {line}"))?;
            new.push(event);
        }
        self.events.extend(new.iter().cloned());
        Ok(new)
    }

    /// Returns the lines of the console that are new.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub fn console_lines(&mut self) -> Result<Vec<String>> {
        self.console.next_lines()
    }

    /// Returns the names under which programs wait.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be read.
    pub fn pauses(&self) -> Result<Vec<String>> {
        let context = || format!("{}", self.pauses.display());
        let entries = match fs::read_dir(&self.pauses) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(context)?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            let name = entry.with_context(context)?.file_name();
            names.insert(name.to_string_lossy().into_owned());
        }
        Ok(names
            .iter()
            .filter(|name| !name.ends_with(PAUSE_END) && !names.contains(&answer(name)))
            .cloned()
            .collect())
    }

    /// Lets the program that waits as `name` go on.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be told.
    pub fn resume(&self, name: &str) -> Result<()> {
        let path = self.pauses.join(answer(name));
        fs::write(&path, "").with_context(|| format!("{}", path.display()))
    }

    /// Returns all events so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns all events.
    pub fn into_events(self) -> Vec<Event> {
        self.events
    }
}

/// Returns the name of the file by which the program that waits as `name` is
/// told to go on.
fn answer(name: &str) -> String {
    format!("{name}{PAUSE_END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_waits_until_it_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let follower = Follower::new(dir.path());
        assert!(follower.pauses().expect("none").is_empty());

        let pauses = dir.path().join(PAUSE_DIR);
        fs::create_dir(&pauses).expect("a folder");
        for name in ["b", "a"] {
            fs::write(pauses.join(name), "").expect("a file");
        }
        assert_eq!(follower.pauses().expect("two"), ["a", "b"]);
        follower.resume("a").expect("an answer");
        assert_eq!(follower.pauses().expect("one"), ["b"]);
    }
}
