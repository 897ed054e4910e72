// SPDX-License-Identifier: GPL-2.0

//! Results as KTAP: one group for each suite.

use super::{Case, Outcome};
use std::fmt::Write;

/// A description must not contain what begins a directive.
fn escape(text: &str) -> String {
    text.replace('#', "_").replace('\n', " ")
}

fn result(number: usize, name: &str, outcome: &Outcome) -> String {
    let (word, directive) = match outcome {
        Outcome::Pass => ("ok", String::new()),
        Outcome::Skip(reason) => ("ok", format!(" # SKIP {}", escape(reason))),
        Outcome::Known(reason) => ("not ok", format!(" # TODO {}", escape(reason))),
        Outcome::Fail(_) => ("not ok", String::new()),
    };
    format!("{word} {number} {}{directive}", escape(name))
}

/// Writes `cases` as one KTAP document.
pub fn write(cases: &[Case]) -> String {
    let mut suites: Vec<(&str, Vec<&Case>)> = Vec::new();
    for case in cases {
        match suites.iter_mut().find(|(name, _)| *name == case.suite) {
            Some((_, group)) => group.push(case),
            None => suites.push((&case.suite, vec![case])),
        }
    }
    let mut text = format!("KTAP version 1\n1..{}\n", suites.len());
    for (number, (name, group)) in suites.iter().enumerate() {
        let _ = writeln!(text, "    KTAP version 1\n    # Subtest: {name}");
        let _ = writeln!(text, "    1..{}", group.len());
        for (number, case) in group.iter().enumerate() {
            for line in case.details.iter().flat_map(|detail| detail.lines()) {
                let _ = writeln!(text, "    # {line}");
            }
            let line = result(number + 1, &case.name, &case.outcome);
            let _ = writeln!(text, "    {line}");
        }
        let failed = group.iter().any(|case| case.failed());
        let word = if failed { "not ok" } else { "ok" };
        let _ = writeln!(text, "{word} {} {name}", number + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::ktap::{Status, parse};

    #[test]
    fn what_is_written_can_be_read() {
        let mut bad = Case::new("one", "b # c", Outcome::Fail("no".into()));
        bad.details = vec!["first\nsecond".into()];
        let cases = [
            Case::new("one", "a", Outcome::Pass),
            bad,
            Case::new("two", "d", Outcome::Skip("no device".into())),
        ];
        let tests = parse(&write(&cases));
        assert_eq!(tests.len(), 2);
        assert_eq!(tests[0].name, "one");
        assert_eq!(tests[0].status, Status::Fail);
        assert_eq!(tests[0].children[0].status, Status::Pass);
        assert_eq!(tests[0].children[1].status, Status::Fail);
        assert_eq!(tests[0].children[1].notes, ["first", "second"]);
        assert_eq!(tests[1].status, Status::Pass);
        assert_eq!(
            tests[1].children[0].status,
            Status::Skip("no device".into())
        );
    }
}
