// SPDX-License-Identifier: GPL-2.0

// Promise: The handler of an ioctl cannot take its reference for as long-lived as what the registration data borrows.
// Error-text: implementation of `Fn` is not general enough

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
fn violate<'a>(
    _dev: &Device<Mine, Registered>,
    reg_data: &'a RegData<'a>,
    _arg: &mut uapi::drm_nova_getparam,
    _file: &drm::File<MineFile>,
) -> Result<u32> {
    // SAFETY: This program does not run.
    unsafe { *reg_data.slot.get() = Some(&reg_data.number) };
    Ok(0)
}

#[cfg(not(violate))]
use handler as violate;

driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    kernel::declare_drm_ioctls! { (NOVA_GETPARAM, drm_nova_getparam, ioctl::AUTH, violate) }
});
