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
        |^kmemleak:\ \d+\ new\ suspected
        |^unreferenced\ object\ 0x
        |^(Memory|page_owner):.*corrupt
        ",
    )
});

/// Lines that end a complaint and belong to it.
static LAST: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^---\[ end (trace|Kernel panic)|^Disabling lock debugging"));

/// Lines that cannot belong to a complaint.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"^\s*(not )?ok \d+|^\s*# Subtest:|^\s*KTAP version|^\[IGT\]|^lab: step |^Console: |^reboot: ")
});

/// Time stamp, caller and level in front of a line of the log.
static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^(<\d+>)?(\[\s*\d+\.\d+\](\[\s*[TC]\d+\])?\s)?"));

#[expect(clippy::expect_used, reason = "the expressions are constants, and tested")]
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
    open: bool,
    /// Whether the backtrace of the open complaint has begun.
    trace: bool,
    separators: usize,
    before: VecDeque<String>,
    step: Option<String>,
    program: Option<String>,
    subtest: Option<String>,
}

impl Scanner {
    /// Takes the next line. Returns the title if a complaint begins with it.
    pub fn feed(&mut self, line: &str) -> Option<&str> {
        let text = strip_prefix(line);
        self.note_context(text);

        let separator = text.len() > 20 && text.bytes().all(|byte| byte == b'=');
        if self.open {
            self.extend(text, separator);
        }
        let starts = FIRST.is_match(text);
        if starts && !self.open {
            let mut lines: Vec<String> = self.before.drain(..).collect();
            // Rows of "=" frame a report; text before is another story.
            lines.retain(|line| line.starts_with("====="));
            (self.separators, self.trace) = (0, false);
            lines.push(text.to_owned());
            self.found.push(Splat {
                title: text.to_owned(),
                lines,
                step: self.step.clone(),
                subtest: self.subtest.clone(),
            });
            self.open = true;
            return self.found.last().map(|splat| splat.title.as_str());
        }
        self.before.push_back(text.to_owned());
        if self.before.len() > BEFORE {
            self.before.pop_front();
        }
        None
    }

    fn extend(&mut self, text: &str, separator: bool) {
        let Some(splat) = self.found.last_mut() else {
            return;
        };
        if OTHER.is_match(text) {
            self.open = false;
            return;
        }
        let kasan = splat.title.starts_with("BUG: KASAN");
        // A backtrace is indented. KASAN has more to say after it.
        if self.trace && !kasan && !text.starts_with(' ') && !LAST.is_match(text) {
            self.open = false;
            return;
        }
        self.trace |= text == "Call Trace:";
        splat.lines.push(text.to_owned());
        // A report of KASAN is framed by two rows; after the second nothing
        // follows, while a panic or a trace ends with a line of its own.
        self.separators += usize::from(separator);
        let framed = kasan && self.separators > 0;
        if framed || LAST.is_match(text) || splat.lines.len() >= LONGEST {
            self.open = false;
        }
    }

    fn note_context(&mut self, text: &str) {
        if let Some(step) = text.strip_prefix(STEP_MARKER) {
            self.step = Some(step.trim().to_owned());
            (self.program, self.subtest) = (None, None);
        } else if let Some(rest) = text.strip_prefix("[IGT] ") {
            let Some((program, what)) = rest.split_once(": ") else {
                return;
            };
            if what.starts_with("executing") {
                self.program = Some(program.to_owned());
                self.subtest = Some(program.to_owned());
            } else if let Some(name) = what.strip_prefix("starting subtest ") {
                self.subtest = Some(format!("{program}@{}", name.trim()));
            } else if what.starts_with("exiting") {
                (self.program, self.subtest) = (None, None);
            }
        }
    }

    /// Returns what was found. A cascade (a warning inside of a warning) is one.
    pub fn finish(self) -> Vec<Splat> {
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
