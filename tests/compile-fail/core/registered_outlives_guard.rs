// SPDX-License-Identifier: GPL-2.0

// Promise: A reference to a registered device does not outlive its guard.
// Error: E0515
// Error-text: returns a value referencing data owned by the current function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn fine(dev: &Device<Driver>) -> Option<drm::RegistrationGuard<'_, Driver>> {
    dev.registration_guard()
}

#[cfg(violate)]
fn violate(dev: &Device<Driver>) -> Option<&Device<Driver, Registered>> {
    let guard = dev.registration_guard()?;

    Some(&*guard)
}
