// SPDX-License-Identifier: GPL-2.0

// Promise: A new state is lent for no longer than the check.
// Error: E0515
// Error-text: cannot return value referencing

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine<'v>(check: &'v CrtcCheck<'_, MyCrtc>) -> Result<kms::StateMut<'v, Crtc<MyCrtc>>> {
    check.new()
}

#[cfg(violate)]
fn violate<'a>(check: CrtcCheck<'a, MyCrtc>) -> Result<kms::StateMut<'a, Crtc<MyCrtc>>> {
    check.new()
}
