// SPDX-License-Identifier: GPL-2.0

//! Results as JUnit's XML.

use super::{Outcome, Results};
use anyhow::Result;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// Writes `results` as one document.
///
/// # Errors
///
/// Fails if the document cannot be serialised.
pub fn write(results: &Results) -> Result<String> {
    let mut report = Report::new("lab test");
    for name in results.suites() {
        let mut suite = TestSuite::new(name);
        if let Some(time) = results.time(name) {
            suite.set_time(time);
        }
        for case in results.cases.iter().filter(|case| case.suite == name) {
            let status = match &case.outcome {
                Outcome::Pass => TestCaseStatus::success(),
                Outcome::Skip(reason) | Outcome::Known(reason) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(reason.as_str());
                    status
                }
                Outcome::Fail(reason) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(reason.as_str());
                    status.set_description(case.details.join("\n"));
                    status
                }
            };
            let mut test = TestCase::new(case.name.as_str(), status);
            test.set_classname(name);
            if let Some(time) = case.time {
                test.set_time(time);
            }
            suite.add_test_case(test);
        }
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Case;
    use std::time::Duration;

    #[test]
    fn failures_and_skips_are_counted_and_control_characters_do_no_harm() {
        let mut bad = Case::new("one", "b", Outcome::Fail("<no> \u{1b}[0m".into()));
        bad.details = vec!["a & b".into()];
        let results = Results {
            cases: vec![
                Case::new("one", "a", Outcome::Pass),
                bad,
                Case::new("one", "c", Outcome::Skip("why".into())),
            ],
            times: vec![("one".into(), Duration::from_secs(1))],
        };
        let text = write(&results).expect("a document");
        assert!(text.contains("tests=\"3\""));
        assert!(text.contains("failures=\"1\""));
        assert!(text.contains("a &amp; b"));
        assert!(!text.contains('\u{1b}'));
    }
}
