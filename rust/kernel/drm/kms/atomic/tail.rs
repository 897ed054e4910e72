// SPDX-License-Identifier: GPL-2.0

//! The tail of an atomic commit: programming the hardware, in order.
//!
//! [`KmsDriver::atomic_commit_tail`] gets a [`CommitTail`] in the step [`Begin`] and must return a
//! [`CommitDone`], which only the last step makes. Each step consumes the token of the step
//! before, so the compiler knows which ones are left:
//!
//! ```text
//! Begin ─ commit_modeset_disables ─> Disabled ─┬─ commit_planes ──────────> PlanesFirst ─┐
//!                                              └─ commit_modeset_enables ─> EnablesFirst ┤
//!            ┌───────────────── Programmed <── the other one of the two ─────────────────┘
//!            └─ commit_hw_done ─> HwDone ─ wait_for_flip_done ─> Flipped ─ cleanup_planes ─> CommitDone
//! ```
//!
//! The lifetime in both types is the same and invariant, so that the token of one commit cannot
//! be used to finish another. A function that returns has therefore gone through all steps of
//! this commit; no path leaves the core waiting for one.
//!
//! C header: [`include/drm/drm_atomic_helper.h`](srctree/include/drm/drm_atomic_helper.h)

use super::{
    super::{
        crtc::Crtc,
        vblank::{
            self,
            PendingVblankEvent, //
        },
        KmsDriver, //
    },
    commit::{
        AtomicCommit,
        OldStates, //
    },
};
use crate::{
    bindings,
    types::NotThreadSafe, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// Nothing is done yet.
pub struct Begin(());
/// CRTCs, encoders and connectors that go off or change their mode are off.
pub struct Disabled(());
/// Planes are updated, CRTCs are still to be switched on.
pub struct PlanesFirst(());
/// CRTCs are switched on, planes are still to be updated.
pub struct EnablesFirst(());
/// The hardware is programmed, the core does not know it yet.
pub struct Programmed(());
/// The core knows that the hardware is programmed: later commits may begin.
pub struct HwDone(());
/// The new frame is on the screen.
pub struct Flipped(());

/// Which planes [`commit_planes`](CommitTail::commit_planes) updates.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum CommitPlanes {
    /// All planes of the commit.
    All,
    /// Only planes of CRTCs that are active; for hardware that cannot be accessed otherwise.
    ActiveOnly,
}

/// The token of a step in the tail of a commit.
///
/// # Invariants
///
/// `raw` is a valid commit of a device of `D` in the step `S`; `'a` stands for this commit alone.
#[must_use = "the tail must be brought to its end"]
pub struct CommitTail<'a, D: KmsDriver, S = Begin> {
    raw: NonNull<bindings::drm_atomic_commit>,
    // Invariant in `'a`.
    _brand: PhantomData<fn(&'a ()) -> &'a ()>,
    _driver: PhantomData<fn(S) -> D>,
    _not_send: NotThreadSafe,
}

/// Proof that all steps of the tail of a commit are done.
#[must_use = "must be returned from `atomic_commit_tail`"]
pub struct CommitDone<'a> {
    // Invariant in `'a`.
    _brand: PhantomData<fn(&'a ()) -> &'a ()>,
    _not_send: NotThreadSafe,
}

impl<'a, D: KmsDriver, S> CommitTail<'a, D, S> {
    /// Goes on to the next step.
    fn step<N>(self) -> CommitTail<'a, D, N> {
        // INVARIANT: Callers have done what leads to step `N`.
        CommitTail {
            raw: self.raw,
            _brand: PhantomData,
            _driver: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    fn dev(&self) -> *mut bindings::drm_device {
        // SAFETY: By the type invariants the commit is valid.
        unsafe { (*self.raw.as_ptr()).dev }
    }

    fn disables(&self) {
        // SAFETY: The commit is valid, and no step was done before.
        unsafe {
            bindings::drm_atomic_helper_commit_modeset_disables(self.dev(), self.raw.as_ptr())
        };
    }

    fn planes(&self, planes: CommitPlanes) {
        let flags = match planes {
            CommitPlanes::All => 0,
            CommitPlanes::ActiveOnly => bindings::DRM_PLANE_COMMIT_ACTIVE_ONLY,
        };

        // SAFETY: The commit is valid, and what goes off is off.
        unsafe { bindings::drm_atomic_helper_commit_planes(self.dev(), self.raw.as_ptr(), flags) };
    }

    fn enables(&self) {
        // SAFETY: The commit is valid, and what goes off is off.
        unsafe {
            bindings::drm_atomic_helper_commit_modeset_enables(self.dev(), self.raw.as_ptr())
        };
    }

    /// Delivers the events that no CRTC has taken.
    fn deliver_events(&self) {
        // SAFETY: Commit and device are valid.
        let count = unsafe { (*self.dev()).mode_config.num_crtc };

        for i in 0..usize::try_from(count).unwrap_or(0) {
            // SAFETY: The array has an entry for each CRTC of the device.
            let entry = unsafe { &*(*self.raw.as_ptr()).crtcs.add(i) };

            if entry.ptr.is_null() || entry.new_state.is_null() {
                continue;
            }
            // SAFETY: A device of `D` has only CRTCs of this type; the state is the new state of
            // this CRTC in this commit.
            let event = unsafe {
                PendingVblankEvent::take(Crtc::<D::Crtc>::from_raw(entry.ptr), entry.new_state)
            };
            if let Some(event) = event {
                event.arm_or_send();
            }
        }
    }
}

macro_rules! impl_commit {
    ($($step:ty),* $(,)?) => {
        $(
            impl<'a, D: KmsDriver> CommitTail<'a, D, $step> {
                /// Returns the view of the commit. It ends with this step.
                pub fn commit(&self) -> AtomicCommit<'_, D> {
                    // SAFETY: By the type invariants, and since `commit_hw_done` consumes a token
                    // whose borrow has to end before.
                    unsafe { AtomicCommit::from_raw(self.raw.as_ptr()) }
                }
            }
        )*
    };
}

impl_commit!(Begin, Disabled, PlanesFirst, EnablesFirst, Programmed);

impl<'a, D: KmsDriver> CommitTail<'a, D, Begin> {
    /// # Safety
    ///
    /// `raw` must be a valid commit of a device of `D` whose tail begins, and `'a` must not be the
    /// lifetime of the token of another commit.
    pub(crate) unsafe fn from_raw(raw: *mut bindings::drm_atomic_commit) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            // SAFETY: By the safety requirements of this function.
            raw: unsafe { NonNull::new_unchecked(raw) },
            _brand: PhantomData,
            _driver: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    /// Switches off what goes off or changes its mode.
    ///
    /// C: `drm_atomic_helper_commit_modeset_disables()`. May sleep.
    pub fn commit_modeset_disables(self) -> CommitTail<'a, D, Disabled> {
        self.disables();
        self.step()
    }
}

impl<'a, D: KmsDriver> CommitTail<'a, D, Disabled> {
    /// Updates the planes, before CRTCs are switched on.
    ///
    /// C: `drm_atomic_helper_commit_planes()`. May sleep.
    pub fn commit_planes(self, planes: CommitPlanes) -> CommitTail<'a, D, PlanesFirst> {
        self.planes(planes);
        self.step()
    }

    /// Switches on what goes on, before planes are updated.
    ///
    /// C: `drm_atomic_helper_commit_modeset_enables()`. May sleep.
    pub fn commit_modeset_enables(self) -> CommitTail<'a, D, EnablesFirst> {
        self.enables();
        self.step()
    }
}

impl<'a, D: KmsDriver> CommitTail<'a, D, PlanesFirst> {
    /// Switches on what goes on.
    ///
    /// C: `drm_atomic_helper_commit_modeset_enables()`. May sleep.
    pub fn commit_modeset_enables(self) -> CommitTail<'a, D, Programmed> {
        self.enables();
        self.step()
    }
}

impl<'a, D: KmsDriver> CommitTail<'a, D, EnablesFirst> {
    /// Updates the planes.
    ///
    /// C: `drm_atomic_helper_commit_planes()`. May sleep.
    pub fn commit_planes(self, planes: CommitPlanes) -> CommitTail<'a, D, Programmed> {
        self.planes(planes);
        self.step()
    }
}

impl<'a, D: KmsDriver> CommitTail<'a, D, Programmed> {
    /// Tells the core that the hardware is programmed.
    ///
    /// Events that no CRTC has taken are delivered before: by the core for CRTCs without vblanks,
    /// else with the next vblank or, where there will be none, at once. From here on the new
    /// states belong to later commits.
    ///
    /// C: `drm_atomic_helper_fake_vblank()` and `drm_atomic_helper_commit_hw_done()`.
    pub fn commit_hw_done(self) -> CommitTail<'a, D, HwDone> {
        if vblank::has_vblank::<D::Crtc>() {
            self.deliver_events();
        }
        // SAFETY: The commit is valid and its new states are programmed.
        unsafe {
            bindings::drm_atomic_helper_fake_vblank(self.raw.as_ptr());
            bindings::drm_atomic_helper_commit_hw_done(self.raw.as_ptr());
        }
        self.step()
    }
}

impl<'a, D: KmsDriver> CommitTail<'a, D, HwDone> {
    /// Returns the view of the old states. It ends with this step.
    pub fn old_states(&self) -> OldStates<'_, D> {
        // SAFETY: By the type invariants; `cleanup_planes` consumes the token.
        unsafe { OldStates::from_raw(self.raw) }
    }

    /// Waits until the events of all CRTCs of the commit were sent: the old framebuffers are not
    /// scanned out any more.
    ///
    /// Skipped by the core for legacy cursor updates. C: `drm_atomic_helper_wait_for_flip_done()`.
    /// Sleeps, ten seconds at most.
    pub fn wait_for_flip_done(self) -> CommitTail<'a, D, Flipped> {
        // SAFETY: The commit is valid, and `commit_hw_done` was called.
        unsafe { bindings::drm_atomic_helper_wait_for_flip_done(self.dev(), self.raw.as_ptr()) };
        self.step()
    }
}

impl<'a, D: KmsDriver> CommitTail<'a, D, Flipped> {
    /// Returns the view of the old states. It ends with this step.
    pub fn old_states(&self) -> OldStates<'_, D> {
        // SAFETY: By the type invariants; `cleanup_planes` consumes the token.
        unsafe { OldStates::from_raw(self.raw) }
    }

    /// Gives up the framebuffers that are not shown any more.
    ///
    /// C: `drm_atomic_helper_cleanup_planes()`. May sleep.
    pub fn cleanup_planes(self) -> CommitDone<'a> {
        // SAFETY: The commit is valid, and its old framebuffers are not shown any more.
        unsafe { bindings::drm_atomic_helper_cleanup_planes(self.dev(), self.raw.as_ptr()) };

        CommitDone {
            _brand: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}
