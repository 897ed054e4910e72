// SPDX-License-Identifier: GPL-2.0

//! Words for whoever reads the console or the kernel log.

use std::io::Write;

/// Writes a line into the kernel log, or on standard error as long as there is no such device.
pub fn say(text: &str) {
    let line = format!("<5>{text}\n");
    if std::fs::write("/dev/kmsg", line).is_err() {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
