// SPDX-License-Identifier: GPL-2.0

//! What the host asks of a guest, and what the guest answers.
//!
//! The host puts one [`Plan`] into the guest's initial RAM disk. The guest's first process
//! mounts what the plan names, carries out its [`Step`]s in order and appends one [`Event`] per
//! line to a file in a directory that both sides see. Nothing is read off the console, so what a
//! program prints can never be taken for a result.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

pub mod display;

/// Where the plan lies in the initial RAM disk.
pub const PLAN_PATH: &str = "/lab.json";

/// Name of the file of [`Event`] lines inside [`Plan::results`].
pub const EVENTS_FILE: &str = "events.jsonl";

/// Name of the folder inside [`Plan::results`] that holds what each step printed, as `ID.out`
/// and `ID.err`.
pub const OUTPUT_DIR: &str = "steps";

/// Name of the folder inside [`Plan::results`] in which a program makes a file to have the host
/// do something now. The program goes on when the host has made another file, of that name with
/// [`PAUSE_END`] added. Nobody touches a file of the other one.
pub const PAUSE_DIR: &str = "pauses";

/// See [`PAUSE_DIR`].
pub const PAUSE_END: &str = ".done";

/// Start of the line that the guest writes into the kernel log before each step, so that a
/// kernel warning can be attributed to a step.
pub const STEP_MARKER: &str = "lab: step ";

/// A file system that the guest mounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where, as the guest sees it once its root is in place.
    pub target: PathBuf,
    /// Kernel name of the file system: `hostfs`, `9p`, `tmpfs`.
    pub fstype: String,
    /// Source argument of mount(2).
    pub source: String,
    /// Option string of mount(2), passed as it is.
    pub data: String,
    /// Whether to mount it read-only.
    pub read_only: bool,
}

/// Everything one boot of a guest has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The root file system; its `target` is not used.
    pub root: Mount,
    /// Further file systems, mounted in order after the root.
    pub mounts: Vec<Mount>,
    /// The directory for events and output, below one of `mounts`.
    pub results: PathBuf,
    /// Device nodes that must not exist while the steps run.
    pub hide: Vec<PathBuf>,
    /// The work, in order.
    pub steps: Vec<Step>,
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in the plan; also the name of the output files.
    pub id: String,
    /// What to do.
    pub action: Action,
    /// How long it may take, in milliseconds. An interactive step is not limited.
    pub timeout_ms: u64,
    /// Whether the steps after this one make no sense when it fails.
    pub required: bool,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Loads a kernel module with finit_module(2).
    LoadModule {
        /// The `.ko` file.
        path: PathBuf,
        /// Module parameters, `name=value` separated by blanks.
        parameters: String,
    },
    /// Unloads a kernel module.
    UnloadModule {
        /// Its name as in /proc/modules.
        name: String,
    },
    /// Runs a program to its end.
    Run(Command),
    /// Looks for memory leaks; what is found is the step's output.
    LeakScan,
    /// Gives the console to an interactive program until it ends.
    Interact(Command),
}

/// A program and its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables added to the guest's environment.
    pub env: Vec<(String, String)>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It did what it had to; a program ended with code 0.
    Ok,
    /// A program ended with another code.
    Exit {
        /// The code.
        code: i32,
    },
    /// A signal ended a program.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// Time ran out. The program was killed.
    TimedOut,
    /// The step could not be carried out.
    Error {
        /// Why.
        message: String,
    },
    /// An earlier required step failed.
    Skipped,
}

impl Outcome {
    /// Whether the step did what it had to.
    pub fn is_ok(&self) -> bool {
        matches!(self, Outcome::Ok)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Ok => write!(f, "ok"),
            Outcome::Exit { code } => write!(f, "exit code {code}"),
            Outcome::Signal { signal } => write!(f, "killed by signal {signal}"),
            Outcome::TimedOut => write!(f, "timed out"),
            Outcome::Error { message } => write!(f, "{message}"),
            Outcome::Skipped => write!(f, "skipped"),
        }
    }
}

/// One line of the event file. Times are milliseconds of the guest's monotonic clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The guest's first process has its file systems.
    Booted {
        /// When.
        at_ms: u64,
        /// `uname -r`.
        kernel: String,
    },
    /// A step begins.
    Began {
        /// Its id.
        step: String,
        /// When.
        at_ms: u64,
    },
    /// A step ended.
    Ended {
        /// Its id.
        step: String,
        /// When.
        at_ms: u64,
        /// How.
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// Every step was dealt with; the guest powers off.
    Done {
        /// When.
        at_ms: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_one_line_each() {
        let event = Event::Ended {
            step: "a".into(),
            at_ms: 12,
            outcome: Outcome::Error {
                message: "two\nlines".into(),
            },
        };
        let line = serde_json::to_string(&event).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    #[test]
    fn the_outcome_lies_flat_in_the_event() {
        let line = r#"{"event":"ended","step":"x","at_ms":3,"outcome":"exit","code":77}"#;
        assert_eq!(
            serde_json::from_str::<Event>(line).unwrap(),
            Event::Ended {
                step: "x".into(),
                at_ms: 3,
                outcome: Outcome::Exit { code: 77 }
            }
        );
    }
}
