// SPDX-License-Identifier: GPL-2.0

// Promise: Once the hardware is programmed, only old states can be looked up.
// Error: E0599
// Error-text: no method named `commit` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kms::atomic::tail::HwDone;

fn fine(tail: &CommitTail<'_, Driver, HwDone>, crtc: &Crtc<MyCrtc>) -> bool {
    tail.old_states()
        .old_state(crtc)
        .is_some_and(CrtcState::active)
}

#[cfg(violate)]
fn violate(tail: &CommitTail<'_, Driver, HwDone>, crtc: &Crtc<MyCrtc>) -> bool {
    tail.commit().new_state(crtc).is_some_and(CrtcState::active)
}
