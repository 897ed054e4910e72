// SPDX-License-Identifier: GPL-2.0

// Promise: A panic screen is drawn into framebuffers that are mapped before.
// Error: E0080
// Error-text: PANIC_SCREEN needs MAP_FRAMEBUFFERS

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

    const MAP_FRAMEBUFFERS: bool = cfg!(not(violate));
    const PANIC_SCREEN: bool = true;

    fn atomic_update(_commit: &PlaneCommit<'_, Self>) {}
}

pub fn set_up(setup: &SetupDevice<'_, Mine>, args: &PlaneArgs<'_>) -> Result {
    setup.create_plane(args, Ok(MinePlane))?;
    Ok(())
}
