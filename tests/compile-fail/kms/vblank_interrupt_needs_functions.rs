// SPDX-License-Identifier: GPL-2.0

// Promise: Only a CRTC that can enable its interrupt has vblanks by interrupt.
// Error: E0277
// Error-text: the trait bound `MyCrtc: VblankInterrupt` is not satisfied

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn takes<V: kms::vblank::VblankSupport<MyCrtc>>() {}

fn fine() {
    takes::<kms::vblank::Timer>();
}

#[cfg(violate)]
fn violate() {
    takes::<kms::vblank::Interrupt>();
}
