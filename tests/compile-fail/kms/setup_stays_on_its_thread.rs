// SPDX-License-Identifier: GPL-2.0

// Promise: The setup of a device stays on the thread that does it.
// Error: E0277
// Error-text: cannot be shared between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn share<T: Sync>(_: &T) {}

fn fine(setup: &SetupDevice<'_, Driver>) {
    let dev: &Device<Driver> = setup;

    share(dev);
}

#[cfg(violate)]
fn violate(setup: &SetupDevice<'_, Driver>) {
    share(setup);
}
