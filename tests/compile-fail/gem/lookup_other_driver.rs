// SPDX-License-Identifier: GPL-2.0

// Promise: A handle of one driver's client is not looked up as an object of another driver.
// Error: E0308
// Error-text: expected `&File<OtherFile>`, found `&File<File>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn lookup(file: &drm::File<File>) -> Result<ARef<Object>> {
    Object::lookup_handle(file, 1)
}

#[cfg(violate)]
fn violate(file: &drm::File<File>) -> Result<ARef<OtherObject>> {
    OtherObject::lookup_handle(file, 1)
}
