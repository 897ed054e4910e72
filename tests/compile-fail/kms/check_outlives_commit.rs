// SPDX-License-Identifier: GPL-2.0

// Promise: The proof that a commit was checked cannot be kept for a later one.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kernel::drm::kms::Checked;

fn fine(check: &mut AtomicCheck<'_, Driver>) -> Result {
    check.helper_check().map(|_checked| ())
}

#[cfg(violate)]
fn violate(check: &mut AtomicCheck<'_, Driver>, kept: &mut Option<Checked<'static>>) -> Result {
    *kept = Some(check.helper_check()?);
    Ok(())
}
