// SPDX-License-Identifier: GPL-2.0

//! What the tests of others are expected to say about a driver.
//!
//! `tests/expectations/DRIVER.toml` lists every IGT test that does not pass,
//! with the reason. Whatever is not listed has to pass, and what is listed has
//! to do what the list says: an unexpected pass means that the list is stale.

use crate::report::Outcome;
use anyhow::{Context, Result, bail};
use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};
use std::{cell::Cell, fmt, fs, path::Path};

/// What came of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// It did not apply.
    Skip,
    /// The program, or the kernel, crashed.
    Crash,
    /// It took too long.
    Timeout,
    /// The kernel complained meanwhile.
    Splat,
    /// It was never run.
    Missing,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Splat => "splat",
            Self::Missing => "missing",
        })
    }
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    expect: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Names, with `*` for any text.
    tests: Vec<String>,
    /// What may come of them.
    state: OneOrMore,
    /// Why.
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(State),
    More(Vec<State>),
}

/// One pattern.
#[derive(Debug)]
struct Expectation {
    pattern: String,
    matcher: GlobMatcher,
    states: Vec<State>,
    reason: String,
    used: Cell<bool>,
}

impl Expectation {
    fn is_exact(&self) -> bool {
        !self.pattern.contains(['*', '?', '[', '{'])
    }
}

/// The expectations for one driver.
#[derive(Debug, Default)]
pub struct Expectations {
    list: Vec<Expectation>,
}

impl Expectations {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or says something that makes no sense.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut list = Vec::new();
        for entry in file.expect {
            let states = match entry.state {
                OneOrMore::One(state) => vec![state],
                OneOrMore::More(states) => states,
            };
            if states.iter().all(|state| *state == State::Pass) {
                bail!("{:?}: to pass needs no mention", entry.tests);
            }
            if entry.reason.trim().is_empty() {
                bail!("{:?}: the reason is missing", entry.tests);
            }
            for pattern in entry.tests {
                list.push(Expectation {
                    matcher: Glob::new(&pattern)?.compile_matcher(),
                    pattern,
                    states: states.clone(),
                    reason: entry.reason.clone(),
                    used: Cell::new(false),
                });
            }
        }
        Ok(Self { list })
    }

    /// Finds what is expected of test `name`. A name in full beats a pattern,
    /// an earlier pattern a later one.
    fn find(&self, name: &str) -> Option<&Expectation> {
        self.list
            .iter()
            .filter(|expectation| expectation.matcher.is_match(name))
            .min_by_key(|expectation| !expectation.is_exact())
    }

    /// Tells whether test `name` is expected to come to `state`, and to nothing
    /// else.
    pub fn expects(&self, name: &str, state: State) -> bool {
        match self.find(name) {
            Some(expected) => expected.states.iter().all(|&other| other == state),
            None => state == State::Pass,
        }
    }

    /// Says how `state` of test `name` counts; `what` describes the state.
    pub fn judge(&self, name: &str, state: State, what: &str) -> Outcome {
        let told = |what: &str| {
            if what.is_empty() {
                state.to_string()
            } else {
                format!("{state}: {what}")
            }
        };
        let expected = self.find(name);
        if let Some(expected) = expected {
            expected.used.set(true);
        }
        match expected {
            None if state == State::Pass => Outcome::Pass,
            None if state == State::Skip => {
                Outcome::Fail(format!("{}; no reason for this is on record", told(what)))
            }
            None => Outcome::Fail(told(what)),
            Some(expected) if expected.states.contains(&state) => match state {
                State::Pass => Outcome::Pass,
                State::Skip => Outcome::Skip(expected.reason.clone()),
                _ => Outcome::Known(expected.reason.clone()),
            },
            Some(expected) => {
                let states: Vec<_> = expected.states.iter().map(State::to_string).collect();
                Outcome::Fail(format!(
                    "{}; expected was {} ({}){}",
                    told(what),
                    states.join(" or "),
                    expected.reason,
                    if state == State::Pass {
                        ": the expectation is stale"
                    } else {
                        ""
                    }
                ))
            }
        }
    }

    /// Returns the patterns that no test asked for so far.
    pub fn unused(&self) -> Vec<&str> {
        self.list
            .iter()
            .filter(|expectation| !expectation.used.get())
            .map(|expectation| expectation.pattern.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [[expect]]
        tests = ["kms_a@*-tiled", "kms_a@x"]
        state = "skip"
        reason = "tiling is Intel's"

        [[expect]]
        tests = ["kms_a@y-tiled"]
        state = ["pass", "fail"]
        reason = "depends on the weather"

        [[expect]]
        tests = ["kms_b@broken"]
        state = "fail"
        reason = "the driver lacks it"
    "#;

    #[test]
    fn what_is_not_listed_has_to_pass() {
        let list = Expectations::parse(FILE).expect("expectations");
        assert_eq!(list.judge("kms_b@other", State::Pass, ""), Outcome::Pass);
        for state in [State::Fail, State::Skip, State::Crash, State::Missing] {
            let outcome = list.judge("kms_b@other", state, "why");
            assert!(matches!(outcome, Outcome::Fail(_)), "{state}");
        }
    }

    #[test]
    fn what_is_listed_has_to_do_what_the_list_says() {
        let list = Expectations::parse(FILE).expect("expectations");
        assert_eq!(
            list.judge("kms_a@x-tiled", State::Skip, ""),
            Outcome::Skip("tiling is Intel's".into())
        );
        assert_eq!(
            list.judge("kms_b@broken", State::Fail, ""),
            Outcome::Known("the driver lacks it".into())
        );
        let Outcome::Fail(text) = list.judge("kms_b@broken", State::Pass, "") else {
            panic!("an unexpected pass is a failure");
        };
        assert!(text.contains("stale"));
        assert!(matches!(
            list.judge("kms_b@broken", State::Crash, ""),
            Outcome::Fail(_)
        ));
    }

    #[test]
    fn a_name_in_full_beats_a_pattern() {
        let list = Expectations::parse(FILE).expect("expectations");
        assert_eq!(list.judge("kms_a@y-tiled", State::Pass, ""), Outcome::Pass);
        assert!(matches!(
            list.judge("kms_a@y-tiled", State::Fail, ""),
            Outcome::Known(_)
        ));
        assert_eq!(list.unused(), ["kms_a@*-tiled", "kms_a@x", "kms_b@broken"]);
        assert!(list.expects("kms_b@other", State::Pass));
        assert!(list.expects("kms_a@x", State::Skip));
        assert!(!list.expects("kms_a@y-tiled", State::Fail));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "[[expect]]\ntests = ['a']\nstate = 'fail'\nreason = ' '",
            "[[expect]]\ntests = ['a']\nstate = 'pass'\nreason = 'x'",
            "[[expect]]\ntests = ['a']\nstate = 'flaky'\nreason = 'x'",
            "[[expect]]\ntests = ['a']\nreason = 'x'",
            "[[expcet]]",
        ] {
            assert!(Expectations::parse(text).is_err(), "{text}");
        }
    }
}
