// SPDX-License-Identifier: GPL-2.0

// Promise: A plane that takes asynchronous updates also shows them.
// Error: E0080
// Error-text: async_check() and async_update() need each other

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

    fn atomic_update(_commit: &PlaneCommit<'_, Self>) {}

    fn async_check(_check: &PlaneCheck<'_, Self>) -> Result {
        Ok(())
    }

    #[cfg(not(violate))]
    fn async_update(_update: &AsyncUpdate<'_, Self>) {}
}

pub fn set_up(setup: &SetupDevice<'_, Mine>, args: &PlaneArgs<'_>) -> Result {
    setup.create_plane(args, Ok(MinePlane))?;
    Ok(())
}
