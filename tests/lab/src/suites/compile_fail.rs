// SPDX-License-Identifier: GPL-2.0

//! `compile-fail`: programs that must not compile, each for one reason.
//!
//! A program says in its first lines what it promises and which words of
//! rustc prove that the promise is kept. Without `--cfg violate` it has to
//! compile: then it fails for no other reason than the violation.

use super::{
    Context,
    rustc::{self, Compiled, Flags},
};
use crate::{
    kernel::{Built, Flavour},
    report::Case,
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use walkdir::WalkDir;

/// Name of the suite.
pub const NAME: &str = "compile-fail";

/// Modules whose flags the programs are compiled with: the first one that was
/// built.
const LIKE: [&str; 2] = [
    "drivers/gpu/drm/rvkms/rvkms_main.o",
    "drivers/gpu/drm/nova/nova.o",
];

/// What the programs share.
const COMMON: &str = "common";

/// What a program says of itself.
#[derive(Debug, Default, PartialEq)]
struct Header {
    promise: String,
    code: Option<String>,
    texts: Vec<String>,
}

impl Header {
    /// Reads the comments of a program.
    fn parse(source: &str) -> Result<Self> {
        let mut header = Self::default();
        for line in source.lines() {
            let Some(comment) = line.strip_prefix("// ") else {
                continue;
            };
            if let Some(text) = comment.strip_prefix("Promise: ") {
                header.promise = text.trim().into();
            } else if let Some(code) = comment.strip_prefix("Error: ") {
                header.code = Some(code.trim().into());
            } else if let Some(text) = comment.strip_prefix("Error-text: ") {
                header.texts.push(text.trim().into());
            }
        }
        if header.promise.is_empty() {
            bail!("the line \"// Promise: …\" is missing");
        }
        if header.texts.is_empty() {
            bail!("the line \"// Error-text: …\" is missing");
        }
        // Under `cfg(violate)` or, where leaving it out is the violation,
        // `cfg(not(violate))`.
        if !source.contains("(violate)") {
            bail!("nothing depends on cfg(violate)");
        }
        Ok(header)
    }

    /// Holds what rustc said about the violation against the promise.
    fn judge(&self, violated: &Compiled) -> Vec<String> {
        let mut complaints = Vec::new();
        if violated.ok {
            complaints.push(format!("it compiles; broken promise: {}", self.promise));
            return complaints;
        }
        if let Some(code) = &self.code {
            if !violated.text.contains(&format!("error[{code}]")) {
                complaints.push(format!("rustc gives another error than {code}"));
            }
        }
        let said = one_line(&violated.text);
        for text in &self.texts {
            if !said.contains(&one_line(text)) {
                complaints.push(format!("rustc does not say \"{text}\""));
            }
        }
        if !complaints.is_empty() {
            complaints.push(violated.text.clone());
        }
        complaints
    }
}

/// rustc wraps lines by width.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One program.
struct Program {
    name: String,
    header: Result<Header>,
    inside: String,
}

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let tests = context.lab.checkout.path("tests");
    let programs = find(context, &tests)?;
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let built = context.built(Flavour::Uml)?;
    let flags = LIKE
        .iter()
        .find_map(|object| Flags::of(&built, object).ok())
        .context("no module was compiled whose flags could be used")?;
    let step = context.lab.ui.step(NAME, Some(2 * programs.len() as u64));
    let mut cases = Vec::new();
    for program in &programs {
        let header = match &program.header {
            Ok(header) => header,
            Err(error) => {
                let complaint = vec![format!("{error:#}")];
                cases.push(Case::judge(NAME, &program.name, complaint));
                continue;
            }
        };
        let compiled = rustc::run_all(vec![
            command(&built, &flags, &tests, program, &[]),
            command(&built, &flags, &tests, program, &["--cfg", "violate"]),
        ])?;
        step.advance(&program.name);
        step.advance(&program.name);
        let mut complaints = Vec::new();
        if !compiled[0].ok {
            complaints.push("it does not compile even without the violation".into());
            complaints.push(compiled[0].text.clone());
        }
        complaints.extend(header.judge(&compiled[1]));
        cases.push(Case::judge(NAME, &program.name, complaints));
    }
    step.done("done");
    Ok(cases)
}

fn command(
    built: &Built,
    flags: &Flags,
    tests: &Path,
    program: &Program,
    more: &[&str],
) -> Command {
    let sandbox = built
        .sandbox()
        .ro_bind(tests, "/mnt")
        .env("COMPILE_FAIL_COMMON", "/mnt/compile-fail/common");
    flags.command(&sandbox, &program.inside, more)
}

fn find(context: &Context<'_>, tests: &Path) -> Result<Vec<Program>> {
    let top = tests.join("compile-fail");
    let mut paths: Vec<PathBuf> = Vec::new();
    if top.is_dir() {
        for entry in WalkDir::new(&top) {
            let path = entry?.into_path();
            let shared = path.starts_with(top.join(COMMON));
            if !shared && path.extension().is_some_and(|ext| ext == "rs") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let mut programs = Vec::new();
    for path in paths {
        let name = path.strip_prefix(&top)?.with_extension("");
        let name = name.to_string_lossy().into_owned();
        if !context.filters.wants(NAME, &name) {
            continue;
        }
        let source = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        programs.push(Program {
            name,
            header: Header::parse(&source),
            inside: rustc::inside(tests, &path)?,
        });
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "\
// SPDX-License-Identifier: GPL-2.0
// Promise: A context cannot be forged.
// Error: E0603
// Error-text: trait `Sealed` is private
// Error-text: private trait
#[cfg(violate)]
fn violate() {}
";

    fn said(ok: bool, text: &str) -> Compiled {
        Compiled {
            ok,
            text: text.into(),
        }
    }

    #[test]
    fn all_that_is_promised_has_to_be_said() {
        let header = Header::parse(PROGRAM).expect("a header");
        assert_eq!(header.promise, "A context cannot be forged.");
        let good = "error[E0603]: trait `Sealed` is\n   private\n note: private trait\n";
        assert!(header.judge(&said(false, good)).is_empty());
        assert!(header.judge(&said(true, ""))[0].contains("broken promise"));
        let other = header.judge(&said(
            false,
            "error[E0308]: mismatched types: private trait",
        ));
        assert_eq!(other.len(), 3);
    }

    #[test]
    fn a_program_without_promise_words_or_violation_is_refused() {
        for gone in ["Promise", "Error-text", "#[cfg(violate)]"] {
            let source = PROGRAM.replace(gone, "x");
            assert!(Header::parse(&source).is_err(), "{gone}");
        }
    }
}
