// SPDX-License-Identifier: GPL-2.0

// Promise: What prints a debugfs file captures nothing.
// Error: E0080
// Error-text: the function of a debugfs file cannot capture anything

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

// The error comes when the code is generated, not when it is checked.
pub fn fine(dir: &drm::debugfs::Dir<'_, Driver>) {
    dir.add_file(c"file", |_dev, _reg_data, _printer| Ok(()));
}

#[cfg(violate)]
pub fn violate(dir: &drm::debugfs::Dir<'_, Driver>, number: u64) {
    dir.add_file(c"file", move |_dev, _reg_data, _printer| {
        if number == 0 {
            return Err(EINVAL);
        }
        Ok(())
    });
}
