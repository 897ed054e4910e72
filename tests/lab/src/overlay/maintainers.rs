// SPDX-License-Identifier: GPL-2.0

//! Merging our sections into the kernel's MAINTAINERS.

use std::collections::BTreeMap;

/// The line before the first section of the kernel's file.
const START: &str = "Maintainers List";

/// The last section, which the order leaves out.
const LAST: &str = "THE REST";

/// A section: its title and the lines below, each of which is `X:\ttext`.
#[derive(Debug, PartialEq)]
struct Section<'a> {
    title: &'a str,
    lines: Vec<&'a str>,
}

/// Splits text into paragraphs, each a list of lines.
fn paragraphs(text: &str) -> Vec<Vec<&str>> {
    let mut paragraphs: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        if line.trim().is_empty() {
            paragraphs.push(Vec::new());
        } else if let Some(last) = paragraphs.last_mut() {
            last.push(line);
        }
    }
    paragraphs.retain(|lines| !lines.is_empty());
    paragraphs
}

/// Reads a paragraph as a section, if it is one.
fn section<'a>(lines: &[&'a str]) -> Option<Section<'a>> {
    let (title, rest) = lines.split_first()?;
    let is_field = |line: &&str| {
        let mut chars = line.chars();
        chars.next().is_some_and(|c| c.is_ascii_uppercase()) && chars.next() == Some(':')
    };
    (!rest.is_empty() && !is_field(title) && rest.iter().all(is_field)).then(|| Section {
        title,
        lines: rest.to_vec(),
    })
}

/// Puts the sections of `ours` into `stock`, each where the order of titles
/// wants it; a section of the same title is replaced.
pub fn merge(stock: &str, ours: &str) -> String {
    let mut ours: BTreeMap<&str, Vec<&str>> = paragraphs(ours)
        .iter()
        .filter_map(|lines| section(lines))
        .map(|section| (section.title, section.lines))
        .collect();
    let mut merged = String::with_capacity(stock.len() + 4096);
    let mut write = |title: &str, lines: &[&str]| {
        merged.push_str(title);
        merged.push('\n');
        for line in lines {
            merged.push_str(line);
            merged.push('\n');
        }
        merged.push('\n');
    };
    let mut in_list = false;

    for lines in paragraphs(stock) {
        in_list |= lines.first().is_some_and(|line| line.starts_with(START));
        let Some(section) = section(&lines).filter(|_| in_list) else {
            write(lines[0], &lines[1..]);
            continue;
        };
        while let Some((&title, _)) = ours.first_key_value() {
            if title >= section.title && section.title != LAST {
                break;
            }
            if let Some(lines) = ours.remove(title) {
                write(title, &lines);
            }
        }
        let lines = ours.remove(section.title).unwrap_or(section.lines);
        write(section.title, &lines);
    }
    for (title, lines) in ours {
        write(title, &lines);
    }
    merged.truncate(merged.trim_end().len());
    merged.push('\n');
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: &str = "List of maintainers\n\nM: Mail\n\nMaintainers List\n----------------\n\nAAA DRIVER\nM:\ta@x\nF:\taaa/\n\nDRM RUST\nM:\told@x\n\nZZZ\nM:\tz@x\n\nTHE REST\nM:\tl@x\nF:\t*/\n";

    #[test]
    fn sections_are_put_in_order() {
        let ours =
            "# Comment\n\nDRM RUST\nM:\tnew@x\nF:\trust/\n\nRVKMS\nM:\tr@x\n\nZZZZ\nM:\tq@x\n";
        let merged = merge(STOCK, ours);
        let place = |text: &str| merged.find(text).expect(text);
        assert!(place("AAA DRIVER") < place("DRM RUST"));
        assert!(place("DRM RUST\nM:\tnew@x\nF:\trust/\n\nRVKMS") < place("ZZZ\n"));
        assert!(place("ZZZ\n") < place("ZZZZ\n") && place("ZZZZ\n") < place("THE REST"));
        assert!(!merged.contains("old@x") && !merged.contains("# Comment"));
    }

    #[test]
    fn nothing_to_merge_changes_nothing() {
        assert_eq!(merge(STOCK, ""), STOCK);
    }
}
