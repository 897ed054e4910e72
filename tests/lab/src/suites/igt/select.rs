// SPDX-License-Identifier: GPL-2.0

//! Which IGT tests to run.

use crate::{kernel::Built, proc, suites::Filters};
use anyhow::{Context, Result, bail};
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

/// Where Debian puts IGT's programs.
pub const PROGRAMS: &str = "/usr/libexec/igt-gpu-tools";

/// What a program answers if it has no subtests.
const NO_SUBTESTS: i32 = 79;

/// How long a test may take if the list does not say.
const LIMIT: Duration = Duration::from_secs(120);

/// The list of programs, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Modules to load beside the driver.
    pub modules: Vec<String>,
    /// The programs of the full list, by pattern.
    programs: Vec<String>,
    /// Tests that are run again if they fail.
    #[serde(default)]
    retry: Vec<String>,
    /// Tests that may take longer than others.
    #[serde(default)]
    slow: Vec<Slow>,
    /// What is run every day.
    everyday: Vec<Everyday>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slow {
    tests: Vec<String>,
    /// How long each may take.
    seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Everyday {
    program: String,
    /// Subtests to take; all if absent.
    only: Option<Vec<String>>,
}

/// How much of the list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What is run every day, and what a filter names.
    Everyday,
    /// All.
    Full,
}

impl Selection {
    /// Reads the list in the file `path`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or says something that makes no sense.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// Picks those of `failed` that are run again.
    ///
    /// # Errors
    ///
    /// Fails if a pattern of the list makes no sense.
    pub fn again<'a>(&self, failed: impl Iterator<Item = &'a str>) -> Result<Vec<String>> {
        let retry = glob_set(&self.retry)?;
        Ok(failed
            .filter(|name| retry.is_match(name))
            .map(str::to_owned)
            .collect())
    }

    /// Tells how long each of `tests` may take.
    ///
    /// # Errors
    ///
    /// Fails if a pattern of the list makes no sense.
    pub fn limits(&self, tests: &[String]) -> Result<Vec<Duration>> {
        let slow: Vec<_> = self
            .slow
            .iter()
            .map(|slow| Ok((glob_set(&slow.tests)?, Duration::from_secs(slow.seconds))))
            .collect::<Result<_>>()?;
        Ok(tests
            .iter()
            .map(|name| {
                slow.iter()
                    .find(|(tests, _)| tests.is_match(name))
                    .map_or(LIMIT, |(_, limit)| *limit)
            })
            .collect())
    }

    /// Asks the programs in the root of `built` for their subtests and returns
    /// the names of the wanted ones, sorted by program: `PROGRAM`, or
    /// `PROGRAM@SUBTEST`.
    ///
    /// # Errors
    ///
    /// Fails if a program is not there or lists nothing that is wanted.
    pub fn tests(
        &self,
        built: &Built,
        suite: &str,
        filters: &Filters,
        extent: Extent,
    ) -> Result<Vec<String>> {
        let installed = installed(&built.root)?;
        for everyday in &self.everyday {
            if !installed.contains(&everyday.program) {
                bail!("IGT has no program {}", everyday.program);
            }
        }
        let mut tests = Vec::new();
        for program in self.programs(&installed)? {
            if !filters.may_want(suite, program) {
                continue;
            }
            let everyday = self.everyday.iter().find(|entry| entry.program == program);
            let all = extent == Extent::Full || filters.may_name(suite, program);
            if everyday.is_none() && !all {
                continue;
            }
            let names = names(program, &subtests(built, program)?);
            let everyday = everyday.map(|entry| entry.pick(&names)).transpose()?;
            tests.extend(names.into_iter().filter(|name| {
                let daily = everyday.as_ref().is_some_and(|list| list.contains(name));
                match extent {
                    Extent::Full => filters.wants(suite, name),
                    Extent::Everyday => {
                        filters.names(suite, name) || (daily && filters.want_all_of(suite))
                    }
                }
            }));
        }
        Ok(tests)
    }

    /// Picks the programs of the full list from the installed ones.
    fn programs<'a>(&self, installed: &'a [String]) -> Result<Vec<&'a str>> {
        let wanted = glob_set(&self.programs)?;
        Ok(installed
            .iter()
            .map(String::as_str)
            .filter(|name| wanted.is_match(name))
            .collect())
    }
}

impl Everyday {
    /// Picks what is run every day from the tests of its program.
    fn pick(&self, names: &[String]) -> Result<Vec<String>> {
        let Some(only) = &self.only else {
            return Ok(names.to_vec());
        };
        let mut picked = Vec::new();
        for pattern in only {
            let glob = Glob::new(&format!("{}@{pattern}", self.program))?.compile_matcher();
            let before = picked.len();
            picked.extend(names.iter().filter(|name| glob.is_match(name)).cloned());
            if picked.len() == before {
                bail!("IGT's {} has no subtest {pattern}", self.program);
            }
        }
        Ok(picked)
    }
}

/// Makes names of tests of a program and its subtests.
fn names(program: &str, subtests: &[String]) -> Vec<String> {
    if subtests.is_empty() {
        return vec![program.to_owned()];
    }
    subtests
        .iter()
        .map(|subtest| format!("{program}@{subtest}"))
        .collect()
}

fn glob_set(patterns: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern)?);
    }
    Ok(set.build()?)
}

/// Lists IGT's programs in the file system `root`, those in folders as
/// `FOLDER/PROGRAM`.
fn installed(root: &Path) -> Result<Vec<String>> {
    let top = root.join(PROGRAMS.trim_start_matches('/'));
    let mut list = Vec::new();
    for entry in walkdir::WalkDir::new(&top).min_depth(1).max_depth(2) {
        let entry = entry.with_context(|| format!("{}", top.display()))?;
        let runs = entry.metadata()?.permissions().mode() & 0o111 != 0;
        if entry.file_type().is_file() && runs {
            let path = entry.path().strip_prefix(&top)?;
            list.push(path.to_string_lossy().into_owned());
        }
    }
    list.sort();
    Ok(list)
}

fn subtests(built: &Built, program: &str) -> Result<Vec<String>> {
    let mut command = built.sandbox().command(format!("{PROGRAMS}/{program}"));
    let output = command
        .arg("--list-subtests")
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let code = output.status.code();
    if code != Some(0) && code != Some(NO_SUBTESTS) {
        bail!(
            "{} failed ({}): {}",
            proc::shown(&command),
            proc::status_text(output.status),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        modules = []
        programs = ["kms_*", "vkms/*"]
        retry = ["kms_x@timing-*"]

        [[slow]]
        tests = ["kms_x@all-*"]
        seconds = 600

        [[everyday]]
        program = "kms_x"
        only = ["basic-*"]
    "#;

    fn list() -> Selection {
        Selection::parse(LIST).expect("a list")
    }

    #[test]
    fn the_full_list_is_of_patterns() {
        let installed = ["core_auth", "kms_x", "vkms/y"].map(String::from);
        assert_eq!(
            list().programs(&installed).expect("names"),
            ["kms_x", "vkms/y"]
        );
    }

    #[test]
    fn only_what_is_wanted_is_taken() {
        let subtests = ["basic-a".into(), "basic-b".into(), "2x-basic-a".into()];
        let names = names("kms_x", &subtests);
        let daily = &list().everyday[0];
        assert_eq!(daily.pick(&names).expect("names"), names[..2]);
        let all = Everyday {
            program: "kms_x".into(),
            only: None,
        };
        assert_eq!(all.pick(&names).expect("names"), names);
        assert_eq!(super::names("kms_x", &[]), ["kms_x"]);
    }

    #[test]
    fn only_what_is_listed_is_run_again() {
        let failed = ["kms_x@timing-x", "kms_x@other"].into_iter();
        assert_eq!(list().again(failed).expect("names"), ["kms_x@timing-x"]);
    }

    #[test]
    fn slow_tests_have_their_time() {
        let tests = ["kms_x@all-a".into(), "kms_x@b".into()];
        let limits = list().limits(&tests).expect("limits");
        assert_eq!(limits, [Duration::from_secs(600), LIMIT]);
    }

    #[test]
    fn a_list_that_makes_no_sense_is_an_error() {
        let daily = Everyday {
            program: "kms_x".into(),
            only: Some(vec!["gone".into()]),
        };
        assert!(daily.pick(&["kms_x@basic".into()]).is_err());
        assert!(Selection::parse(&LIST.replace("seconds", "minutes")).is_err());
    }
}
