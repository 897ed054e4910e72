// SPDX-License-Identifier: GPL-2.0

// Promise: The tail of one commit cannot be ended with that of another.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn end<'a>(tail: CommitTail<'a, Driver, Begin>) -> CommitDone<'a> {
    tail.commit_modeset_disables()
        .commit_planes(CommitPlanes::All)
        .commit_modeset_enables()
        .commit_hw_done()
        .wait_for_flip_done()
        .cleanup_planes()
}

fn fine<'a, 'b>(
    one: CommitTail<'a, Driver, Begin>,
    _two: CommitTail<'b, Driver, Begin>,
) -> CommitDone<'a> {
    end(one)
}

#[cfg(violate)]
fn violate<'a, 'b: 'a>(
    _one: CommitTail<'a, Driver, Begin>,
    two: CommitTail<'b, Driver, Begin>,
) -> CommitDone<'a> {
    end(two)
}
