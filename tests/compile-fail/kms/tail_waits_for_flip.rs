// SPDX-License-Identifier: GPL-2.0

// Promise: Framebuffers are not given up before the flip is done.
// Error: E0599
// Error-text: no method named `cleanup_planes` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine<'a>(tail: CommitTail<'a, Driver, Begin>) -> CommitDone<'a> {
    tail.commit_modeset_disables()
        .commit_modeset_enables()
        .commit_planes(CommitPlanes::ActiveOnly)
        .commit_hw_done()
        .wait_for_flip_done()
        .cleanup_planes()
}

#[cfg(violate)]
fn violate<'a>(tail: CommitTail<'a, Driver, Begin>) -> CommitDone<'a> {
    tail.commit_modeset_disables()
        .commit_modeset_enables()
        .commit_planes(CommitPlanes::ActiveOnly)
        .commit_hw_done()
        .cleanup_planes()
}
