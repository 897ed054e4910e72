// SPDX-License-Identifier: GPL-2.0

// Promise: A reference to registration data does not leave the closure.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(dev: &Device<Driver, Registered>) -> u64 {
    dev.registration_data_with(|data| data.number)
}

#[cfg(violate)]
fn violate(dev: &Device<Driver, Registered>) -> &u64 {
    dev.registration_data_with(|data| &data.number)
}
