// SPDX-License-Identifier: GPL-2.0

// Promise: A writeback connector does something with its jobs.
// Error: E0046
// Error-text: missing: `commit`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

struct MyWriteback;

#[vtable]
impl kms::DriverWriteback for MyWriteback {
    type Driver = Driver;
    type State = ();

    fn get_modes(_probe: &WritebackProbe<'_, Self>) -> Result {
        Ok(())
    }

    #[cfg(not(violate))]
    fn commit(_commit: &WritebackCommit<'_, Self>, job: WritebackJob<Self>) {
        job.fail(EIO);
    }
}
