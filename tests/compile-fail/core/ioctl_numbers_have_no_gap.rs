// SPDX-License-Identifier: GPL-2.0

// Promise: The ioctls of a driver are declared in the order of their numbers.
// Error: E0080
// Error-text: ioctls must be declared in the order of their numbers, without gaps

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

driver_bo!(Mine, MineBo);
driver_file!(Mine, MineFile);

fn handler(
    _dev: &Device<Mine, Registered>,
    _reg_data: &RegData<'_>,
    _arg: &mut uapi::drm_nova_getparam,
    _file: &drm::File<MineFile>,
) -> Result<u32> {
    Ok(0)
}

#[cfg(not(violate))]
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    kernel::declare_drm_ioctls! {
        (NOVA_GETPARAM, drm_nova_getparam, ioctl::AUTH, handler),
        (NOVA_GEM_CREATE, drm_nova_gem_create, ioctl::AUTH, |_, _, _, _| Ok(0)),
        (NOVA_GEM_INFO, drm_nova_gem_info, ioctl::AUTH, |_, _, _, _| Ok(0)),
    }
});

#[cfg(violate)]
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    kernel::declare_drm_ioctls! {
        (NOVA_GETPARAM, drm_nova_getparam, ioctl::AUTH, handler),
        (NOVA_GEM_INFO, drm_nova_gem_info, ioctl::AUTH, |_, _, _, _| Ok(0)),
    }
});
