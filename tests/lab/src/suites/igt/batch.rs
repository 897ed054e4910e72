// SPDX-License-Identifier: GPL-2.0

//! Sharing the tests out among guests that run at the same time.

use super::{
    Run,
    session::{Session, Work},
};
use anyhow::Result;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

/// How many tests that are expected to run, as opposed to being skipped, one
/// guest gets at a time. Few enough that the guests end at about the same time;
/// enough that booting does not matter.
const TESTS: usize = 25;

/// Tests for one guest, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Their names.
    pub tests: Vec<String>,
    /// How long each may take.
    pub limit: Duration,
}

/// Splits `tests`, each with its limit, into batches. Those of which `skipped`
/// holds cost nothing.
pub fn split(tests: &[String], limits: &[Duration], skipped: impl Fn(&str) -> bool) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut cost = 0;
    for (name, &limit) in tests.iter().zip(limits) {
        if batches.is_empty() || cost >= TESTS {
            batches.push(Batch {
                tests: Vec::new(),
                limit: Duration::ZERO,
            });
            cost = 0;
        }
        if let Some(batch) = batches.last_mut() {
            batch.tests.push(name.clone());
            batch.limit = batch.limit.max(limit);
        }
        cost += usize::from(!skipped(name));
    }
    batches
}

/// Runs `batches`, each in a guest of its own, `guests` at a time.
///
/// # Errors
///
/// Fails if a guest cannot be booted, or we are interrupted.
pub fn run(work: &Work<'_>, batches: Vec<Batch>, guests: usize) -> Result<Run> {
    let mut all = Run::default();
    for batch in &batches {
        all.tests.extend(batch.tests.iter().cloned());
    }
    let waiting: Mutex<VecDeque<_>> = Mutex::new(batches.into_iter().enumerate().collect());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    let guest = || -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        while let Some((number, batch)) = next() {
            runs.push(Session::new(work, number, batch).run()?);
        }
        Ok(runs)
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let guests: Vec<_> = (0..guests.max(1)).map(|_| scope.spawn(guest)).collect();
        guests.into_iter().map(|guest| guest.join()).collect()
    });
    for runs in ended {
        let runs = runs.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        for run in runs {
            all.results.extend(run.results);
            all.complaints.extend(run.complaints);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_full_when_enough_of_it_runs() {
        let names: Vec<_> = (0..100).map(|number| format!("a@{number}")).collect();
        let limits: Vec<_> = (0..100).map(Duration::from_secs).collect();
        let batches = split(&names, &limits, |_| false);
        assert_eq!(batches.len(), 100 / TESTS);
        assert_eq!(batches[0].limit, Duration::from_secs(TESTS as u64 - 1));
        let all: Vec<_> = batches.into_iter().flat_map(|batch| batch.tests).collect();
        assert_eq!(all, names);

        assert_eq!(split(&names, &limits, |_| true).len(), 1);
        assert!(split(&[], &[], |_| false).is_empty());
    }
}
