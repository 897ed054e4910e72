// SPDX-License-Identifier: GPL-2.0

// Promise: Nothing that lives shorter than the registration data can be put into it.
// Error: E0521
// Error-text: borrowed data escapes outside of function

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
fn violate(dev: &Device<Driver, Registered>, number: &u64) {
    dev.registration_data_with(|data| put(data, number));
}
