// SPDX-License-Identifier: GPL-2.0

// Promise: The planes of a driver belong to that driver.
// Error: E0271
// Error-text: type mismatch resolving

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

kms_driver! {
    Mine, gem::Object<MineBo>, MineBo, MineFile,
    [MineCrtc, MinePlane, MineEncoder, MineConnector],
    fbdev: kms::fbdev::None,
    parts: [crtc: MineCrtc, encoder: MineEncoder, connector: MineConnector],
    {}
}

#[vtable]
impl kms::DriverPlane for MinePlane {
    #[cfg(not(violate))]
    type Driver = Mine;
    #[cfg(violate)]
    type Driver = Other;
    type State = ();

    fn atomic_update(_commit: &PlaneCommit<'_, Self>) {}
}
