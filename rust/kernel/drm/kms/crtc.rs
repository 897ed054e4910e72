// SPDX-License-Identifier: GPL-2.0

//! CRTCs: the part of the pipeline that turns planes into a stream of pixels.
//!
//! C header: [`include/drm/drm_crtc.h`](srctree/include/drm/drm_crtc.h)

use super::{
    atomic::{
        ObjectCheck,
        ObjectCommit,
        StateMut, //
    },
    crc::{
        self,
        CrcSource, //
    },
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
    vblank::{
        self,
        private::{
            VblankHooks,
            VblankSource, //
        },
        PendingVblankEvent,
        VblankSupport, //
    },
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
    types::Opaque, //
};
use core::{
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// The check of a commit, as seen by a CRTC.
pub type CrtcCheck<'a, T> = ObjectCheck<'a, Crtc<T>>;

/// A commit that is being executed, as seen by a CRTC.
pub type CrtcCommit<'a, T> = ObjectCommit<'a, Crtc<T>>;

/// The CRTCs of a driver.
///
/// The implementing type is the driver's data of one CRTC; [`Crtc<Self>`](Crtc) dereferences to
/// it. All functions may sleep unless they say otherwise.
#[vtable]
pub trait DriverCrtc: Send + Sync + Sized + 'static {
    /// The driver.
    type Driver: KmsDriver<Crtc = Self>;

    /// The driver's part of the CRTC state.
    type State: DriverState;

    /// Where vblanks come from: [`vblank::Timer`], [`vblank::Interrupt`] or
    /// [`vblank::None`](struct@vblank::None).
    type Vblank: VblankSupport<Self>;

    /// The sources of CRCs; the first one is the default. See [`crc`].
    const CRC_SOURCES: &'static [CrcSource] = &[];

    /// How many values an entry has: 1 to [`crc::MAX_VALUES`].
    const CRC_VALUES: usize = 1;

    /// Checks the new state of the CRTC.
    ///
    /// Called after the checks of its planes; modeset locks of all objects in the commit are held.
    /// Must not touch hardware and may be called several times for one commit. Return the
    /// `EDEADLK` of a look-up as it is: the core drops its locks and starts again.
    fn atomic_check(_check: &CrtcCheck<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Called before the planes of the CRTC are updated.
    fn atomic_begin(_commit: &CrtcCommit<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Called after the planes of the CRTC were updated.
    ///
    /// The place to show the new frame and then, with [`CrtcCommit::take_event`], to arm the event
    /// of the page flip. An event that nobody takes is armed after this function.
    fn atomic_flush(_commit: &CrtcCommit<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Switches the CRTC on. Vblanks are switched on after it.
    fn atomic_enable(_commit: &CrtcCommit<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Switches the CRTC off. Vblanks are switched off before it: no
    /// [`handle_vblank_timeout`](Self::handle_vblank_timeout) is running any more.
    fn atomic_disable(_commit: &CrtcCommit<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Tells whether the CRTC can show a mode. Must not depend on any state.
    fn mode_valid(_crtc: &Crtc<Self>, _mode: &DisplayMode) -> ModeStatus {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The vblank timer has fired ([`vblank::Timer`] only).
    ///
    /// Must call [`Crtc::handle_vblank`]. Returns whether the timer goes on. Runs in hard
    /// interrupt context: it must not sleep, and the locks that it takes must disable interrupts
    /// (`SpinLockIrq`).
    ///
    /// Without this function, vblanks are handled and the timer goes on.
    fn handle_vblank_timeout(_crtc: &Crtc<Self>) -> bool {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Starts to generate CRCs from `source`, or stops with [`None`].
    ///
    /// Must be implemented with [`CRC_SOURCES`](Self::CRC_SOURCES). The source is one of them.
    fn set_crc_source(_crtc: &Crtc<Self>, _source: Option<&'static CrcSource>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A CRTC with the driver's data `T`.
///
/// # Invariants
///
/// `crtc` is an initialised `struct drm_crtc` of a device of `T::Driver`, with the vtables of this
/// module; `inner` is initialised.
#[repr(C)]
#[pin_data]
pub struct Crtc<T: DriverCrtc> {
    #[pin]
    crtc: Opaque<bindings::drm_crtc>,
    #[pin]
    inner: T,
}

// SAFETY: `T` is `Send`, and `struct drm_crtc` can be used from any thread.
unsafe impl<T: DriverCrtc> Send for Crtc<T> {}

// SAFETY: `T` is `Sync`, and everything in `struct drm_crtc` that the methods access is constant
// or locked by the functions that access it.
unsafe impl<T: DriverCrtc> Sync for Crtc<T> {}

impl<T: DriverCrtc> Deref for Crtc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

// SAFETY: By the type invariants of `Crtc` the device is one of `T::Driver`, and mode objects do
// not outlive their device.
unsafe impl<T: DriverCrtc> RawObject for Crtc<T> {
    type Driver = T::Driver;

    fn raw_dev(&self) -> *mut bindings::drm_device {
        // SAFETY: The CRTC is initialised, and its device never changes.
        unsafe { (*self.as_raw()).dev }
    }

    fn raw_base(&self) -> *mut bindings::drm_mode_object {
        // SAFETY: The CRTC is initialised.
        unsafe { &raw mut (*self.as_raw()).base }
    }
}

impl<T: DriverCrtc> ModeObject for Crtc<T> {}

// SAFETY: The states are those of this CRTC. No other kind of object has bank 0, and the core
// limits the number of CRTCs to 32.
unsafe impl<T: DriverCrtc> RawAtomic for Crtc<T> {
    type State = CrtcState<T>;

    const BANK: usize = 0;

    fn raw_index(&self) -> u32 {
        // SAFETY: The CRTC is initialised, and its index never changes.
        unsafe { (*self.as_raw()).index }
    }

    unsafe fn slot(&self, commit: *mut bindings::drm_atomic_commit) -> Option<Slot<CrtcState<T>>> {
        // SAFETY: The commit is valid and of the same device, so that its array has an entry for
        // each CRTC of the device.
        let entry = unsafe { &*(*commit).crtcs.add(self.raw_index() as usize) };

        // INVARIANT: Taken from the entry of this CRTC; the commit owns both states.
        Some(Slot {
            old: NonNull::new(entry.old_state.cast())?,
            new: NonNull::new(entry.new_state.cast())?,
        })
    }

    unsafe fn add(
        &self,
        commit: *mut bindings::drm_atomic_commit,
    ) -> Result<NonNull<CrtcState<T>>> {
        // SAFETY: The commit is valid, in its check phase and of the same device.
        let state =
            from_err_ptr(unsafe { bindings::drm_atomic_get_crtc_state(commit, self.as_raw()) })?;

        NonNull::new(state.cast()).ok_or(ENOMEM)
    }
}

impl<T: DriverCrtc> AtomicObject for Crtc<T> {}

impl<T: DriverCrtc> Crtc<T> {
    const CHECKS: () = {
        assert!(
            T::CRC_SOURCES.is_empty() == !T::HAS_SET_CRC_SOURCE,
            "CRC_SOURCES and set_crc_source() need each other"
        );
        assert!(
            T::CRC_VALUES >= 1 && T::CRC_VALUES <= crc::MAX_VALUES,
            "an entry has 1 to 10 CRC values"
        );
    };

    const FUNCS: bindings::drm_crtc_funcs = {
        let mut funcs: bindings::drm_crtc_funcs = pin_init::zeroed();

        funcs.destroy = Some(Self::destroy_callback);
        funcs.set_config = Some(bindings::drm_atomic_helper_set_config);
        funcs.page_flip = Some(bindings::drm_atomic_helper_page_flip);
        funcs.atomic_create_state = Some(Self::create_state_callback);
        funcs.atomic_duplicate_state = Some(Self::duplicate_state_callback);
        funcs.atomic_destroy_state = Some(Self::destroy_state_callback);
        if let Some(VblankHooks {
            enable_vblank,
            disable_vblank,
            get_vblank_timestamp,
            synchronize: _,
            mode_valid: _,
        }) = <T::Vblank as VblankSource<T>>::HOOKS
        {
            funcs.enable_vblank = enable_vblank;
            funcs.disable_vblank = disable_vblank;
            funcs.get_vblank_timestamp = get_vblank_timestamp;
        }
        if T::HAS_SET_CRC_SOURCE {
            funcs.set_crc_source = Some(Self::set_crc_source_callback);
            funcs.verify_crc_source = Some(Self::verify_crc_source_callback);
            funcs.get_crc_sources = Some(Self::get_crc_sources_callback);
        }
        funcs
    };

    const HELPER_FUNCS: bindings::drm_crtc_helper_funcs = {
        let mut funcs: bindings::drm_crtc_helper_funcs = pin_init::zeroed();

        if T::HAS_MODE_VALID || vblank::has_vblank::<T>() {
            funcs.mode_valid = Some(Self::mode_valid_callback);
        }
        if T::HAS_ATOMIC_CHECK {
            funcs.atomic_check = Some(Self::atomic_check_callback);
        }
        if T::HAS_ATOMIC_BEGIN {
            funcs.atomic_begin = Some(Self::atomic_begin_callback);
        }
        funcs.atomic_flush = Some(Self::atomic_flush_callback);
        funcs.atomic_enable = Some(Self::atomic_enable_callback);
        funcs.atomic_disable = Some(Self::atomic_disable_callback);
        if T::HAS_HANDLE_VBLANK_TIMEOUT {
            funcs.handle_vblank_timeout = Some(Self::handle_vblank_timeout_callback);
        }
        funcs
    };

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_crtc {
        self.crtc.get()
    }

    /// # Safety
    ///
    /// `crtc` must be a CRTC of a device of `T::Driver`, valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(crtc: *mut bindings::drm_crtc) -> &'a Self {
        // SAFETY: A device of `T::Driver` has CRTCs of type `Crtc<T>` only, of which the C
        // structure is the first field.
        unsafe { &*crtc.cast() }
    }

    /// Returns the bit of the CRTC in masks like `possible_crtcs`.
    pub fn mask(&self) -> u32 {
        1 << self.raw_index()
    }

    /// Creates a CRTC.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of `T::Driver` in its setup phase, on which no more than 31 CRTCs
    /// were created. The planes must be valid planes of that device, and of the right type.
    pub(super) unsafe fn create<'a>(
        dev: *mut bindings::drm_device,
        primary: *mut bindings::drm_plane,
        cursor: *mut bindings::drm_plane,
        name: Option<&CStr>,
        data: impl PinInit<T, Error>,
    ) -> Result<&'a Self> {
        const { Self::CHECKS };

        let this = KBox::try_pin_init(
            try_pin_init!(Self {
                crtc: pin_init::zeroed(),
                inner <- data,
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: The CRTC is not moved until it is freed in `destroy_callback`.
        let this = KBox::into_raw(unsafe { Pin::into_inner_unchecked(this) });
        // SAFETY: `this` is valid.
        let crtc = unsafe { (*this).as_raw() };

        // SAFETY: Everything is valid by the safety requirements of this function; the name is
        // passed as the argument of a constant format.
        let ret = unsafe {
            bindings::drm_crtc_init_with_planes(
                dev,
                crtc,
                primary,
                cursor,
                const { &Self::FUNCS },
                super::name_format(name),
                super::name_arg(name),
            )
        };
        if ret != 0 {
            // On its last error path the C function leaves the CRTC on the list of the device; then
            // the device's teardown frees it.
            //
            // SAFETY: The structure was zeroed and `head` is written by linking it only.
            if unsafe { (*crtc).head.next.is_null() } {
                // SAFETY: Nobody knows the CRTC. It came from `KBox::into_raw`.
                drop(unsafe { KBox::from_raw(this) });
            }
            return Err(Error::from_errno(ret));
        }
        // SAFETY: The CRTC is not in use yet.
        unsafe { (*crtc).helper_private = const { &Self::HELPER_FUNCS } };

        // INVARIANT: Initialised above.
        // SAFETY: The CRTC lives as long as the device, hence longer than its setup phase.
        Ok(unsafe { &*this })
    }

    /// # Safety
    ///
    /// Called by the core once, on teardown of the device.
    unsafe extern "C" fn destroy_callback(crtc: *mut bindings::drm_crtc) {
        // SAFETY: The CRTC is initialised and not used any more.
        unsafe { bindings::drm_crtc_cleanup(crtc) };

        // SAFETY: It was made from a box in `create`, and this is the last access.
        drop(unsafe { KBox::from_raw(crtc.cast::<Self>()) });
    }

    /// # Safety
    ///
    /// `crtc` must be a CRTC of type `T`.
    unsafe extern "C" fn create_state_callback(
        crtc: *mut bindings::drm_crtc,
    ) -> *mut bindings::drm_crtc_state {
        match CrtcState::<T>::alloc(T::State::new()) {
            Ok(state) => {
                // SAFETY: Both are valid; the state is zeroed.
                unsafe { bindings::__drm_atomic_helper_crtc_state_init(state, crtc) };
                state
            }
            Err(err) => err.to_ptr(),
        }
    }

    /// # Safety
    ///
    /// `crtc` must be a CRTC of type `T` with a state, which does not change during the call.
    unsafe extern "C" fn duplicate_state_callback(
        crtc: *mut bindings::drm_crtc,
    ) -> *mut bindings::drm_crtc_state {
        // SAFETY: By the safety requirements of this function.
        let old = unsafe { CrtcState::<T>::from_raw((*crtc).state) };

        match CrtcState::<T>::alloc(old.inner.duplicate()) {
            Ok(state) => {
                // SAFETY: Both are valid.
                unsafe { bindings::__drm_atomic_helper_crtc_duplicate_state(crtc, state) };
                state
            }
            Err(_) => ptr::null_mut(),
        }
    }

    /// # Safety
    ///
    /// `state` must come from one of the functions above and must not be used any more.
    unsafe extern "C" fn destroy_state_callback(
        _crtc: *mut bindings::drm_crtc,
        state: *mut bindings::drm_crtc_state,
    ) {
        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::__drm_atomic_helper_crtc_destroy_state(state) };

        // SAFETY: It was made from a box in `CrtcState::alloc`.
        drop(unsafe { KBox::from_raw(state.cast::<CrtcState<T>>()) });
    }

    /// # Safety
    ///
    /// `crtc` must be a CRTC of type `T`, and `mode` a valid mode.
    unsafe extern "C" fn mode_valid_callback(
        crtc: *mut bindings::drm_crtc,
        mode: *const bindings::drm_display_mode,
    ) -> bindings::drm_mode_status {
        // SAFETY: By the safety requirements of this function.
        let (crtc, mode) = unsafe { (Self::from_raw(crtc), DisplayMode::from_raw(mode)) };

        let mut status = vblank::mode_valid::<T>(mode);

        if T::HAS_MODE_VALID && status == ModeStatus::Ok {
            status = T::mode_valid(crtc, mode);
        }
        status.as_raw()
    }

    /// # Safety
    ///
    /// `crtc` must be a CRTC of type `T` in `commit`, which must be in its check phase, with no
    /// other view of it in use.
    unsafe extern "C" fn atomic_check_callback(
        crtc: *mut bindings::drm_crtc,
        commit: *mut bindings::drm_atomic_commit,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function.
            let check = unsafe { ObjectCheck::from_raw(commit, Self::from_raw(crtc)) };

            check.finish(T::atomic_check(&check)).map(|()| 0)
        })
    }

    /// Calls `f` with the view of the commit.
    ///
    /// # Safety
    ///
    /// `crtc` must be a CRTC of type `T` in `commit`, which must be in its programming phase.
    unsafe fn with_commit(
        crtc: *mut bindings::drm_crtc,
        commit: *mut bindings::drm_atomic_commit,
        f: impl FnOnce(&CrtcCommit<'_, T>),
    ) {
        // SAFETY: By the safety requirements of this function.
        if let Some(commit) = unsafe { ObjectCommit::from_raw(commit, Self::from_raw(crtc)) } {
            f(&commit);
        }
    }

    /// # Safety
    ///
    /// See [`Self::with_commit`].
    unsafe extern "C" fn atomic_begin_callback(
        crtc: *mut bindings::drm_crtc,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        // SAFETY: By the safety requirements of this function.
        unsafe { Self::with_commit(crtc, commit, |commit| T::atomic_begin(commit)) };
    }

    /// # Safety
    ///
    /// See [`Self::with_commit`].
    unsafe extern "C" fn atomic_flush_callback(
        crtc: *mut bindings::drm_crtc,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        let flush = |commit: &CrtcCommit<'_, T>| {
            if T::HAS_ATOMIC_FLUSH {
                T::atomic_flush(commit);
            }
            // Without vblanks the event waits for the end of the programming phase.
            if vblank::has_vblank::<T>() {
                if let Some(event) = commit.take_event() {
                    event.arm_or_send();
                }
            }
        };

        // SAFETY: By the safety requirements of this function.
        unsafe { Self::with_commit(crtc, commit, flush) };
    }

    /// # Safety
    ///
    /// See [`Self::with_commit`].
    unsafe extern "C" fn atomic_enable_callback(
        crtc: *mut bindings::drm_crtc,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        if T::HAS_ATOMIC_ENABLE {
            // SAFETY: By the safety requirements of this function.
            unsafe { Self::with_commit(crtc, commit, |commit| T::atomic_enable(commit)) };
        }
        if vblank::has_vblank::<T>() {
            // SAFETY: The CRTC is valid and has vblanks.
            unsafe { bindings::drm_crtc_vblank_on(crtc) };
        }
    }

    /// # Safety
    ///
    /// See [`Self::with_commit`].
    unsafe extern "C" fn atomic_disable_callback(
        crtc: *mut bindings::drm_crtc,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        if vblank::has_vblank::<T>() {
            // SAFETY: The CRTC is valid and has vblanks.
            unsafe { bindings::drm_crtc_vblank_off(crtc) };
            // SAFETY: Vblanks are off. Only modeset locks are held, which no handler takes.
            unsafe { vblank::synchronize::<T>(crtc) };
        }
        if T::HAS_ATOMIC_DISABLE {
            // SAFETY: By the safety requirements of this function.
            unsafe { Self::with_commit(crtc, commit, |commit| T::atomic_disable(commit)) };
        }
    }

    /// # Safety
    ///
    /// `crtc` must be a CRTC of type `T`.
    unsafe extern "C" fn handle_vblank_timeout_callback(crtc: *mut bindings::drm_crtc) -> bool {
        // SAFETY: By the safety requirements of this function.
        T::handle_vblank_timeout(unsafe { Self::from_raw(crtc) })
    }
}

impl<T: DriverCrtc> CrtcCheck<'_, T> {
    /// Checks that the CRTC, unless it is off, shows its primary plane.
    ///
    /// For hardware that cannot switch the plane off by itself; to be called from
    /// [`DriverCrtc::atomic_check`]. C: `drm_atomic_helper_check_crtc_primary_plane()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the CRTC is on without its primary plane.
    /// - `EBUSY` if the state is lent.
    pub fn check_primary_plane(&self) -> Result {
        let new = self.new()?;

        if !new.enabled() {
            return Ok(());
        }
        // SAFETY: The state is valid and belongs to the commit that is being checked.
        to_result(unsafe { bindings::drm_atomic_helper_check_crtc_primary_plane(new.as_raw()) })
    }
}

impl<'a, T: DriverCrtc> CrtcCommit<'a, T> {
    /// Takes the event that user space or the commit machinery waits for, if there is one and it
    /// was not taken before.
    ///
    /// Does not sleep.
    pub fn take_event(&self) -> Option<PendingVblankEvent<'a, T>> {
        // SAFETY: The state is the new state of this CRTC in a commit that is being executed.
        unsafe { PendingVblankEvent::take(self.object(), self.new().as_raw()) }
    }
}

/// The state of a CRTC.
///
/// Dereferences to the driver's part of it.
///
/// # Invariants
///
/// `state` is an initialised `struct drm_crtc_state` of a [`Crtc<T>`].
#[repr(C)]
pub struct CrtcState<T: DriverCrtc> {
    state: Opaque<bindings::drm_crtc_state>,
    inner: T::State,
}

// SAFETY: The driver's part is `Send`, and a state can be freed by any thread.
unsafe impl<T: DriverCrtc> Send for CrtcState<T> {}

// SAFETY: The driver's part is `Sync`. What the methods read of the C part does not change while
// the state is shared.
unsafe impl<T: DriverCrtc> Sync for CrtcState<T> {}

impl<T: DriverCrtc> Deref for CrtcState<T> {
    type Target = T::State;

    fn deref(&self) -> &T::State {
        &self.inner
    }
}

impl<T: DriverCrtc> CrtcState<T> {
    /// Makes a state of which the C part is zeroed.
    fn alloc(inner: Result<T::State>) -> Result<*mut bindings::drm_crtc_state> {
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
    /// `state` must be a state of a CRTC of type `T`, valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(state: *mut bindings::drm_crtc_state) -> &'a Self {
        // SAFETY: All states of such CRTCs are made by `alloc`; the C part is the first field.
        unsafe { &*state.cast() }
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_crtc_state {
        self.state.get()
    }

    /// Returns the CRTC.
    pub fn crtc(&self) -> &Crtc<T> {
        // SAFETY: The state is initialised, and the CRTC lives as long as the device.
        unsafe { Crtc::from_raw((*self.as_raw()).crtc) }
    }

    /// Returns whether the CRTC has resources assigned: it has a mode and connectors.
    pub fn enabled(&self) -> bool {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).enable }
    }

    /// Returns whether the CRTC shows something: it is [enabled](Self::enabled) and not in a
    /// power-saving state.
    pub fn active(&self) -> bool {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).active }
    }

    /// Returns whether the CRTC has to go through disabling and enabling.
    pub fn needs_modeset(&self) -> bool {
        let state = self.as_raw();

        // SAFETY: The state is initialised.
        unsafe {
            bindings::drm_crtc_state::mode_changed_raw(state)
                || bindings::drm_crtc_state::active_changed_raw(state)
                || bindings::drm_crtc_state::connectors_changed_raw(state)
        }
    }

    /// Returns whether planes of the CRTC are in the commit.
    pub fn planes_changed(&self) -> bool {
        // SAFETY: The state is initialised.
        unsafe { bindings::drm_crtc_state::planes_changed_raw(self.as_raw()) }
    }

    /// Returns the mode that user space has set.
    pub fn mode(&self) -> &DisplayMode {
        // SAFETY: The state is initialised; the mode does not change while the state is borrowed.
        unsafe { DisplayMode::from_raw(&raw const (*self.as_raw()).mode) }
    }

    /// Returns the mode that is programmed into the CRTC.
    pub fn adjusted_mode(&self) -> &DisplayMode {
        // SAFETY: As in `mode`.
        unsafe { DisplayMode::from_raw(&raw const (*self.as_raw()).adjusted_mode) }
    }

    /// Returns the mask of the planes that are assigned to the CRTC.
    pub fn plane_mask(&self) -> u32 {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).plane_mask }
    }

    /// Returns the mask of the connectors that are assigned to the CRTC.
    pub fn connector_mask(&self) -> u32 {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).connector_mask }
    }
}

impl<T: DriverCrtc> StateMut<'_, Crtc<T>> {
    /// Returns the driver's part of the state for changing it.
    pub fn data_mut(&mut self) -> &mut T::State {
        // SAFETY: The state is valid and borrowed exclusively.
        unsafe { &mut (*self.as_ptr()).inner }
    }

    /// Has the CRTC go through disabling and enabling, which must be allowed for this commit.
    ///
    /// From a check of a CRTC or plane it takes effect only if the driver runs the helper's check
    /// again.
    pub fn set_mode_changed(&mut self) {
        // SAFETY: The state is valid and borrowed exclusively.
        unsafe { (*(*self.as_ptr()).as_raw()).set_mode_changed(true) };
    }
}
