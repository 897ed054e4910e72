// SPDX-License-Identifier: GPL-2.0

// Promise: The handler of an unguarded ioctl does not get the registration data for free.
// Error: E0593
// Error-text: function is expected to take 3 arguments, but it takes 4 arguments

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
    kernel::declare_drm_ioctls! { (NOVA_GETPARAM, drm_nova_getparam, ioctl::AUTH, handler) }
});

#[cfg(violate)]
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    kernel::declare_drm_ioctls! {
        (unguarded NOVA_GETPARAM, drm_nova_getparam, ioctl::AUTH, handler)
    }
});
