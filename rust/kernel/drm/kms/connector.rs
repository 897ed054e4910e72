// SPDX-License-Identifier: GPL-2.0

//! Connectors: where displays are attached.
//!
//! C header: [`include/drm/drm_connector.h`](srctree/include/drm/drm_connector.h)

use super::{
    atomic::{
        ObjectCheck,
        StateMut, //
    },
    crtc::Crtc,
    modes::{
        DisplayMode,
        ModeStatus, //
    },
    object::{
        private::{
            RawAtomic,
            RawObject,
            Slot, //
        },
        AtomicObject,
        DriverState,
        ModeObject, //
    },
    KmsDriver, //
};
use crate::{
    bindings, container_of,
    error::{
        from_err_ptr,
        from_result,
        VTABLE_DEFAULT_ERROR, //
    },
    prelude::*,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};
use core::{
    cell::Cell,
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// The check of a commit, as seen by a connector.
pub type ConnectorCheck<'a, T> = ObjectCheck<'a, Connector<T>>;

/// The connectors of a driver.
///
/// The implementing type is the driver's data of one connector; [`Connector<Self>`](Connector)
/// dereferences to it. All functions may sleep.
#[vtable]
pub trait DriverConnector: Send + Sync + Sized + 'static {
    /// The driver.
    type Driver: KmsDriver<Connector = Self>;

    /// The driver's part of the connector state.
    type State: DriverState;

    /// Lists the modes of the display, which is connected, by adding them to `probe`.
    ///
    /// The mutex of the mode configuration and the connection lock are held.
    ///
    /// # Errors
    ///
    /// An error is logged; the connector then has no modes but the fallback ones of the core.
    fn get_modes(probe: &ConnectorProbe<'_, Self>) -> Result;

    /// Finds out whether a display is connected. Without this function one always is.
    ///
    /// The core asks when user space or a client wants to know the modes, and when the driver calls
    /// [`Connector::update_status`].
    ///
    /// `force` says that user space asks for it, and that a test that disturbs the picture is
    /// worth it. The mutex of the mode configuration and the connection lock are held.
    fn detect(_connector: &Connector<Self>, _force: bool) -> ConnectorStatus {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Tells whether the connector can transport a mode. Must not depend on any state.
    fn mode_valid(_connector: &Connector<Self>, _mode: &DisplayMode) -> ModeStatus {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Checks the new state of the connector.
    ///
    /// Modeset locks of all objects in the commit are held. Must not touch hardware and may be
    /// called several times for one commit. Return the `EDEADLK` of a look-up as it is: the core
    /// drops its locks and starts again.
    fn atomic_check(_check: &ConnectorCheck<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// The kind of plug of a connector (`DRM_MODE_CONNECTOR_*`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ConnectorType {
    /// Not known.
    Unknown = bindings::DRM_MODE_CONNECTOR_Unknown,
    /// VGA.
    Vga = bindings::DRM_MODE_CONNECTOR_VGA,
    /// DVI, digital only.
    DviD = bindings::DRM_MODE_CONNECTOR_DVID,
    /// A panel with LVDS.
    Lvds = bindings::DRM_MODE_CONNECTOR_LVDS,
    /// DisplayPort.
    DisplayPort = bindings::DRM_MODE_CONNECTOR_DisplayPort,
    /// HDMI type A.
    HdmiA = bindings::DRM_MODE_CONNECTOR_HDMIA,
    /// A panel with embedded DisplayPort.
    Edp = bindings::DRM_MODE_CONNECTOR_eDP,
    /// A virtual display.
    Virtual = bindings::DRM_MODE_CONNECTOR_VIRTUAL,
    /// A panel with DSI.
    Dsi = bindings::DRM_MODE_CONNECTOR_DSI,
    /// A panel with a parallel interface.
    Dpi = bindings::DRM_MODE_CONNECTOR_DPI,
}

/// Whether a display is connected (`enum drm_connector_status`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ConnectorStatus {
    /// A display is connected.
    Connected = bindings::drm_connector_status_connector_status_connected,
    /// No display is connected.
    Disconnected = bindings::drm_connector_status_connector_status_disconnected,
    /// It cannot be found out.
    Unknown = bindings::drm_connector_status_connector_status_unknown,
}

/// A connector with the driver's data `T`.
///
/// # Invariants
///
/// `connector` is an initialised `struct drm_connector` of a device of `T::Driver`, with the
/// vtables of this module; `inner` is initialised.
#[repr(C)]
#[pin_data]
pub struct Connector<T: DriverConnector> {
    #[pin]
    connector: Opaque<bindings::drm_connector>,
    #[pin]
    inner: T,
}

// SAFETY: `T` is `Send`, and `struct drm_connector` can be used from any thread.
unsafe impl<T: DriverConnector> Send for Connector<T> {}

// SAFETY: `T` is `Sync`, and everything in `struct drm_connector` that the methods access is
// constant or locked by the functions that access it.
unsafe impl<T: DriverConnector> Sync for Connector<T> {}

impl<T: DriverConnector> Deref for Connector<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

// SAFETY: By the type invariants of `Connector` the device is one of `T::Driver`, and mode objects
// do not outlive their device.
unsafe impl<T: DriverConnector> RawObject for Connector<T> {
    type Driver = T::Driver;

    fn raw_dev(&self) -> *mut bindings::drm_device {
        // SAFETY: The connector is initialised, and its device never changes.
        unsafe { (*self.as_raw()).dev }
    }

    fn raw_base(&self) -> *mut bindings::drm_mode_object {
        // SAFETY: The connector is initialised.
        unsafe { &raw mut (*self.as_raw()).base }
    }
}

impl<T: DriverConnector> ModeObject for Connector<T> {}

// SAFETY: The states are those of this connector. No other kind of object has bank 2, and the core
// limits the indices of connectors to 31.
unsafe impl<T: DriverConnector> RawAtomic for Connector<T> {
    type State = ConnectorState<T>;

    const BANK: usize = 2;

    fn raw_index(&self) -> u32 {
        // SAFETY: The connector is initialised, and its index never changes.
        unsafe { (*self.as_raw()).index }
    }

    unsafe fn slot(
        &self,
        commit: *mut bindings::drm_atomic_commit,
    ) -> Option<Slot<ConnectorState<T>>> {
        let index = self.raw_index() as usize;

        // The array grows with the connectors that are added to the commit.
        //
        // SAFETY: The commit is valid.
        if index >= usize::try_from(unsafe { (*commit).num_connector }).ok()? {
            return None;
        }
        // SAFETY: The array has `num_connector` entries.
        let entry = unsafe { &*(*commit).connectors.add(index) };

        // INVARIANT: Taken from the entry of this connector; the commit owns both states.
        Some(Slot {
            old: NonNull::new(entry.old_state.cast())?,
            new: NonNull::new(entry.new_state.cast())?,
        })
    }

    unsafe fn add(
        &self,
        commit: *mut bindings::drm_atomic_commit,
    ) -> Result<NonNull<ConnectorState<T>>> {
        // SAFETY: The commit is valid, in its check phase and of the same device.
        let state = from_err_ptr(unsafe {
            bindings::drm_atomic_get_connector_state(commit, self.as_raw())
        })?;

        NonNull::new(state.cast()).ok_or(ENOMEM)
    }
}

impl<T: DriverConnector> AtomicObject for Connector<T> {}

impl<T: DriverConnector> Connector<T> {
    const FUNCS: bindings::drm_connector_funcs = {
        let mut funcs: bindings::drm_connector_funcs = pin_init::zeroed();

        funcs.destroy = Some(Self::destroy_callback);
        if T::HAS_DETECT {
            funcs.detect = Some(Self::detect_callback);
        }
        funcs.fill_modes = Some(bindings::drm_helper_probe_single_connector_modes);
        funcs.atomic_create_state = Some(Self::create_state_callback);
        funcs.atomic_duplicate_state = Some(Self::duplicate_state_callback);
        funcs.atomic_destroy_state = Some(Self::destroy_state_callback);
        funcs
    };

    const HELPER_FUNCS: bindings::drm_connector_helper_funcs = {
        let mut funcs: bindings::drm_connector_helper_funcs = pin_init::zeroed();

        funcs.get_modes = Some(Self::get_modes_callback);
        funcs.atomic_best_encoder = Some(Self::atomic_best_encoder_callback);
        if T::HAS_MODE_VALID {
            funcs.mode_valid = Some(Self::mode_valid_callback);
        }
        if T::HAS_ATOMIC_CHECK {
            funcs.atomic_check = Some(Self::atomic_check_callback);
        }
        funcs
    };

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_connector {
        self.connector.get()
    }

    /// # Safety
    ///
    /// `connector` must be a connector of a device of `T::Driver`, other than a writeback
    /// connector, valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(connector: *mut bindings::drm_connector) -> &'a Self {
        // SAFETY: But for writeback connectors, a device of `T::Driver` has connectors of type
        // `Connector<T>` only, of which the C structure is the first field.
        unsafe { &*connector.cast() }
    }

    /// Creates a connector.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of `T::Driver` in its setup phase, on which no more than 31
    /// connectors were created; `encoders` must be encoders of the device, at least one.
    pub(super) unsafe fn create<'a>(
        dev: *mut bindings::drm_device,
        type_: ConnectorType,
        encoders: impl Iterator<Item = *mut bindings::drm_encoder> + Clone,
        data: impl PinInit<T, Error>,
    ) -> Result<&'a Self> {
        if encoders.clone().next().is_none() {
            return Err(EINVAL);
        }
        let this = KBox::try_pin_init(
            try_pin_init!(Self {
                connector: pin_init::zeroed(),
                inner <- data,
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: The connector is not moved until it is freed in `destroy_callback`.
        let this = KBox::into_raw(unsafe { Pin::into_inner_unchecked(this) });
        // SAFETY: `this` is valid.
        let connector = unsafe { (*this).as_raw() };

        // SAFETY: Everything is valid by the safety requirements of this function.
        let ret = unsafe {
            bindings::drm_connector_init(dev, connector, const { &Self::FUNCS }, type_ as c_int)
        };
        if ret != 0 {
            // SAFETY: On error nobody knows the connector. It came from `KBox::into_raw`.
            drop(unsafe { KBox::from_raw(this) });
            return Err(Error::from_errno(ret));
        }
        // SAFETY: The connector is not in use yet.
        unsafe { (*connector).helper_private = const { &Self::HELPER_FUNCS } };
        if T::HAS_DETECT {
            // A status that can change is reported by the driver; see `update_status`.
            //
            // SAFETY: As above.
            unsafe { (*connector).polled = bindings::DRM_CONNECTOR_POLL_HPD as u8 };
        }

        for encoder in encoders {
            // SAFETY: Both are valid and of the same device.
            crate::error::to_result(unsafe {
                bindings::drm_connector_attach_encoder(connector, encoder)
            })?;
        }

        // INVARIANT: Initialised above.
        // SAFETY: The connector lives as long as the device, hence longer than its setup phase.
        Ok(unsafe { &*this })
    }

    /// # Safety
    ///
    /// Called by the core once, when the last reference is gone.
    unsafe extern "C" fn destroy_callback(connector: *mut bindings::drm_connector) {
        // SAFETY: The connector is initialised and not used any more.
        unsafe { bindings::drm_connector_cleanup(connector) };

        // SAFETY: It was made from a box in `create`, and this is the last access.
        drop(unsafe { KBox::from_raw(connector.cast::<Self>()) });
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `T`.
    unsafe extern "C" fn create_state_callback(
        connector: *mut bindings::drm_connector,
    ) -> *mut bindings::drm_connector_state {
        match ConnectorState::<T>::alloc(T::State::new()) {
            Ok(state) => {
                // SAFETY: Both are valid; the state is zeroed.
                unsafe { bindings::__drm_atomic_helper_connector_state_init(state, connector) };
                state
            }
            Err(err) => err.to_ptr(),
        }
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `T` with a state, which does not change during the
    /// call.
    unsafe extern "C" fn duplicate_state_callback(
        connector: *mut bindings::drm_connector,
    ) -> *mut bindings::drm_connector_state {
        // SAFETY: By the safety requirements of this function.
        let old = unsafe { ConnectorState::<T>::from_raw((*connector).state) };

        match ConnectorState::<T>::alloc(old.inner.duplicate()) {
            Ok(state) => {
                // SAFETY: Both are valid.
                unsafe {
                    bindings::__drm_atomic_helper_connector_duplicate_state(connector, state)
                };
                state
            }
            Err(_) => ptr::null_mut(),
        }
    }

    /// # Safety
    ///
    /// `state` must come from one of the functions above and must not be used any more.
    unsafe extern "C" fn destroy_state_callback(
        _connector: *mut bindings::drm_connector,
        state: *mut bindings::drm_connector_state,
    ) {
        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::__drm_atomic_helper_connector_destroy_state(state) };

        // SAFETY: It was made from a box in `ConnectorState::alloc`.
        drop(unsafe { KBox::from_raw(state.cast::<ConnectorState<T>>()) });
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `T`.
    unsafe extern "C" fn detect_callback(
        connector: *mut bindings::drm_connector,
        force: bool,
    ) -> bindings::drm_connector_status {
        // SAFETY: By the safety requirements of this function.
        let connector = unsafe { Self::from_raw(connector) };

        T::detect(connector, force) as bindings::drm_connector_status
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `T` that is being probed, with the mutex of the
    /// mode configuration held.
    unsafe extern "C" fn get_modes_callback(connector: *mut bindings::drm_connector) -> c_int {
        from_result(|| {
            // INVARIANT: By the safety requirements of this function.
            let probe = ConnectorProbe {
                // SAFETY: By the safety requirements of this function.
                connector: unsafe { Self::from_raw(connector) },
                count: Cell::new(0),
                _not_send: NotThreadSafe,
            };

            T::get_modes(&probe)?;
            Ok(probe.count.get())
        })
    }

    /// Picks the first encoder that the CRTC of the new state can feed.
    ///
    /// # Safety
    ///
    /// `connector` must be a connector of type `T` in `commit`, which must be in its check phase.
    unsafe extern "C" fn atomic_best_encoder_callback(
        connector: *mut bindings::drm_connector,
        commit: *mut bindings::drm_atomic_commit,
    ) -> *mut bindings::drm_encoder {
        // SAFETY: By the safety requirements of this function.
        let Some(slot) = (unsafe { Self::from_raw(connector).slot(commit) }) else {
            return ptr::null_mut();
        };
        // SAFETY: The commit holds the state, and its CRTC is null or valid.
        let crtc = unsafe { (*(*slot.new.as_ptr()).as_raw()).crtc };
        if crtc.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: The device of a connector is valid.
        let list = unsafe { &raw mut (*(*connector).dev).mode_config.encoder_list };
        // SAFETY: The list of encoders does not change after setup; each entry is a valid encoder.
        unsafe {
            let mut entry = (*list).next;

            while entry != list {
                let encoder = container_of!(entry, bindings::drm_encoder, head);

                if (*connector).possible_encoders & (1 << (*encoder).index) != 0
                    && (*encoder).possible_crtcs & (1 << (*crtc).index) != 0
                {
                    return encoder;
                }
                entry = (*entry).next;
            }
        }
        ptr::null_mut()
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `T`, and `mode` a valid mode.
    unsafe extern "C" fn mode_valid_callback(
        connector: *mut bindings::drm_connector,
        mode: *const bindings::drm_display_mode,
    ) -> bindings::drm_mode_status {
        // SAFETY: By the safety requirements of this function.
        let (connector, mode) = unsafe { (Self::from_raw(connector), DisplayMode::from_raw(mode)) };

        T::mode_valid(connector, mode).as_raw()
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `T` in `commit`, which must be in its check phase,
    /// with no other view of it in use.
    unsafe extern "C" fn atomic_check_callback(
        connector: *mut bindings::drm_connector,
        commit: *mut bindings::drm_atomic_commit,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function.
            let check = unsafe { ObjectCheck::from_raw(commit, Self::from_raw(connector)) };

            check.finish(T::atomic_check(&check)).map(|()| 0)
        })
    }
}

/// A connector whose modes are being listed, see [`DriverConnector::get_modes`].
///
/// # Invariants
///
/// The mutex of the mode configuration is held as long as this exists.
pub struct ConnectorProbe<'a, T: DriverConnector> {
    connector: &'a Connector<T>,
    count: Cell<c_int>,
    _not_send: NotThreadSafe,
}

impl<T: DriverConnector> ConnectorProbe<'_, T> {
    /// Returns the connector.
    pub fn connector(&self) -> &Connector<T> {
        self.connector
    }

    /// Adds the standard modes of displays that do not say what they can, up to a size. Returns
    /// how many. C: `drm_add_modes_noedid()`.
    pub fn add_modes_noedid(&self, max_width: u16, max_height: u16) -> u32 {
        // SAFETY: The connector is valid and the mutex is held.
        let count = unsafe {
            bindings::drm_add_modes_noedid(
                self.connector.as_raw(),
                u32::from(max_width),
                u32::from(max_height),
            )
        };

        self.counted(count)
    }

    /// Counts modes that were added, and returns how many these are.
    pub(super) fn counted(&self, count: c_int) -> u32 {
        self.count.set(self.count.get().saturating_add(count));
        u32::try_from(count).unwrap_or(0)
    }

    /// Marks the modes of that size, among those added so far, as preferred. C:
    /// `drm_set_preferred_mode()`.
    pub fn set_preferred_mode(&self, width: u16, height: u16) {
        // SAFETY: The connector is valid and the mutex is held.
        unsafe {
            bindings::drm_set_preferred_mode(
                self.connector.as_raw(),
                c_int::from(width),
                c_int::from(height),
            )
        };
    }
}

/// The state of a connector.
///
/// Dereferences to the driver's part of it.
///
/// # Invariants
///
/// `state` is an initialised `struct drm_connector_state` of a [`Connector<T>`].
#[repr(C)]
pub struct ConnectorState<T: DriverConnector> {
    state: Opaque<bindings::drm_connector_state>,
    inner: T::State,
}

// SAFETY: The driver's part is `Send`, and a state can be freed by any thread.
unsafe impl<T: DriverConnector> Send for ConnectorState<T> {}

// SAFETY: The driver's part is `Sync`. What the methods read of the C part does not change while
// the state is shared.
unsafe impl<T: DriverConnector> Sync for ConnectorState<T> {}

impl<T: DriverConnector> Deref for ConnectorState<T> {
    type Target = T::State;

    fn deref(&self) -> &T::State {
        &self.inner
    }
}

impl<T: DriverConnector> ConnectorState<T> {
    /// Makes a state of which the C part is zeroed.
    fn alloc(inner: Result<T::State>) -> Result<*mut bindings::drm_connector_state> {
        let state = KBox::new(
            Self {
                state: pin_init::zeroed(),
                inner: inner?,
            },
            GFP_KERNEL,
        )?;

        Ok(KBox::into_raw(state).cast())
    }

    /// # Safety
    ///
    /// `state` must be a state of a connector of type `T`, valid for `'a`.
    unsafe fn from_raw<'a>(state: *mut bindings::drm_connector_state) -> &'a Self {
        // SAFETY: All states of such connectors are made by `alloc`; the C part is the first
        // field.
        unsafe { &*state.cast() }
    }

    fn as_raw(&self) -> *mut bindings::drm_connector_state {
        self.state.get()
    }

    /// Returns the CRTC that feeds the connector; [`None`] if it is off.
    pub fn crtc(&self) -> Option<&Crtc<<T::Driver as KmsDriver>::Crtc>> {
        // SAFETY: The state is initialised.
        let crtc = unsafe { (*self.as_raw()).crtc };

        // SAFETY: The CRTC, one of the same device, lives as long as the device.
        (!crtc.is_null()).then(|| unsafe { Crtc::from_raw(crtc) })
    }
}

impl<T: DriverConnector> StateMut<'_, Connector<T>> {
    /// Returns the driver's part of the state for changing it.
    pub fn data_mut(&mut self) -> &mut T::State {
        // SAFETY: The state is valid and borrowed exclusively.
        unsafe { &mut (*self.as_ptr()).inner }
    }
}
