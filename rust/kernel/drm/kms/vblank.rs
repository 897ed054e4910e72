// SPDX-License-Identifier: GPL-2.0

//! Vertical blanking: where it comes from, references to it, and page-flip events.
//!
//! C headers: [`include/drm/drm_vblank.h`](srctree/include/drm/drm_vblank.h),
//! [`include/drm/drm_vblank_helper.h`](srctree/include/drm/drm_vblank_helper.h)

use super::{
    crtc::{
        Crtc,
        DriverCrtc, //
    },
    modes::{
        DisplayMode,
        ModeStatus, //
    },
    object::{
        private::RawObject,
        KmsRef,
        ModeObject, //
    },
};
use crate::{
    bindings,
    error::{
        from_result,
        to_result, //
    },
    interrupt::LocalInterruptDisabled,
    prelude::*, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};

pub(crate) mod private {
    use super::*;

    /// The vblank hooks of `struct drm_crtc_funcs`.
    pub struct VblankHooks {
        pub(crate) enable_vblank: Option<unsafe extern "C" fn(*mut bindings::drm_crtc) -> c_int>,
        pub(crate) disable_vblank: Option<unsafe extern "C" fn(*mut bindings::drm_crtc)>,
        pub(crate) get_vblank_timestamp: Option<
            unsafe extern "C" fn(
                *mut bindings::drm_crtc,
                *mut c_int,
                *mut bindings::ktime_t,
                bool,
            ) -> bool,
        >,
        /// Waits, after `drm_crtc_vblank_off()`, until no handler of the CRTC runs any more.
        pub(crate) synchronize: unsafe fn(*mut bindings::drm_crtc),
        /// Tells whether vblanks of a mode can be made.
        pub(crate) mode_valid: fn(&DisplayMode) -> ModeStatus,
    }

    /// What a source of vblanks is to the abstractions, for CRTCs of type `T`.
    pub trait VblankSource<T: DriverCrtc> {
        /// The hooks, or [`None`] without vblanks.
        const HOOKS: Option<VblankHooks>;
    }
}

use private::{
    VblankHooks,
    VblankSource, //
};

/// A source of vertical blanking.
///
/// This trait is sealed: use [`Timer`], [`Interrupt`] or [`None`](struct@None).
pub trait VblankSupport<T: DriverCrtc>: VblankSource<T> {}

/// Vblanks made by the DRM core's timer, at the refresh rate of the mode.
///
/// For devices without a vblank interrupt. The timer runs while somebody holds a reference to the
/// vblank; [`DriverCrtc::handle_vblank_timeout`] is called each time it fires.
///
/// Modes whose vblanks come more often than every 0.1 ms, or more seldom than every second, are
/// refused: user space may ask for any.
pub struct Timer;

impl<T: DriverCrtc> VblankSource<T> for Timer {
    const HOOKS: Option<VblankHooks> = Some(VblankHooks {
        enable_vblank: Some(bindings::drm_crtc_vblank_helper_enable_vblank_timer),
        disable_vblank: Some(bindings::drm_crtc_vblank_helper_disable_vblank_timer),
        get_vblank_timestamp: Some(
            bindings::drm_crtc_vblank_helper_get_vblank_timestamp_from_timer,
        ),
        synchronize: synchronize_timer,
        mode_valid: timer_mode_valid,
    });
}

/// The shortest time between two vblanks that the timer is set to, in nanoseconds. With less, user
/// space could keep a processor busy with nothing but vblanks.
const TIMER_MIN_NS: u64 = 100_000;

/// The longest one. The core keeps the time in an `int`.
const TIMER_MAX_NS: u64 = 1_000_000_000;

/// Tells whether the core's timer can make the vblanks of `mode`, which may come from user space.
fn timer_mode_valid(mode: &DisplayMode) -> ModeStatus {
    match mode.frame_duration() {
        Some(..TIMER_MIN_NS) => ModeStatus::ClockHigh,
        Some(..=TIMER_MAX_NS) => ModeStatus::Ok,
        _ => ModeStatus::ClockLow,
    }
}

/// Waits until the core's timer of `crtc` does not run any more.
///
/// `drm_crtc_vblank_off()` stops the timer but does not wait for it: it holds locks that the timer
/// takes. Without this a [`DriverCrtc::handle_vblank_timeout`] that began before could go on while
/// the CRTC is being taken down.
///
/// # Safety
///
/// `crtc` must have the core's vblank timer, its vblanks must be off, and no lock that the timer
/// or a handler takes may be held.
unsafe fn synchronize_timer(crtc: *mut bindings::drm_crtc) {
    // SAFETY: `crtc` has vblanks, hence a `struct drm_vblank_crtc`.
    let timer = unsafe { &raw mut (*bindings::drm_crtc_vblank_crtc(crtc)).vblank_timer };

    // The core initialises the timer when vblanks are enabled for the first time.
    //
    // SAFETY: `timer` is valid; nobody enables vblanks while they are off.
    if unsafe { (*timer).crtc }.is_null() {
        return;
    }

    // SAFETY: The timer is initialised. As vblanks are off, its function does not start it again.
    unsafe { bindings::hrtimer_cancel(&raw mut (*timer).timer) };
}

impl<T: DriverCrtc> VblankSupport<T> for Timer {}

/// CRTCs whose vblanks are an interrupt of the hardware. See [`Interrupt`].
///
/// The functions are called with interrupts disabled, and with spin locks of the core held that the
/// functions for vblanks of a CRTC take. They must not sleep, and get at the data of the CRTC only.
/// They may be called after the device was unplugged: what belongs to the hardware is reached
/// through what knows, like [`Devres`](crate::devres::Devres).
pub trait VblankInterrupt: DriverCrtc {
    /// Has the hardware raise its interrupt with each vblank.
    ///
    /// C: `drm_crtc_funcs.enable_vblank`.
    ///
    /// # Errors
    ///
    /// The error is that of [`Crtc::vblank_get`]. If the CRTC is switched on while somebody has a
    /// reference already, the core warns instead.
    fn enable_vblank(&self, irq: &LocalInterruptDisabled) -> Result;

    /// Has the hardware not raise its interrupt any more.
    ///
    /// An interrupt that was raised before may still be handled. C:
    /// `drm_crtc_funcs.disable_vblank`.
    fn disable_vblank(&self, irq: &LocalInterruptDisabled);
}

/// Vblanks that are an interrupt of the hardware.
///
/// The interrupt is enabled while somebody holds a reference to the vblank. The driver's handler
/// calls [`Crtc::handle_vblank`] each time. It holds the CRTC, or its device, by itself: that the
/// handler has run to its end is what the registration of the interrupt sees to, not this module.
///
/// The vblanks are counted as they are handled, and their time is that of the handling.
pub struct Interrupt;

impl<T: VblankInterrupt> VblankSource<T> for Interrupt {
    const HOOKS: Option<VblankHooks> = Some(VblankHooks {
        enable_vblank: Some(enable_callback::<T>),
        disable_vblank: Some(disable_callback::<T>),
        get_vblank_timestamp: Option::None,
        synchronize: |_| {},
        mode_valid: |_| ModeStatus::Ok,
    });
}

impl<T: VblankInterrupt> VblankSupport<T> for Interrupt {}

/// # Safety
///
/// `crtc` must be a CRTC of type `T`. Interrupts must be disabled.
unsafe extern "C" fn enable_callback<T: VblankInterrupt>(crtc: *mut bindings::drm_crtc) -> c_int {
    from_result(|| {
        // SAFETY: By the safety requirements of this function.
        let (crtc, irq) = unsafe {
            (
                Crtc::<T>::from_raw(crtc),
                LocalInterruptDisabled::assume_disabled(),
            )
        };

        T::enable_vblank(crtc, irq).map(|()| 0)
    })
}

/// # Safety
///
/// `crtc` must be a CRTC of type `T`. Interrupts must be disabled.
unsafe extern "C" fn disable_callback<T: VblankInterrupt>(crtc: *mut bindings::drm_crtc) {
    // SAFETY: By the safety requirements of this function.
    let (crtc, irq) = unsafe {
        (
            Crtc::<T>::from_raw(crtc),
            LocalInterruptDisabled::assume_disabled(),
        )
    };

    T::disable_vblank(crtc, irq);
}

/// No vblanks at all: page-flip events are sent as soon as the commit is programmed.
pub struct None;

impl<T: DriverCrtc> VblankSource<T> for None {
    const HOOKS: Option<VblankHooks> = Option::None;
}

impl<T: DriverCrtc> VblankSupport<T> for None {}

/// Tells whether vblanks of `mode` can be made for CRTCs of type `T`.
pub(crate) fn mode_valid<T: DriverCrtc>(mode: &DisplayMode) -> ModeStatus {
    match <T::Vblank as VblankSource<T>>::HOOKS {
        Some(hooks) => (hooks.mode_valid)(mode),
        Option::None => ModeStatus::Ok,
    }
}

/// Returns whether CRTCs of type `T` have vblanks.
pub(crate) const fn has_vblank<T: DriverCrtc>() -> bool {
    <T::Vblank as VblankSource<T>>::HOOKS.is_some()
}

/// Waits until no vblank handler of `crtc` runs any more.
///
/// # Safety
///
/// `crtc` must be a CRTC of type `T` whose vblanks, if it has any, are off. No lock that a vblank
/// handler takes may be held.
pub(crate) unsafe fn synchronize<T: DriverCrtc>(crtc: *mut bindings::drm_crtc) {
    if let Some(hooks) = <T::Vblank as VblankSource<T>>::HOOKS {
        // SAFETY: By the safety requirements of this function.
        unsafe { (hooks.synchronize)(crtc) };
    }
}

/// Runs `f` with the device's event lock held and interrupts disabled.
fn with_event_lock<T: DriverCrtc, R>(crtc: &Crtc<T>, f: impl FnOnce() -> R) -> R {
    // SAFETY: The device of a CRTC is valid, and its event lock is initialised.
    let lock = unsafe { &raw mut (*crtc.raw_dev()).event_lock };

    // SAFETY: The lock is initialised. Nothing in this crate lets a driver hold it already.
    unsafe { bindings::spin_lock_irq_disable(lock) };
    let ret = f();
    // SAFETY: Locked above by this thread.
    unsafe { bindings::spin_unlock_irq_enable(lock) };

    ret
}

/// A reference to the vblank of a CRTC: while one exists, the CRTC counts vblanks.
///
/// Made by [`Crtc::vblank_get`]. C: `drm_crtc_vblank_get()` and, on drop, `drm_crtc_vblank_put()`;
/// neither sleeps.
pub struct VblankRef<'a, T: DriverCrtc> {
    crtc: &'a Crtc<T>,
}

impl<T: DriverCrtc> VblankRef<'_, T> {
    /// Turns the reference into one that holds the CRTC by itself. Does not sleep.
    pub fn into_owned(self) -> OwnedVblankRef<T> {
        let this = ManuallyDrop::new(self);

        // The reference to the vblank is handed over.
        OwnedVblankRef {
            crtc: this.crtc.into(),
        }
    }
}

impl<T: DriverCrtc> Drop for VblankRef<'_, T> {
    fn drop(&mut self) {
        // SAFETY: The CRTC is valid and the reference was taken on creation.
        unsafe { bindings::drm_crtc_vblank_put(self.crtc.as_raw()) };
    }
}

/// A [`VblankRef`] that holds its CRTC.
///
/// As with any [`KmsRef`], it must not stay in the data of a mode object forever: there it keeps
/// the device alive until it is taken out. Dropping it may free the device, so drop it in a context
/// that may sleep.
pub struct OwnedVblankRef<T: DriverCrtc> {
    crtc: KmsRef<Crtc<T>>,
}

impl<T: DriverCrtc> Drop for OwnedVblankRef<T> {
    fn drop(&mut self) {
        // SAFETY: The CRTC is valid and the reference was taken on creation.
        unsafe { bindings::drm_crtc_vblank_put(self.crtc.as_raw()) };
    }
}

impl<T: DriverCrtc> Crtc<T> {
    /// Returns whether the functions of the core may be called that take the vblank of the CRTC for
    /// granted.
    ///
    /// During the setup of the device, and of a device whose setup has failed, there is none yet.
    fn has_vblank(&self) -> bool {
        has_vblank::<T>() && self.dev().lifecycle().is_some_and(|l| l.has_vblanks())
    }

    /// Takes a reference to the vblank. Does not sleep.
    ///
    /// # Errors
    ///
    /// - `EOPNOTSUPP` if CRTCs of this type have no vblanks.
    /// - `EINVAL` if the CRTC is off, or its device is still being set up.
    /// - The error of [`VblankInterrupt::enable_vblank`].
    pub fn vblank_get(&self) -> Result<VblankRef<'_, T>> {
        if !has_vblank::<T>() {
            return Err(EOPNOTSUPP);
        }
        if !self.has_vblank() {
            return Err(EINVAL);
        }
        // SAFETY: The CRTC is valid.
        to_result(unsafe { bindings::drm_crtc_vblank_get(self.as_raw()) })?;

        Ok(VblankRef { crtc: self })
    }

    /// Tells the core that a vblank happened: counts it and sends the events that wait for it.
    ///
    /// Does not sleep; may be called in interrupt context. Returns whether vblanks are on.
    /// C: `drm_crtc_handle_vblank()`.
    pub fn handle_vblank(&self) -> bool {
        if !self.has_vblank() {
            return false;
        }
        // SAFETY: The CRTC is valid.
        unsafe { bindings::drm_crtc_handle_vblank(self.as_raw()) }
    }

    /// Returns the number of the last vblank that was handled. Does not sleep.
    ///
    /// 0 without vblanks, and while the device is being set up. C: `drm_crtc_vblank_count()`.
    pub fn vblank_count(&self) -> u64 {
        if !self.has_vblank() {
            return 0;
        }
        // SAFETY: The CRTC is valid.
        unsafe { bindings::drm_crtc_vblank_count(self.as_raw()) }
    }

    /// Returns the number of the current vblank, also if its handling is still to come. Does not
    /// sleep.
    ///
    /// 0 without vblanks, and while the device is being set up. The same as
    /// [`vblank_count`](Self::vblank_count) where vblanks are an [`Interrupt`]. C:
    /// `drm_crtc_accurate_vblank_count()`.
    pub fn accurate_vblank_count(&self) -> u64 {
        // Without time stamps the core cannot know, and warns.
        if !<T::Vblank as VblankSource<T>>::HOOKS
            .is_some_and(|hooks| hooks.get_vblank_timestamp.is_some())
        {
            return self.vblank_count();
        }
        if !self.has_vblank() {
            return 0;
        }
        // SAFETY: The CRTC is valid.
        unsafe { bindings::drm_crtc_accurate_vblank_count(self.as_raw()) }
    }
}

/// An event that tells user space, and the commit machinery, that a page flip is complete.
///
/// Each event is delivered exactly once: by [`arm`](Self::arm) with the next vblank, or by
/// [`send`](Self::send) at once. Dropping it sends it, so that no client waits forever.
///
/// # Invariants
///
/// `event` is owned by this object and was taken from a commit of `crtc`.
#[must_use = "dropping the event sends it at once"]
pub struct PendingVblankEvent<'a, T: DriverCrtc> {
    event: NonNull<bindings::drm_pending_vblank_event>,
    crtc: &'a Crtc<T>,
}

impl<'a, T: DriverCrtc> PendingVblankEvent<'a, T> {
    /// Takes the event out of the CRTC state `state`, if it is still there.
    ///
    /// # Safety
    ///
    /// `state` must be valid, the new state of `crtc` in a commit that is being executed.
    pub(crate) unsafe fn take(
        crtc: &'a Crtc<T>,
        state: *mut bindings::drm_crtc_state,
    ) -> Option<Self> {
        let event = with_event_lock(crtc, || {
            // SAFETY: By the safety requirements of this function the state is valid. From here
            // on the event is accessed under the event lock only.
            unsafe { core::mem::replace(&mut (*state).event, core::ptr::null_mut()) }
        });

        // INVARIANT: The state, of a commit of `crtc`, has given up the event.
        NonNull::new(event).map(|event| Self { event, crtc })
    }

    /// Returns the CRTC.
    pub fn crtc(&self) -> &'a Crtc<T> {
        self.crtc
    }

    /// Sends the event at once. Does not sleep. C: `drm_crtc_send_vblank_event()`.
    pub fn send(self) {
        drop(self);
    }

    /// Has the event sent with the next vblank. Does not sleep.
    ///
    /// Takes the reference to the vblank that the event needs. Call it after the new frame is in
    /// place and early enough for it to be shown with the next vblank. C:
    /// `drm_crtc_arm_vblank_event()`.
    ///
    /// # Errors
    ///
    /// Gives the event back if the CRTC is off or has no vblanks.
    pub fn arm(self) -> core::result::Result<(), Self> {
        if !has_vblank::<T>() {
            return Err(self);
        }
        let crtc = self.crtc.as_raw();
        let armed = with_event_lock(self.crtc, || {
            // SAFETY: The CRTC is valid.
            if unsafe { bindings::drm_crtc_vblank_get(crtc) } != 0 {
                return false;
            }
            // SAFETY: The event lock is held, the event is ours to give away, and the reference
            // that was just taken goes with it.
            unsafe { bindings::drm_crtc_arm_vblank_event(crtc, self.event.as_ptr()) };
            true
        });

        if armed {
            let _ = ManuallyDrop::new(self);
            Ok(())
        } else {
            Err(self)
        }
    }

    /// Has the event sent with the next vblank, or at once if there will be none. Does not sleep.
    pub fn arm_or_send(self) {
        if let Err(event) = self.arm() {
            event.send();
        }
    }
}

impl<T: DriverCrtc> Drop for PendingVblankEvent<'_, T> {
    fn drop(&mut self) {
        let crtc = self.crtc.as_raw();

        with_event_lock(self.crtc, || {
            // SAFETY: The CRTC is valid, the event lock is held, and the event is ours to give
            // away.
            unsafe { bindings::drm_crtc_send_vblank_event(crtc, self.event.as_ptr()) }
        });
    }
}
