// SPDX-License-Identifier: GPL-2.0

// Promise: Memory that user space writes to does not appear as a slice.
// Error: E0599
// Error-text: no method named `as_slice` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(map: &FramebufferMap<Driver>, line: &mut [u8]) -> Result {
    map.read_line(0, 0, 0, line)
}

#[cfg(violate)]
fn violate(map: &FramebufferMap<Driver>) -> &[u8] {
    map.as_slice()
}
