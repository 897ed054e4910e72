// SPDX-License-Identifier: GPL-2.0

// Promise: A handle is deleted as that of an object of the client's driver only.
// Error: E0308
// Error-text: expected `&File<File>`, found `&File<OtherFile>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn delete(file: &drm::File<File>) -> Result {
    Object::delete_handle(file, 1)
}

#[cfg(violate)]
fn violate(file: &drm::File<OtherFile>) -> Result {
    Object::delete_handle(file, 1)
}
