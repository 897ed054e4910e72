// SPDX-License-Identifier: GPL-2.0

// Promise: A driver that looks at the damage of a plane lets user space tell it.
// Error: E0080
// Error-text: damage needs FB_DAMAGE_CLIPS

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
    const FB_DAMAGE_CLIPS: bool = true;

    fn atomic_update(_commit: &PlaneCommit<'_, Self>) {}
}

pub fn update(commit: &PlaneCommit<'_, MinePlane>) -> usize {
    commit.damage().count()
}
