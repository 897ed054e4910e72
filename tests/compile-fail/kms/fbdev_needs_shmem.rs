// SPDX-License-Identifier: GPL-2.0

// Promise: The framebuffer device for shmem objects needs shmem objects.
// Error: E0271
// Error-text: type mismatch resolving

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

#[cfg(not(violate))]
use kms::fbdev::None as Fbdev;
#[cfg(violate)]
use kms::fbdev::Shmem as Fbdev;

kms_driver! {
    Plain, gem::Object<PlainBo>, PlainBo, PlainFile,
    [PlainCrtc, PlainPlane, PlainEncoder, PlainConnector],
    fbdev: Fbdev,
    parts: [crtc: PlainCrtc, plane: PlainPlane, encoder: PlainEncoder, connector: PlainConnector],
    {}
}
