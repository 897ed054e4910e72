// SPDX-License-Identifier: GPL-2.0

// Promise: A state cannot be kept beyond the callback that got it.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine<'a>(commit: &CrtcCommit<'a, MyCrtc>) -> &'a CrtcState<MyCrtc> {
    commit.new()
}

#[cfg(violate)]
fn violate<'a>(commit: &CrtcCommit<'a, MyCrtc>) -> &'static CrtcState<MyCrtc> {
    commit.new()
}
