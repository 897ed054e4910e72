// SPDX-License-Identifier: GPL-2.0

// Promise: A table of colours is not used beyond the state that holds it.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kms::color::ColorLut;

fn fine<'a>(commit: &CrtcCommit<'a, MyCrtc>) -> Option<&'a [ColorLut]> {
    commit.new().gamma_lut()
}

#[cfg(violate)]
fn violate<'a>(commit: &CrtcCommit<'a, MyCrtc>) -> Option<&'static [ColorLut]> {
    commit.new().gamma_lut()
}
