// SPDX-License-Identifier: GPL-2.0

//! What the user sees while things go on.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{IsTerminal, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

/// How often a step says how far it is if nobody watches.
const EVERY: Duration = Duration::from_secs(10);

/// The way to talk to the user: messages and progress go to standard error,
/// results to standard output.
#[derive(Debug)]
pub struct Ui {
    terminal: bool,
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

impl Ui {
    /// Looks at where standard error goes.
    pub fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Tells the user one thing.
    pub fn say(&self, text: impl AsRef<str>) {
        let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
    }

    /// Begins a step that may take a while. With `total`, it shows how much of
    /// it is done.
    pub fn step(&self, name: impl Into<String>, total: Option<u64>) -> Step {
        let name = name.into();
        let bar = if self.terminal {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            let template = match total {
                Some(_) => "{prefix:.bold} {bar:24} {pos}/{len} {elapsed} {wide_msg:.dim}",
                None => "{spinner} {prefix:.bold} {elapsed} {wide_msg:.dim}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            Some(bar)
        } else {
            None
        };
        let now = Instant::now();
        Step {
            name,
            total,
            bar,
            start: now,
            state: Mutex::new(State { done: 0, told: now }),
        }
    }
}

/// Something that goes on.
#[derive(Debug)]
pub struct Step {
    name: String,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: u64,
    told: Instant,
}

impl Step {
    /// Says that one more unit is done, and what it was.
    pub fn advance(&self, what: &str) {
        self.update(1, what);
    }

    /// Says what is going on.
    pub fn note(&self, what: &str) {
        self.update(0, what);
    }

    fn update(&self, units: u64, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
            bar.inc(units);
            return;
        }
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        state.done += units;
        if state.told.elapsed() >= EVERY {
            state.told = Instant::now();
            let seconds = self.start.elapsed().as_secs();
            let done = match self.total {
                Some(total) => format!(" {}/{total}", state.done),
                None if state.done > 0 => format!(" {}", state.done),
                None => String::new(),
            };
            eprintln!("{}:{done} ({seconds} s) {what}", self.name);
        }
    }

    /// Ends the step and says so.
    pub fn done(self, result: &str) {
        let seconds = self.start.elapsed().as_secs_f32();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}: {result} ({seconds:.1} s)", self.name);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
