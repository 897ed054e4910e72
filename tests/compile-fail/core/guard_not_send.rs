// SPDX-License-Identifier: GPL-2.0

// Promise: A guard stays on the thread that has entered the section.
// Error: E0277
// Error-text: cannot be sent between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn send<T: Send>(_: T) {}

fn fine(dev: &Device<Driver>) {
    send(dev);
}

#[cfg(violate)]
fn violate(dev: &Device<Driver>) {
    send(dev.registration_guard());
}
