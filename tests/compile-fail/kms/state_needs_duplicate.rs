// SPDX-License-Identifier: GPL-2.0

// Promise: A state says itself what a later commit inherits of it; copying it is not enough.
// Error: E0046
// Error-text: missing: `duplicate`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

#[derive(Clone)]
struct State {
    shot: Option<u32>,
}

impl kms::DriverState for State {
    fn new() -> Result<Self> {
        Ok(Self { shot: None })
    }

    #[cfg(not(violate))]
    fn duplicate(&self) -> Result<Self> {
        Ok(Self { shot: None })
    }
}
