// SPDX-License-Identifier: GPL-2.0

// Promise: A CRTC is not made without a primary plane.
// Error: E0308
// Error-text: mismatched types

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(setup: &SetupDevice<'_, Driver>, primary: &Plane<MyPlane>) -> Result {
    setup.create_crtc(primary, None, None, Ok(MyCrtc))?;
    Ok(())
}

#[cfg(violate)]
fn violate(setup: &SetupDevice<'_, Driver>) -> Result {
    setup.create_crtc(None, None, None, Ok(MyCrtc))?;
    Ok(())
}
