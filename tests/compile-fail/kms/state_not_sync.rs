// SPDX-License-Identifier: GPL-2.0

// Promise: States are shared between threads.
// Error: E0277
// Error-text: cannot be shared between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

struct State(#[cfg(violate)] core::cell::Cell<u32>);

impl kms::DriverState for State {
    fn new() -> Result<Self> {
        Err(ENODEV)
    }

    fn duplicate(&self) -> Result<Self> {
        Err(ENODEV)
    }
}
