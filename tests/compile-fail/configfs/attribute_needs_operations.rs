// SPDX-License-Identifier: GPL-2.0

// Promise: Each attribute of a group has something to show.
// Error: E0277
// Error-text: the trait bound `Data: AttributeOperations<1>` is not satisfied

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/configfs_groups.rs"));

struct Data;

#[cfg(not(violate))]
configfs_group! {
    data: Data,
    attributes: [one: 0],
    operations: [],
}

#[cfg(violate)]
configfs_group! {
    data: Data,
    attributes: [one: 0, two: 1],
    operations: [],
}

#[vtable]
impl AttributeOperations<0> for Data {
    type Data = Self;

    fn show(_data: &Self, _page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        Ok(0)
    }
}
