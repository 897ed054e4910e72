// SPDX-License-Identifier: GPL-2.0

// Promise: A driver cannot use the ioctls of another one.
// Error: E0308
// Error-text: expected `&[DrmIoctlDescriptor<Mine>]`, found `&[DrmIoctlDescriptor<Other>]`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

driver_bo!(Mine, MineBo);
driver_file!(Mine, MineFile);

#[cfg(not(violate))]
driver!(Mine, (), MineFile, gem::Object<MineBo>, { kernel::declare_drm_ioctls! {} });

#[cfg(violate)]
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    const IOCTLS: &'static [ioctl::DrmIoctlDescriptor<Self>] = <Other as drm::Driver>::IOCTLS;
});
