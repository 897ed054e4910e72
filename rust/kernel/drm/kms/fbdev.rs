// SPDX-License-Identifier: GPL-2.0

//! In-kernel clients: the console on the framebuffer device, and others.
//!
//! C headers: [`include/drm/drm_fbdev_shmem.h`](srctree/include/drm/drm_fbdev_shmem.h),
//! [`include/drm/clients/drm_client_setup.h`](srctree/include/drm/clients/drm_client_setup.h)

use super::KmsDriver;
#[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
use crate::drm::gem::{
    self,
    shmem, //
};
use crate::{
    bindings,
    drm::{
        self,
        Device,
        Registered, //
    },
    prelude::*, //
};

pub(crate) mod private {
    use super::*;

    /// The `fbdev_probe` hook of `struct drm_driver`.
    pub(crate) type ProbeFn = unsafe extern "C" fn(
        *mut bindings::drm_fb_helper,
        *mut bindings::drm_fb_helper_surface_size,
    ) -> c_int;

    /// What a kind of framebuffer-device emulation is to the abstractions.
    pub trait FbdevOps<D: drm::Driver> {
        /// The hook; must fit the BOs of `D`.
        const PROBE: Option<ProbeFn>;
    }
}

use private::{
    FbdevOps,
    ProbeFn, //
};

/// How a driver supports the framebuffer device (`/dev/fb*`).
///
/// This trait is sealed: use `Shmem` or [`None`](struct@None).
pub trait FbdevSupport<D: drm::Driver>: FbdevOps<D> {}

/// The framebuffer device shows a BO of system memory.
///
/// With `CONFIG_RUST_DRM_GEM_SHMEM_HELPER`, and only for drivers whose BOs are [`shmem::Object`]s.
#[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
pub struct Shmem;

#[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
impl<D, O> FbdevOps<D> for Shmem
where
    D: drm::Driver<Object = shmem::Object<O>>,
    O: gem::DriverObject,
{
    #[cfg(CONFIG_DRM_FBDEV_EMULATION)]
    const PROBE: Option<ProbeFn> = Some(bindings::drm_fbdev_shmem_driver_fbdev_probe);
    #[cfg(not(CONFIG_DRM_FBDEV_EMULATION))]
    const PROBE: Option<ProbeFn> = Option::None;
}

#[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
impl<D, O> FbdevSupport<D> for Shmem
where
    D: drm::Driver<Object = shmem::Object<O>>,
    O: gem::DriverObject,
{
}

/// There is no framebuffer device.
pub struct None;

impl<D: drm::Driver> FbdevOps<D> for None {
    const PROBE: Option<ProbeFn> = Option::None;
}

impl<D: drm::Driver> FbdevSupport<D> for None {}

/// Starts the in-kernel clients that the kernel is configured for.
///
/// Call it after the device is registered; further calls do nothing. The clients go away with the
/// registration. May sleep, and may switch the display on. C: `drm_client_setup()`.
pub fn setup_clients<D: KmsDriver>(dev: &Device<D, Registered>) {
    // The core has one framebuffer device for each DRM device, and warns about another one.
    if dev.lifecycle().is_some_and(|l| l.start_clients()) {
        #[cfg(CONFIG_DRM_CLIENT_SETUP)]
        // SAFETY: The device is registered, and the clients are not started yet.
        unsafe {
            bindings::drm_client_setup(dev.as_raw(), core::ptr::null())
        };
    }
}
