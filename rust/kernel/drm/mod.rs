// SPDX-License-Identifier: GPL-2.0

//! The Direct Rendering Manager (DRM).

pub mod debugfs;
pub mod device;
pub mod driver;
pub mod file;
pub mod gem;
pub mod ioctl;
#[cfg(CONFIG_RUST_DRM_KMS)]
pub mod kms;
#[cfg(CONFIG_DRM_RUST_KUNIT_TEST)]
mod kunit;
mod print;
mod registration;

pub use self::device::{
    Device,
    DeviceContext,
    Init,
    Ioctl,
    Normal,
    Registered,
    RegistrationGuard,
    Uninit,
    UnregisteredDevice, //
};
pub use self::driver::{
    Driver,
    DriverInfo, //
};
pub use self::file::File;
pub use self::print::Printer;
pub use self::registration::Registration;

pub(crate) mod private {
    /// A trait that is implemented by the abstractions only.
    pub trait Sealed {}
}

/// Makes a value of a type without contents.
///
/// The C side stores a plain function pointer for a callback. A generic function whose type
/// parameter is the type of the Rust function is such a pointer, and needs no place for a value.
///
/// # Safety
///
/// `F` must have a size of zero, and a value of it must exist or have existed, of which a copy may
/// be used here.
pub(crate) unsafe fn conjure<F: Copy + Send + Sync + 'static>() -> F {
    const { assert!(size_of::<F>() == 0) };

    // SAFETY: A value of size zero has no bytes that could be uninitialised, and the caller
    // promises that there are values of this type.
    unsafe { core::mem::MaybeUninit::uninit().assume_init() }
}
