// SPDX-License-Identifier: GPL-2.0

//! Reading KTAP, the kernel's test protocol, out of a kernel log.
//!
//! Other messages may stand between its lines. Nesting is by indentation, and
//! a result line closes the test whose children stood before it, deeper.

use super::splat::strip_prefix;
use regex::Regex;
use std::sync::LazyLock;

#[expect(
    clippy::expect_used,
    reason = "the expressions are constants, and tested"
)]
fn compile(expression: &str) -> Regex {
    Regex::new(expression).expect("a valid expression")
}

static RESULT: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^( *)(ok|not ok) (\d+)(?: -)?(?: ([^#]*?))?\s*(?:# *(.*))?$"));
static PLAN: LazyLock<Regex> = LazyLock::new(|| compile(r"^( *)1\.\.(\d+)\s*(?:# *(.*))?$"));
static SUBTEST: LazyLock<Regex> = LazyLock::new(|| compile(r"^( *)# Subtest: (.*)$"));
static VERSION: LazyLock<Regex> = LazyLock::new(|| compile(r"^( *)KTAP version \d+$"));
static NOTE: LazyLock<Regex> = LazyLock::new(|| compile(r"^ *# (.*)$"));

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// It was skipped, for the reason given.
    Skip(String),
    /// It began, but there is no result.
    Crash,
}

/// A test, or a group of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// The tests in it.
    pub children: Vec<Test>,
    /// What was said about it.
    pub notes: Vec<String>,
}

impl Test {
    /// Calls `each` with the full name of every test that has no children.
    pub fn leaves<'a>(&'a self, path: &str, each: &mut impl FnMut(String, &'a Test)) {
        let name = if path.is_empty() {
            self.name.clone()
        } else {
            format!("{path}.{}", self.name)
        };
        if self.children.is_empty() {
            each(name, self);
        } else {
            for child in &self.children {
                child.leaves(&name, each);
            }
        }
    }
}

/// A test that has begun: its indentation, what is known of it, and how many
/// children it announced.
#[derive(Debug)]
struct Open {
    depth: usize,
    name: Option<String>,
    planned: Option<usize>,
    children: Vec<Test>,
    notes: Vec<String>,
}

impl Open {
    fn new(depth: usize) -> Self {
        Self {
            depth,
            name: None,
            planned: None,
            children: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds children that were announced and never heard of.
    fn complete(&mut self) {
        let missing = self
            .planned
            .unwrap_or(0)
            .saturating_sub(self.children.len());
        if missing > 0 {
            self.children.push(Test {
                name: format!(
                    "{missing} of {} without a result",
                    self.planned.unwrap_or(0)
                ),
                status: Status::Crash,
                children: Vec::new(),
                notes: Vec::new(),
            });
        }
    }
}

/// Reads all tests in `log`, in order.
pub fn parse(log: &str) -> Vec<Test> {
    let mut parser = Parser::default();
    for line in log.lines() {
        parser.line(strip_prefix(line));
    }
    parser.finish()
}

/// Groups by depth: `stack[0]` collects the outermost results.
#[derive(Debug, Default)]
struct Parser {
    stack: Vec<Open>,
    done: Vec<Test>,
}

impl Parser {
    fn line(&mut self, line: &str) {
        if let Some(found) = VERSION.captures(line) {
            let depth = found[1].len();
            // A new document while an old one lacks results: those crashed.
            self.close_to(depth);
            self.open(depth);
        } else if let Some(found) = SUBTEST.captures(line) {
            let depth = found[1].len();
            self.open(depth);
            if let Some(group) = self.stack.last_mut() {
                group.name = Some(found[2].trim().to_owned());
            }
        } else if let Some(found) = PLAN.captures(line) {
            let depth = found[1].len();
            self.open(depth);
            if let Some(group) = self.stack.last_mut() {
                group.planned = found[2].parse().ok();
            }
        } else if let Some(found) = RESULT.captures(line) {
            let status = match (&found[2], found.get(5).map(|m| m.as_str())) {
                (_, Some(directive)) if directive.to_ascii_uppercase().starts_with("SKIP") => {
                    Status::Skip(directive[4..].trim().to_owned())
                }
                ("ok", _) => Status::Pass,
                _ => Status::Fail,
            };
            let name = found.get(4).map_or("", |m| m.as_str()).trim();
            self.result(found[1].len(), name, &found[3], status);
        } else if let Some(found) = NOTE.captures(line) {
            if let Some(group) = self.stack.last_mut() {
                group.notes.push(found[1].to_owned());
            }
        }
    }

    /// Makes a group at `depth` the innermost one, unless it is already.
    fn open(&mut self, depth: usize) {
        if self.stack.last().is_none_or(|group| group.depth < depth) {
            self.stack.push(Open::new(depth));
        }
    }

    /// Ends the groups at `depth` and deeper, which have no result.
    fn close_to(&mut self, depth: usize) {
        while self.stack.last().is_some_and(|group| group.depth >= depth) {
            self.pop(None);
        }
    }

    /// Ends the innermost group, with its result line if there is one.
    fn pop(&mut self, result: Option<(String, Status)>) {
        let Some(mut group) = self.stack.pop() else {
            return;
        };
        group.complete();
        // The outermost group is the document, which has no result.
        if result.is_none() && group.name.is_none() && group.depth == 0 {
            self.done.append(&mut group.children);
            return;
        }
        let (name, status) = result.unwrap_or((
            group.name.unwrap_or_else(|| "(unnamed)".into()),
            Status::Crash,
        ));
        let test = Test {
            name,
            status,
            children: group.children,
            notes: group.notes,
        };
        match self.stack.last_mut() {
            Some(parent) => parent.children.push(test),
            None => self.done.push(test),
        }
    }

    fn result(&mut self, depth: usize, name: &str, number: &str, status: Status) {
        let name = if name.is_empty() { number } else { name }.to_owned();
        // Deeper than one level below: groups whose own result got lost.
        while self.stack.len() >= 2 && self.stack[self.stack.len() - 2].depth > depth {
            self.pop(None);
        }
        if self.stack.last().is_some_and(|group| group.depth > depth) {
            self.pop(Some((name, status)));
            return;
        }
        self.open(depth);
        if let Some(group) = self.stack.last_mut() {
            let notes = std::mem::take(&mut group.notes);
            group.children.push(Test {
                name,
                status,
                children: Vec::new(),
                notes,
            });
        }
    }

    fn finish(mut self) -> Vec<Test> {
        self.close_to(0);
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log of a real kernel, up to the tenth example of many.
    const CUT: &str = include_str!("../../data/ktap-cut.log");

    fn names(tests: &[Test]) -> Vec<(String, Status)> {
        let mut names = Vec::new();
        for test in tests {
            test.leaves("", &mut |name, leaf| {
                names.push((name, leaf.status.clone()))
            });
        }
        names
    }

    #[test]
    fn a_real_log_is_read_and_what_is_missing_is_a_crash() {
        let tests = parse(CUT);
        let suites: Vec<_> = tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(
            suites,
            [
                "rust_kernel_fmt",
                "rust_netlink",
                "rust_drm_gem_shmem",
                "rust_spinlock_irq_condvar",
                "rust_doctests_kernel"
            ]
        );
        assert_eq!(tests[2].status, Status::Pass);
        assert_eq!(tests[2].children.len(), 3);
        assert_eq!(tests[2].children[1].name, "vmap_io");

        let examples = &tests[4];
        assert_eq!(examples.status, Status::Crash);
        let done = examples.children.len() - 1;
        assert!(done > 0);
        let rest = &examples.children[done];
        assert_eq!(rest.status, Status::Crash);
        assert_eq!(rest.name, format!("{} of 362 without a result", 362 - done));
        assert!(
            examples.children[0].notes[1].contains("location: rust/kernel/alloc/allocator.rs"),
            "{:?}",
            examples.children[0].notes
        );
    }

    #[test]
    fn time_stamps_and_other_messages_do_no_harm() {
        let log = "\
[    0.100000] KTAP version 1
[    0.100000] 1..1
[    0.100000]     KTAP version 1
[    0.100000]     # Subtest: outer
[    0.100000]     1..2
[    0.100000] usb: ok, I am not a result
[    0.200000]         KTAP version 1
[    0.200000]         # Subtest: inner
[    0.200000]         1..1
[    0.200000]         ok 1 deep
[    0.200000]     ok 1 inner
[    0.300000]     # flat: EXPECTATION FAILED at x.rs:1
[    0.300000]     not ok 2 flat
[    0.300000] not ok 1 outer
[    0.400000] KTAP version 1
[    0.400000] 1..1
[    0.400000]     KTAP version 1
[    0.400000]     # Subtest: from_module
[    0.400000]     1..1
[    0.400000]     ok 1 later # SKIP no hardware
[    0.400000] ok 1 from_module
";
        let tests = parse(log);
        assert_eq!(
            names(&tests),
            [
                ("outer.inner.deep".into(), Status::Pass),
                ("outer.flat".into(), Status::Fail),
                (
                    "from_module.later".into(),
                    Status::Skip("no hardware".into())
                ),
            ]
        );
        assert_eq!(
            tests[0].children[1].notes,
            ["flat: EXPECTATION FAILED at x.rs:1"]
        );
    }

    #[test]
    fn a_suite_that_was_planned_and_never_began_is_a_crash() {
        let log = "KTAP version 1\n1..2\n    KTAP version 1\n    # Subtest: a\n    1..1\n    ok 1 x\nok 1 a\n";
        let found = names(&parse(log));
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], ("1 of 2 without a result".into(), Status::Crash));
    }

    #[test]
    fn no_results_are_no_tests() {
        assert_eq!(parse("Linux version 7.3\nRun /init as init process\n"), []);
    }
}
