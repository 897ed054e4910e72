// SPDX-License-Identifier: GPL-2.0

// Promise: Damage is looked at while the commit that brings it is executed.
// Error-text: lifetime may not live long enough

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

    const FB_DAMAGE_CLIPS: bool = true;

    fn atomic_update(_commit: &PlaneCommit<'_, Self>) {}
}

fn fine<'a>(commit: &PlaneCommit<'a, MinePlane>) -> kms::Damage<'a> {
    commit.damage()
}

#[cfg(violate)]
fn violate<'a>(commit: &PlaneCommit<'a, MinePlane>) -> kms::Damage<'static> {
    commit.damage()
}
