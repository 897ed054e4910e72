// SPDX-License-Identifier: GPL-2.0

//! Running tests in a guest, in as many boots as it takes.

use super::{
    Run,
    batch::Batch,
    results::{self, TestResult},
    select::PROGRAMS,
};
use crate::{
    boot::{self, Driver, RunDir},
    context::Lab,
    expect::State,
    guest::Programs,
    kernel::{Built, Flavour},
    machine::{self, Boot, End, GUEST_RUN, monitor::Progress},
    proc,
    ui::Step,
};
use anyhow::{Context, Result};
use guest_protocol::{Action, Event};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Boots after which the rest is given up. Each takes one broken test along.
const MOST_BOOTS: usize = 8;

/// How much longer a test may take on the kernel with every check.
const SLOWER: u32 = 3;

/// How late IGT's runner may be with the end of a test that took too long.
const GRACE: Duration = Duration::from_secs(60);

/// The file with the names of the tests, in the folder of the boot.
const LIST: &str = "igt-list";

/// The folder of IGT's notes, in the folder of the boot.
const RESULTS: &str = "igt-results";

const RUN: &str = "igt";

const UDEV: &str = "udev";

/// How long starting it may take.
const UDEV_LIMIT: Duration = Duration::from_secs(60);

/// What the guests of one attempt have in common.
pub struct Work<'a> {
    /// Checkout, cache, user.
    pub lab: &'a Lab,
    /// The programs that run in guests.
    pub programs: &'a Programs,
    /// The kernel.
    pub built: &'a Built,
    /// The driver.
    pub driver: Driver,
    /// Modules to load beside it.
    pub modules: &'a [String],
    /// Where the logs go.
    pub logs: PathBuf,
    /// Shows how far we are.
    pub step: &'a Step,
}

/// Running a batch.
pub struct Session<'a> {
    work: &'a Work<'a>,
    /// Which batch this is.
    number: usize,
    batch: Batch,
}

impl<'a> Session<'a> {
    /// Prepares to run batch `number`.
    pub fn new(work: &'a Work<'a>, number: usize, batch: Batch) -> Self {
        Self {
            work,
            number,
            batch,
        }
    }

    /// Runs the batch. What breaks the machine, or its own program, does not
    /// keep the others from being run.
    ///
    /// # Errors
    ///
    /// Fails if the kernel cannot be booted, or we are interrupted.
    pub fn run(self) -> Result<Run> {
        let mut run = Run {
            tests: self.batch.tests.clone(),
            ..Run::default()
        };
        let mut splats = Vec::new();
        let mut rest = self.batch.tests.clone();
        for number in 1..=MOST_BOOTS {
            let dir = RunDir::new(self.work.built)?;
            let report = self.boot(&dir, &rest)?;
            self.keep_log(&report, number)?;
            splats.extend(report.splats.clone());
            run.results.extend(self.results(&report.dir)?);

            if report.end == End::PoweredOff {
                run.complaints.extend(steps(&report));
                let leaks = boot::leak_complaints(&report);
                run.complaints
                    .extend(Some(leaks).filter(|leaks| !leaks.is_empty()));
            } else if let Some(test) = current_test(&report, &rest) {
                // It is not tried again; those after it have another machine.
                let result = died(&report.end, run.result(&test));
                run.results.insert(results::key(&test), result);
            } else {
                let text = format!("the machine {} before any test", told(&report.end));
                run.complaints.push(vec![text]);
                break;
            }
            let before = rest.len();
            rest.retain(|name| !run.results.contains_key(&results::key(name)));
            // A program that crashes takes the rest of its tests along.
            if rest.is_empty() || rest.len() == before {
                break;
            }
            if number == MOST_BOOTS {
                let text = format!(
                    "gave up after {MOST_BOOTS} boots, {} tests before the end",
                    rest.len()
                );
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
    fn boot(&self, dir: &RunDir, tests: &[String]) -> Result<machine::Report> {
        let work = self.work;
        let list: String = tests.iter().map(|name| format!("igt@{name}\n")).collect();
        fs::write(dir.path().join(LIST), list)?;
        let mut boot = Boot::new(work.lab, dir.path())?;
        boot.memory = 2048;
        // KUnit has its own suite.
        boot.arguments.push("kunit.autorun=0".into());
        for module in work.modules {
            boot::load_module(&mut boot, work.built, module)?;
        }
        // Some tests listen to what udev says about the device.
        let udev = ["/usr/lib/systemd/systemd-udevd", "--daemon"];
        boot.run(UDEV, UDEV_LIMIT, udev);
        boot::load_driver(&mut boot, work.built, work.driver)?;
        let results = format!("{GUEST_RUN}/{RESULTS}");
        let list = format!("{GUEST_RUN}/{LIST}");
        let limit = self.limit();
        let seconds = limit.as_secs().to_string();
        let mut command = machine::command([
            "igt_runner",
            "--multiple-mode",
            "--sync",
            "--per-test-timeout",
            &seconds,
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
            ("IGT_FORCE_DRIVER".into(), work.driver.drm_name().into()),
            // Of what comes through the socket, IGT 2.5 loses half of standard
            // error, the reasons of failures among it.
            ("IGT_RUNNER_DISABLE_SOCKET_COMMUNICATION".into(), "1".into()),
        ];
        let all = limit.saturating_mul(u32::try_from(tests.len()).unwrap_or(u32::MAX));
        boot.step(RUN, all + GRACE, Action::Run(command));
        boot.silence = Some(limit + GRACE);
        boot::scan_for_leaks(&mut boot, work.built);

        machine::run(
            &*machine::of(work.lab, work.built)?,
            work.built,
            work.programs,
            &boot,
            |progress| match progress {
                Progress::Line(line) => {
                    if let Some(test) = started(line).filter(|test| test.contains('@')) {
                        work.step.advance(&test);
                    }
                }
                Progress::Splat(title) => work.step.note(title),
                Progress::Event(_) | Progress::Paused(_) => {}
            },
        )
    }

    /// How long one test may take.
    fn limit(&self) -> Duration {
        match self.work.built.flavour {
            Flavour::UmlDebug => self.batch.limit * SLOWER,
            _ => self.batch.limit,
        }
    }

    /// Lets IGT make one file of its notes in the folder of a boot.
    fn results(&self, dir: &Path) -> Result<HashMap<String, TestResult>> {
        let path = dir.join(RESULTS);
        if !path.join("metadata.txt").is_file() {
            return Ok(HashMap::new());
        }
        let mut command = self
            .work
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

    fn keep_log(&self, report: &machine::Report, boot: usize) -> Result<()> {
        let logs = &self.work.logs;
        fs::create_dir_all(logs).with_context(|| format!("{}", logs.display()))?;
        let to = logs.join(format!("{:03}-{boot}.log", self.number + 1));
        fs::copy(report.console(), &to).with_context(|| format!("{}", to.display()))?;
        Ok(())
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

/// Returns the test that a line of the kernel's log says has begun: `PROGRAM` or
/// `PROGRAM@SUBTEST`, without the program's folder.
fn started(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("[IGT] ")?;
    let (program, what) = rest.split_once(": ")?;
    if what.trim() == "executing" {
        return Some(program.to_owned());
    }
    let subtest = what.strip_prefix("starting subtest ")?;
    Some(format!("{program}@{}", subtest.trim()))
}

/// Returns the one of `tests` that the kernel's log calls `logged`.
fn named<'a>(logged: &str, tests: &'a [String]) -> Option<&'a String> {
    tests.iter().find(|name| {
        let (_, name) = name.rsplit_once('/').unwrap_or(("", name));
        name == logged
    })
}

/// Returns the one of `tests` that ran when the machine went away.
fn current_test(report: &machine::Report, tests: &[String]) -> Option<String> {
    let log = fs::read(report.console()).ok()?;
    String::from_utf8_lossy(&log)
        .lines()
        .rev()
        .find_map(|line| named(&started(line)?, tests))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_test_is_read_from_the_log() {
        let tests = ["kms_flip@x", "vkms/vkms_configfs@y", "kms_z"].map(String::from);
        let running = |line: &str| named(&started(line)?, &tests).cloned();
        let line = "[   12.340000] [IGT] kms_flip: starting subtest x";
        assert_eq!(running(line).as_deref(), Some("kms_flip@x"));
        let line = "[IGT] vkms_configfs: starting subtest y";
        assert_eq!(running(line).as_deref(), Some("vkms/vkms_configfs@y"));
        assert_eq!(running("[IGT] kms_z: executing").as_deref(), Some("kms_z"));
        assert_eq!(running("[IGT] kms_flip: executing"), None);
        assert_eq!(running("[IGT] kms_flip: starting dynamic subtest x"), None);
    }
}
