// SPDX-License-Identifier: GPL-2.0

// Promise: A driver with CRC sources can be told which one to use.
// Error: E0080
// Error-text: CRC_SOURCES and set_crc_source() need each other

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

kms_driver! {
    Mine, gem::Object<MineBo>, MineBo, MineFile,
    [MineCrtc, MinePlane, MineEncoder, MineConnector],
    fbdev: kms::fbdev::None,
    parts: [plane: MinePlane, encoder: MineEncoder, connector: MineConnector],
    {}
}

#[vtable]
impl kms::DriverCrtc for MineCrtc {
    type Driver = Mine;
    type State = ();
    type Vblank = kms::vblank::None;

    const CRC_SOURCES: &'static [kms::CrcSource] = &[kms::CrcSource::new(c"auto")];

    #[cfg(not(violate))]
    fn set_crc_source(_: &Crtc<Self>, _: Option<&'static kms::CrcSource>) -> Result {
        Ok(())
    }
}

pub fn set_up(setup: &SetupDevice<'_, Mine>, primary: &Plane<MinePlane>) -> Result {
    setup.create_crtc(primary, None, None, Ok(MineCrtc))?;
    Ok(())
}
