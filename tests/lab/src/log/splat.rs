// SPDX-License-Identifier: GPL-2.0

//! Finding the kernel's complaints in its log.

use guest_protocol::STEP_MARKER;
use regex::Regex;
use std::{collections::VecDeque, fmt, sync::LazyLock};

/// A splat longer than this is cut.
const LONGEST: usize = 160;

/// How many lines without a word of a report end it.
const BEFORE: usize = 2;

/// First lines of complaints, after the time stamp.
static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?x)
        ^BUG[:\ ]                        # KASAN, atomic sleep, SLUB, soft lock-up, NULL pointer
        |^WARNING:                       # WARN(), lockdep, suspicious RCU usage
        |^INFO:\ (task\ .*\ blocked\ for\ more\ than
                 |trying\ to\ register\ non-static\ key
                 |possible\ recursive\ locking
                 |rcu.*(stall|detected))
        |^rcu:\ INFO:\ .*(stall|detected)
        |^Kernel\ panic\ -
        |^Oops\b|^general\ protection\ fault|^Unable\ to\ handle\ kernel
        |^Kernel\ mode\ (fault|signal)   # UML's Oops
        |^Segfault\ with\ no\ mm         # likewise
        |^UBSAN:
        |^rust_kernel:\ panicked
        |^refcount_t:|^list_(add|del)\ corruption|^usercopy:
        |^DEBUG_LOCKS_WARN_ON
        |^(Memory|page_owner):.*corrupt
        ",
    )
});

/// Lines that end a complaint and belong to it.
static LAST: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^---\[ end (trace|Kernel panic)|^Disabling lock debugging"));

/// Lines that cannot belong to a complaint.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^\s*(not )?ok \d+|^\s*# Subtest:|^\s*KTAP version|^\[IGT\]|^lab: step |^Console: |^reboot: ",
    )
});

/// Time stamp, caller and level in front of a line of the log.
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^(<\d+>)?(\[\s*\d+\.\d+\](\[\s*[TC]\d+\])?\s)?"));

#[expect(
    clippy::expect_used,
    reason = "the expressions are constants, and tested"
)]
fn compile(expression: &str) -> Regex {
    Regex::new(expression).expect("a valid expression")
}

/// Removes time stamp and level from a line of the kernel's log.
pub fn strip_prefix(line: &str) -> &str {
    PREFIX.find(line).map_or(line, |found| &line[found.end()..])
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splat {
    /// Its first line.
    pub title: String,
    /// All of it.
    pub lines: Vec<String>,
    /// The step during which it came.
    pub step: Option<String>,
    /// The IGT subtest during which it came.
    pub subtest: Option<String>,
}

impl fmt::Display for Splat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel: {}", self.title)?;
        match (&self.step, &self.subtest) {
            (_, Some(subtest)) => write!(f, " (during {subtest})"),
            (Some(step), None) => write!(f, " (during \"{step}\")"),
            (None, None) => Ok(()),
        }
    }
}

/// Finds complaints in a log that is fed line by line.
#[derive(Debug, Default)]
pub struct Scanner {
    found: Vec<Splat>,
    open: Option<Open>,
    before: VecDeque<String>,
    step: Option<String>,
    subtest: Option<String>,
}

/// A complaint that goes on.
#[derive(Debug)]
struct Open {
    splat: Splat,
    /// Whether its backtrace has begun.
    trace: bool,
}

/// What a line means for the complaint that goes on.
enum Verdict {
    /// It belongs to it.
    Part,
    /// It belongs to it and is the last of it.
    End,
    /// It does not belong to it.
    Beyond,
}

impl Open {
    fn verdict(&self, text: &str) -> Verdict {
        if OTHER.is_match(text) {
            return Verdict::Beyond;
        }
        let framed = self.splat.title.starts_with("BUG: KASAN");
        if LAST.is_match(text) || (framed && is_separator(text)) {
            return Verdict::End;
        }
        // A backtrace is indented. KASAN has more to say after it.
        if self.trace && !framed && !text.starts_with(' ') {
            return Verdict::Beyond;
        }
        if self.splat.lines.len() >= LONGEST {
            return Verdict::Beyond;
        }
        Verdict::Part
    }
}

/// Rows of "=" frame reports.
fn is_separator(text: &str) -> bool {
    text.len() > 20 && text.bytes().all(|byte| byte == b'=')
}

impl Scanner {
    /// Takes the next line. Returns the complaint that has come to its end.
    pub fn feed(&mut self, line: &str) -> Option<&Splat> {
        let text = strip_prefix(line);
        self.note_context(text);

        let mut ended = false;
        if let Some(open) = &mut self.open {
            let verdict = open.verdict(text);
            if !matches!(verdict, Verdict::Beyond) {
                open.trace |= text == "Call Trace:";
                open.splat.lines.push(text.to_owned());
            }
            match verdict {
                Verdict::Part => return None,
                Verdict::End => {
                    self.close();
                    return self.found.last();
                }
                Verdict::Beyond => {
                    self.close();
                    ended = true;
                }
            }
        }
        if FIRST.is_match(text) {
            let mut lines: Vec<String> = self.before.drain(..).collect();
            lines.retain(|line| is_separator(line));
            lines.push(text.to_owned());
            self.open = Some(Open {
                splat: Splat {
                    title: text.to_owned(),
                    lines,
                    step: self.step.clone(),
                    subtest: self.subtest.clone(),
                },
                trace: false,
            });
        } else {
            self.before.push_back(text.to_owned());
            if self.before.len() > BEFORE {
                self.before.pop_front();
            }
        }
        if ended { self.found.last() } else { None }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.found.push(open.splat);
        }
    }

    fn note_context(&mut self, text: &str) {
        if let Some(step) = text.strip_prefix(STEP_MARKER) {
            self.step = Some(step.trim().to_owned());
            self.subtest = None;
        } else if let Some(rest) = text.strip_prefix("[IGT] ") {
            let Some((program, what)) = rest.split_once(": ") else {
                return;
            };
            if what.starts_with("executing") {
                self.subtest = Some(program.to_owned());
            } else if let Some(name) = what.strip_prefix("starting subtest ") {
                self.subtest = Some(format!("{program}@{}", name.trim()));
            } else if what.starts_with("exiting") {
                self.subtest = None;
            }
        }
    }

    /// Returns all complaints. What follows within one belongs to it.
    pub fn finish(mut self) -> Vec<Splat> {
        self.close();
        self.found
    }
}

/// Finds the complaints in a whole log.
pub fn scan(log: &str) -> Vec<Splat> {
    let mut scanner = Scanner::default();
    for line in log.lines() {
        scanner.feed(line);
    }
    scanner.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logs of real kernels.
    const RCU: &str = include_str!("../../data/suspicious-rcu.log");
    const SLEEPING: &str = include_str!("../../data/sleeping.log");
    const KASAN: &str = include_str!("../../data/kasan.log");
    const LOCKDEP: &str = include_str!("../../data/lockdep.log");
    const PANIC: &str = include_str!("../../data/panic.log");
    const QUIET: &str = include_str!("../../data/quiet.log");

    fn only(log: &str) -> Splat {
        let mut found = scan(log);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    #[test]
    fn a_quiet_boot_has_none() {
        assert_eq!(scan(QUIET), []);
    }

    #[test]
    fn a_report_of_kasan_is_found_whole() {
        let splat = only(KASAN);
        assert!(splat.title.starts_with("BUG: KASAN: slab-use-after-free"));
        assert!(is_separator(&splat.lines[0]));
        assert!(splat.lines.last().is_some_and(|line| is_separator(line)));
        let text = splat.lines.join("\n");
        assert!(text.contains("belongs to the cache kmalloc-64"));
        assert!(text.contains("Memory state around the buggy address"));
    }

    #[test]
    fn a_circle_of_locks_is_found_whole() {
        let splat = only(LOCKDEP);
        assert_eq!(
            splat.title,
            "WARNING: possible circular locking dependency detected"
        );
        let text = splat.lines.join("\n");
        assert!(text.contains("*** DEADLOCK ***") && text.contains("Call Trace:"));
    }

    #[test]
    fn lockdep_is_followed_by_the_boot_and_that_is_not_part_of_it() {
        let splat = only(RCU);
        assert_eq!(splat.title, "WARNING: suspicious RCU usage");
        assert!(
            splat
                .lines
                .last()
                .is_some_and(|line| line.starts_with(" [<"))
        );
        assert!(!splat.lines.iter().any(|line| line.contains("Brought up")));
    }

    #[test]
    fn sleeping_in_atomic_context_is_found() {
        let splat = only(SLEEPING);
        assert!(splat.title.starts_with("BUG: sleeping function called"));
    }

    #[test]
    fn a_panic_is_found() {
        let found = scan(PANIC);
        assert!(found.iter().any(|splat| splat.title.contains("panic")));
    }

    #[test]
    fn steps_and_subtests_are_blamed() {
        let log = "\
[    1.000000] lab: step igt
[    1.100000] [IGT] kms_flip: executing
[    1.200000] [IGT] kms_flip: starting subtest basic-plain-flip
[    1.300000] WARNING: drivers/gpu/drm/x.c:3 at f+0x1/0x2, CPU#0: kms_flip/7
[    1.310000] Call Trace:
[    1.320000]  [<60160450>] ? f+0x0/0x50
[    1.330000] ---[ end trace 0000000000000000 ]---
[    1.400000] [IGT] kms_flip: exiting, ret=0
[    1.500000] BUG: sleeping function called from invalid context at x.c:1
";
        let found = scan(log);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0].subtest.as_deref(),
            Some("kms_flip@basic-plain-flip")
        );
        assert_eq!(found[0].lines.len(), 4);
        assert_eq!(found[1].subtest, None);
        assert_eq!(found[1].step.as_deref(), Some("igt"));
    }

    #[test]
    fn every_kind_of_complaint_is_known() {
        for line in [
            "BUG: KASAN: slab-out-of-bounds in f+0x1/0x2",
            "BUG: scheduling while atomic: x/1/0x00000002",
            "BUG kmalloc-64 (Tainted: G    B): Poison overwritten",
            "BUG: kernel NULL pointer dereference, address: 0000000000000008",
            "WARNING: possible recursive locking detected",
            "WARNING: lib/refcount.c:28 at refcount_warn_saturate+0x1/0x2, CPU#1: x/1",
            "INFO: task kworker/0:1:9 blocked for more than 120 seconds.",
            "INFO: trying to register non-static key.",
            "rcu: INFO: rcu_preempt self-detected stall on CPU",
            "Kernel panic - not syncing: Attempted to kill init!",
            "Kernel mode fault at addr 0x8, ip 0x60000000",
            "Oops: general protection fault: 0000 [#1]",
            "UBSAN: shift-out-of-bounds in x.c:1:2",
            "rust_kernel: panicked at rust/kernel/x.rs:1:2:",
        ] {
            assert_eq!(scan(line).len(), 1, "{line}");
        }
    }
}
