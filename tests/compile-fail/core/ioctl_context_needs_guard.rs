// SPDX-License-Identifier: GPL-2.0

// Promise: That a device was registered once is not enough for its registration data.
// Error: E0599
// Error-text: no method named `registration_data_with` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(dev: &Device<Driver, drm::Ioctl>) -> Option<u64> {
    Some(dev.registration_guard()?.registration_data_with(|data| data.number))
}

#[cfg(violate)]
fn violate(dev: &Device<Driver, drm::Ioctl>) -> u64 {
    dev.registration_data_with(|data| data.number)
}
