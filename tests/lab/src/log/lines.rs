// SPDX-License-Identifier: GPL-2.0

//! Following a text file that somebody else writes.

use anyhow::{Context, Result};
use std::{
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    path::PathBuf,
};

/// A file that is read line by line as it grows. It need not exist yet.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    offset: u64,
    partial: Vec<u8>,
}

impl Lines {
    /// Starts at the beginning of the file.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            offset: 0,
            partial: Vec::new(),
        }
    }

    /// Returns the whole lines that were added since the last call, without
    /// their ends.
    ///
    /// # Errors
    ///
    /// Fails if the file exists but cannot be read.
    pub fn next_lines(&mut self) -> Result<Vec<String>> {
        let context = || format!("{}", self.path.display());
        let mut file = match File::open(&self.path) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(context)?,
        };
        if file.metadata().with_context(context)?.len() <= self.offset {
            return Ok(Vec::new());
        }
        file.seek(SeekFrom::Start(self.offset))
            .with_context(context)?;
        let count = file.read_to_end(&mut self.partial).with_context(context)?;
        self.offset += count as u64;

        let Some(end) = self.partial.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(Vec::new());
        };
        let rest = self.partial.split_off(end + 1);
        let whole = std::mem::replace(&mut self.partial, rest);
        Ok(String::from_utf8_lossy(&whole)
            .lines()
            .map(|line| line.trim_end_matches('\r').to_owned())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::OpenOptions, io::Write};

    #[test]
    fn only_whole_lines_are_returned_and_each_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        let mut lines = Lines::new(path.clone());
        assert!(lines.next_lines().expect("nothing").is_empty());

        let append = |text: &str| {
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .expect("the file");
            file.write_all(text.as_bytes()).expect("success");
        };
        append("one\r\ntw");
        assert_eq!(lines.next_lines().expect("lines"), ["one"]);
        append("o\nthree\n");
        assert_eq!(lines.next_lines().expect("lines"), ["two", "three"]);
        assert!(lines.next_lines().expect("nothing").is_empty());
    }
}
