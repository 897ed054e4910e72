// SPDX-License-Identifier: GPL-2.0

// Promise: The data of a group can be used by several threads at once.
// Error: E0277
// Error-text: `Cell<u32>` cannot be shared between threads safely

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/configfs_groups.rs"));

#[cfg(not(violate))]
struct Data(u32);
#[cfg(violate)]
struct Data(core::cell::Cell<u32>);

configfs_group! {
    data: Data,
    attributes: [],
    operations: [],
}
