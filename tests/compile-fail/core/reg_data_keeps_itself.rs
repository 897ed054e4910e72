// SPDX-License-Identifier: GPL-2.0

// Promise: The registration data cannot be made to refer to itself, which would dangle while it is dropped.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

static NUMBER: u64 = 0;

fn put<'a>(data: &RegData<'a>, number: &'a u64) {
    // SAFETY: This program does not run.
    unsafe { *data.slot.get() = Some(number) };
}

fn fine(dev: &Device<Driver, Registered>) {
    dev.registration_data_with(|data| put(data, &NUMBER));
}

#[cfg(violate)]
fn violate(dev: &Device<Driver, Registered>) {
    dev.registration_data_with(|data| put(data, &data.number));
}
