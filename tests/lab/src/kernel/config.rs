// SPDX-License-Identifier: GPL-2.0

//! Kernel configuration.

use crate::checkout::Checkout;
use anyhow::{Context, Result, bail};
use std::{collections::BTreeMap, fs};

/// Options and the values asked for; `n` stands for "is not set".
type Options = BTreeMap<String, String>;

/// Merges the fragments called `names`, the later overriding the earlier, into
/// a file for `KCONFIG_ALLCONFIG`.
///
/// # Errors
///
/// Fails if a fragment cannot be read or has a line that is none of it.
pub fn merge(checkout: &Checkout, names: &[&str]) -> Result<String> {
    let mut options = Options::new();
    for name in names {
        let path = checkout.configs().join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        for (number, line) in text.lines().enumerate() {
            let Some((option, value)) =
                parse(line).with_context(|| format!("{}, line {}", path.display(), number + 1))?
            else {
                continue;
            };
            options.insert(option.into(), value.into());
        }
    }
    Ok(options
        .iter()
        .map(|(option, value)| match value.as_str() {
            "n" => format!("# {option} is not set\n"),
            value => format!("{option}={value}\n"),
        })
        .collect())
}

/// Reads a line: an option and its value, or nothing.
fn parse(line: &str) -> Result<Option<(&str, &str)>> {
    let line = line.trim();
    if let Some(option) = line
        .strip_prefix("# ")
        .and_then(|line| line.strip_suffix(" is not set"))
    {
        return Ok(Some((option, "n")));
    }
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    match line.split_once('=') {
        Some((option, value)) if option.starts_with("CONFIG_") => Ok(Some((option, value))),
        _ => bail!("not an option: {line}"),
    }
}

/// Fails unless every option of `asked` is as asked for in the finished
/// configuration `got`; names those that are not.
///
/// # Errors
///
/// See above.
pub fn verify(asked: &str, got: &str) -> Result<()> {
    let read = |text: &str| -> Result<Options> {
        let mut options = Options::new();
        for line in text.lines() {
            if let Some((option, value)) = parse(line)? {
                options.insert(option.into(), value.into());
            }
        }
        Ok(options)
    };
    let got = read(got)?;
    let missing: Vec<_> = read(asked)?
        .into_iter()
        .filter_map(|(option, asked)| {
            let got = got.get(&option).map_or("n", String::as_str);
            (got != asked).then(|| format!("{option}: asked for {asked}, got {got}"))
        })
        .collect();
    if !missing.is_empty() {
        bail!(
            "the kernel's configuration does not take all options (their dependencies are not \
             met, or they do not exist):\n  {}",
            missing.join("\n  ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Flavour;

    fn checkout(fragments: &[(&str, &str)]) -> (tempfile::TempDir, Checkout) {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["configs", "patches/7.3"] {
            fs::create_dir_all(dir.path().join(name)).expect("a folder");
        }
        for (name, text) in fragments {
            fs::write(dir.path().join("configs").join(name), text).expect("a file");
        }
        let checkout = Checkout::find(Some(dir.path())).expect("a checkout");
        (dir, checkout)
    }

    #[test]
    fn the_later_fragment_wins() {
        let (_dir, checkout) = checkout(&[
            ("a", "# About\nCONFIG_A=y\nCONFIG_B=\"x y\"\n"),
            ("b", "# CONFIG_A is not set\nCONFIG_C=m\n"),
        ]);
        assert_eq!(
            merge(&checkout, &["a", "b"]).expect("success"),
            "# CONFIG_A is not set\nCONFIG_B=\"x y\"\nCONFIG_C=m\n"
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        let (_dir, checkout) = checkout(&[("a", "CONFIG_A=y\nFOO=y\n")]);
        let err = merge(&checkout, &["a"]).expect_err("a bad line");
        assert!(format!("{err:#}").contains("configs/a, line 2: not an option: FOO=y"));
    }

    #[test]
    fn the_fragments_of_this_checkout_are_well_formed() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = Checkout::find(Some(here)).expect("a checkout");
        for flavour in Flavour::ALL {
            let text = merge(&checkout, flavour.fragments()).expect("fragments");
            assert!(text.contains("CONFIG_RUST=y\n"), "{flavour}");
        }
    }

    #[test]
    fn what_kconfig_drops_is_named() {
        let asked = "CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D=1234\n";
        verify(asked, "CONFIG_A=y\nCONFIG_B=m\nCONFIG_D=1234\nCONFIG_E=y\n").expect("all there");

        let err = verify(asked, "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n").expect_err("not all there");
        let text = err.to_string();
        assert!(!text.contains("CONFIG_A"));
        assert!(text.contains("CONFIG_B: asked for m, got y"));
        assert!(text.contains("CONFIG_C: asked for n, got y"));
        assert!(text.contains("CONFIG_D: asked for 1234, got n"));
    }
}
