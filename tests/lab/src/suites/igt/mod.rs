// SPDX-License-Identifier: GPL-2.0

//! `igt`: IGT GPU Tools on a display driver.
//!
//! IGT's own runner runs the tests in the guest and keeps its notes on the
//! host. After a boot that ended too early, the tests that have no result yet
//! are run in another. The tests are shared out among several guests.

mod batch;
mod peer;
mod results;
mod select;
mod session;

use super::Context as Suite;
use crate::{
    boot::Driver,
    expect::{Expectations, State},
    kernel::Flavour,
    report::Case,
};
use anyhow::{Context, Result};
use clap::Args;
use results::TestResult;
use select::{Extent, Selection};
use session::Work;
use std::{collections::HashMap, fs, thread};

/// Name of the suite.
pub const NAME: &str = "igt";

/// How often a test that wants the program to be on time may be tried.
const ATTEMPTS: usize = 3;

/// How the tests are run.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct Options {
    /// Run every IGT program that applies to displays, not the everyday
    /// selection: an hour for each driver, longer with the kernel's checks.
    #[arg(long)]
    pub full: bool,
    /// Run each IGT test so many times; it has to pass every time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeat: Option<u32>,
    /// How many guests run IGT tests at the same time; as many as there are
    /// processors if not given.
    #[arg(long, value_name = "N")]
    pub guests: Option<usize>,
}

/// The results on one driver.
#[derive(Clone, Debug, Default)]
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
    let extent = if context.igt.full {
        Extent::Full
    } else {
        Extent::Everyday
    };
    let tests = selection.tests(&built, NAME, &context.filters, extent)?;
    let plan = Plan {
        context,
        driver,
        selection,
        expectations: expectations(context, driver)?,
    };
    let run = match context.igt.repeat {
        Some(times) => plan.repeat(&tests, times)?,
        None => plan.once(&tests)?,
    };
    let path = context.output.join(format!("igt-{driver}.json"));
    let text = results::write(&run)?;
    fs::write(&path, text).with_context(|| format!("{}", path.display()))?;
    Ok(run)
}

fn expectations(context: &Suite<'_>, driver: Driver) -> Result<Expectations> {
    let path = format!("tests/expectations/{}.toml", driver.module());
    Expectations::read(&context.lab.checkout.path(path))
}

/// What is run how on one driver.
struct Plan<'a> {
    context: &'a Suite<'a>,
    driver: Driver,
    selection: Selection,
    expectations: Expectations,
}

impl Plan<'_> {
    /// Runs `tests`; those that depend on the machine's speed are tried again.
    fn once(&self, tests: &[String]) -> Result<Run> {
        let kernel = self.context.test_kernel();
        let mut run = self.attempt(kernel, tests, "", self.guests())?;
        for attempt in 2..=ATTEMPTS {
            let failed = run
                .tests
                .iter()
                .filter(|name| run.result(name).state == State::Fail)
                .filter(|name| !self.expectations.expects(name, State::Fail))
                .map(String::as_str);
            let again = self.selection.again(failed)?;
            if again.is_empty() {
                break;
            }
            // The checks have had their chance in the first attempt; what they
            // cost is what makes programs late, and so do other guests.
            let name = format!("attempt {attempt}");
            let more = self.attempt(Flavour::Uml, &again, &name, 1)?;
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

    /// Runs `tests` so many `times`.
    fn repeat(&self, tests: &[String], times: u32) -> Result<Run> {
        let kernel = self.context.test_kernel();
        let mut runs = Vec::new();
        for time in 1..=times {
            let name = format!("time {time} of {times}");
            runs.push(self.attempt(kernel, tests, &name, self.guests())?);
        }
        Ok(results::merge(tests, &runs))
    }

    /// How many guests run at the same time.
    fn guests(&self) -> usize {
        self.context
            .igt
            .guests
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
    }

    /// Runs `tests` on the kernel `flavour`, `guests` guests at a time. `name`
    /// tells this from other attempts.
    fn attempt(
        &self,
        flavour: Flavour,
        tests: &[String],
        name: &str,
        guests: usize,
    ) -> Result<Run> {
        if tests.is_empty() {
            return Ok(Run::default());
        }
        let built = self.context.built(flavour)?;
        let programs = self.context.programs()?;
        let mut title = format!("igt on {}", self.driver);
        let mut logs = title.replace(' ', "-");
        if !name.is_empty() {
            title += &format!(", {name}");
            logs += &format!("-{}", name.replace(' ', "-"));
        }
        let logs = self.context.output.join(logs);
        // What is there is of another run.
        if logs.is_dir() {
            fs::remove_dir_all(&logs).with_context(|| format!("{}", logs.display()))?;
        }
        let limits = self.selection.limits(tests)?;
        let batches = batch::split(tests, &limits, |name| {
            self.expectations.expects(name, State::Skip)
        });
        let step = self.context.lab.ui.step(title, Some(tests.len() as u64));
        let work = Work {
            lab: self.context.lab,
            programs: &programs,
            built: &built,
            driver: self.driver,
            modules: &self.selection.modules,
            logs,
            step: &step,
        };
        let run = batch::run(&work, batches, guests)?;
        step.done("done");
        Ok(run)
    }
}

fn judge(context: &Suite<'_>, run: &Run) -> Vec<Case> {
    let expectations = match expectations(context, context.driver) {
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
    // Only the full list has everything that may be expected of.
    if context.igt.full && context.filters.want_all_of(NAME) {
        let stale: Vec<_> = expectations
            .unused()
            .iter()
            .map(|pattern| format!("no test is called {pattern}"))
            .collect();
        cases.push(Case::judge(NAME, "expectations", stale));
    }
    cases
}
