// SPDX-License-Identifier: GPL-2.0

// Promise: The files of a driver are its own.
// Error: E0271
// Error-text: type mismatch resolving `<OtherFile as DriverFile>::Driver == Mine`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

driver_bo!(Mine, MineBo);
driver_file!(Mine, MineFile);

#[cfg(not(violate))]
type TheFile = MineFile;

#[cfg(violate)]
type TheFile = OtherFile;

driver!(Mine, (), TheFile, gem::Object<MineBo>, { kernel::declare_drm_ioctls! {} });
