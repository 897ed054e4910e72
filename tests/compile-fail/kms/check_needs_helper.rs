// SPDX-License-Identifier: GPL-2.0

// Promise: The check of a commit does not succeed without that of the core.
// Error: E0308
// Error-text: expected `Checked<'_>`, found `()`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kernel::drm::kms::Checked;

fn fine<'a>(check: &mut AtomicCheck<'a, Driver>) -> Result<Checked<'a>> {
    check.helper_check()
}

#[cfg(violate)]
fn violate<'a>(check: &mut AtomicCheck<'a, Driver>) -> Result<Checked<'a>> {
    let _ = check.helper_check();
    Ok(())
}
