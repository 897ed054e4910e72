// SPDX-License-Identifier: GPL-2.0

// Promise: Drivers cannot invent contexts.
// Error: E0277
// Error-text: Sealed` is not satisfied

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

struct Mine;

fn fine(dev: &Device<Driver, drm::Uninit>) -> &Device<Driver, drm::Normal> {
    dev
}

#[cfg(violate)]
impl drm::DeviceContext for Mine {}
