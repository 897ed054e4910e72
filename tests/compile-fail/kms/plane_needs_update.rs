// SPDX-License-Identifier: GPL-2.0

// Promise: A plane cannot go without the function that the core calls unconditionally.
// Error: E0046
// Error-text: missing: `atomic_update`

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
    type Driver = Mine;
    type State = ();

    #[cfg(not(violate))]
    fn atomic_update(_commit: &PlaneCommit<'_, Self>) {}
}
