// SPDX-License-Identifier: GPL-2.0

// Promise: The driver's part of an object, which lives as long as any client likes, does not borrow.
// Error: E0477
// Error-text: does not fulfill the required lifetime

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

#[cfg(not(violate))]
struct Borrowing(&'static u32);

#[cfg(not(violate))]
impl DriverObject for Borrowing {
    type Driver = Driver;
    type Args = &'static u32;

    fn new(
        _dev: &drm::Device<Driver>,
        _size: usize,
        value: &'static u32,
    ) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Borrowing(value))
    }
}

#[cfg(violate)]
struct Borrowing<'a>(&'a u32);

#[cfg(violate)]
impl<'a> DriverObject for Borrowing<'a> {
    type Driver = Driver;
    type Args = &'a u32;

    fn new(_dev: &drm::Device<Driver>, _size: usize, value: &'a u32) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Borrowing(value))
    }
}
