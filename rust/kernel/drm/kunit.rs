// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of devices, registrations, files, ioctls and debugfs.
//!
//! [`fixture`] has drivers on the faux bus, clients and a log of events, which other suites of
//! [`kernel::drm`](crate::drm) may use as well. No hardware is needed.

pub(super) mod fixture;

mod device;
mod file;
mod ioctl;
mod registration;
