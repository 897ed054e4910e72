// SPDX-License-Identifier: GPL-2.0

// Promise: The handler of an ioctl takes a device of the driver that declares it.
// Error: E0631
// Error-text: type mismatch in function arguments

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

#[cfg(violate)]
fn violate(
    _dev: &Device<Other, Registered>,
    _reg_data: &RegData<'_>,
    _arg: &mut uapi::drm_nova_getparam,
    _file: &drm::File<MineFile>,
) -> Result<u32> {
    Ok(0)
}

#[cfg(not(violate))]
use handler as violate;

driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    kernel::declare_drm_ioctls! { (NOVA_GETPARAM, drm_nova_getparam, ioctl::AUTH, violate) }
});
