// SPDX-License-Identifier: GPL-2.0

// Promise: The data of a device is shared between threads.
// Error: E0277
// Error-text: cannot be shared between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

driver_bo!(Mine, MineBo);
driver_file!(Mine, MineFile);

#[cfg(not(violate))]
type Data = kernel::sync::atomic::Atomic<u32>;

#[cfg(violate)]
type Data = core::cell::Cell<u32>;

driver!(Mine, Data, MineFile, gem::Object<MineBo>, { kernel::declare_drm_ioctls! {} });
