// SPDX-License-Identifier: GPL-2.0

// Promise: The parent counts as bound only while the device is registered.
// Error: E0308
// Error-text: expected `&Device<Bound>`, found `&Device`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(dev: &Device<Driver, Registered>) -> &faux::Device<Bound> {
    dev.as_ref()
}

#[cfg(violate)]
fn violate(dev: &Device<Driver>) -> &faux::Device<Bound> {
    dev.as_ref()
}
