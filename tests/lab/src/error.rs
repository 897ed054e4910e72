// SPDX-License-Identifier: GPL-2.0

//! What goes wrong, and how it is told.

use std::{io, path::PathBuf, process::ExitCode};

/// The exit code after an interrupt, as shells have it.
const EXIT_INTERRUPTED: u8 = 130;

/// A step that failed because a command did.
#[derive(Debug, thiserror::Error)]
pub struct StepError {
    /// What was being done, such as "build uml".
    pub step: String,
    /// The command, as one could type it.
    pub command: String,
    /// How it ended, such as "exit status 2".
    pub status: String,
    /// Where the whole output is.
    pub log: Option<PathBuf>,
    /// The lines of the output that matter.
    pub lines: Vec<String>,
    /// What the user can do about it, if that is known.
    pub hint: Option<String>,
}

impl std::fmt::Display for StepError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} failed ({})", self.step, self.status)?;
        if let Some(hint) = &self.hint {
            write!(f, ": {hint}")?;
        }
        for line in &self.lines {
            write!(f, "\n  | {line}")?;
        }
        write!(f, "\n  command: {}", self.command)?;
        if let Some(log) = &self.log {
            write!(f, "\n  log:     {}", log.display())?;
        }
        Ok(())
    }
}

/// The user, or whoever supervises this process, asked it to stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Tells the user about `err` and returns the exit code that goes with it.
pub fn report(err: &anyhow::Error) -> ExitCode {
    if err.is::<Interrupted>() || crate::proc::interrupted() {
        eprintln!("lab: interrupted; the same command takes up where this one stopped");
        return ExitCode::from(EXIT_INTERRUPTED);
    }
    eprintln!("lab: {}", describe(err));
    ExitCode::FAILURE
}

/// Writes `err` and its causes, with a hint where the cause is well known.
pub fn describe(err: &anyhow::Error) -> String {
    let full = err.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|err| err.kind() == io::ErrorKind::StorageFull)
    });
    let hint = if full {
        "\n  hint: make room, or point DRM_RUST_CACHE at a larger disk"
    } else {
        ""
    };
    format!("{err:#}{hint}")
}

/// How many lines of a log are shown at most.
const SHOWN: usize = 40;

/// How many lines are shown if none of them looks like an error.
const TAIL: usize = 15;

/// Picks the lines of `log` that tell what went wrong: the compilers' error
/// blocks and make's complaint, or else the end of it.
pub fn lines_that_matter(log: &str) -> Vec<String> {
    let mut picked = Vec::new();
    let mut in_block = false;

    for line in log.lines() {
        // A block of rustc ends at the first empty line.
        if line.trim().is_empty() {
            in_block = false;
            continue;
        }
        let starts_rustc = line.starts_with("error[") || line.starts_with("error:");
        if starts_rustc {
            in_block = true;
        }
        if in_block || is_error_line(line) {
            picked.push(line.trim_end().to_owned());
        }
    }
    if picked.is_empty() {
        let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        let start = lines.len().saturating_sub(TAIL);
        return lines[start..].iter().map(|&line| line.to_owned()).collect();
    }
    if picked.len() > SHOWN {
        let more = picked.len() - SHOWN;
        picked.truncate(SHOWN);
        picked.push(format!("… and {more} more such lines in the log"));
    }
    picked
}

/// Tells whether a line by itself reports an error.
fn is_error_line(line: &str) -> bool {
    const MARKS: [&str; 11] = [
        ": error:",
        ": fatal error:",
        "fatal error:",
        "ld.lld: error",
        "clang: error",
        "No space left on device",
        "ERROR: modpost",
        "error while loading shared libraries",
        "undefined reference",
        "panicked at",
        "internal compiler error",
    ];

    MARKS.iter().any(|mark| line.contains(mark))
        || line.starts_with("E: ")
        || (line.starts_with("make") && line.contains("***") && !line.contains("Waiting for"))
}

/// Returns what the user can do about a failure whose output is `log`, if it is
/// a well-known one.
pub fn hint(log: &str) -> Option<String> {
    let known = [
        (
            "No space left on device",
            "the disk is full; make room, or point DRM_RUST_CACHE at a larger disk",
        ),
        (
            "Temporary failure resolving",
            "no network, or no name resolution",
        ),
        ("Could not resolve", "no network, or no name resolution"),
        (
            "Hash Sum mismatch",
            "the download is broken; the same command tries again",
        ),
        (
            "Failed to fetch",
            "a download failed; the same command tries again, DRM_RUST_MIRROR names another mirror",
        ),
        (
            "setting up uid map: Permission denied",
            "unprivileged user namespaces are off: `./lab doctor` says what to do",
        ),
        ("Killed", "a process was killed, perhaps for want of memory"),
    ];
    known
        .iter()
        .find(|(mark, _)| log.contains(mark))
        .map(|&(_, hint)| hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustc_blocks_are_picked_whole() {
        let log = "  CC      a.o\nerror[E0308]: mismatched types\n  --> rust/kernel/drm/gem.rs:4:5\n   |\n4 |     1\n   |     ^ expected `()`\n\n  CC      b.o\nmake[2]: *** [x.mk:5: rust/kernel.o] Error 1\nmake[1]: *** Waiting for unfinished jobs....\n";
        let lines = lines_that_matter(log);
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[0], "error[E0308]: mismatched types");
        assert!(lines[1].contains("gem.rs:4:5"));
        assert!(lines[5].contains("rust/kernel.o"));
    }

    #[test]
    fn the_end_is_shown_if_nothing_looks_like_an_error() {
        let log: String = (0..100).map(|n| format!("line {n}\n\n")).collect();
        let lines = lines_that_matter(&log);
        assert_eq!(lines.len(), TAIL);
        assert_eq!(lines[TAIL - 1], "line 99");
    }

    #[test]
    fn many_errors_are_cut() {
        let log: String = (0..100)
            .map(|n| format!("a.c:{n}:1: error: no\n"))
            .collect();
        let lines = lines_that_matter(&log);
        assert_eq!(lines.len(), SHOWN + 1);
        assert!(lines[SHOWN].contains("60 more"));
    }

    #[test]
    fn a_full_disk_is_named() {
        let hint = hint("cp: write error: No space left on device").expect("a hint");
        assert!(hint.contains("full"));

        let err = anyhow::Error::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(describe(&err).contains("DRM_RUST_CACHE"));
    }
}
