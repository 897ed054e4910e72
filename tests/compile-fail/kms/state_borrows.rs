// SPDX-License-Identifier: GPL-2.0

// Promise: States, which the core keeps, do not borrow.
// Error: E0478
// Error-text: must outlive the static lifetime

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

#[cfg(not(violate))]
struct State(&'static u32);

#[cfg(not(violate))]
impl kms::DriverState for State {
    fn new() -> Result<Self> {
        Err(ENODEV)
    }

    fn duplicate(&self) -> Result<Self> {
        Err(ENODEV)
    }
}

#[cfg(violate)]
struct State<'a>(&'a u32);

#[cfg(violate)]
impl<'a> kms::DriverState for State<'a> {
    fn new() -> Result<Self> {
        Err(ENODEV)
    }

    fn duplicate(&self) -> Result<Self> {
        Err(ENODEV)
    }
}
