// SPDX-License-Identifier: GPL-2.0

// Promise: The proof that one commit was checked cannot be used for another.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kernel::drm::kms::Checked;

fn fine<'a, 'b>(
    one: &mut AtomicCheck<'a, Driver>,
    _two: &mut AtomicCheck<'b, Driver>,
) -> Result<Checked<'a>> {
    one.helper_check()
}

#[cfg(violate)]
fn violate<'a, 'b: 'a>(
    _one: &mut AtomicCheck<'a, Driver>,
    two: &mut AtomicCheck<'b, Driver>,
) -> Result<Checked<'a>> {
    two.helper_check()
}
