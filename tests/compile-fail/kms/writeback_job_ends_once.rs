// SPDX-License-Identifier: GPL-2.0

// Promise: A writeback job ends once.
// Error: E0382
// Error-text: use of moved value: `job`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

struct MyWriteback;

#[vtable]
impl kms::DriverWriteback for MyWriteback {
    type Driver = Driver;
    type State = ();

    const MAP_FRAMEBUFFERS: bool = true;

    fn get_modes(_probe: &WritebackProbe<'_, Self>) -> Result {
        Ok(())
    }

    fn commit(_commit: &WritebackCommit<'_, Self>, job: WritebackJob<Self>) {
        job.complete();
    }
}

fn fine(job: WritebackJob<MyWriteback>) {
    job.complete();
}

#[cfg(violate)]
fn violate(job: WritebackJob<MyWriteback>) {
    job.complete();
    job.fail(EIO);
}
