// SPDX-License-Identifier: GPL-2.0

// Promise: Nothing is written to a framebuffer after the end of its writeback job.
// Error: E0505
// Error-text: cannot move out of `job` because it is borrowed

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
    if let Some(map) = job.map() {
        let _ = map.write_line(0, 0, 0, &[0; 4]);
    }
    job.complete();
}

#[cfg(violate)]
fn violate(job: WritebackJob<MyWriteback>) {
    let map = job.map();

    job.complete();
    if let Some(map) = map {
        let _ = map.write_line(0, 0, 0, &[0; 4]);
    }
}
