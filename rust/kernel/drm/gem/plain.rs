// SPDX-License-Identifier: GPL-2.0

//! Objects that are memory and nothing else.

use super::{
    DriverObject,
    DumbCreate,
    PrimeImport, //
};
use crate::{
    drm,
    prelude::*, //
};
use core::marker::PhantomData;

/// The driver's private part of a GEM object for drivers that keep nothing in it, as those of
/// displays without memory management.
///
/// User space can create such objects as dumb buffers and by PRIME imports.
///
/// # Examples
///
/// ```
/// use kernel::drm::{
///     self,
///     gem, //
/// };
///
/// /// What such a driver `D` has for its `Object`.
/// type Object<D> = gem::shmem::Object<gem::Plain<D>>;
/// # fn plain<D: drm::Driver<Object = Object<D>, File = drm::file::Plain<D>>>() {}
/// ```
pub struct Plain<D>(PhantomData<fn() -> D>);

impl<D: drm::Driver> DriverObject for Plain<D> {
    type Driver = D;
    type Args = ();

    const DUMB: Option<DumbCreate<Self>> = Some(DumbCreate::new(|_dev, _buffer| Ok(())));
    const IMPORT: Option<PrimeImport<Self>> = Some(PrimeImport::new(|_dev, _size| Ok(())));

    fn new(_dev: &drm::Device<D>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        Ok(Self(PhantomData))
    }
}
