// SPDX-License-Identifier: GPL-2.0

// Promise: An object gets handles for clients of its own driver only.
// Error: E0308
// Error-text: expected `&File<File>`, found `&File<OtherFile>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn create(obj: &Object, file: &drm::File<File>) -> Result<u32> {
    obj.create_handle(file)
}

#[cfg(violate)]
fn violate(obj: &Object, file: &drm::File<OtherFile>) -> Result<u32> {
    obj.create_handle(file)
}
