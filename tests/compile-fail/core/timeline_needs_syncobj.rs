// SPDX-License-Identifier: GPL-2.0

// Promise: Timelines need synchronisation objects.
// Error: E0080
// Error-text: FEAT_SYNCOBJ_TIMELINE needs FEAT_SYNCOBJ

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

driver_bo!(Mine, MineBo);
driver_file!(Mine, MineFile);
driver!(Mine, (), MineFile, gem::Object<MineBo>, {
    const FEAT_SYNCOBJ: bool = cfg!(not(violate));
    const FEAT_SYNCOBJ_TIMELINE: bool = true;

    kernel::declare_drm_ioctls! {}
});

// The error comes when the code is generated, not when it is checked.
pub fn make(parent: &faux::Device<Bound>) -> Result<UnregisteredDevice<Mine>> {
    UnregisteredDevice::new(parent, Ok(()))
}
