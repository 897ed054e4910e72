// SPDX-License-Identifier: GPL-2.0

// Promise: Printers of different callbacks cannot be swapped.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine<'a>(first: &mut drm::Printer<'a>, second: &mut drm::Printer<'a>) {
    core::mem::swap(first, second);
}

#[cfg(violate)]
fn violate<'a, 'b>(first: &mut drm::Printer<'a>, second: &mut drm::Printer<'b>) {
    core::mem::swap(first, second);
}
