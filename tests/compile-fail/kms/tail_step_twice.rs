// SPDX-License-Identifier: GPL-2.0

// Promise: A step of the tail of a commit is done once.
// Error: E0382
// Error-text: use of moved value: `tail`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(tail: CommitTail<'_, Driver, Begin>) {
    let tail = tail.commit_modeset_disables();
    let _ = tail.commit_planes(CommitPlanes::All);
}

#[cfg(violate)]
fn violate(tail: CommitTail<'_, Driver, Begin>) {
    let _ = tail.commit_modeset_disables();
    let _ = tail.commit_modeset_disables();
}
