// SPDX-License-Identifier: GPL-2.0

//! The plan of the exported series: which files and patches make which commit.

use crate::checkout::Checkout;
use anyhow::{Context, Result, bail};
use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use std::{collections::BTreeSet, fs};

/// The plan, in `series.toml` beside the patches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The commits, in order.
    #[serde(rename = "commit")]
    pub commits: Vec<Commit>,
}

/// A commit of the series.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The first line of the message; that of the patch if there is none.
    pub subject: Option<String>,
    /// The rest of the message.
    #[serde(default)]
    pub body: String,
    /// A glue patch that the commit starts with.
    pub patch: Option<String>,
    /// The files of ours that belong to it: globs, and exceptions with `!`.
    #[serde(default)]
    pub paths: Vec<String>,
}

impl Plan {
    /// Reads the plan of `checkout`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read, or a commit has no message.
    pub fn read(checkout: &Checkout) -> Result<Self> {
        let path = checkout.patches().join("series.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let plan: Self = toml::from_str(text)?;
        for commit in &plan.commits {
            if commit.subject.is_none() && commit.patch.is_none() {
                bail!("a commit has neither a subject nor a patch");
            }
        }
        Ok(plan)
    }

    /// Deals `files` out to the commits, in their order.
    ///
    /// # Errors
    ///
    /// Fails if a file belongs to no commit, or to more than one.
    pub fn deal(&self, files: &BTreeSet<String>) -> Result<Vec<Vec<String>>> {
        let matchers = self
            .commits
            .iter()
            .map(|commit| matchers(&commit.paths))
            .collect::<Result<Vec<_>>>()?;
        let mut dealt = vec![Vec::new(); self.commits.len()];
        let mut wrong = Vec::new();
        for file in files {
            let takers: Vec<_> = (0..matchers.len())
                .filter(|&at| takes(&matchers[at], file))
                .collect();
            match takers.as_slice() {
                [at] => dealt[*at].push(file.clone()),
                [] => wrong.push(format!("{file}: belongs to no commit")),
                _ => wrong.push(format!("{file}: belongs to {} commits", takers.len())),
            }
        }
        if !wrong.is_empty() {
            bail!(
                "series.toml does not fit the files:\n  {}",
                wrong.join("\n  ")
            );
        }
        Ok(dealt)
    }

    /// Fails unless the plan has each of the patches called `names` once.
    ///
    /// # Errors
    ///
    /// See above.
    pub fn check_patches(&self, names: &BTreeSet<String>) -> Result<()> {
        let mut planned = BTreeSet::new();
        for name in self
            .commits
            .iter()
            .filter_map(|commit| commit.patch.as_ref())
        {
            if !planned.insert(name.clone()) {
                bail!("series.toml has {name} twice");
            }
        }
        if let Some(name) = names.difference(&planned).next() {
            bail!("series.toml has no commit with the patch {name}");
        }
        if let Some(name) = planned.difference(names).next() {
            bail!("series.toml has a commit with {name}, but there is no such patch");
        }
        Ok(())
    }
}

/// A glob, and whether it is an exception.
type Matcher = (GlobMatcher, bool);

fn matchers(paths: &[String]) -> Result<Vec<Matcher>> {
    paths
        .iter()
        .map(|path| {
            let (glob, except) = match path.strip_prefix('!') {
                Some(glob) => (glob, true),
                None => (path.as_str(), false),
            };
            let glob = GlobBuilder::new(glob).literal_separator(true).build()?;
            Ok((glob.compile_matcher(), except))
        })
        .collect()
}

/// The last glob that matches decides.
fn takes(matchers: &[Matcher], file: &str) -> bool {
    matchers
        .iter()
        .rev()
        .find(|(glob, _)| glob.is_match(file))
        .is_some_and(|&(_, except)| !except)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::{self, patches};
    use std::path::Path;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    const PLAN: &str = r#"
[[commit]]
patch = "0001-a.patch"
[[commit]]
subject = "core"
paths = ["rust/**", "!rust/kms/**"]
[[commit]]
subject = "kms"
patch = "0002-b.patch"
paths = ["rust/kms/**"]
"#;

    #[test]
    fn files_are_dealt_out() {
        let plan = Plan::parse(PLAN).expect("a plan");
        let dealt = plan
            .deal(&set(&["rust/a.rs", "rust/x/b.rs", "rust/kms/c.rs"]))
            .expect("success");
        assert_eq!(dealt[0], [""; 0]);
        assert_eq!(dealt[1], ["rust/a.rs", "rust/x/b.rs"]);
        assert_eq!(dealt[2], ["rust/kms/c.rs"]);

        let err = plan.deal(&set(&["drivers/x.rs"])).expect_err("left over");
        assert!(
            err.to_string()
                .contains("drivers/x.rs: belongs to no commit")
        );
    }

    #[test]
    fn patches_have_to_agree() {
        let plan = Plan::parse(PLAN).expect("a plan");
        let patches = set(&["0001-a.patch", "0002-b.patch"]);
        plan.check_patches(&patches).expect("agreement");
        let err = plan
            .check_patches(&set(&["0001-a.patch"]))
            .expect_err("too many");
        assert!(err.to_string().contains("0002-b.patch"));
    }

    #[test]
    fn a_commit_without_message_is_refused() {
        assert!(Plan::parse("[[commit]]\npaths = [\"a\"]\n").is_err());
        assert!(Plan::parse("[[commit]]\nsubject = \"a\"\npath = \"a\"\n").is_err());
    }

    #[test]
    fn the_plan_of_this_checkout_fits() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = Checkout::find(Some(here)).expect("a checkout");
        let plan = Plan::read(&checkout).expect("a plan");
        let files = overlay::files(&checkout).expect("files");
        plan.deal(&files.into_keys().collect())
            .expect("every file in one commit");
        let patches = patches::series(&checkout.patches()).expect("patches");
        plan.check_patches(&patches.iter().map(|patch| patch.name()).collect())
            .expect("every patch in one commit");
    }
}
