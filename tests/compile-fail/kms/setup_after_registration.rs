// SPDX-License-Identifier: GPL-2.0

// Promise: Mode objects cannot be made once the setup is over.
// Error: E0599
// Error-text: no method named `create_encoder` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(setup: &SetupDevice<'_, Driver>, crtc: &Crtc<MyCrtc>) -> Result {
    setup.create_encoder(EncoderType::Virtual, &[crtc], None, Ok(MyEncoder))?;
    Ok(())
}

#[cfg(violate)]
fn violate(dev: &Device<Driver>, crtc: &Crtc<MyCrtc>) -> Result {
    dev.create_encoder(EncoderType::Virtual, &[crtc], None, Ok(MyEncoder))?;
    Ok(())
}
