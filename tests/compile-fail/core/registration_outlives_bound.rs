// SPDX-License-Identifier: GPL-2.0

// Promise: A registration does not outlive the time in which the parent is bound.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn data<'a>() -> Result<RegData<'a>> {
    Err(EINVAL)
}

fn fine<'a>(
    parent: &'a device::Device<Bound>,
    dev: UnregisteredDevice<Driver>,
) -> Result<drm::Registration<'a, Driver>> {
    // SAFETY: The caller drops the registration.
    unsafe { drm::Registration::new(parent, dev, data(), 0) }
}

#[cfg(violate)]
fn violate<'a, 'b>(
    parent: &'a device::Device<Bound>,
    dev: UnregisteredDevice<Driver>,
) -> Result<drm::Registration<'b, Driver>> {
    // SAFETY: The caller drops the registration.
    unsafe { drm::Registration::new(parent, dev, data(), 0) }
}
