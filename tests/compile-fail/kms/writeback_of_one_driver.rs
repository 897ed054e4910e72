// SPDX-License-Identifier: GPL-2.0

// Promise: The writeback connectors of a driver belong to that driver.
// Error: E0271
// Error-text: type mismatch resolving

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

fn fine(setup: &SetupDevice<'_, Driver>, encoder: &kms::Encoder<MyEncoder>) -> Result {
    setup.create_writeback_connector(encoder, &[fourcc::XRGB8888], Ok(MyWriteback))?;
    Ok(())
}

#[cfg(violate)]
fn violate(setup: &SetupDevice<'_, Other>, encoder: &kms::Encoder<OtherEncoder>) -> Result {
    setup.create_writeback_connector(encoder, &[fourcc::XRGB8888], Ok(MyWriteback))?;
    Ok(())
}
