// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of KMS.
//!
//! The devices are on the faux bus and have virtual displays. Commits are made as the ioctls make
//! them, on kernel structures. Each test tells its device in a [`fixture::Script`] what to do.

mod fixture;

mod blend;
mod color;
mod commit;
mod copy;
mod edid;
mod framebuffer;
mod hotplug;
mod interrupt;
mod panic;
mod setup;
mod teardown;
mod vblankless;
mod writeback;
