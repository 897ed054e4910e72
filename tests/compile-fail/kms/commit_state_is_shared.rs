// SPDX-License-Identifier: GPL-2.0

// Promise: A published state cannot be changed.
// Error: E0599
// Error-text: no method named `data_mut` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(check: &CrtcCheck<'_, MyCrtc>) -> Result {
    *check.new()?.data_mut() = ();
    Ok(())
}

#[cfg(violate)]
fn violate(commit: &CrtcCommit<'_, MyCrtc>) {
    *commit.new().data_mut() = ();
}
