// SPDX-License-Identifier: GPL-2.0

// Promise: The driver's part of an object, which any task may drop, is `Send`.
// Error: E0277
// Error-text: cannot be sent between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

struct Sent {
    #[cfg(not(violate))]
    value: u32,
    #[cfg(violate)]
    value: kernel::types::NotThreadSafe,
}

impl DriverObject for Sent {
    type Driver = Driver;
    type Args = ();

    fn new(_dev: &drm::Device<Driver>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        #[cfg(not(violate))]
        let value = 0;
        #[cfg(violate)]
        let value = kernel::types::NotThreadSafe;

        Ok::<_, Error>(Sent { value })
    }
}
