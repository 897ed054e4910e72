// SPDX-License-Identifier: GPL-2.0

//! Reading kmemleak's report.

use super::known::Known;

/// An object that nothing refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leak {
    /// Its size in bytes.
    pub size: u64,
    /// The name of the task that allocated it.
    pub task: String,
    /// What is said about it.
    pub lines: Vec<String>,
}

/// Reads a report.
pub fn parse(report: &str) -> Vec<Leak> {
    let mut leaks: Vec<Leak> = Vec::new();
    for line in report.lines() {
        if line.starts_with("unreferenced object") {
            let size = between(line, "(size ", ")").and_then(|size| size.parse().ok());
            leaks.push(Leak {
                size: size.unwrap_or_default(),
                ..Leak::default()
            });
        }
        let Some(leak) = leaks.last_mut() else {
            continue;
        };
        if let Some(task) = between(line, "comm \"", "\"") {
            leak.task = task.into();
        }
        leak.lines.push(line.into());
    }
    leaks
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// Says what is wrong by a report: the leaks that are not known.
pub fn complaints(report: &str, known: &Known) -> Vec<String> {
    let leaks: Vec<_> = parse(report)
        .into_iter()
        .filter(|leak| !known.has_leak(leak))
        .collect();
    if leaks.is_empty() {
        return Vec::new();
    }
    let mut complaints = vec![format!("{} leaked objects", leaks.len())];
    complaints.extend(leaks.into_iter().flat_map(|leak| leak.lines));
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report of a real kernel, and one more object.
    const REPORT: &str = "\
unreferenced object 0x6362dc00 (size 512):
  comm \"swapper/0\", pid 1, jiffies 4294937316
  hex dump (first 32 bytes):
    0f 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
  backtrace (crc a55a1ef):
unreferenced object 0x64e5ea00 (size 100):
  comm \"insmod\", pid 774, jiffies 4294938000
  backtrace (crc 1):
";

    #[test]
    fn objects_are_told_apart() {
        let leaks = parse(REPORT);
        assert_eq!(leaks.len(), 2);
        assert_eq!((leaks[0].size, leaks[0].task.as_str()), (512, "swapper/0"));
        assert_eq!((leaks[1].size, leaks[1].task.as_str()), (100, "insmod"));
        assert_eq!(leaks[0].lines.len(), 6);
    }

    #[test]
    fn what_is_known_does_not_count_but_the_rest_does() {
        let known = Known::parse(
            "[[leak]]\ntask = 'swapper/0'\nsize = 512\nfirst = '0f 00 00 00'\nreason = 'x'",
        )
        .expect("a list");
        let complaints = complaints(REPORT, &known);
        assert_eq!(complaints[0], "1 leaked objects");
        assert!(complaints[1].contains("0x64e5ea00"));
        assert_eq!(super::complaints("", &Known::default()), [""; 0]);
    }

    #[test]
    fn other_bytes_are_another_leak() {
        let known = Known::parse(
            "[[leak]]\ntask = 'swapper/0'\nsize = 512\nfirst = '10 00 00 00'\nreason = 'x'",
        )
        .expect("a list");
        assert_eq!(complaints(REPORT, &known)[0], "2 leaked objects");
    }
}
