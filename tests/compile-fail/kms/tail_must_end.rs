// SPDX-License-Identifier: GPL-2.0

// Promise: The tail of a commit cannot return before its last step.
// Error: E0308
// Error-text: mismatched types
// Error-text: CommitDone

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine<'a>(tail: CommitTail<'a, Driver, Begin>) -> CommitDone<'a> {
    tail.commit_modeset_disables()
        .commit_planes(CommitPlanes::All)
        .commit_modeset_enables()
        .commit_hw_done()
        .wait_for_flip_done()
        .cleanup_planes()
}

#[cfg(violate)]
fn violate<'a>(tail: CommitTail<'a, Driver, Begin>) -> CommitDone<'a> {
    tail.commit_modeset_disables()
        .commit_planes(CommitPlanes::All)
        .commit_modeset_enables()
        .commit_hw_done()
        .wait_for_flip_done()
}
