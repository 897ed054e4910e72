// SPDX-License-Identifier: GPL-2.0

// Promise: A group gets its default groups before configfs knows it.
// Error: E0521
// Error-text: borrowed data escapes outside of closure

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/configfs_groups.rs"));

fn keep(_groups: &mut DefaultGroups<'_>) {}

#[cfg(violate)]
fn keep_for_ever(_groups: &'static mut DefaultGroups<'static>) {}

fn group() -> impl PinInit<Group<Plain>, Error> {
    Group::with_default_groups(c"group", Ok(Plain), |groups| {
        keep(groups);
        #[cfg(violate)]
        keep_for_ever(groups);
        Ok(())
    })
}
