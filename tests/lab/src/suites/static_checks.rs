// SPDX-License-Identifier: GPL-2.0

//! `static`: what can be found without running anything.

use super::{Context, snippets};
use crate::{
    checkout::SERIES,
    kernel::{Built, Flavour},
    overlay, proc,
    report::Case,
    sandbox::Sandbox,
};
use anyhow::{Context as _, Result};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};
use walkdir::WalkDir;

/// Name of the suite.
pub const NAME: &str = "static";

/// Complaints of checkpatch that do not fit files of an overlay.
const CHECKPATCH_IGNORES: [&str; 5] = [
    // MAINTAINERS has a check of its own.
    "FILE_PATH_CHANGES",
    // Rust names are words, and the library's are compared with C's.
    "CAMELCASE",
    // The header of a patch is written by git.
    "EMAIL_SUBJECT",
    // A patch touches what its C file needs, such as a header's list.
    "UNDOCUMENTED_DT_STRING",
    // The kernel source has no history here.
    "UNKNOWN_COMMIT_ID",
];

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let files = overlay::files(&context.lab.checkout)?;
    let checks: [(&str, Check); 7] = [
        ("rustfmt", rustfmt),
        ("checkpatch", checkpatch),
        ("clippy x86_64", |context, _| {
            Ok(clippy(context, Flavour::X86_64))
        }),
        ("clippy arm64", |context, _| {
            Ok(clippy(context, Flavour::Arm64))
        }),
        ("rustdoc", rustdoc),
        ("maintainers", maintainers),
        ("snippets", |context, files| {
            let (_, tree) = sandbox(context)?;
            snippets::complaints(files, &tree)
        }),
    ];
    let mut cases = Vec::new();
    for (name, check) in checks {
        if !context.filters.wants(NAME, name) {
            continue;
        }
        let began = std::time::Instant::now();
        let step = context.lab.ui.step(name, None);
        let complaints = check(context, &files)?;
        proc::check()?;
        step.done("done");
        cases.push(Case::judge(NAME, name, complaints).took(began.elapsed()));
    }
    Ok(cases)
}

/// A check: what it complains of in the files.
type Check = fn(&Context<'_>, &Files) -> Result<Vec<String>>;

/// Our files by their paths in the kernel tree.
type Files = BTreeMap<String, PathBuf>;

/// The tree with the overlay at `/src`, the checkout at `/mnt`.
fn sandbox(context: &Context<'_>) -> Result<(Sandbox, PathBuf)> {
    let root = context.root()?;
    let tree = match &context.foreign.foreign_src {
        Some(tree) => tree.canonicalize()?,
        None => context.prepared()?.work.linux(),
    };
    let sandbox = Sandbox::new(&root)
        .ro_bind(&tree, "/src")
        .ro_bind(context.lab.checkout.dir(), "/mnt")
        .dir("/src");
    Ok((sandbox, tree))
}

/// Runs a command; its output if it fails.
fn complaints_of(command: &mut Command) -> Result<Vec<String>> {
    proc::check()?;
    let output = command.output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for text in [&output.stdout, &output.stderr] {
        lines.extend(
            String::from_utf8_lossy(text)
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(str::to_owned),
        );
    }
    if lines.is_empty() {
        lines.push(format!(
            "{} failed ({})",
            proc::shown(command),
            proc::status_text(output.status)
        ));
    }
    Ok(lines)
}

fn rustfmt(context: &Context<'_>, files: &Files) -> Result<Vec<String>> {
    // From standard input: given a file, rustfmt follows its modules, and would
    // look at most files many times.
    const SCRIPT: &str = "\
        status=0; edition=$1; shift; \
        for file; do \
            if ! diff=$(rustfmt --check --edition=$edition --config-path /src <\"$file\" 2>&1); then \
                echo \"$file is not formatted\"; echo \"$diff\"; status=1; \
            fi; \
        done; exit $status";

    let (sandbox, _) = sandbox(context)?;
    let run = |edition: &str, paths: Vec<String>| {
        let mut command = sandbox.command("bash");
        command.args(["-c", SCRIPT, "rustfmt", edition]).args(paths);
        complaints_of(&mut command)
    };
    // The kernel's edition, and that of our tools.
    let kernel = files
        .keys()
        .filter(|name| name.ends_with(".rs"))
        .map(|name| format!("/mnt/{name}"))
        .collect();
    let mut complaints = run("2021", kernel)?;
    complaints.extend(run(
        "2024",
        tool_sources(&context.lab.checkout.path("tests"))?,
    )?);
    Ok(complaints)
}

/// The sources of our tools, as the sandbox sees them.
fn tool_sources(tests: &Path) -> Result<Vec<String>> {
    let mut sources = Vec::new();
    for folder in ["lab", "guest"] {
        for entry in WalkDir::new(tests.join(folder)) {
            let path = entry?.into_path();
            if path.extension().is_some_and(|ext| ext == "rs") {
                let below = path.strip_prefix(tests)?.display().to_string();
                if !below.contains("/target/") {
                    sources.push(format!("/mnt/tests/{below}"));
                }
            }
        }
    }
    Ok(sources)
}

fn checkpatch(context: &Context<'_>, files: &Files) -> Result<Vec<String>> {
    let (sandbox, _) = sandbox(context)?;
    let ignored = CHECKPATCH_IGNORES.join(",");
    let run = |more: &[&str], paths: Vec<String>| -> Result<Vec<String>> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = sandbox.command("/src/scripts/checkpatch.pl");
        command
            .args(["--root=/src", "--no-summary", "--terse", "--quiet"])
            .args(["--show-types", "--ignore", &ignored])
            .args(more)
            .args(paths);
        complaints_of(&mut command)
    };
    let sources = files
        .keys()
        .filter(|name| {
            [".rs", ".c", ".h"].iter().any(|ext| name.ends_with(ext))
                || name.ends_with("Kconfig")
                || name.ends_with("Makefile")
        })
        .map(|name| format!("/mnt/{name}"))
        .collect();
    let mut complaints = run(&["--file"], sources)?;

    let patches = overlay::patches::series(&context.lab.checkout.patches())?;
    let patches = patches
        .iter()
        .map(|patch| format!("/mnt/patches/{SERIES}/{}", patch.name()))
        .collect();
    complaints.extend(run(&[], patches)?);
    Ok(complaints)
}

/// The build itself counts warnings in our files as errors.
fn clippy(context: &Context<'_>, flavour: Flavour) -> Vec<String> {
    match context.built(flavour) {
        Ok(_) => Vec::new(),
        Err(error) => vec![format!("{error:#}")],
    }
}

fn rustdoc(context: &Context<'_>, files: &Files) -> Result<Vec<String>> {
    let built = match context.built(Flavour::X86_64) {
        Ok(built) => built,
        Err(error) => return Ok(vec![format!("{error:#}")]),
    };
    let mut command = make(&built, "rustdoc");
    let log = context.output.join("rustdoc.log");
    if let Err(error) = proc::run_logged("rustdoc", &mut command, &log, |_| {}) {
        return Ok(vec![format!("{error:#}")]);
    }
    let text = std::fs::read(&log).unwrap_or_default();
    Ok(crate::kernel::diagnostics(
        &String::from_utf8_lossy(&text),
        |path| files.contains_key(path),
    ))
}

fn make(built: &Built, target: &str) -> Command {
    let mut command = built.sandbox().command("make");
    command.args([
        &format!("ARCH={}", built.flavour.arch()),
        "O=/out",
        "LLVM=1",
        "CC=ccache clang",
        "CLIPPY=1",
        target,
    ]);
    command
}

/// The section of the kernel's MAINTAINERS that the files which we share with stock drivers are of.
const INFRASTRUCTURE: &str = "DRM DRIVERS AND COMMON INFRASTRUCTURE [RUST]";

/// A section of MAINTAINERS.
#[derive(Debug, Default, PartialEq)]
struct Section {
    title: String,
    patterns: Vec<String>,
}

/// Reads the sections of a MAINTAINERS: a title, then fields.
fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut within = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            within = false;
        } else if !within {
            within = true;
            sections.push(Section {
                title: line.trim().into(),
                patterns: Vec::new(),
            });
        } else if let (Some(section), Some(pattern)) =
            (sections.last_mut(), line.strip_prefix("F:"))
        {
            section.patterns.push(pattern.trim().into());
        }
    }
    sections
}

fn maintainers(context: &Context<'_>, files: &Files) -> Result<Vec<String>> {
    let (sandbox, tree) = sandbox(context)?;
    let own = context.lab.checkout.path(overlay::MAINTAINERS);
    let text = std::fs::read_to_string(&own).with_context(|| format!("{}", own.display()))?;
    let sections = sections(&text);
    let mut complaints = Vec::new();
    if sections.is_empty() {
        complaints.push("MAINTAINERS has no section".into());
    }

    // Their form. What it says about the sections of others is not ours to mend.
    let script = "/src/scripts/get_maintainer.pl";
    let output = sandbox
        .command(script)
        .arg("--self-test=sections")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    complaints.extend(
        said.lines()
            .filter(|line| {
                let words = line.rsplit('\t').next().unwrap_or_default().trim();
                sections.iter().any(|section| section.title == words)
            })
            .map(str::to_owned),
    );

    // Their patterns: each file of ours has a section, each pattern a file, and
    // the kernel's script finds the section by the file.
    for section in &sections {
        for pattern in &section.patterns {
            let matched = files.keys().find(|name| claims(pattern, name));
            if matched.is_none() && !tree.join(pattern).exists() {
                complaints.push(format!("{}: no file matches {pattern}", section.title));
            }
        }
        let claimed = files
            .keys()
            .find(|name| section.patterns.iter().any(|pattern| claims(pattern, name)));
        let Some(name) = claimed else {
            continue;
        };
        let mut command = sandbox.command(script);
        command.args(["--no-git", "--no-git-fallback", "--sections", "-f", name]);
        let output = command.output()?;
        if !String::from_utf8_lossy(&output.stdout).contains(&section.title) {
            complaints.push(format!(
                "get_maintainer.pl -f {name}: not \"{}\"",
                section.title
            ));
            complaints.extend(
                String::from_utf8_lossy(&output.stderr)
                    .lines()
                    .map(str::to_owned),
            );
        }
    }
    // What the kernel has an owner for already stays with it.
    let merged = tree.join(overlay::MAINTAINERS);
    let merged =
        std::fs::read_to_string(&merged).with_context(|| format!("{}", merged.display()))?;
    let theirs = self::sections(&merged);
    let patterns: Vec<_> = theirs
        .iter()
        .filter(|section| section.title == INFRASTRUCTURE)
        .chain(&sections)
        .flat_map(|section| &section.patterns)
        .collect();
    complaints.extend(
        files
            .keys()
            .filter(|name| !patterns.iter().any(|pattern| claims(pattern, name)))
            .map(|name| format!("no section of ours, or \"{INFRASTRUCTURE}\", claims {name}")),
    );
    Ok(complaints)
}

/// Tells whether the pattern of an `F:` line claims `name`: a folder with all
/// below, or a name with wildcards that do not cross folders.
fn claims(pattern: &str, name: &str) -> bool {
    if let Some(folder) = pattern.strip_suffix('/') {
        return name.starts_with(&format!("{folder}/"));
    }
    globset::GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .is_ok_and(|glob| glob.compile_matcher().is_match(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_claim_as_the_kernel_reads_them() {
        assert!(claims("rust/kernel/drm/", "rust/kernel/drm/gem/mod.rs"));
        assert!(!claims("rust/kernel/drm/", "rust/kernel/drm.rs"));
        assert!(claims("rust/helpers/drm_*.c", "rust/helpers/drm_kms.c"));
        assert!(!claims("rust/*.c", "rust/helpers/drm_kms.c"));
    }

    #[test]
    fn sections_begin_after_empty_lines() {
        let text = "ONE [RUST]\nS:\tMaintained\nF:\ta/\nF:\tb.c\n\n\nTWO\nF:\tc\n";
        let sections = sections(text);
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0].title, "ONE [RUST]");
        assert_eq!(sections[0].patterns, ["a/", "b.c"]);
        assert_eq!(sections[1].patterns, ["c"]);
    }
}
