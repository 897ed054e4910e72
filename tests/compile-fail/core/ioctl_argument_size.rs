// SPDX-License-Identifier: GPL-2.0

// Promise: The argument of an ioctl has the size that is encoded in its number.
// Error: E0080
// Error-text: the argument type does not have the size that is encoded in the ioctl's number

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

driver_bo!(Mine, MineBo);
driver_file!(Mine, MineFile);

#[cfg(not(violate))]
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    kernel::declare_drm_ioctls! {
        (NOVA_GETPARAM, drm_nova_getparam, ioctl::AUTH, |_, _, _, _| Ok(0)),
    }
});

#[cfg(violate)]
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    kernel::declare_drm_ioctls! {
        (NOVA_GETPARAM, drm_mode_create_dumb, ioctl::AUTH, |_, _, _, _| Ok(0)),
    }
});
