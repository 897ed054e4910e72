// SPDX-License-Identifier: GPL-2.0

// Promise: What enables the vblank interrupt cannot call what takes the same locks.
// Error: E0599
// Error-text: no method named `vblank_get` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kernel::interrupt::LocalInterruptDisabled;

impl kms::vblank::VblankInterrupt for MyCrtc {
    fn enable_vblank(&self, _irq: &LocalInterruptDisabled) -> Result {
        #[cfg(violate)]
        let _vblank = self.vblank_get()?;
        Ok(())
    }

    fn disable_vblank(&self, _irq: &LocalInterruptDisabled) {}
}
