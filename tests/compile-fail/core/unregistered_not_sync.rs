// SPDX-License-Identifier: GPL-2.0

// Promise: A device that is not registered yet is not shared between threads.
// Error: E0277
// Error-text: cannot be shared between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn share<T: Sync>(_: &T) {}

fn fine(dev: &UnregisteredDevice<Driver>) {
    share::<Device<Driver>>(dev);
}

#[cfg(violate)]
fn violate(dev: &UnregisteredDevice<Driver>) {
    share(dev);
}
