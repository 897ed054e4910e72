// SPDX-License-Identifier: GPL-2.0

// Promise: A driver does not make a vblank timer of its own, which could wait for itself.
// Error: E0277
// Error-text: `VblankSupport` is a "sealed trait"

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

struct Mine;

fn takes<V: kms::vblank::VblankSupport<MyCrtc>>() {}

fn fine() {
    takes::<kms::vblank::Timer>();
    takes::<kms::vblank::None>();
}

#[cfg(violate)]
impl kms::vblank::VblankSupport<MyCrtc> for Mine {}
