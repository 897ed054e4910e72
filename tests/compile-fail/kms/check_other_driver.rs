// SPDX-License-Identifier: GPL-2.0

// Promise: A commit has no states of objects of another driver.
// Error: E0271
// Error-text: type mismatch resolving

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(check: &AtomicCheck<'_, Driver>, crtc: &Crtc<MyCrtc>) -> bool {
    check.old_state(crtc).is_some()
}

#[cfg(violate)]
fn violate(check: &AtomicCheck<'_, Driver>, crtc: &Crtc<OtherCrtc>) -> bool {
    check.old_state(crtc).is_some()
}
