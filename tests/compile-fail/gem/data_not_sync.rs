// SPDX-License-Identifier: GPL-2.0

// Promise: The driver's part of an object, which all tasks share, is `Sync`.
// Error: E0277
// Error-text: cannot be shared between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

struct Shared {
    #[cfg(not(violate))]
    value: kernel::sync::atomic::Atomic<u32>,
    #[cfg(violate)]
    value: core::cell::Cell<u32>,
}

impl DriverObject for Shared {
    type Driver = Driver;
    type Args = ();

    fn new(_dev: &drm::Device<Driver>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        #[cfg(not(violate))]
        let value = kernel::sync::atomic::Atomic::new(0);
        #[cfg(violate)]
        let value = core::cell::Cell::new(0);

        Ok::<_, Error>(Shared { value })
    }
}
