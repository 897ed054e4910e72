// SPDX-License-Identifier: GPL-2.0

//! The snippets of the guide, which are parts of files that the tests build.
//!
//! Sphinx only warns if a marker is not in its file any more, and shows
//! something else.

use std::{collections::BTreeMap, fs, path::Path};

/// The directive that takes a part of a file.
const DIRECTIVE: &str = ".. literalinclude:: ";

/// A snippet: the file, as the document names it, and the options.
#[derive(Debug, PartialEq)]
struct Snippet<'a> {
    line: usize,
    file: &'a str,
    options: BTreeMap<&'a str, &'a str>,
}

/// The snippets of a document.
fn snippets(text: &str) -> Vec<Snippet<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(file) = line.trim_start().strip_prefix(DIRECTIVE) else {
            continue;
        };
        let options = lines[at + 1..]
            .iter()
            .map_while(|line| line.trim_start().strip_prefix(':')?.split_once(':'))
            .map(|(name, value)| (name, value.trim()))
            .collect();
        found.push(Snippet {
            line: at + 1,
            file: file.trim(),
            options,
        });
    }
    found
}

/// Says what is wrong with the markers, as Sphinx understands them.
fn complaint(snippet: &Snippet<'_>, text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut from = 0;
    for (name, skip) in [("start-at", 0), ("start-after", 1)] {
        if let Some(marker) = snippet.options.get(name) {
            match lines.iter().position(|line| line.contains(marker)) {
                Some(at) => from = at + skip,
                None => return Some(format!("has no `{marker}`")),
            }
        }
    }
    // An end marker in the first line of a snippet is not its end, unless it
    // may be shown.
    let first = usize::from(snippet.options.contains_key("start-at"));
    for (name, skip) in [("end-at", 0), ("end-before", first)] {
        if let Some(marker) = snippet.options.get(name) {
            let rest = lines.get(from + skip..).unwrap_or_default();
            match rest.iter().position(|line| line.contains(marker)) {
                Some(0) if name == "end-before" && skip == 0 => {
                    return Some(format!("has nothing before `{marker}`"));
                }
                Some(_) => {}
                None => return Some(format!("has no `{marker}` where the snippet could end")),
            }
        }
    }
    None
}

/// Checks the documents among `files`, paths in the kernel tree with where the
/// files are. What is not among them is looked for in `tree`.
pub fn complaints(
    files: &BTreeMap<String, std::path::PathBuf>,
    tree: &Path,
) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    for (name, path) in files.iter().filter(|(name, _)| name.ends_with(".rst")) {
        let text = fs::read_to_string(path)?;
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        for snippet in snippets(&text) {
            let source = normal(&folder.join(snippet.file));
            let found = match files.get(&source) {
                Some(path) => fs::read_to_string(path),
                None => fs::read_to_string(tree.join(&source)),
            };
            let wrong = match found {
                Ok(text) => complaint(&snippet, &text),
                Err(error) => Some(format!("cannot be read: {error}")),
            };
            if let Some(wrong) = wrong {
                complaints.push(format!("{name}:{}: {source} {wrong}", snippet.line));
            }
        }
    }
    Ok(complaints)
}

/// The path without `..`.
fn normal(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.iter().filter_map(|part| part.to_str()) {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "// doc: one\nfn one() {\n}\n// doc: two\nfn two() {}\n";

    fn check(options: &[(&str, &str)]) -> Option<String> {
        let mut document = format!("Text\n\n{DIRECTIVE}../../a.rs\n   :language: rust\n");
        for (name, value) in options {
            document.push_str(&format!("   :{name}: {value}\n"));
        }
        document.push_str("\nMore\n");
        let found = snippets(&document);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].file), (3, "../../a.rs"));
        assert_eq!(found[0].options.len(), options.len() + 1);
        complaint(&found[0], SOURCE)
    }

    #[test]
    fn markers_have_to_be_there_in_order() {
        assert_eq!(check(&[]), None);
        assert_eq!(
            check(&[("start-after", "doc: one"), ("end-before", "doc:")]),
            None
        );
        assert_eq!(
            check(&[("start-at", "fn one"), ("end-before", "fn ")]),
            None
        );
        assert_eq!(check(&[("start-at", "fn two"), ("end-at", "fn two")]), None);
        for wrong in [
            [("start-at", "fn three"), ("end-before", "}")],
            [("start-after", "doc: two"), ("end-before", "doc:")],
            [("start-after", "doc: two"), ("end-before", "fn two")],
            [("start-at", "fn two"), ("end-before", "fn two")],
            [("start-at", "fn two"), ("end-at", "fn one")],
        ] {
            assert!(check(&wrong).is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_document() {
        let path = Path::new("Documentation/gpu/rust/../../../samples/rust/./a.rs");
        assert_eq!(normal(path), "samples/rust/a.rs");
    }
}
