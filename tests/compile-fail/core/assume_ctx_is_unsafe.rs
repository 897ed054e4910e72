// SPDX-License-Identifier: GPL-2.0

// Promise: Claiming another context for a device is unsafe.
// Error: E0133
// Error-text: call to unsafe function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(dev: &Device<Driver>) -> &Device<Driver, Registered> {
    // SAFETY: This program does not run.
    unsafe { dev.assume_ctx() }
}

#[cfg(violate)]
fn violate(dev: &Device<Driver>) -> &Device<Driver, Registered> {
    dev.assume_ctx()
}
