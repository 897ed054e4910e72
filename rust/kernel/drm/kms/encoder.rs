// SPDX-License-Identifier: GPL-2.0

//! Encoders: the link between CRTCs and connectors.
//!
//! C header: [`include/drm/drm_encoder.h`](srctree/include/drm/drm_encoder.h)

use super::{
    atomic::AtomicCommit,
    object::{
        private::RawObject,
        ModeObject, //
    },
    KmsDriver, //
};
use crate::{
    bindings,
    error::VTABLE_DEFAULT_ERROR,
    prelude::*,
    types::Opaque, //
};
use core::ops::Deref;

/// The encoders of a driver.
///
/// The implementing type is the driver's data of one encoder; [`Encoder<Self>`](Encoder)
/// dereferences to it. All functions may sleep.
#[vtable]
pub trait DriverEncoder: Send + Sync + Sized + 'static {
    /// The driver.
    type Driver: KmsDriver<Encoder = Self>;

    /// Switches the encoder on, after its CRTC.
    fn atomic_enable(_encoder: &Encoder<Self>, _commit: &AtomicCommit<'_, Self::Driver>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Switches the encoder off, before its CRTC.
    fn atomic_disable(_encoder: &Encoder<Self>, _commit: &AtomicCommit<'_, Self::Driver>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// The kind of signal an encoder makes (`DRM_MODE_ENCODER_*`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EncoderType {
    /// No encoder at all, for hardware without one.
    None = bindings::DRM_MODE_ENCODER_NONE,
    /// Analog RGB.
    Dac = bindings::DRM_MODE_ENCODER_DAC,
    /// DVI, HDMI and DisplayPort.
    Tmds = bindings::DRM_MODE_ENCODER_TMDS,
    /// Panels with LVDS.
    Lvds = bindings::DRM_MODE_ENCODER_LVDS,
    /// Virtual displays.
    Virtual = bindings::DRM_MODE_ENCODER_VIRTUAL,
    /// Panels with DSI.
    Dsi = bindings::DRM_MODE_ENCODER_DSI,
    /// Panels with a parallel interface.
    Dpi = bindings::DRM_MODE_ENCODER_DPI,
}

/// An encoder with the driver's data `T`.
///
/// # Invariants
///
/// `encoder` is an initialised `struct drm_encoder` of a device of `T::Driver`, with the vtables of
/// this module; `inner` is initialised.
#[repr(C)]
#[pin_data]
pub struct Encoder<T: DriverEncoder> {
    #[pin]
    encoder: Opaque<bindings::drm_encoder>,
    #[pin]
    inner: T,
}

// SAFETY: `T` is `Send`, and `struct drm_encoder` can be used from any thread.
unsafe impl<T: DriverEncoder> Send for Encoder<T> {}

// SAFETY: `T` is `Sync`, and everything in `struct drm_encoder` that the methods access is
// constant.
unsafe impl<T: DriverEncoder> Sync for Encoder<T> {}

impl<T: DriverEncoder> Deref for Encoder<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

// SAFETY: By the type invariants of `Encoder` the device is one of `T::Driver`, and mode objects do
// not outlive their device.
unsafe impl<T: DriverEncoder> RawObject for Encoder<T> {
    type Driver = T::Driver;

    fn raw_dev(&self) -> *mut bindings::drm_device {
        // SAFETY: The encoder is initialised, and its device never changes.
        unsafe { (*self.as_raw()).dev }
    }

    fn raw_base(&self) -> *mut bindings::drm_mode_object {
        // SAFETY: The encoder is initialised.
        unsafe { &raw mut (*self.as_raw()).base }
    }
}

impl<T: DriverEncoder> ModeObject for Encoder<T> {}

impl<T: DriverEncoder> Encoder<T> {
    const FUNCS: bindings::drm_encoder_funcs = {
        let mut funcs: bindings::drm_encoder_funcs = pin_init::zeroed();

        funcs.destroy = Some(Self::destroy_callback);
        funcs
    };

    const HELPER_FUNCS: bindings::drm_encoder_helper_funcs = {
        let mut funcs: bindings::drm_encoder_helper_funcs = pin_init::zeroed();

        if T::HAS_ATOMIC_ENABLE {
            funcs.atomic_enable = Some(Self::atomic_enable_callback);
        }
        if T::HAS_ATOMIC_DISABLE {
            funcs.atomic_disable = Some(Self::atomic_disable_callback);
        }
        funcs
    };

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_encoder {
        self.encoder.get()
    }

    /// # Safety
    ///
    /// `encoder` must be an encoder of a device of `T::Driver`, valid for `'a`.
    unsafe fn from_raw<'a>(encoder: *mut bindings::drm_encoder) -> &'a Self {
        // SAFETY: A device of `T::Driver` has encoders of type `Encoder<T>` only, of which the C
        // structure is the first field.
        unsafe { &*encoder.cast() }
    }

    /// Returns the bit of the encoder in masks like `possible_clones`.
    pub fn mask(&self) -> u32 {
        // SAFETY: The encoder is initialised, and its index, below 32, never changes.
        1 << unsafe { (*self.as_raw()).index }
    }

    /// Creates an encoder.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of `T::Driver` in its setup phase, on which no more than 31 encoders
    /// were created; `possible_crtcs` must name CRTCs of the device.
    pub(super) unsafe fn create<'a>(
        dev: *mut bindings::drm_device,
        type_: EncoderType,
        possible_crtcs: u32,
        name: Option<&CStr>,
        data: impl PinInit<T, Error>,
    ) -> Result<&'a Self> {
        let this = KBox::try_pin_init(
            try_pin_init!(Self {
                encoder: pin_init::zeroed(),
                inner <- data,
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: The encoder is not moved until it is freed in `destroy_callback`.
        let this = KBox::into_raw(unsafe { Pin::into_inner_unchecked(this) });
        // SAFETY: `this` is valid.
        let encoder = unsafe { (*this).as_raw() };

        // SAFETY: Everything is valid by the safety requirements of this function; the name is
        // passed as the argument of a constant format.
        let ret = unsafe {
            bindings::drm_encoder_init(
                dev,
                encoder,
                const { &Self::FUNCS },
                type_ as c_int,
                super::name_format(name),
                super::name_arg(name),
            )
        };
        if ret != 0 {
            // SAFETY: On error nobody knows the encoder. It came from `KBox::into_raw`.
            drop(unsafe { KBox::from_raw(this) });
            return Err(Error::from_errno(ret));
        }
        // SAFETY: The encoder is not in use yet.
        unsafe {
            (*encoder).helper_private = const { &Self::HELPER_FUNCS };
            (*encoder).possible_crtcs = possible_crtcs;
        }

        // INVARIANT: Initialised above.
        // SAFETY: The encoder lives as long as the device, hence longer than its setup phase.
        Ok(unsafe { &*this })
    }

    /// # Safety
    ///
    /// Called by the core once, on teardown of the device.
    unsafe extern "C" fn destroy_callback(encoder: *mut bindings::drm_encoder) {
        // SAFETY: The encoder is initialised and not used any more.
        unsafe { bindings::drm_encoder_cleanup(encoder) };

        // SAFETY: It was made from a box in `create`, and this is the last access.
        drop(unsafe { KBox::from_raw(encoder.cast::<Self>()) });
    }

    /// # Safety
    ///
    /// `encoder` must be an encoder of type `T`, and `commit` a commit of its device in its
    /// programming phase.
    unsafe extern "C" fn atomic_enable_callback(
        encoder: *mut bindings::drm_encoder,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        // SAFETY: By the safety requirements of this function.
        let (encoder, commit) =
            unsafe { (Self::from_raw(encoder), AtomicCommit::from_raw(commit)) };

        T::atomic_enable(encoder, &commit);
    }

    /// # Safety
    ///
    /// `encoder` must be an encoder of type `T`, and `commit` a commit of its device in its
    /// programming phase.
    unsafe extern "C" fn atomic_disable_callback(
        encoder: *mut bindings::drm_encoder,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        // SAFETY: By the safety requirements of this function.
        let (encoder, commit) =
            unsafe { (Self::from_raw(encoder), AtomicCommit::from_raw(commit)) };

        T::atomic_disable(encoder, &commit);
    }
}
