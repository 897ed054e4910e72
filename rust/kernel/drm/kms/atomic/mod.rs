// SPDX-License-Identifier: GPL-2.0

//! Atomic commits.
//!
//! A commit (`struct drm_atomic_commit`) holds the old and the new state of each object that it
//! changes. It goes through two phases, and a driver sees it in each as another type:
//!
//! | phase       | view                               | new states                | old states |
//! |-------------|------------------------------------|---------------------------|------------|
//! | check       | [`AtomicCheck`], [`ObjectCheck`]   | one at a time, [`StateMut`] | `&`      |
//! | programming | [`AtomicCommit`], [`ObjectCommit`] | `&`                       | `&`        |
//! | afterwards  | [`OldStates`]                      | not at all                | `&`        |
//!
//! In between, the new states become the current ones of their objects: from then on the checks of
//! later commits read them at the same time, which is why the programming phase only lends `&`.
//! When the hardware has been programmed, a later commit may take the new states over and free
//! them, which is why they are out of reach afterwards.
//!
//! How the phases follow each other in the tail of a commit is the subject of [`tail`].
//!
//! C header: [`include/drm/drm_atomic.h`](srctree/include/drm/drm_atomic.h)

mod check;
mod commit;
pub mod tail;

pub use check::{
    AtomicCheck,
    Checked,
    ObjectCheck,
    StateMut, //
};
pub use commit::{
    AtomicCommit,
    ObjectCommit,
    OldStates, //
};
