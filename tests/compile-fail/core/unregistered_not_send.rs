// SPDX-License-Identifier: GPL-2.0

// Promise: A device that is not registered yet stays on its thread.
// Error: E0277
// Error-text: cannot be sent between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn send<T: Send>(_: T) {}

fn share(dev: &UnregisteredDevice<Driver>) {
    // References to the device itself may go anywhere.
    send(ARef::<Device<Driver>>::from(&**dev));
}

#[cfg(violate)]
fn violate(dev: UnregisteredDevice<Driver>) {
    send(dev);
}
