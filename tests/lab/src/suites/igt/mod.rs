// SPDX-License-Identifier: GPL-2.0

//! `igt`: IGT GPU Tools on a display driver.
//!
//! IGT's own runner runs the tests in the guest and keeps its notes on the
//! host. After a boot that ended too early, the tests that have no result yet
//! are run in another.

mod peer;
mod results;
mod select;

use super::Context as Suite;
use crate::{
    boot::{self, Driver, RunDir},
    expect::{Expectations, State},
    kernel::{Built, Flavour},
    machine::{self, Boot, End, GUEST_RUN, monitor::Progress, uml::Uml},
    proc,
    report::Case,
};
use anyhow::{Context, Result, bail};
use guest_protocol::{Action, Event};
use results::TestResult;
use select::{PROGRAMS, Selection};
use std::{collections::HashMap, fs, path::Path, time::Duration};

/// Name of the suite.
pub const NAME: &str = "igt";

/// How long one subtest may take.
const SUBTEST_LIMIT: Duration = Duration::from_secs(120);

/// How long all may take together.
const LIMIT: Duration = Duration::from_secs(25 * 60);

/// Boots after which the rest is given up. Each takes one broken test along.
const MOST_BOOTS: usize = 8;

/// How often a test that wants the program to be on time may be tried.
const ATTEMPTS: usize = 3;

/// The file with the names of the tests, in the folder of the boot.
const LIST: &str = "igt-list";

/// The folder of IGT's notes, in the folder of the boot.
const RESULTS: &str = "igt-results";

const RUN: &str = "igt";

/// The results on one driver.
#[derive(Debug, Default)]
pub struct Run {
    /// The tests, in order.
    pub tests: Vec<String>,
    /// What came of them.
    pub results: HashMap<String, TestResult>,
    /// What went wrong beside the tests.
    pub complaints: Vec<Vec<String>>,
}

impl Run {
    /// Returns the result of test `name`.
    pub fn result(&self, name: &str) -> TestResult {
        self.results
            .get(&results::key(name))
            .cloned()
            .unwrap_or_else(TestResult::missing)
    }
}

/// Runs the suite on the driver under test.
pub fn run(context: &Suite<'_>) -> Result<Vec<Case>> {
    let run = execute(context, context.driver)?;
    let mut cases = judge(context, &run);
    if let Some(peer) = context.peer {
        cases.extend(peer::compare(context, peer, &run)?);
    }
    Ok(cases)
}

/// Runs the tests on `driver`.
///
/// # Errors
///
/// Fails if the kernel cannot be built or booted.
pub fn execute(context: &Suite<'_>, driver: Driver) -> Result<Run> {
    let built = context.built(context.test_kernel())?;
    let list = context.lab.checkout.path("tests/expectations/igt.toml");
    let selection = Selection::read(&list)?;
    let tests = selection.tests(&built, NAME, &context.filters)?;
    if tests.is_empty() {
        return Ok(Run::default());
    }
    let session = |built: &Built, tests: Vec<String>, attempt| Session {
        context,
        driver,
        built: built.clone(),
        modules: selection.modules.clone(),
        tests,
        attempt,
    };
    let mut run = session(&built, tests, 1).run()?;
    for attempt in 2..=ATTEMPTS {
        let failed = run
            .tests
            .iter()
            .filter(|name| run.result(name).state == State::Fail)
            .map(String::as_str);
        let again = selection.again(failed)?;
        if again.is_empty() {
            break;
        }
        // The checks have had their chance in the first attempt; what they cost
        // is what makes programs late.
        let fast = context.built(Flavour::Uml)?;
        let more = session(&fast, again, attempt).run()?;
        for name in &more.tests {
            let mut result = more.result(name);
            let before = run.result(name);
            let note = format!("attempt {attempt}, after {}: {}", before.state, before.what);
            result.details.insert(0, note);
            run.results.insert(results::key(name), result);
        }
        run.complaints.extend(more.complaints);
    }
    Ok(run)
}

fn judge(context: &Suite<'_>, run: &Run) -> Vec<Case> {
    let path = format!("tests/expectations/{}.toml", context.driver.module());
    let expectations = match Expectations::read(&context.lab.checkout.path(path)) {
        Ok(expectations) => expectations,
        Err(error) => {
            let complaint = vec![format!("{error:#}")];
            return vec![Case::judge(NAME, "expectations", complaint)];
        }
    };
    let mut cases = Vec::new();
    for name in &run.tests {
        let result = run.result(name);
        let outcome = expectations.judge(name, result.state, &result.what);
        let mut case = Case::new(NAME, name, outcome).took(result.time);
        case.details = result.details;
        cases.push(case);
    }
    for complaint in &run.complaints {
        let name = format!("{} kernel log", context.driver);
        cases.push(Case::judge(NAME, name, complaint.clone()));
    }
    if context.filters.want_all_of(NAME) {
        let stale: Vec<_> = expectations
            .unused()
            .iter()
            .map(|pattern| format!("no test is called {pattern}"))
            .collect();
        cases.push(Case::judge(NAME, "expectations", stale));
    }
    cases
}

/// Running the tests, with as many boots as it takes.
struct Session<'a> {
    context: &'a Suite<'a>,
    driver: Driver,
    built: Built,
    modules: Vec<String>,
    tests: Vec<String>,
    attempt: usize,
}

impl Session<'_> {
    fn run(self) -> Result<Run> {
        let mut run = Run {
            tests: self.tests.clone(),
            ..Run::default()
        };
        let mut splats = Vec::new();
        let mut rest = self.tests.clone();
        for number in 1..=MOST_BOOTS {
            let dir = RunDir::new(&self.built)?;
            let report = self.boot(&dir, &rest, number)?;
            let log = format!("igt-{}-{}-{number}.log", self.driver, self.attempt);
            self.context.keep_log(&report, &log)?;
            splats.extend(report.splats.clone());
            run.results.extend(self.results(&report.dir)?);

            let early = report.outcome(RUN).is_none() && report.end != End::PoweredOff;
            if !early {
                run.complaints.extend(steps(&report));
                let leaks = boot::leak_complaints(&report);
                run.complaints
                    .extend(Some(leaks).filter(|leaks| !leaks.is_empty()));
                break;
            }
            // The test that took the machine down is not tried again; those
            // after it have another machine.
            match current_test(&report) {
                Some(test) => {
                    let result = died(&report.end, run.result(&test));
                    run.results.insert(results::key(&test), result);
                }
                None => {
                    let text = format!("the machine {} before any test", told(&report.end));
                    run.complaints.push(vec![text]);
                    break;
                }
            }
            rest.retain(|name| !run.results.contains_key(&results::key(name)));
            if rest.is_empty() {
                break;
            }
            if number == MOST_BOOTS {
                let text = format!("gave up after {MOST_BOOTS} boots that ended too early");
                run.complaints.push(vec![text]);
            }
        }
        for splat in results::blame(&mut run.results, splats) {
            let mut lines = vec![splat.to_string()];
            lines.extend(splat.lines);
            run.complaints.push(lines);
        }
        Ok(run)
    }

    /// Runs `tests` in one boot; IGT's notes are in its folder then.
    fn boot(&self, dir: &RunDir, tests: &[String], number: usize) -> Result<machine::Report> {
        let list: String = tests.iter().map(|name| format!("igt@{name}\n")).collect();
        fs::write(dir.path().join(LIST), list)?;
        let mut boot = Boot::new(self.context.lab, dir.path())?;
        boot.memory = 2048;
        // KUnit has its own suite.
        boot.arguments.push("kunit.autorun=0".into());
        for module in &self.modules {
            boot::load_module(&mut boot, &self.built, module)?;
        }
        boot::load_module(&mut boot, &self.built, self.driver.module())?;
        let results = format!("{GUEST_RUN}/{RESULTS}");
        let list = format!("{GUEST_RUN}/{LIST}");
        let limit = SUBTEST_LIMIT.as_secs().to_string();
        let mut command = machine::command([
            "igt_runner",
            "--multiple-mode",
            "--sync",
            "--per-test-timeout",
            &limit,
            // Only what IGT itself takes for an emergency.
            "--dmesg-warn-level",
            "0",
            "--prune-mode",
            "keep-subtests",
            "--test-list",
            &list,
            PROGRAMS,
            &results,
        ]);
        command.env = vec![
            ("IGT_FORCE_DRIVER".into(), self.driver.drm_name().into()),
            // Of what comes through the socket, IGT 2.5 loses half of standard
            // error, the reasons of failures among it.
            ("IGT_RUNNER_DISABLE_SOCKET_COMMUNICATION".into(), "1".into()),
        ];
        boot.step(RUN, LIMIT, Action::Run(command));
        boot::scan_for_leaks(&mut boot, &self.built);

        let total = tests.len() as u64;
        let mut name = format!("igt on {}", self.driver);
        if self.attempt > 1 {
            name += &format!(", attempt {}", self.attempt);
        }
        if number > 1 {
            name += &format!(", boot {number}");
        }
        let step = self.context.lab.ui.step(name, Some(total));
        let report = machine::run(
            &Uml::new(&self.built),
            &self.built,
            &self.context.programs()?,
            &boot,
            |progress| match progress {
                Progress::Line(line) => {
                    if let Some(test) = started(line) {
                        step.advance(&test);
                    }
                }
                Progress::Splat(title) => step.note(title),
                Progress::Event(_) => {}
            },
        )?;
        step.done("done");
        Ok(report)
    }

    /// Lets IGT make one file of its notes in the folder of a boot.
    fn results(&self, dir: &Path) -> Result<HashMap<String, TestResult>> {
        let path = dir.join(RESULTS);
        if !path.join("metadata.txt").is_file() {
            return Ok(HashMap::new());
        }
        let mut command = self
            .built
            .sandbox()
            .bind(&path, "/mnt")
            .command("igt_results");
        proc::output("read IGT's results", command.arg("/mnt"))?;
        let path = path.join("results.json");
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let mut results = results::parse(&text)?;
        results.retain(|_, result| result.state != State::Missing);
        Ok(results)
    }
}

/// Says of a test's result that the machine did not survive the test.
fn died(end: &End, result: TestResult) -> TestResult {
    TestResult {
        state: match end {
            End::Hung => State::Timeout,
            _ => State::Crash,
        },
        what: format!("the machine {}", told(end)),
        ..result
    }
}

/// What went wrong in the steps of a boot.
fn steps(report: &machine::Report) -> Vec<Vec<String>> {
    report
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Ended { step, .. } if step != boot::LEAKS => {
                Some(boot::step_complaint(report, step))
            }
            _ => None,
        })
        .filter(|complaint| !complaint.is_empty())
        .collect()
}

fn told(end: &End) -> String {
    match end {
        End::PoweredOff => "powered off".into(),
        End::Died { status } => format!("went away ({status})"),
        End::Hung => "hung and was killed".into(),
    }
}

/// Returns the test that a line of the kernel's log says has begun.
fn started(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("[IGT] ")?;
    let (program, what) = rest.split_once(": ")?;
    let subtest = what.strip_prefix("starting subtest ")?;
    Some(format!("{program}@{}", subtest.trim()))
}

/// Returns the test that ran when the machine went away.
fn current_test(report: &machine::Report) -> Option<String> {
    let log = fs::read(report.console()).ok()?;
    String::from_utf8_lossy(&log)
        .lines()
        .rev()
        .find_map(started)
}

impl Suite<'_> {
    fn keep_log(&self, report: &machine::Report, name: &str) -> Result<()> {
        let to = self.output.join(name);
        fs::create_dir_all(&self.output)?;
        let from = report.console();
        match fs::copy(&from, &to) {
            Ok(_) => Ok(()),
            Err(error) => bail!("{}: {error}", to.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_test_is_read_from_the_log() {
        let line = "[   12.340000] [IGT] kms_flip: starting subtest basic-plain-flip";
        assert_eq!(started(line).as_deref(), Some("kms_flip@basic-plain-flip"));
        assert_eq!(started("[IGT] kms_flip: executing"), None);
    }
}
