// SPDX-License-Identifier: GPL-2.0

//! What rustc and clippy say in the output of a build.

/// A warning or an error, with the lines that explain it.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The file that it is about, as a path in the kernel tree.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Returns the diagnostics in `log` that are about a file for which `is_ours`
/// holds.
pub fn find(log: &str, is_ours: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut block: Option<Vec<&str>> = None;

    // The empty line at the end closes the last block.
    for line in log.lines().chain([""]) {
        if starts_block(line) || line.trim().is_empty() {
            if let Some(diagnostic) = block.take().and_then(|lines| read(&lines)) {
                if is_ours(&diagnostic.path) && !found.contains(&diagnostic) {
                    found.push(diagnostic);
                }
            }
        }
        if starts_block(line) {
            block = Some(vec![line]);
        } else if let Some(lines) = &mut block {
            lines.push(line);
        }
    }
    found
}

fn starts_block(line: &str) -> bool {
    ["warning: ", "error: ", "error["]
        .iter()
        .any(|start| line.starts_with(start))
}

fn read(lines: &[&str]) -> Option<Diagnostic> {
    let place = lines
        .iter()
        .find_map(|line| line.trim_start().strip_prefix("--> "))?;
    // PATH:LINE:COLUMN
    let path = place.rsplitn(3, ':').nth(2)?;
    let path = path.strip_prefix("/src/").unwrap_or(path);
    let path = path.trim_start_matches("../").trim_start_matches("src/");
    Some(Diagnostic {
        path: path.into(),
        text: lines.join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "  RUSTC L rust/kernel.o
warning: missing documentation for a function
  --> rust/kernel/drm/gem.rs:10:1
   |
10 | pub fn f() {}
   | ^^^^^^^^^^

warning: unsafe block missing a safety comment
   --> /src/rust/kernel/sync.rs:7:5

error: unused variable
 --> drivers/gpu/drm/rvkms/rvkms_main.rs:1:2
warning: 2 warnings emitted

make: *** x
";

    #[test]
    fn only_ours_are_found() {
        let found = find(LOG, |path| !path.ends_with("sync.rs"));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].path, "rust/kernel/drm/gem.rs");
        assert!(found[0].text.contains("pub fn f"));
        assert_eq!(found[1].path, "drivers/gpu/drm/rvkms/rvkms_main.rs");

        let found = find(LOG, |path| path == "rust/kernel/sync.rs");
        assert_eq!(found.len(), 1);
    }
}
