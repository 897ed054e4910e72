// SPDX-License-Identifier: GPL-2.0

// Promise: A view of mapped memory does not outlive the mapping.
// Error: E0505
// Error-text: cannot move out of `map` because it is borrowed

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

use kernel::io::{
    Io,
    IoBase, //
};

fn view(map: gem::shmem::VMapOwned<Data, 4>) -> u32 {
    let value = (&map).as_view().read32(0);
    drop(map);

    value
}

#[cfg(violate)]
fn violate(map: gem::shmem::VMapOwned<Data, 4>) -> u32 {
    let view = (&map).as_view();
    drop(map);

    view.read32(0)
}
