// SPDX-License-Identifier: GPL-2.0

// Promise: A registered device is not reference-counted as such.
// Error: E0277
// Error-text: AlwaysRefCounted` is not implemented for `kernel::drm::Device<Driver, Registered>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(dev: &Device<Driver, Registered>) -> ARef<Device<Driver>> {
    let dev: &Device<Driver> = dev;

    dev.into()
}

#[cfg(violate)]
fn violate(dev: &Device<Driver, Registered>) -> ARef<Device<Driver, Registered>> {
    dev.into()
}
