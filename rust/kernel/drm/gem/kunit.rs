// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of GEM objects.
//!
//! The devices are on the faux bus and need no hardware. Clients are the anonymous files that the
//! selftests of the C code use as well, so that handles can be tested without user space. The
//! dma-bufs to import come from a second device or from an exporter that records what happens to
//! them.
//!
//! KUnit runs one case after the other, so the cases can share counters and switches. Each begins
//! with [`fixture::reset`].

mod dumb;
mod exporter;
mod fixture;
mod import;
mod object;
mod shmem;
