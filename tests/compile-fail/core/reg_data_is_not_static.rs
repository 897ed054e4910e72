// SPDX-License-Identifier: GPL-2.0

// Promise: The registration data cannot be taken for static.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(dev: &Device<Driver, Registered>) -> u64 {
    // SAFETY: This program does not run.
    dev.registration_data_with(|data| unsafe { (*data.slot.get()).map_or(0, |n| *n) })
}

#[cfg(violate)]
fn violate(dev: &Device<Driver, Registered>) -> Option<&'static u64> {
    // SAFETY: This program does not run.
    dev.registration_data_with(|data| unsafe { *data.slot.get() })
}
