// SPDX-License-Identifier: GPL-2.0

//! The mode configuration of a device: limits, and the hooks for whole commits.
//!
//! C header: [`include/drm/drm_mode_config.h`](srctree/include/drm/drm_mode_config.h)

use super::{
    atomic::{
        tail::CommitTail,
        AtomicCheck, //
    },
    plane::DriverPlane,
    KmsDriver, //
};
use crate::{
    bindings,
    drm::Device,
    error::from_result,
    prelude::*, //
};

/// Limits and preferences of a device.
///
/// Sizes are width and height in pixels.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ModeConfigInfo {
    /// The smallest framebuffer.
    pub min_size: (u32, u32),
    /// The largest framebuffer.
    pub max_size: (u32, u32),
    /// The largest cursor; 0 by 0 if there are no cursor planes.
    pub cursor_size: (u32, u32),
    /// The colour depth that clients should use, in bits; 0 leaves it to them.
    pub preferred_depth: u32,
}

impl ModeConfigInfo {
    /// # Errors
    ///
    /// `EINVAL` if the limits contradict each other or are beyond what the core can handle.
    pub(super) fn check(&self) -> Result {
        // The core keeps sizes as signed numbers in some places and in 16.16 fixed point in others.
        const MAX: u32 = u16::MAX as u32;

        let (min_w, min_h) = self.min_size;
        let (max_w, max_h) = self.max_size;
        let (cursor_w, cursor_h) = self.cursor_size;
        let ordered = min_w <= max_w && min_h <= max_h;
        let bounded = max_w <= MAX && max_h <= MAX && cursor_w <= MAX && cursor_h <= MAX;

        if ordered && bounded && max_w > 0 && max_h > 0 {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}

/// The vtables of devices of `D`.
pub(super) struct ModeConfigVtables<D: KmsDriver>(core::marker::PhantomData<D>);

impl<D: KmsDriver> ModeConfigVtables<D> {
    pub(super) const FUNCS: bindings::drm_mode_config_funcs = {
        let mut funcs: bindings::drm_mode_config_funcs = pin_init::zeroed();

        funcs.fb_create = if <D::Plane as DriverPlane>::FB_DAMAGE_CLIPS {
            Some(bindings::drm_gem_fb_create_with_dirty)
        } else {
            Some(bindings::drm_gem_fb_create)
        };
        funcs.atomic_check = Some(Self::atomic_check_callback);
        funcs.atomic_commit = Some(Self::atomic_commit_callback);
        funcs
    };

    pub(super) const HELPER_FUNCS: bindings::drm_mode_config_helper_funcs = {
        let mut funcs: bindings::drm_mode_config_helper_funcs = pin_init::zeroed();

        funcs.atomic_commit_tail = Some(Self::atomic_commit_tail_callback);
        funcs
    };

    /// # Safety
    ///
    /// `commit` must be a commit of a device of `D` in its check phase.
    unsafe extern "C" fn atomic_check_callback(
        _dev: *mut bindings::drm_device,
        commit: *mut bindings::drm_atomic_commit,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function; views of the hooks of objects
            // are only used while this one is borrowed exclusively.
            let mut check = unsafe { AtomicCheck::from_raw(commit) };
            let result = D::atomic_check(&mut check).map(|_checked| ());

            check.finish_commit(result).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// `commit` must be a checked commit of the device `dev`, which must be one of `D`.
    unsafe extern "C" fn atomic_commit_callback(
        dev: *mut bindings::drm_device,
        commit: *mut bindings::drm_atomic_commit,
        nonblock: bool,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function.
            let lifecycle = unsafe { Device::<D>::from_raw(dev) }.lifecycle();

            // SAFETY: By the safety requirements of this function.
            unsafe { lifecycle.ok_or(EINVAL)?.commit(dev, commit, nonblock) }.map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// `commit` must be a commit of a device of `D` whose states were swapped, and of which no step
    /// of the tail was done.
    unsafe extern "C" fn atomic_commit_tail_callback(commit: *mut bindings::drm_atomic_commit) {
        // SAFETY: By the safety requirements of this function. The driver's function must accept
        // any lifetime, so it cannot mix up this one with another.
        let _done = D::atomic_commit_tail(unsafe { CommitTail::from_raw(commit) });
    }
}
