// SPDX-License-Identifier: GPL-2.0

//! Writeback connectors: what a CRTC shows is written into a framebuffer.
//!
//! A driver that has them implements [`DriverWriteback`] and creates the connectors with
//! [`SetupDevice::create_writeback_connector`]. Other drivers need not do anything.
//!
//! # The way of a job
//!
//! User space gives a framebuffer to a commit, and mostly wants a fence back.
//!
//! 1. During the check, the library refuses formats and sizes that do not fit; the driver may look
//!    at the framebuffer with [`StateMut::framebuffer`] and refuse it, too.
//! 2. Before the commit can no longer fail, the library maps the framebuffer if the driver wants
//!    that ([`DriverWriteback::MAP_FRAMEBUFFERS`]).
//! 3. [`DriverWriteback::commit`] gets the [`WritebackJob`]. It is the only access to the memory
//!    and must be [completed](WritebackJob::complete), which signals the fence: this consumes it.
//!    A job that is dropped has failed, and its fence is signalled with `ECANCELED`.
//!
//! The fences of a connector are signalled in the order of the commits, also if jobs are completed
//! in another one.
//!
//! C header: [`include/drm/drm_writeback.h`](srctree/include/drm/drm_writeback.h)

mod job;

pub use job::WritebackJob;

use super::{
    atomic::{
        ObjectCheck,
        ObjectCommit,
        StateMut, //
    },
    crtc::Crtc,
    encoder::Encoder,
    fourcc::Fourcc,
    framebuffer::Framebuffer,
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
    setup::SetupDevice,
    KmsDriver, //
};
use crate::{
    bindings,
    error::{
        from_err_ptr,
        from_result,
        to_result,
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

/// The check of a commit, as seen by a writeback connector.
pub type WritebackCheck<'a, W> = ObjectCheck<'a, WritebackConnector<W>>;

/// A commit that is being executed, as seen by a writeback connector.
pub type WritebackCommit<'a, W> = ObjectCommit<'a, WritebackConnector<W>>;

/// The writeback connectors of a driver.
///
/// The implementing type is the driver's data of one of them;
/// [`WritebackConnector<Self>`](WritebackConnector) dereferences to it. All functions may sleep.
#[vtable]
pub trait DriverWriteback: Send + Sync + Sized + 'static {
    /// The driver.
    type Driver: KmsDriver;

    /// The driver's part of the connector state.
    type State: DriverState;

    /// Whether the library maps each framebuffer into the kernel; see [`WritebackJob::map`].
    const MAP_FRAMEBUFFERS: bool = false;

    /// Whether the picture can be scaled to the framebuffer.
    ///
    /// If not, the library refuses framebuffers that do not have the size of the mode.
    const CAN_SCALE: bool = false;

    /// Lists the modes that can be written back, by adding them to `probe`.
    ///
    /// The mutex of the mode configuration and the connection lock are held.
    ///
    /// # Errors
    ///
    /// An error is logged; the connector then has no modes but the fallback ones of the core.
    fn get_modes(probe: &WritebackProbe<'_, Self>) -> Result;

    /// Tells whether a mode can be written back. Must not depend on any state.
    fn mode_valid(_connector: &WritebackConnector<Self>, _mode: &DisplayMode) -> ModeStatus {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Checks the new state of the connector.
    ///
    /// The library has checked format and size of the framebuffer, if there is one. Modeset locks
    /// of all objects in the commit are held. Must not touch hardware and may be called several
    /// times for one commit. Return the `EDEADLK` of a look-up as it is: the core drops its locks
    /// and starts again.
    fn atomic_check(_check: &WritebackCheck<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Starts to write the picture of this commit into the framebuffer of `job`.
    ///
    /// Only called for commits with a framebuffer, when the CRTC is on. The planes of the commit
    /// are updated already if the commit tail [updates them first].
    ///
    /// [updates them first]: super::CommitTail::commit_planes
    fn commit(commit: &WritebackCommit<'_, Self>, job: WritebackJob<Self>);
}

/// A writeback connector with the driver's data `W`.
///
/// # Invariants
///
/// `writeback` is an initialised `struct drm_writeback_connector` of a device of `W::Driver`, with
/// the vtables of this module; `inner` is initialised.
#[repr(C)]
#[pin_data]
pub struct WritebackConnector<W: DriverWriteback> {
    #[pin]
    writeback: Opaque<bindings::drm_writeback_connector>,
    #[pin]
    inner: W,
}

// SAFETY: `W` is `Send`, and `struct drm_writeback_connector` can be used from any thread.
unsafe impl<W: DriverWriteback> Send for WritebackConnector<W> {}

// SAFETY: `W` is `Sync`, and everything in `struct drm_writeback_connector` that the methods access
// is constant or locked by the functions that access it.
unsafe impl<W: DriverWriteback> Sync for WritebackConnector<W> {}

impl<W: DriverWriteback> Deref for WritebackConnector<W> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.inner
    }
}

// SAFETY: By the type invariants of `WritebackConnector` the device is one of `W::Driver`, and mode
// objects do not outlive their device.
unsafe impl<W: DriverWriteback> RawObject for WritebackConnector<W> {
    type Driver = W::Driver;

    fn raw_dev(&self) -> *mut bindings::drm_device {
        // SAFETY: The connector is initialised, and its device never changes.
        unsafe { (*self.as_connector()).dev }
    }

    fn raw_base(&self) -> *mut bindings::drm_mode_object {
        // SAFETY: The connector is initialised.
        unsafe { &raw mut (*self.as_connector()).base }
    }
}

impl<W: DriverWriteback> ModeObject for WritebackConnector<W> {}

// SAFETY: The states are those of this connector. No other kind of object has bank 3, and the core
// limits the indices of connectors, which writeback connectors share with the others, to 31.
unsafe impl<W: DriverWriteback> RawAtomic for WritebackConnector<W> {
    type State = WritebackState<W>;

    const BANK: usize = 3;

    fn raw_index(&self) -> u32 {
        // SAFETY: The connector is initialised, and its index never changes.
        unsafe { (*self.as_connector()).index }
    }

    unsafe fn slot(
        &self,
        commit: *mut bindings::drm_atomic_commit,
    ) -> Option<Slot<WritebackState<W>>> {
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
    ) -> Result<NonNull<WritebackState<W>>> {
        // SAFETY: The commit is valid, in its check phase and of the same device.
        let state = from_err_ptr(unsafe {
            bindings::drm_atomic_get_connector_state(commit, self.as_connector())
        })?;

        NonNull::new(state.cast()).ok_or(ENOMEM)
    }
}

impl<W: DriverWriteback> AtomicObject for WritebackConnector<W> {}

impl<W: DriverWriteback> WritebackConnector<W> {
    const FUNCS: bindings::drm_connector_funcs = {
        let mut funcs: bindings::drm_connector_funcs = pin_init::zeroed();

        funcs.destroy = Some(Self::destroy_callback);
        funcs.fill_modes = Some(bindings::drm_helper_probe_single_connector_modes);
        funcs.atomic_create_state = Some(Self::create_state_callback);
        funcs.atomic_duplicate_state = Some(Self::duplicate_state_callback);
        funcs.atomic_destroy_state = Some(Self::destroy_state_callback);
        funcs
    };

    const HELPER_FUNCS: bindings::drm_connector_helper_funcs = {
        let mut funcs: bindings::drm_connector_helper_funcs = pin_init::zeroed();

        funcs.get_modes = Some(Self::get_modes_callback);
        if W::HAS_MODE_VALID {
            funcs.mode_valid = Some(Self::mode_valid_callback);
        }
        funcs.atomic_check = Some(Self::atomic_check_callback);
        funcs.atomic_commit = Some(Self::atomic_commit_callback);
        funcs.prepare_writeback_job = Some(job::prepare_callback::<W>);
        funcs.cleanup_writeback_job = Some(job::cleanup_callback::<W>);
        funcs
    };

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_writeback_connector {
        self.writeback.get()
    }

    fn as_connector(&self) -> *mut bindings::drm_connector {
        // SAFETY: The connector is valid.
        unsafe { &raw mut (*self.as_raw()).base }
    }

    /// # Safety
    ///
    /// `connector` must be a connector that [`Self::create`] made, valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(connector: *mut bindings::drm_connector) -> &'a Self {
        // SAFETY: By the safety requirements of this function. `base` is the first field of the C
        // structure, and that is the first field here.
        unsafe { &*connector.cast() }
    }

    /// Creates a writeback connector.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of `W::Driver` in its setup phase, and `encoder` an encoder of it.
    /// If the function fails, the device must not be registered.
    unsafe fn create<'a>(
        dev: *mut bindings::drm_device,
        encoder: *mut bindings::drm_encoder,
        formats: &[Fourcc],
        data: impl PinInit<W, Error>,
    ) -> Result<&'a Self> {
        let this = KBox::try_pin_init(
            try_pin_init!(Self {
                writeback: pin_init::zeroed(),
                inner <- data,
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: The connector is not moved until it is freed in `destroy_callback`.
        let this = KBox::into_raw(unsafe { Pin::into_inner_unchecked(this) });
        // SAFETY: `this` is valid.
        let writeback = unsafe { (*this).as_raw() };

        // The core asks connectors about modes, but only those of registered devices; the vtable
        // is there before.
        //
        // SAFETY: Everything is valid by the safety requirements of this function; `Fourcc` is a
        // transparent wrapper of a number, and the core copies the list.
        let ret = unsafe {
            (*writeback).base.helper_private = const { &Self::HELPER_FUNCS };
            bindings::drm_writeback_connector_init_with_encoder(
                dev,
                writeback,
                encoder,
                const { &Self::FUNCS },
                formats.as_ptr().cast(),
                c_int::try_from(formats.len())?,
            )
        };
        if ret != 0 {
            // SAFETY: On error nobody knows the connector. It came from `KBox::into_raw`.
            drop(unsafe { KBox::from_raw(this) });
            return Err(Error::from_errno(ret));
        }

        // INVARIANT: Initialised above.
        // SAFETY: The connector lives as long as the device, hence longer than its setup phase.
        Ok(unsafe { &*this })
    }

    /// # Safety
    ///
    /// Called by the core once, when the last reference is gone.
    unsafe extern "C" fn destroy_callback(connector: *mut bindings::drm_connector) {
        // What else belongs to it, the properties and the list of formats, goes with the mode
        // configuration. There are no jobs: each holds the device.
        //
        // SAFETY: The connector is initialised and not used any more.
        unsafe { bindings::drm_connector_cleanup(connector) };

        // SAFETY: It was made from a box in `create`, and this is the last access.
        drop(unsafe { KBox::from_raw(connector.cast::<Self>()) });
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `W`.
    unsafe extern "C" fn create_state_callback(
        connector: *mut bindings::drm_connector,
    ) -> *mut bindings::drm_connector_state {
        match WritebackState::<W>::alloc(W::State::new()) {
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
    /// `connector` must be a connector of type `W` with a state, which does not change during the
    /// call.
    unsafe extern "C" fn duplicate_state_callback(
        connector: *mut bindings::drm_connector,
    ) -> *mut bindings::drm_connector_state {
        // SAFETY: By the safety requirements of this function.
        let old = unsafe { WritebackState::<W>::from_raw((*connector).state) };

        match WritebackState::<W>::alloc(old.inner.duplicate()) {
            Ok(state) => {
                // The job does not go along.
                //
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
        // Cleans up the job of a commit that was not executed.
        //
        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::__drm_atomic_helper_connector_destroy_state(state) };

        // SAFETY: It was made from a box in `WritebackState::alloc`.
        drop(unsafe { KBox::from_raw(state.cast::<WritebackState<W>>()) });
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `W` that is being probed, with the mutex of the
    /// mode configuration held.
    unsafe extern "C" fn get_modes_callback(connector: *mut bindings::drm_connector) -> c_int {
        from_result(|| {
            // INVARIANT: By the safety requirements of this function.
            let probe = WritebackProbe {
                // SAFETY: By the safety requirements of this function.
                connector: unsafe { Self::from_raw(connector) },
                count: Cell::new(0),
                _not_send: NotThreadSafe,
            };

            W::get_modes(&probe)?;
            Ok(probe.count.get())
        })
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `W`, and `mode` a valid mode.
    unsafe extern "C" fn mode_valid_callback(
        connector: *mut bindings::drm_connector,
        mode: *const bindings::drm_display_mode,
    ) -> bindings::drm_mode_status {
        // SAFETY: By the safety requirements of this function.
        let (connector, mode) = unsafe { (Self::from_raw(connector), DisplayMode::from_raw(mode)) };

        W::mode_valid(connector, mode).as_raw()
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `W` in `commit`, which must be in its check phase,
    /// with no other view of it in use.
    unsafe extern "C" fn atomic_check_callback(
        connector: *mut bindings::drm_connector,
        commit: *mut bindings::drm_atomic_commit,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function.
            let connector = unsafe { Self::from_raw(connector) };

            // SAFETY: By the safety requirements of this function.
            unsafe { connector.check_framebuffer(commit) }?;
            if W::HAS_ATOMIC_CHECK {
                // SAFETY: By the safety requirements of this function.
                let check = unsafe { ObjectCheck::from_raw(commit, connector) };

                check.finish(W::atomic_check(&check))?;
            }
            Ok(0)
        })
    }

    /// Checks format and size of the framebuffer.
    ///
    /// # Safety
    ///
    /// See [`Self::atomic_check_callback`].
    unsafe fn check_framebuffer(&self, commit: *mut bindings::drm_atomic_commit) -> Result {
        // SAFETY: By the safety requirements of this function.
        let state = unsafe { self.slot(commit) }.ok_or(EINVAL)?.new;

        // SAFETY: The new state is valid, and no view of it is in use.
        let (crtc, fb) = unsafe {
            let state = (*state.as_ptr()).as_raw();

            ((*state).crtc, job::framebuffer_of(state))
        };
        // SAFETY: The framebuffer is held by the job, which the state owns.
        let Some(fb) = (unsafe { Framebuffer::<W::Driver>::from_raw(fb) }) else {
            return Ok(());
        };

        // SAFETY: Connector and commit are valid, and the connector is in the commit.
        to_result(unsafe {
            bindings::drm_atomic_helper_check_wb_connector_state(self.as_connector(), commit)
        })?;
        if W::CAN_SCALE {
            return Ok(());
        }
        // The core has refused a framebuffer without a CRTC.
        if crtc.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: A device of `W::Driver` has only CRTCs of this type. With the connector, its CRTC
        // is in the commit; its new state is valid and no view of it is in use.
        let mode = unsafe {
            let crtc = Crtc::<<W::Driver as KmsDriver>::Crtc>::from_raw(crtc);
            let state = crtc.slot(commit).ok_or(EINVAL)?.new;

            DisplayMode::from_raw(&raw const (*(*state.as_ptr()).as_raw()).mode)
        };

        if (fb.width(), fb.height()) == (mode.hdisplay().into(), mode.vdisplay().into()) {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }

    /// # Safety
    ///
    /// `connector` must be a connector of type `W` in `commit`, which must be in its programming
    /// phase, and of which the new state must have a job with a framebuffer.
    unsafe extern "C" fn atomic_commit_callback(
        connector: *mut bindings::drm_connector,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        // SAFETY: By the safety requirements of this function.
        let connector = unsafe { Self::from_raw(connector) };

        // SAFETY: By the safety requirements of this function.
        let Some(commit) = (unsafe { ObjectCommit::from_raw(commit, connector) }) else {
            return;
        };
        // SAFETY: The state is the new state of this connector in a commit that is being executed.
        if let Some(job) = unsafe { WritebackJob::take(connector, commit.new().as_raw()) } {
            W::commit(&commit, job);
        }
    }
}

impl<'a, D: KmsDriver> SetupDevice<'a, D> {
    /// Creates a writeback connector that is fed by `encoder` and writes `formats`. C:
    /// `drm_writeback_connector_init_with_encoder()`.
    ///
    /// User space can only make framebuffers in formats that a plane has as well.
    ///
    /// To write what another connector shows, its encoder must be allowed to be
    /// [cloned](Self::allow_clone) with this one.
    ///
    /// # Errors
    ///
    /// After an error, the setup of the device fails as a whole.
    ///
    /// - `EINVAL` if there are no formats, unknown ones, or one twice, or if `encoder` belongs to
    ///   another device.
    /// - `ENOSPC` if the device has 32 connectors already.
    /// - `ENOMEM`, or the error of `data`.
    pub fn create_writeback_connector<W: DriverWriteback<Driver = D>>(
        &self,
        encoder: &Encoder<D::Encoder>,
        formats: &[Fourcc],
        data: impl PinInit<W, Error>,
    ) -> Result<&'a WritebackConnector<W>> {
        self.all_or_nothing(|| {
            self.same_device(encoder)?;
            if formats.is_empty() {
                return Err(EINVAL);
            }
            for (i, format) in formats.iter().enumerate() {
                if format.info().is_none() || formats.iter().take(i).any(|f| f == format) {
                    return Err(EINVAL);
                }
            }
            self.room_for_connector()?;

            // On failure the core destroys the properties that all writeback connectors share.
            //
            // SAFETY: The device is in its setup phase; the other requirements were checked above.
            // If this fails, so does the setup, by `all_or_nothing`.
            unsafe { WritebackConnector::create(self.as_raw(), encoder.as_raw(), formats, data) }
        })
    }
}

/// A writeback connector whose modes are being listed, see [`DriverWriteback::get_modes`].
///
/// # Invariants
///
/// The mutex of the mode configuration is held as long as this exists.
pub struct WritebackProbe<'a, W: DriverWriteback> {
    connector: &'a WritebackConnector<W>,
    count: Cell<c_int>,
    _not_send: NotThreadSafe,
}

impl<W: DriverWriteback> WritebackProbe<'_, W> {
    /// Returns the connector.
    pub fn connector(&self) -> &WritebackConnector<W> {
        self.connector
    }

    /// Adds the standard modes up to a size. Returns how many. C: `drm_add_modes_noedid()`.
    pub fn add_modes_noedid(&self, max_width: u16, max_height: u16) -> u32 {
        // SAFETY: The connector is valid and the mutex is held.
        let count = unsafe {
            bindings::drm_add_modes_noedid(
                self.connector.as_connector(),
                u32::from(max_width),
                u32::from(max_height),
            )
        };

        self.count.set(self.count.get().saturating_add(count));
        u32::try_from(count).unwrap_or(0)
    }
}

/// The state of a writeback connector.
///
/// Dereferences to the driver's part of it.
///
/// # Invariants
///
/// `state` is an initialised `struct drm_connector_state` of a [`WritebackConnector<W>`].
#[repr(C)]
pub struct WritebackState<W: DriverWriteback> {
    state: Opaque<bindings::drm_connector_state>,
    inner: W::State,
}

// SAFETY: The driver's part is `Send`, and a state can be freed by any thread.
unsafe impl<W: DriverWriteback> Send for WritebackState<W> {}

// SAFETY: The driver's part is `Sync`. What the methods read of the C part does not change while
// the state is shared; the job, which does, is accessed by who has the state to itself.
unsafe impl<W: DriverWriteback> Sync for WritebackState<W> {}

impl<W: DriverWriteback> Deref for WritebackState<W> {
    type Target = W::State;

    fn deref(&self) -> &W::State {
        &self.inner
    }
}

impl<W: DriverWriteback> WritebackState<W> {
    /// Makes a state of which the C part is zeroed.
    fn alloc(inner: Result<W::State>) -> Result<*mut bindings::drm_connector_state> {
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
    /// `state` must be a state of a writeback connector of type `W`, valid for `'a`.
    unsafe fn from_raw<'a>(state: *mut bindings::drm_connector_state) -> &'a Self {
        // SAFETY: All states of such connectors are made by `alloc`; the C part is the first
        // field.
        unsafe { &*state.cast() }
    }

    fn as_raw(&self) -> *mut bindings::drm_connector_state {
        self.state.get()
    }

    /// Returns the CRTC that feeds the connector; [`None`] if it is off.
    pub fn crtc(&self) -> Option<&Crtc<<W::Driver as KmsDriver>::Crtc>> {
        // SAFETY: The state is initialised.
        let crtc = unsafe { (*self.as_raw()).crtc };

        // SAFETY: The CRTC, one of the same device, lives as long as the device.
        (!crtc.is_null()).then(|| unsafe { Crtc::from_raw(crtc) })
    }
}

impl<W: DriverWriteback> StateMut<'_, WritebackConnector<W>> {
    /// Returns the driver's part of the state for changing it.
    pub fn data_mut(&mut self) -> &mut W::State {
        // SAFETY: The state is valid and borrowed exclusively.
        unsafe { &mut (*self.as_ptr()).inner }
    }

    /// Returns the framebuffer that the picture is to be written to; [`None`] if this commit writes
    /// nothing.
    pub fn framebuffer(&self) -> Option<&Framebuffer<W::Driver>> {
        // SAFETY: The state is initialised, and accessed by nobody else during the check. It owns
        // the job, and that holds the framebuffer.
        unsafe { Framebuffer::from_raw(job::framebuffer_of(self.as_raw())) }
    }
}
