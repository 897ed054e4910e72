// SPDX-License-Identifier: GPL-2.0

// Promise: A borrowed mapping does not outlive the object.
// Error: E0505
// Error-text: cannot move out of `obj` because it is borrowed

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn map(obj: ARef<Object>) -> Result {
    let map = obj.vmap::<4>()?;
    drop(map);
    drop(obj);

    Ok(())
}

#[cfg(violate)]
fn violate(obj: ARef<Object>) -> Result {
    let map = obj.vmap::<4>()?;
    drop(obj);
    drop(map);

    Ok(())
}
