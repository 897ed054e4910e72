// SPDX-License-Identifier: GPL-2.0

// Promise: A file can be closed by another thread than the one that opened it.
// Error: E0277
// Error-text: cannot be sent between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

#[cfg(not(violate))]
type Thing = usize;

#[cfg(violate)]
type Thing = kernel::types::NotThreadSafe;

pub struct MyFile(Thing);

driver_bo!(Mine, MineBo);
driver!(Mine, (), MyFile, gem::Object<MineBo>, { kernel::declare_drm_ioctls! {} });

impl drm::file::DriverFile for MyFile {
    type Driver = Mine;

    fn open(_dev: &Device<Mine>) -> Result<Pin<KBox<Self>>> {
        Err(EINVAL)
    }
}
