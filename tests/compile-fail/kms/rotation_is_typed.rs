// SPDX-License-Identifier: GPL-2.0

// Promise: A rotation is one that exists, not any number.
// Error: E0308
// Error-text: mismatched types

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(setup: &SetupDevice<'_, Driver>, plane: &Plane<MyPlane>) -> Result {
    setup.create_rotation_property(
        plane,
        kms::Rotations::ROTATE_180 | kms::Rotations::REFLECT_X,
    )
}

#[cfg(violate)]
fn violate(setup: &SetupDevice<'_, Driver>, plane: &Plane<MyPlane>) -> Result {
    setup.create_rotation_property(plane, 0x40)
}
