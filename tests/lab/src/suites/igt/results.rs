// SPDX-License-Identifier: GPL-2.0

//! Reading what IGT's own runner found.

use super::Run;
use crate::{expect::State, log::splat::Splat};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// What came of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult {
    /// In one word.
    pub state: State,
    /// In a few more.
    pub what: String,
    /// How long it took.
    pub time: Duration,
    /// What the program and the kernel said.
    pub details: Vec<String>,
}

impl TestResult {
    /// The result of a test that was never run.
    pub fn missing() -> Self {
        Self {
            state: State::Missing,
            what: "it was not run".into(),
            time: Duration::ZERO,
            details: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Document {
    tests: HashMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    result: String,
    #[serde(default)]
    out: String,
    #[serde(default)]
    err: String,
    time: Option<Times>,
}

#[derive(Debug, Deserialize)]
struct Times {
    start: f64,
    end: f64,
}

/// Returns the name by which the results know the test `PROGRAM@SUBTEST`.
pub fn key(name: &str) -> String {
    name.to_lowercase()
}

/// Reads `results.json`. See [`key`] for the names.
///
/// # Errors
///
/// Fails if it is not what IGT's runner writes.
pub fn parse(text: &str) -> Result<HashMap<String, TestResult>> {
    let document: Document = serde_json::from_str(text).context("IGT's results")?;
    Ok(document
        .tests
        .into_iter()
        .map(|(name, entry)| {
            let name = name.strip_prefix("igt@").unwrap_or(&name).to_owned();
            (name, entry.read())
        })
        .collect())
}

impl Entry {
    fn read(self) -> TestResult {
        let state = match self.result.as_str() {
            // "warn" is a pass with words on standard error. The kernel's
            // warnings are looked for elsewhere.
            "pass" | "warn" | "dmesg-warn" => State::Pass,
            "fail" | "dmesg-fail" => State::Fail,
            "skip" => State::Skip,
            "timeout" => State::Timeout,
            "crash" | "abort" | "incomplete" => State::Crash,
            _ => State::Missing,
        };
        let what = match state {
            State::Pass => String::new(),
            State::Skip => requirement(&self.out),
            _ => reason(&self.out, &self.err),
        };
        let time = self
            .time
            .and_then(|time| Duration::try_from_secs_f64(time.end - time.start).ok());
        let mut details = Vec::new();
        if !matches!(state, State::Pass | State::Skip) {
            details.push(format!("igt_runner says: {}", self.result));
            details.extend(self.out.lines().map(str::to_owned));
            details.extend(self.err.lines().map(str::to_owned));
        }
        TestResult {
            state,
            what,
            time: time.unwrap_or_default(),
            details,
        }
    }
}

/// Picks the reason of a skip out of what a test printed.
fn requirement(out: &str) -> String {
    out.lines()
        .find_map(|line| {
            line.strip_prefix("Test requirement: ")
                .or_else(|| line.strip_prefix("Last errno: "))
        })
        .unwrap_or("the requirements of the program are not met")
        .to_owned()
}

/// Picks the reason of a failure.
fn reason(out: &str, err: &str) -> String {
    const MARKS: [&str; 4] = [
        "Failed assertion: ",
        "CRITICAL: ",
        "Received signal ",
        "CRASH",
    ];
    out.lines()
        .chain(err.lines())
        .find_map(|line| {
            let at = MARKS.iter().find_map(|mark| line.find(mark))?;
            Some(line[at..].trim().to_owned())
        })
        .unwrap_or_default()
}

/// What is written of a result.
#[derive(Serialize)]
struct Record {
    state: State,
    #[serde(skip_serializing_if = "String::is_empty")]
    what: String,
    seconds: f64,
}

/// Writes the results of `run` as JSON, for other programs.
///
/// # Errors
///
/// Fails if that does.
pub fn write(run: &Run) -> Result<String> {
    let records: BTreeMap<_, _> = run
        .tests
        .iter()
        .map(|name| {
            let result = run.result(name);
            let record = Record {
                state: result.state,
                what: result.what,
                seconds: (result.time.as_secs_f64() * 100.0).round() / 100.0,
            };
            (name, record)
        })
        .collect();
    Ok(serde_json::to_string_pretty(&records)? + "\n")
}

/// Makes one run of several runs of the same `tests`. A test has the state that
/// it had every time; if it does not pass every time, that of the first time it
/// did not.
pub fn merge(tests: &[String], runs: &[Run]) -> Run {
    let mut merged = Run {
        tests: tests.to_vec(),
        ..Run::default()
    };
    for name in tests {
        let results: Vec<_> = runs.iter().map(|run| run.result(name)).collect();
        let passed = results
            .iter()
            .filter(|result| result.state == State::Pass)
            .count();
        let Some(mut shown) = results
            .iter()
            .find(|result| result.state != State::Pass)
            .or(results.first())
            .cloned()
        else {
            continue;
        };
        if shown.state != State::Skip {
            let counted = format!("passes {passed} of {} times", results.len());
            shown.what = match shown.what.as_str() {
                "" => counted,
                what => format!("{counted}: {what}"),
            };
        }
        shown.time = results.iter().map(|result| result.time).sum();
        merged.results.insert(key(name), shown);
    }
    for run in runs {
        merged.complaints.extend(run.complaints.iter().cloned());
    }
    merged
}

/// Makes the kernel's complaints results of the tests during which they came.
/// Returns those that belong to none.
pub fn blame(results: &mut HashMap<String, TestResult>, splats: Vec<Splat>) -> Vec<Splat> {
    let mut rest = Vec::new();
    for splat in splats {
        let result = splat.subtest.as_ref().and_then(|name| {
            let name = key(name);
            results
                .iter_mut()
                .find(|(test, _)| test.rsplit('/').next() == Some(&name))
                .map(|(_, result)| result)
        });
        match result {
            Some(result) => {
                // A crash says more than the splat that went with it.
                if matches!(result.state, State::Pass | State::Fail | State::Skip) {
                    result.state = State::Splat;
                    result.what = splat.title.clone();
                }
                result.details.extend(splat.lines);
            }
            None => rest.push(splat),
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = include_str!("../../../data/igt-results.json");

    #[test]
    fn the_results_of_a_real_run_are_read() {
        let results = parse(RESULTS).expect("results");
        let state = |name: &str| results[name].state;
        assert_eq!(state("core_auth@basic-auth"), State::Pass);
        assert_eq!(state("core_setmaster_vs_auth"), State::Pass);
        assert_eq!(state("kms_addfb_basic@too-wide"), State::Pass);
        assert_eq!(state("kms_pipe_crc_basic@nonblocking-crc"), State::Fail);
        let skipped = &results["prime_mmap@test_correct"];
        assert_eq!(skipped.state, State::Skip);
        assert_eq!(skipped.what, "!(fd<0)");
        let slow = &results["kms_flip@flip-vs-rmfb"];
        assert!(slow.time > Duration::from_secs(30));
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let text = r#"{"tests":{"igt@kms_prime@d3hot":{"result":"skip"}}}"#;
        let results = parse(text).expect("results");
        assert!(results.contains_key(&key("kms_prime@D3hot")));
    }

    #[test]
    fn crashes_timeouts_and_aborted_tests_are_told_apart() {
        let entry = |result: &str| {
            let text = format!(
                r#"{{"tests":{{"igt@a@b":{{"result":"{result}","out":"","err":"x: Failed assertion: 1 == 2\n"}}}}}}"#
            );
            parse(&text).expect("results")["a@b"].clone()
        };
        assert_eq!(entry("timeout").state, State::Timeout);
        assert_eq!(entry("crash").state, State::Crash);
        assert_eq!(entry("incomplete").state, State::Crash);
        assert_eq!(entry("notrun").state, State::Missing);
        assert_eq!(entry("fail").what, "Failed assertion: 1 == 2");
    }

    #[test]
    fn a_splat_spoils_the_test_it_came_in() {
        let mut results = parse(RESULTS).expect("results");
        let splat = |subtest: &str| Splat {
            title: "BUG: KASAN: x".into(),
            lines: vec!["BUG: KASAN: x".into()],
            step: None,
            subtest: Some(subtest.into()),
        };
        let rest = blame(
            &mut results,
            vec![splat("core_auth@basic-auth"), splat("other")],
        );
        assert_eq!(results["core_auth@basic-auth"].state, State::Splat);
        assert_eq!(rest.len(), 1);
    }

    #[test]
    fn a_test_that_does_not_always_pass_does_not_pass() {
        let tests = ["a@x", "a@y", "a@z"].map(String::from);
        let run = |states: [State; 3]| {
            let mut run = Run::default();
            for (name, state) in tests.iter().zip(states) {
                let result = TestResult {
                    state,
                    ..TestResult::missing()
                };
                run.results.insert(key(name), result);
            }
            run
        };
        let merged = merge(
            &tests,
            &[
                run([State::Pass, State::Pass, State::Skip]),
                run([State::Pass, State::Fail, State::Skip]),
                run([State::Pass, State::Pass, State::Skip]),
            ],
        );
        assert_eq!(merged.result("a@x").state, State::Pass);
        let flaky = merged.result("a@y");
        assert_eq!(flaky.state, State::Fail);
        assert!(flaky.what.starts_with("passes 2 of 3 times"));
        assert_eq!(merged.result("a@z").state, State::Skip);
    }
}
