// SPDX-License-Identifier: GPL-2.0

// Promise: In-kernel clients start on a registered device only.
// Error: E0308
// Error-text: mismatched types
// Error-text: Registered

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(dev: &Device<Driver>) {
    if let Some(dev) = dev.registration_guard() {
        kms::fbdev::setup_clients(&dev);
    }
}

#[cfg(violate)]
fn violate(dev: &Device<Driver>) {
    kms::fbdev::setup_clients(dev);
}
