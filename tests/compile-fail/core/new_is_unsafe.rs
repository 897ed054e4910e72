// SPDX-License-Identifier: GPL-2.0

// Promise: A registration with data that borrows is made by unsafe code, which promises to drop it.
// Error: E0133
// Error-text: call to unsafe function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn data<'a>() -> Result<RegData<'a>> {
    Err(EINVAL)
}

fn fine(parent: &device::Device<Bound>, dev: UnregisteredDevice<Driver>) -> Result {
    // SAFETY: The registration is dropped at once.
    drop(unsafe { drm::Registration::new(parent, dev, data(), 0) }?);
    Ok(())
}

#[cfg(violate)]
fn violate(parent: &device::Device<Bound>, dev: UnregisteredDevice<Driver>) -> Result {
    drop(drm::Registration::new(parent, dev, data(), 0)?);
    Ok(())
}
