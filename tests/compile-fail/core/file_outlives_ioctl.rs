// SPDX-License-Identifier: GPL-2.0

// Promise: A file is not kept beyond the call that it was passed to.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(file: &drm::File<File>) -> u64 {
    file.client_id()
}

#[cfg(violate)]
fn violate(file: &drm::File<File>) -> Pin<&'static File> {
    file.inner()
}
