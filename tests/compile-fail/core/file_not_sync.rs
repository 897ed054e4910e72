// SPDX-License-Identifier: GPL-2.0

// Promise: A file can be used from several threads at once.
// Error: E0277
// Error-text: cannot be shared between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

#[cfg(not(violate))]
type Count = kernel::sync::atomic::Atomic<u32>;

#[cfg(violate)]
type Count = core::cell::Cell<u32>;

pub struct MyFile(Count);

driver_bo!(Mine, MineBo);
driver!(Mine, (), MyFile, gem::Object<MineBo>, { kernel::declare_drm_ioctls! {} });

impl drm::file::DriverFile for MyFile {
    type Driver = Mine;

    fn open(_dev: &Device<Mine>) -> Result<Pin<KBox<Self>>> {
        Err(EINVAL)
    }
}
