// SPDX-License-Identifier: GPL-2.0

// Promise: A reference to a vblank does not outlive the borrow of its CRTC.
// Error: E0521
// Error-text: borrowed data escapes outside of function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn hold<'a>(_: kms::VblankRef<'a, MyCrtc>, _: &'a Crtc<MyCrtc>) {}

fn keep(_: kms::VblankRef<'static, MyCrtc>) {}

fn fine(crtc: &Crtc<MyCrtc>) -> Result {
    hold(crtc.vblank_get()?, crtc);
    Ok(())
}

#[cfg(violate)]
fn violate(crtc: &Crtc<MyCrtc>) -> Result {
    keep(crtc.vblank_get()?);
    Ok(())
}
