// SPDX-License-Identifier: GPL-2.0

// Promise: The description of an ioctl is made by the macro only.
// Error: E0603
// Error-text: tuple struct constructor `DrmIoctlDescriptor` is private

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

driver_bo!(Mine, MineBo);
driver_file!(Mine, MineFile);

#[cfg(not(violate))]
driver!(Mine, (), MineFile, gem::Object<MineBo>, { kernel::declare_drm_ioctls! {} });

#[cfg(violate)]
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    const IOCTLS: &'static [ioctl::DrmIoctlDescriptor<Self>] = &[ioctl::DrmIoctlDescriptor(
        pin_init::zeroed::<kernel::bindings::drm_ioctl_desc>(),
        core::marker::PhantomData,
    )];
});
