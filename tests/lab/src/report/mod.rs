// SPDX-License-Identifier: GPL-2.0

//! Test results: what a case is, and how it is told to people and machines.

mod junit;
mod ktap;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, Table, presets};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How a case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Pass,
    /// Not run, for this reason.
    Skip(String),
    /// Fails, as it is known to, for this reason.
    Known(String),
    /// Wrong, for this reason.
    Fail(String),
}

/// One test and its result.
#[derive(Clone, Debug)]
pub struct Case {
    /// The suite it belongs to.
    pub suite: String,
    /// Its name in the suite.
    pub name: String,
    /// How it counts.
    pub outcome: Outcome,
    /// How long it took, if that is known.
    pub time: Option<Duration>,
    /// What helps to understand a failure.
    pub details: Vec<String>,
}

impl Case {
    /// A case without time and details.
    pub fn new(suite: &str, name: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            suite: suite.into(),
            name: name.into(),
            outcome,
            time: None,
            details: Vec::new(),
        }
    }

    /// A case that passed if there are no complaints; the first one is the
    /// reason of the failure, all are its details.
    pub fn judge(suite: &str, name: impl Into<String>, complaints: Vec<String>) -> Self {
        let outcome = match complaints.first() {
            None => Outcome::Pass,
            Some(first) => Outcome::Fail(first.clone()),
        };
        Self {
            details: complaints,
            ..Self::new(suite, name, outcome)
        }
    }

    /// Sets how long it took.
    pub fn took(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Fail(_))
    }
}

/// Counts of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that passed.
    pub passed: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Cases that were skipped, known failures among them.
    pub skipped: usize,
    /// Known failures.
    pub known: usize,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Pass => self.passed += 1,
            Outcome::Fail(_) => self.failed += 1,
            Outcome::Skip(_) => self.skipped += 1,
            Outcome::Known(_) => {
                self.skipped += 1;
                self.known += 1;
            }
        }
    }
}

/// All results of a run of the tests.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The cases, in order.
    pub cases: Vec<Case>,
    /// How long each suite took.
    pub times: Vec<(String, Duration)>,
}

impl Results {
    /// Counts all cases.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for case in &self.cases {
            counts.add(&case.outcome);
        }
        counts
    }

    /// Writes `results.ktap` and `junit.xml` into the folder `dir`.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be written.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
        let files = [
            ("results.ktap", ktap::write(&self.cases)),
            ("junit.xml", junit::write(self)?),
        ];
        let mut written = Vec::new();
        for (name, text) in files {
            let path = dir.join(name);
            fs::write(&path, text).with_context(|| format!("{}", path.display()))?;
            written.push(path);
        }
        Ok(written)
    }

    /// Lays out what each suite came to.
    pub fn table(&self) -> Table {
        let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
        for case in &self.cases {
            counts.entry(&case.suite).or_default().add(&case.outcome);
        }
        let mut table = Table::new();
        table
            .load_preset(presets::UTF8_HORIZONTAL_ONLY)
            .set_header([
                "suite",
                "passed",
                "failed",
                "skipped",
                "known failures",
                "time",
            ]);
        for suite in self.suites() {
            let counts = counts.get(suite).copied().unwrap_or_default();
            table.add_row([
                suite.to_owned(),
                counts.passed.to_string(),
                counts.failed.to_string(),
                (counts.skipped - counts.known).to_string(),
                counts.known.to_string(),
                self.time(suite)
                    .map_or("-".into(), |time| format!("{:.1} s", time.as_secs_f64())),
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// Returns the names of the suites, in order.
    pub fn suites(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.times.iter().map(|(name, _)| name.as_str()).collect();
        for case in &self.cases {
            if !names.contains(&case.suite.as_str()) {
                names.push(&case.suite);
            }
        }
        names
    }

    fn time(&self, suite: &str) -> Option<Duration> {
        let (_, time) = self.times.iter().find(|(name, _)| name == suite)?;
        Some(*time)
    }

    /// Returns the line that everything closes with.
    pub fn closing_line(&self) -> String {
        let counts = self.counts();
        format!(
            "{} passed, {} failed, {} skipped",
            counts.passed, counts.failed, counts.skipped
        )
    }

    /// Prints the failures and the table.
    pub fn print(&self) {
        const SHOWN: usize = 60;

        for case in self.cases.iter().filter(|case| case.failed()) {
            if let Outcome::Fail(reason) = &case.outcome {
                println!("FAILED {}/{}: {reason}", case.suite, case.name);
            }
            let details = case.details.iter().flat_map(|detail| detail.lines());
            let all = details.clone().count();
            for line in details.take(SHOWN) {
                println!("  | {line}");
            }
            if all > SHOWN {
                println!("  | … and {} more lines in the report", all - SHOWN);
            }
        }
        println!("{}", self.table());
    }
}
