// SPDX-License-Identifier: GPL-2.0

// Promise: A mode object is kept beyond the setup only with its device.
// Error: E0521
// Error-text: borrowed data escapes outside of function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn keep(_object: &'static Crtc<MyCrtc>) {}

fn keep_handle(_object: KmsRef<Crtc<MyCrtc>>) {}

fn fine(setup: &SetupDevice<'_, Driver>, primary: &Plane<MyPlane>) -> Result {
    keep_handle(setup.create_crtc(primary, None, None, Ok(MyCrtc))?.into());
    Ok(())
}

#[cfg(violate)]
fn violate(setup: &SetupDevice<'_, Driver>, primary: &Plane<MyPlane>) -> Result {
    keep(setup.create_crtc(primary, None, None, Ok(MyCrtc))?);
    Ok(())
}
