// SPDX-License-Identifier: GPL-2.0

// Promise: While a commit is executed, only its job leads to the framebuffer of a writeback.
// Error: E0599
// Error-text: no method named `framebuffer` found

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

fn fine(check: &kms::WritebackCheck<'_, MyWriteback>) -> Result<bool> {
    Ok(check.new()?.framebuffer().is_some())
}

#[cfg(violate)]
fn violate(commit: &WritebackCommit<'_, MyWriteback>) -> bool {
    commit.new().framebuffer().is_some()
}
