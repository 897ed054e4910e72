// SPDX-License-Identifier: GPL-2.0

//! The setup of a KMS device.

use super::{
    connector::{
        Connector,
        ConnectorType, //
    },
    crtc::Crtc,
    encoder::{
        Encoder,
        EncoderType, //
    },
    fbdev::private::FbdevOps,
    lifecycle::Lifecycle,
    mode_config::ModeConfigVtables,
    object::private::RawObject,
    plane::{
        Plane,
        PlaneArgs,
        PlaneType, //
    },
    vblank,
    KmsDriver, //
};
use crate::{
    bindings,
    device,
    drm::{
        Device,
        UnregisteredDevice, //
    },
    error::to_result,
    prelude::*,
    types::NotThreadSafe, //
};
use core::{
    cell::Cell,
    ops::Deref, //
};

/// How many objects of a kind the core can handle: it keeps them in masks of 32 bits.
const MAX_OBJECTS: c_int = 32;

/// How many formats a plane can have: the core keeps them in masks of 64 bits.
const MAX_FORMATS: usize = 64;

/// A device whose mode objects are being created.
///
/// It exists only during [`KmsDriver::create_objects`], before anybody else can know the device,
/// and stays on the thread that creates it. The objects live as long as the device; references to
/// them can be used, under `'a`, for the rest of the setup.
///
/// # Invariants
///
/// The mode configuration of the device is initialised, with the vtables of `D`, and the device is
/// not registered.
pub struct SetupDevice<'a, D: KmsDriver> {
    dev: &'a Device<D>,
    // Planes that are the primary or cursor plane of a CRTC.
    used_planes: Cell<u32>,
    // Whether something failed after which the device cannot be used, see `all_or_nothing`.
    failed: Cell<bool>,
    _not_send: NotThreadSafe,
}

impl<D: KmsDriver> Deref for SetupDevice<'_, D> {
    type Target = Device<D>;

    fn deref(&self) -> &Device<D> {
        self.dev
    }
}

impl<'a, D: KmsDriver> SetupDevice<'a, D> {
    pub(super) fn mode_config(&self) -> *mut bindings::drm_mode_config {
        // SAFETY: The device is valid.
        unsafe { &raw mut (*self.dev.as_raw()).mode_config }
    }

    pub(super) fn same_device<O: RawObject<Driver = D>>(&self, object: &O) -> Result {
        if object.raw_dev() == self.dev.as_raw() {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }

    /// Runs `f`, a step of the setup that the core cannot undo. If it fails, so does the setup, also
    /// if the driver goes on.
    pub(super) fn all_or_nothing<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        f().inspect_err(|_| self.failed.set(true))
    }

    /// # Errors
    ///
    /// `ENOSPC` if the device has as many connectors as the core can handle.
    pub(super) fn room_for_connector(&self) -> Result {
        // SAFETY: The mode configuration is initialised.
        if unsafe { (*self.mode_config()).num_connector } >= MAX_OBJECTS {
            return Err(ENOSPC);
        }
        Ok(())
    }

    /// Creates a plane. C: `drm_universal_plane_init()`.
    ///
    /// It can be shown on the CRTC whose primary or cursor plane it becomes, or else on those that
    /// [`allow_crtc`](Self::allow_crtc) names.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if there are no formats, more than 64, unknown ones, or one twice.
    /// - `ENOSPC` if the device has 32 planes already.
    /// - `ENOMEM`, or the error of `data`.
    pub fn create_plane(
        &self,
        args: &PlaneArgs<'_>,
        data: impl PinInit<D::Plane, Error>,
    ) -> Result<&'a Plane<D::Plane>> {
        let formats = args.formats;

        if formats.is_empty() || formats.len() > MAX_FORMATS {
            return Err(EINVAL);
        }
        for (i, format) in formats.iter().enumerate() {
            if format.info().is_none() || formats.iter().take(i).any(|f| f == format) {
                return Err(EINVAL);
            }
        }
        // SAFETY: The mode configuration is initialised.
        if unsafe { (*self.mode_config()).num_total_plane } >= MAX_OBJECTS {
            return Err(ENOSPC);
        }
        // SAFETY: The device is in its setup phase; the other requirements were checked above.
        unsafe { Plane::create(self.dev.as_raw(), args, data) }
    }

    /// Creates a CRTC with its primary and, if it has one, its cursor plane. C:
    /// `drm_crtc_init_with_planes()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if a plane is of the wrong type, of another device, or belongs to another CRTC.
    /// - `ENOSPC` if the device has 32 CRTCs already.
    /// - `ENOMEM`, or the error of `data`.
    pub fn create_crtc(
        &self,
        primary: &Plane<D::Plane>,
        cursor: Option<&Plane<D::Plane>>,
        name: Option<&CStr>,
        data: impl PinInit<D::Crtc, Error>,
    ) -> Result<&'a Crtc<D::Crtc>> {
        let mut used = self.used_planes.get();

        for (plane, type_) in [
            (Some(primary), PlaneType::Primary),
            (cursor, PlaneType::Cursor),
        ] {
            let Some(plane) = plane else { continue };

            self.same_device(plane)?;
            if plane.type_() != type_ || used & plane.mask() != 0 {
                return Err(EINVAL);
            }
            used |= plane.mask();
        }
        // SAFETY: The mode configuration is initialised.
        if unsafe { (*self.mode_config()).num_crtc } >= MAX_OBJECTS {
            return Err(ENOSPC);
        }
        // SAFETY: The device is in its setup phase; the other requirements were checked above.
        let crtc = unsafe {
            Crtc::create(
                self.dev.as_raw(),
                primary.as_raw(),
                cursor.map_or(core::ptr::null_mut(), Plane::as_raw),
                name,
                data,
            )
        }?;

        self.used_planes.set(used);
        self.allow_crtc(primary, crtc)?;
        if let Some(cursor) = cursor {
            self.allow_crtc(cursor, crtc)?;
        }
        Ok(crtc)
    }

    /// Says that `plane` can be shown on `crtc`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if one of them belongs to another device.
    pub fn allow_crtc(&self, plane: &Plane<D::Plane>, crtc: &Crtc<D::Crtc>) -> Result {
        self.same_device(plane)?;
        self.same_device(crtc)?;

        // SAFETY: The plane is valid, and nobody else uses it during setup.
        unsafe { (*plane.as_raw()).possible_crtcs |= crtc.mask() };
        Ok(())
    }

    /// Creates an encoder that can be fed by `crtcs`. C: `drm_encoder_init()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `crtcs` is empty or has a CRTC of another device.
    /// - `ENOSPC` if the device has 32 encoders already.
    /// - `ENOMEM`, or the error of `data`.
    pub fn create_encoder(
        &self,
        type_: EncoderType,
        crtcs: &[&Crtc<D::Crtc>],
        name: Option<&CStr>,
        data: impl PinInit<D::Encoder, Error>,
    ) -> Result<&'a Encoder<D::Encoder>> {
        let mut possible_crtcs = 0;

        for crtc in crtcs {
            self.same_device(*crtc)?;
            possible_crtcs |= crtc.mask();
        }
        if possible_crtcs == 0 {
            return Err(EINVAL);
        }
        // SAFETY: The mode configuration is initialised.
        if unsafe { (*self.mode_config()).num_encoder } >= MAX_OBJECTS {
            return Err(ENOSPC);
        }
        // SAFETY: The device is in its setup phase; the other requirements were checked above.
        unsafe { Encoder::create(self.dev.as_raw(), type_, possible_crtcs, name, data) }
    }

    /// Says that `a` and `b` can be fed by one CRTC at the same time.
    ///
    /// # Errors
    ///
    /// `EINVAL` if one of them belongs to another device.
    pub fn allow_clone(&self, a: &Encoder<D::Encoder>, b: &Encoder<D::Encoder>) -> Result {
        self.same_device(a)?;
        self.same_device(b)?;

        // The core wants the masks to agree, and each encoder to be in its own.
        let both = a.mask() | b.mask();

        for encoder in [a, b] {
            // SAFETY: The encoder is valid, and nobody else uses it during setup.
            unsafe { (*encoder.as_raw()).possible_clones |= both };
        }
        Ok(())
    }

    /// Creates a connector that can be fed by `encoders`. C: `drm_connector_init()`.
    ///
    /// With each CRTC, the first of them that the CRTC can feed is used.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `encoders` is empty or has an encoder of another device.
    /// - `ENOSPC` if the device has 32 connectors already.
    /// - `ENOMEM`, or the error of `data`.
    pub fn create_connector(
        &self,
        type_: ConnectorType,
        encoders: &[&Encoder<D::Encoder>],
        data: impl PinInit<D::Connector, Error>,
    ) -> Result<&'a Connector<D::Connector>> {
        for encoder in encoders {
            self.same_device(*encoder)?;
        }
        self.room_for_connector()?;
        let encoders = encoders.iter().map(|encoder| encoder.as_raw());

        // SAFETY: The device is in its setup phase; the other requirements were checked above and
        // in `create` itself.
        unsafe { Connector::create(self.dev.as_raw(), type_, encoders, data) }
    }

    /// Checks the objects as a whole for what the core would only warn about.
    fn check(&self) -> Result {
        match self.complaint() {
            None => Ok(()),
            // Nothing else tells the author of the driver which of the reasons it was.
            Some(complaint) => {
                dev_err!(self.dev.as_ref(), "mode objects: {}\n", complaint);
                Err(EINVAL)
            }
        }
    }

    /// Returns what is wrong with the objects as a whole.
    fn complaint(&self) -> Option<&'static str> {
        // SAFETY: The mode configuration is initialised.
        let (num_crtc, num_plane) = unsafe {
            (
                (*self.mode_config()).num_crtc,
                (*self.mode_config()).num_total_plane,
            )
        };
        let used = self.used_planes.get();

        if self.failed.get() {
            return Some("one could not be created");
        }
        if num_crtc == 0 {
            return Some("there is no CRTC");
        }
        for index in 0..num_plane {
            // SAFETY: The device is valid and has a plane of that index.
            let plane = unsafe {
                Plane::<D::Plane>::from_raw(bindings::drm_plane_from_index(
                    self.dev.as_raw(),
                    index,
                ))
            };
            // SAFETY: The plane is valid, and nobody else uses it during setup.
            let possible_crtcs = unsafe { (*plane.as_raw()).possible_crtcs };

            // Each CRTC has a primary plane by construction; there must be no others.
            if plane.type_() == PlaneType::Primary && used & plane.mask() == 0 {
                return Some("a primary plane is that of no CRTC");
            }
            if possible_crtcs == 0 {
                return Some("a plane fits no CRTC");
            }
        }
        None
    }
}

/// Allocates a KMS device whose parent is `parent` and sets it up with its mode objects.
///
/// `data` is initialised in place, before the objects are created. What is returned is ready for
/// registration: the mode configuration is complete and all objects have their initial state.
///
/// Sleeps.
///
/// # Errors
///
/// In each case everything that was created is freed again.
///
/// - The errors of [`UnregisteredDevice::new`], [`KmsDriver::mode_config_info`] and
///   [`KmsDriver::create_objects`].
/// - `EINVAL`, and the reason in the log, if the mode configuration makes no sense: sizes that
///   contradict each other or are beyond 65535, no CRTC, a plane that fits no CRTC, or a primary
///   plane without a CRTC.
/// - `ENOMEM`, or the error of a [`DriverState::new`](super::DriverState::new).
pub fn new_device<D: KmsDriver>(
    parent: &D::ParentDevice<device::Bound>,
    data: impl PinInit<D::Data, Error>,
) -> Result<UnregisteredDevice<D>> {
    let lifecycle = Lifecycle::new(Vtables::<D>::vblanks_off)?;
    let unregistered = UnregisteredDevice::with_vtable(
        parent,
        data,
        const { &Vtables::<D>::DRIVER },
        Some(lifecycle.clone()),
    )?;
    let dev: &Device<D> = &unregistered;
    let raw = dev.as_raw();

    // SAFETY: The device is valid and nobody else uses it yet.
    to_result(unsafe { bindings::drmm_mode_config_init(raw) })?;

    let info = D::mode_config_info(dev)?;
    if let Err(error) = info.check() {
        dev_err!(dev.as_ref(), "mode configuration: the limits make no sense\n");
        return Err(error);
    }

    // SAFETY: The mode configuration is initialised and nobody else uses it yet.
    let config = unsafe { &mut (*raw).mode_config };
    config.funcs = const { &ModeConfigVtables::<D>::FUNCS };
    config.helper_private = const { &ModeConfigVtables::<D>::HELPER_FUNCS };
    (config.min_width, config.min_height) = info.min_size;
    (config.max_width, config.max_height) = info.max_size;
    (config.cursor_width, config.cursor_height) = info.cursor_size;
    config.preferred_depth = info.preferred_depth;

    // INVARIANT: Initialised above; the device cannot be registered while it is borrowed.
    let setup = SetupDevice {
        dev,
        used_planes: Cell::new(0),
        failed: Cell::new(false),
        _not_send: NotThreadSafe,
    };
    D::create_objects(&setup)?;
    setup.check()?;

    if vblank::has_vblank::<D::Crtc>() {
        // SAFETY: The mode configuration is initialised.
        let num_crtc = unsafe { (*raw).mode_config.num_crtc };

        // SAFETY: The device is valid and its CRTCs are created.
        to_result(unsafe { bindings::drm_vblank_init(raw, u32::try_from(num_crtc)?) })?;
        // From here on who has kept a CRTC may ask for its vblanks.
        lifecycle.set_vblanks();
    }
    // SAFETY: The device is valid and its objects are created.
    to_result(unsafe { bindings::drm_mode_config_create_initial_state(raw) })?;

    Ok(unregistered)
}

/// The `struct drm_driver` of devices of `D`.
struct Vtables<D: KmsDriver>(core::marker::PhantomData<D>);

impl<D: KmsDriver> Vtables<D> {
    /// Forces the vblanks of all CRTCs off.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of `D` whose vblanks are initialised, and of which no CRTC is
    /// switched on any more. No lock that a vblank handler takes may be held.
    unsafe fn vblanks_off(dev: *mut bindings::drm_device) {
        // SAFETY: By the safety requirements of this function.
        for index in 0..unsafe { (*dev).mode_config.num_crtc } {
            // SAFETY: The device has a CRTC of that index, which has vblanks.
            unsafe {
                let crtc = bindings::drm_crtc_from_index(dev, index);

                bindings::drm_crtc_vblank_off(crtc);
                vblank::synchronize::<D::Crtc>(crtc);
            }
        }
    }

    /// `release` callback of `struct drm_driver`.
    ///
    /// # Safety
    ///
    /// Only to be called by the DRM core, when the last reference to a device of `D` is gone.
    unsafe extern "C" fn release_callback(dev: *mut bindings::drm_device) {
        // The data of the device goes next, and no vblank handler may see that. A device that was
        // switched off has no vblanks; one that has refused, or was never registered, may.
        //
        // SAFETY: The device is valid, and has all its fields until it is released below.
        if let Some(lifecycle) = unsafe { Device::<D>::from_raw(dev) }.lifecycle() {
            // SAFETY: Nobody has the device.
            unsafe { lifecycle.force_vblanks_off(dev) };
        }
        // SAFETY: By the safety requirements of this function.
        unsafe { Device::<D>::release_callback(dev) };
    }

    const DRIVER: bindings::drm_driver = {
        let base = UnregisteredDevice::<D>::driver_vtable();

        bindings::drm_driver {
            driver_features: base.driver_features
                | bindings::drm_driver_feature_DRIVER_MODESET
                | bindings::drm_driver_feature_DRIVER_ATOMIC,
            release: Some(Self::release_callback),
            fbdev_probe: <D::Fbdev as FbdevOps<D>>::PROBE,
            ..base
        }
    };
}
