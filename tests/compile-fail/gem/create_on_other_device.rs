// SPDX-License-Identifier: GPL-2.0

// Promise: Objects are created on devices of their own driver only.
// Error: E0308
// Error-text: mismatched types
// Error-text: expected `&Device<Other>`, found `&Device<Driver>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn create(dev: &drm::Device<Other>) -> Result<ARef<OtherObject>> {
    OtherObject::new(dev, 1, ())
}

#[cfg(violate)]
fn violate(dev: &drm::Device<Driver>) -> Result<ARef<OtherObject>> {
    OtherObject::new(dev, 1, ())
}
