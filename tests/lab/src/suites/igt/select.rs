// SPDX-License-Identifier: GPL-2.0

//! Which IGT tests to run.

use crate::{kernel::Built, proc, suites::Filters};
use anyhow::{Context, Result, bail};
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use std::{fs, path::Path};

/// Where Debian puts IGT's programs.
pub const PROGRAMS: &str = "/usr/libexec/igt-gpu-tools";

/// What a program answers if it has no subtests.
const NO_SUBTESTS: i32 = 79;

/// The list of programs, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Modules to load beside the driver.
    pub modules: Vec<String>,
    /// Tests that are run again if they fail.
    #[serde(default)]
    retry: Vec<String>,
    program: Vec<Program>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    name: String,
    /// Subtests to take; all if absent.
    only: Option<Vec<String>>,
}

impl Selection {
    /// Reads the list in the file `path`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or says something that makes no sense.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{}", path.display()))
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

    /// Asks the programs in the root of `built` for their subtests and returns
    /// the names of the wanted ones, in the order of the list: `PROGRAM`, or
    /// `PROGRAM@SUBTEST`.
    ///
    /// # Errors
    ///
    /// Fails if a program is not there or lists nothing that is wanted.
    pub fn tests(&self, built: &Built, suite: &str, filters: &Filters) -> Result<Vec<String>> {
        let mut tests = Vec::new();
        for program in &self.program {
            if !filters.may_want(suite, &program.name) {
                continue;
            }
            let names = program.names(&subtests(built, &program.name)?)?;
            tests.extend(names.into_iter().filter(|name| filters.wants(suite, name)));
        }
        Ok(tests)
    }
}

impl Program {
    fn names(&self, subtests: &[String]) -> Result<Vec<String>> {
        let only = self.only.as_deref().map(glob_set).transpose()?;
        if subtests.is_empty() {
            return Ok(vec![self.name.clone()]);
        }
        let names: Vec<_> = subtests
            .iter()
            .filter(|subtest| only.as_ref().is_none_or(|only| only.is_match(subtest)))
            .map(|subtest| format!("{}@{subtest}", self.name))
            .collect();
        if names.is_empty() {
            bail!("no subtest of IGT's {} is on the list", self.name);
        }
        Ok(names)
    }
}

fn glob_set(patterns: &[String]) -> Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern)?);
    }
    Ok(set.build()?)
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

    fn program(only: Option<&[&str]>) -> Program {
        Program {
            name: "kms_x".into(),
            only: only.map(|list| list.iter().map(|&name| name.into()).collect()),
        }
    }

    #[test]
    fn only_what_is_wanted_is_taken() {
        let subtests = ["basic-a".into(), "basic-b".into(), "2x-basic-a".into()];
        let names = program(Some(&["basic-*"])).names(&subtests).expect("names");
        assert_eq!(names, ["kms_x@basic-a", "kms_x@basic-b"]);
        assert_eq!(program(None).names(&subtests).expect("names").len(), 3);
        assert_eq!(program(None).names(&[]).expect("names"), ["kms_x"]);
    }

    #[test]
    fn only_what_is_listed_is_run_again() {
        let text = "modules = []\nretry = ['a@timing-*']\n[[program]]\nname = 'a'\n";
        let selection: Selection = toml::from_str(text).expect("a list");
        let failed = ["a@timing-x", "a@other"].into_iter();
        assert_eq!(selection.again(failed).expect("names"), ["a@timing-x"]);
    }

    #[test]
    fn a_list_that_takes_nothing_is_an_error() {
        assert!(program(Some(&["gone"])).names(&["basic".into()]).is_err());
    }
}
