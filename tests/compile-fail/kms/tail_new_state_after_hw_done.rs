// SPDX-License-Identifier: GPL-2.0

// Promise: A new state cannot be used once the hardware is programmed.
// Error: E0505
// Error-text: cannot move out of `tail` because it is borrowed

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kms::atomic::tail::Programmed;

fn fine(tail: CommitTail<'_, Driver, Programmed>, crtc: &Crtc<MyCrtc>) -> bool {
    let active = tail.commit().new_state(crtc).is_some_and(CrtcState::active);

    let _ = tail.commit_hw_done();
    active
}

#[cfg(violate)]
fn violate(tail: CommitTail<'_, Driver, Programmed>, crtc: &Crtc<MyCrtc>) -> bool {
    let state = tail.commit().new_state(crtc);

    let _ = tail.commit_hw_done();
    state.is_some_and(CrtcState::active)
}
