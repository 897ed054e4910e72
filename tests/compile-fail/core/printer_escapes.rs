// SPDX-License-Identifier: GPL-2.0

// Promise: A printer does not outlive the callback that it was passed to.
// Error-text: borrowed data escapes outside of function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

use kernel::fmt::Write as _;

fn fine(printer: &mut drm::Printer<'_>) {
    let _ = printer.write_str("text");
}

fn keep(_: &'static mut drm::Printer<'static>) {}

#[cfg(violate)]
fn violate(printer: &mut drm::Printer<'_>) {
    keep(printer);
}
