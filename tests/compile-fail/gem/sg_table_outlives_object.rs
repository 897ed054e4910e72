// SPDX-License-Identifier: GPL-2.0

// Promise: A scatter/gather table does not outlive the object.
// Error: E0505
// Error-text: cannot move out of `obj` because it is borrowed

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn table(obj: ARef<Object>, dev: &device::Device<device::Bound>) -> Result<usize> {
    let table = obj.sg_table(dev)?;
    let entries = table.iter().count();
    drop(obj);

    Ok(entries)
}

#[cfg(violate)]
fn violate(obj: ARef<Object>, dev: &device::Device<device::Bound>) -> Result<usize> {
    let table = obj.sg_table(dev)?;
    drop(obj);

    Ok(table.iter().count())
}
