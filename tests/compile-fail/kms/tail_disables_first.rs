// SPDX-License-Identifier: GPL-2.0

// Promise: Planes are not updated before what goes off is off.
// Error: E0599
// Error-text: no method named `commit_planes` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(tail: CommitTail<'_, Driver, Begin>) {
    let _ = tail
        .commit_modeset_disables()
        .commit_planes(CommitPlanes::All);
}

#[cfg(violate)]
fn violate(tail: CommitTail<'_, Driver, Begin>) {
    let _ = tail.commit_planes(CommitPlanes::All);
}
