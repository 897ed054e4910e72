// SPDX-License-Identifier: GPL-2.0

// Promise: The checks of the objects do not run while a state is lent.
// Error: E0502
// Error-text: cannot borrow `*check` as mutable because it is also borrowed as immutable

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(check: &mut AtomicCheck<'_, Driver>, crtc: &Crtc<MyCrtc>) -> Result {
    let active = check.new_state(crtc)?.active();

    let _checked = check.helper_check()?;
    if active {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

#[cfg(violate)]
fn violate(check: &mut AtomicCheck<'_, Driver>, crtc: &Crtc<MyCrtc>) -> Result {
    let state = check.new_state(crtc)?;

    let _checked = check.helper_check()?;
    if state.active() {
        Ok(())
    } else {
        Err(EINVAL)
    }
}
