// SPDX-License-Identifier: GPL-2.0

// Promise: The C part of a state stays in its place.
// Error: E0594
// Error-text: cannot assign to data in dereference of

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(check: &CrtcCheck<'_, MyCrtc>) -> Result<bool> {
    Ok(check.new()?.active())
}

#[cfg(violate)]
fn violate(check: &CrtcCheck<'_, MyCrtc>, other: CrtcState<MyCrtc>) -> Result {
    let mut state = check.new()?;

    *state = other;
    Ok(())
}
