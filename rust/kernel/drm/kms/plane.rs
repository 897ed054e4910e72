// SPDX-License-Identifier: GPL-2.0

//! Planes: the sources of pixels of a CRTC.
//!
//! C header: [`include/drm/drm_plane.h`](srctree/include/drm/drm_plane.h)

use super::{
    async_update::AsyncUpdate,
    atomic::{
        ObjectCheck,
        ObjectCommit,
        StateMut, //
    },
    color::pipeline::ColorPipeline,
    crtc::Crtc,
    fourcc::{
        Fourcc,
        Modifier, //
    },
    framebuffer::{
        Framebuffer,
        FramebufferMap, //
    },
    modes::Rect,
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
    bindings,
    error::{
        from_err_ptr,
        from_result,
        to_result,
        VTABLE_DEFAULT_ERROR, //
    },
    prelude::*,
    sync::Arc,
    types::Opaque, //
};
use core::{
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

/// The check of a commit, as seen by a plane.
pub type PlaneCheck<'a, T> = ObjectCheck<'a, Plane<T>>;

/// A commit that is being executed, as seen by a plane.
pub type PlaneCommit<'a, T> = ObjectCommit<'a, Plane<T>>;

/// The planes of a driver.
///
/// The implementing type is the driver's data of one plane; [`Plane<Self>`](Plane) dereferences to
/// it. All functions may sleep.
#[vtable]
pub trait DriverPlane: Send + Sync + Sized + 'static {
    /// The driver.
    type Driver: KmsDriver<Plane = Self>;

    /// The driver's part of the plane state.
    type State: DriverState;

    /// Whether the library maps each framebuffer into the kernel before it is shown.
    ///
    /// The mapping is then found in [`PlaneState::map`].
    const MAP_FRAMEBUFFERS: bool = false;

    /// Whether the message of a kernel panic can be drawn into the framebuffer that is shown.
    ///
    /// Needs [`MAP_FRAMEBUFFERS`](Self::MAP_FRAMEBUFFERS). The display must show what is written to
    /// that memory without anybody doing anything about it. See [`panic`](super::panic).
    const PANIC_SCREEN: bool = false;

    /// Whether user space can tell which parts of a framebuffer have changed: by the property
    /// `FB_DAMAGE_CLIPS`, or by the ioctl `DIRTYFB` for what is shown already.
    ///
    /// For devices that keep a copy of the picture. What has changed is then found by
    /// [`PlaneCommit::damage`].
    const FB_DAMAGE_CLIPS: bool = false;

    /// Checks the new state of the plane.
    ///
    /// Called before the check of its CRTC; modeset locks of all objects in the commit are held.
    /// Must not touch hardware and may be called several times for one commit. Return the
    /// `EDEADLK` of a look-up as it is: the core drops its locks and starts again.
    fn atomic_check(_check: &PlaneCheck<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Shows the new state of the plane.
    ///
    /// Without [`atomic_disable`](Self::atomic_disable), it is also called for switching the plane
    /// off: the new state then has no framebuffer.
    fn atomic_update(commit: &PlaneCommit<'_, Self>);

    /// Switches the plane off.
    fn atomic_disable(_commit: &PlaneCommit<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Tells whether the new state of the plane can be shown at once, see
    /// [`async_update`](super::async_update). With an error the commit goes the ordinary way.
    ///
    /// Called after the checks of plane and CRTC. Must not touch hardware. Needs
    /// [`async_update`](Self::async_update).
    fn async_check(_check: &PlaneCheck<'_, Self>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Shows the new state of the plane at once.
    ///
    /// A commit without the plane may be executed for its CRTC at the same time: locking is the
    /// driver's. The modeset lock of the plane is held.
    fn async_update(_update: &AsyncUpdate<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// What a plane is for (`enum drm_plane_type`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum PlaneType {
    /// Any other use.
    Overlay = bindings::drm_plane_type_DRM_PLANE_TYPE_OVERLAY,
    /// The plane that legacy modesetting shows on its CRTC. Each CRTC has exactly one.
    Primary = bindings::drm_plane_type_DRM_PLANE_TYPE_PRIMARY,
    /// The plane that legacy cursor ioctls use. Each CRTC has at most one.
    Cursor = bindings::drm_plane_type_DRM_PLANE_TYPE_CURSOR,
}

/// What a plane is created with.
pub struct PlaneArgs<'a> {
    /// What the plane is for.
    pub type_: PlaneType,
    /// The pixel formats: 1 to 64, none twice, all known to the core.
    pub formats: &'a [Fourcc],
    /// The memory layouts; empty for linear memory only.
    pub modifiers: &'a [Modifier],
    /// A name for debugging; `plane-N` by default.
    pub name: Option<&'a CStr>,
}

/// How much a plane can scale, as 16.16 fixed-point factors of source to destination size.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// The smallest factor, below 1 for enlarging.
    pub min: u32,
    /// The largest factor, above 1 for shrinking.
    pub max: u32,
}

impl Scaling {
    /// The plane cannot scale.
    pub const NONE: Self = Self {
        min: bindings::DRM_PLANE_NO_SCALING,
        max: bindings::DRM_PLANE_NO_SCALING,
    };
}

/// A plane with the driver's data `T`.
///
/// # Invariants
///
/// `plane` is an initialised `struct drm_plane` of a device of `T::Driver`, with the vtables of
/// this module; `inner` is initialised.
#[repr(C)]
#[pin_data]
pub struct Plane<T: DriverPlane> {
    #[pin]
    plane: Opaque<bindings::drm_plane>,
    #[pin]
    inner: T,
}

// SAFETY: `T` is `Send`, and `struct drm_plane` can be used from any thread.
unsafe impl<T: DriverPlane> Send for Plane<T> {}

// SAFETY: `T` is `Sync`, and everything in `struct drm_plane` that the methods access is constant
// or locked by the functions that access it.
unsafe impl<T: DriverPlane> Sync for Plane<T> {}

impl<T: DriverPlane> Deref for Plane<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

// SAFETY: By the type invariants of `Plane` the device is one of `T::Driver`, and mode objects do
// not outlive their device.
unsafe impl<T: DriverPlane> RawObject for Plane<T> {
    type Driver = T::Driver;

    fn raw_dev(&self) -> *mut bindings::drm_device {
        // SAFETY: The plane is initialised, and its device never changes.
        unsafe { (*self.as_raw()).dev }
    }

    fn raw_base(&self) -> *mut bindings::drm_mode_object {
        // SAFETY: The plane is initialised.
        unsafe { &raw mut (*self.as_raw()).base }
    }
}

impl<T: DriverPlane> ModeObject for Plane<T> {}

// SAFETY: The states are those of this plane. No other kind of object has bank 1, and the core
// limits the number of planes to 32.
unsafe impl<T: DriverPlane> RawAtomic for Plane<T> {
    type State = PlaneState<T>;

    const BANK: usize = 1;

    fn raw_index(&self) -> u32 {
        // SAFETY: The plane is initialised, and its index never changes.
        unsafe { (*self.as_raw()).index }
    }

    unsafe fn slot(&self, commit: *mut bindings::drm_atomic_commit) -> Option<Slot<PlaneState<T>>> {
        // SAFETY: The commit is valid and of the same device, so that its array has an entry for
        // each plane of the device.
        let entry = unsafe { &*(*commit).planes.add(self.raw_index() as usize) };

        // INVARIANT: Taken from the entry of this plane; the commit owns both states.
        Some(Slot {
            old: NonNull::new(entry.old_state.cast())?,
            new: NonNull::new(entry.new_state.cast())?,
        })
    }

    unsafe fn add(
        &self,
        commit: *mut bindings::drm_atomic_commit,
    ) -> Result<NonNull<PlaneState<T>>> {
        // SAFETY: The commit is valid, in its check phase and of the same device.
        let state =
            from_err_ptr(unsafe { bindings::drm_atomic_get_plane_state(commit, self.as_raw()) })?;

        NonNull::new(state.cast()).ok_or(ENOMEM)
    }
}

impl<T: DriverPlane> AtomicObject for Plane<T> {}

impl<T: DriverPlane> Plane<T> {
    const CHECKS: () = {
        assert!(
            T::MAP_FRAMEBUFFERS || !T::PANIC_SCREEN,
            "PANIC_SCREEN needs MAP_FRAMEBUFFERS"
        );
        assert!(
            T::HAS_ASYNC_CHECK == T::HAS_ASYNC_UPDATE,
            "async_check() and async_update() need each other"
        );
    };

    const FUNCS: bindings::drm_plane_funcs = {
        let mut funcs: bindings::drm_plane_funcs = pin_init::zeroed();

        funcs.destroy = Some(Self::destroy_callback);
        funcs.update_plane = Some(bindings::drm_atomic_helper_update_plane);
        funcs.disable_plane = Some(bindings::drm_atomic_helper_disable_plane);
        funcs.atomic_create_state = Some(Self::create_state_callback);
        funcs.atomic_duplicate_state = Some(Self::duplicate_state_callback);
        funcs.atomic_destroy_state = Some(Self::destroy_state_callback);
        funcs
    };

    const HELPER_FUNCS: bindings::drm_plane_helper_funcs = {
        let mut funcs: bindings::drm_plane_helper_funcs = pin_init::zeroed();

        if T::MAP_FRAMEBUFFERS {
            funcs.prepare_fb = Some(Self::prepare_fb_callback);
            funcs.cleanup_fb = Some(Self::cleanup_fb_callback);
        }
        funcs.atomic_check = Some(Self::atomic_check_callback);
        funcs.atomic_update = Some(Self::atomic_update_callback);
        if T::HAS_ATOMIC_DISABLE {
            funcs.atomic_disable = Some(Self::atomic_disable_callback);
        }
        if T::HAS_ASYNC_UPDATE {
            funcs.atomic_async_check = Some(Self::atomic_async_check_callback);
            funcs.atomic_async_update = Some(Self::atomic_async_update_callback);
        }
        if T::PANIC_SCREEN {
            funcs.get_scanout_buffer = Some(Self::get_scanout_buffer_callback);
        }
        funcs
    };

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_plane {
        self.plane.get()
    }

    /// # Safety
    ///
    /// `plane` must be a plane of a device of `T::Driver`, valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(plane: *mut bindings::drm_plane) -> &'a Self {
        // SAFETY: A device of `T::Driver` has planes of type `Plane<T>` only, of which the C
        // structure is the first field.
        unsafe { &*plane.cast() }
    }

    /// Returns what the plane is for.
    pub fn type_(&self) -> PlaneType {
        // SAFETY: The plane is initialised, and its type never changes.
        match unsafe { (*self.as_raw()).type_ } {
            bindings::drm_plane_type_DRM_PLANE_TYPE_PRIMARY => PlaneType::Primary,
            bindings::drm_plane_type_DRM_PLANE_TYPE_CURSOR => PlaneType::Cursor,
            _ => PlaneType::Overlay,
        }
    }

    /// Returns the bit of the plane in masks like [`plane_mask`](super::CrtcState::plane_mask).
    pub fn mask(&self) -> u32 {
        1 << self.raw_index()
    }

    /// Creates a plane.
    ///
    /// # Safety
    ///
    /// `dev` must be a device of `T::Driver` in its setup phase, on which no more than 31 planes
    /// were created, and `args.formats` must have 1 to 64 entries, all known to the core.
    pub(super) unsafe fn create<'a>(
        dev: *mut bindings::drm_device,
        args: &PlaneArgs<'_>,
        data: impl PinInit<T, Error>,
    ) -> Result<&'a Self> {
        const { Self::CHECKS };

        let mut modifiers = KVec::new();
        for modifier in args.modifiers {
            modifiers.push(modifier.code(), GFP_KERNEL)?;
        }
        let modifiers = if modifiers.is_empty() {
            ptr::null()
        } else {
            modifiers.push(Modifier::INVALID.code(), GFP_KERNEL)?;
            modifiers.as_ptr()
        };
        let count = u32::try_from(args.formats.len())?;

        let this = KBox::try_pin_init(
            try_pin_init!(Self {
                plane: pin_init::zeroed(),
                inner <- data,
            }? Error),
            GFP_KERNEL,
        )?;
        // SAFETY: The plane is not moved until it is freed in `destroy_callback`.
        let this = KBox::into_raw(unsafe { Pin::into_inner_unchecked(this) });
        // SAFETY: `this` is valid.
        let plane = unsafe { (*this).as_raw() };

        // SAFETY: Everything is valid by the safety requirements of this function. `Fourcc` is a
        // transparent wrapper of a number; the list of modifiers is terminated; the core copies
        // both. The name is passed as the argument of a constant format.
        let ret = unsafe {
            bindings::drm_universal_plane_init(
                dev,
                plane,
                0,
                const { &Self::FUNCS },
                args.formats.as_ptr().cast(),
                count,
                modifiers,
                args.type_ as bindings::drm_plane_type,
                super::name_format(args.name),
                super::name_arg(args.name),
            )
        };
        if ret != 0 {
            // SAFETY: On error nobody knows the plane. It came from `KBox::into_raw`.
            drop(unsafe { KBox::from_raw(this) });
            return Err(Error::from_errno(ret));
        }
        // SAFETY: The plane is not in use yet.
        unsafe { (*plane).helper_private = const { &Self::HELPER_FUNCS } };

        if T::FB_DAMAGE_CLIPS {
            // SAFETY: The plane is initialised and not in use yet.
            unsafe { bindings::drm_plane_enable_fb_damage_clips(plane) };
        }

        // INVARIANT: Initialised above.
        // SAFETY: The plane lives as long as the device, hence longer than its setup phase.
        Ok(unsafe { &*this })
    }

    /// # Safety
    ///
    /// Called by the core once, on teardown of the device.
    unsafe extern "C" fn destroy_callback(plane: *mut bindings::drm_plane) {
        // SAFETY: The plane is initialised and not used any more.
        unsafe { bindings::drm_plane_cleanup(plane) };

        // SAFETY: It was made from a box in `create`, and this is the last access.
        drop(unsafe { KBox::from_raw(plane.cast::<Self>()) });
    }

    /// # Safety
    ///
    /// `plane` must be a plane of type `T`.
    unsafe extern "C" fn create_state_callback(
        plane: *mut bindings::drm_plane,
    ) -> *mut bindings::drm_plane_state {
        match PlaneState::<T>::alloc(T::State::new(), None) {
            Ok(state) => {
                // SAFETY: Both are valid; the state is zeroed.
                unsafe { bindings::__drm_atomic_helper_plane_state_init(state, plane) };
                state
            }
            Err(err) => err.to_ptr(),
        }
    }

    /// # Safety
    ///
    /// `plane` must be a plane of type `T` with a state, which does not change during the call.
    unsafe extern "C" fn duplicate_state_callback(
        plane: *mut bindings::drm_plane,
    ) -> *mut bindings::drm_plane_state {
        // SAFETY: By the safety requirements of this function.
        let old = unsafe { PlaneState::<T>::from_raw((*plane).state) };

        match PlaneState::<T>::alloc(old.inner.duplicate(), old.pipeline.clone()) {
            Ok(state) => {
                // SAFETY: Both are valid.
                unsafe { bindings::__drm_atomic_helper_plane_duplicate_state(plane, state) };
                state
            }
            Err(_) => ptr::null_mut(),
        }
    }

    /// # Safety
    ///
    /// `state` must come from one of the functions above and must not be used any more.
    unsafe extern "C" fn destroy_state_callback(
        _plane: *mut bindings::drm_plane,
        state: *mut bindings::drm_plane_state,
    ) {
        // The mapping holds the framebuffer, and unmapping comes before the state's reference to
        // the framebuffer is given up.
        //
        // SAFETY: By the safety requirements of this function there are no other users, and the
        // state was made from a box in `PlaneState::alloc`.
        let mut state = unsafe { KBox::from_raw(state.cast::<PlaneState<T>>()) };
        state.map = None;

        // SAFETY: By the safety requirements of this function.
        unsafe { bindings::__drm_atomic_helper_plane_destroy_state(state.as_raw()) };
    }

    /// # Safety
    ///
    /// `plane` must be a plane of type `T`, and `state` a state of it that is checked but not yet
    /// published, so that nobody else accesses it.
    unsafe extern "C" fn prepare_fb_callback(
        plane: *mut bindings::drm_plane,
        state: *mut bindings::drm_plane_state,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function; the framebuffer is held by the
            // state.
            let fb = unsafe { Framebuffer::<T::Driver>::from_raw((*state).fb) };
            let Some(fb) = fb else { return Ok(0) };

            // SAFETY: By the safety requirements of this function.
            to_result(unsafe { bindings::drm_gem_plane_helper_prepare_fb(plane, state) })?;
            let map = Arc::new(fb.vmap()?, GFP_KERNEL)?;

            // SAFETY: By the safety requirements of this function there is no other access.
            unsafe { (*state.cast::<PlaneState<T>>()).map = Some(map) };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `state` must be a state of a plane of type `T` that is not shown any more, or never was,
    /// so that nobody else accesses it.
    unsafe extern "C" fn cleanup_fb_callback(
        _plane: *mut bindings::drm_plane,
        state: *mut bindings::drm_plane_state,
    ) {
        // SAFETY: By the safety requirements of this function there is no other access. Who shows
        // the framebuffer nevertheless has taken a reference to the mapping.
        drop(unsafe { (*state.cast::<PlaneState<T>>()).map.take() });
    }

    /// # Safety
    ///
    /// `plane` must be a plane of type `T` in `commit`, which must be in its check phase, with no
    /// other view of it in use.
    unsafe extern "C" fn atomic_check_callback(
        plane: *mut bindings::drm_plane,
        commit: *mut bindings::drm_atomic_commit,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function.
            let plane = unsafe { Self::from_raw(plane) };

            // SAFETY: By the safety requirements of this function.
            if let Some(slot) = unsafe { plane.slot(commit) } {
                // SAFETY: The new state is valid and not borrowed by any view.
                let new = unsafe { &mut *slot.new.as_ptr() };

                // A plane that is off is not visible, also for drivers that then look no further.
                // What is in the new state up to now is what the current state says.
                //
                // SAFETY: The new state is valid and not accessed by anybody else.
                unsafe {
                    if (*new.as_raw()).crtc.is_null() {
                        (*new.as_raw()).visible = false;
                    }
                }
                // SAFETY: The new state of a plane in a commit in its check phase.
                unsafe { new.update_pipeline(commit) }?;
            }
            if T::HAS_ATOMIC_CHECK {
                // SAFETY: By the safety requirements of this function.
                let check = unsafe { ObjectCheck::from_raw(commit, plane) };

                check.finish(T::atomic_check(&check))?;
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `plane` must be a plane of type `T` in `commit`, which must be in its programming phase.
    unsafe extern "C" fn atomic_update_callback(
        plane: *mut bindings::drm_plane,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        // SAFETY: By the safety requirements of this function.
        if let Some(commit) = unsafe { ObjectCommit::from_raw(commit, Self::from_raw(plane)) } {
            T::atomic_update(&commit);
        }
    }

    /// # Safety
    ///
    /// `plane` must be a plane of type `T` in `commit`, which must be in its programming phase.
    unsafe extern "C" fn atomic_disable_callback(
        plane: *mut bindings::drm_plane,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        // SAFETY: By the safety requirements of this function.
        if let Some(commit) = unsafe { ObjectCommit::from_raw(commit, Self::from_raw(plane)) } {
            T::atomic_disable(&commit);
        }
    }
}

/// The state of a plane.
///
/// Dereferences to the driver's part of it.
///
/// # Invariants
///
/// `state` is an initialised `struct drm_plane_state` of a [`Plane<T>`].
#[repr(C)]
pub struct PlaneState<T: DriverPlane> {
    state: Opaque<bindings::drm_plane_state>,
    map: Option<Arc<FramebufferMap<T::Driver>>>,
    // What `state.color_pipeline` and the states of its operations say, from the check on.
    pipeline: Option<Arc<ColorPipeline>>,
    inner: T::State,
}

// SAFETY: The driver's part and the mapping are `Send`, and a state can be freed by any thread.
unsafe impl<T: DriverPlane> Send for PlaneState<T> {}

// SAFETY: The driver's part and the mapping are `Sync`. What the methods read of the C part does
// not change while the state is shared.
unsafe impl<T: DriverPlane> Sync for PlaneState<T> {}

impl<T: DriverPlane> Deref for PlaneState<T> {
    type Target = T::State;

    fn deref(&self) -> &T::State {
        &self.inner
    }
}

impl<T: DriverPlane> PlaneState<T> {
    /// Makes a state of which the C part is zeroed.
    fn alloc(
        inner: Result<T::State>,
        pipeline: Option<Arc<ColorPipeline>>,
    ) -> Result<*mut bindings::drm_plane_state> {
        let state = KBox::new(
            Self {
                state: pin_init::zeroed(),
                map: None,
                pipeline,
                inner: inner?,
            },
            GFP_KERNEL,
        )?;

        Ok(KBox::into_raw(state).cast())
    }

    /// # Safety
    ///
    /// `state` must be a state of a plane of type `T`, valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(state: *mut bindings::drm_plane_state) -> &'a Self {
        // SAFETY: All states of such planes are made by `alloc`; the C part is the first field.
        unsafe { &*state.cast() }
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_plane_state {
        self.state.get()
    }

    /// Makes `current` show what `new` says, and `new` hold what is to be given up for that.
    ///
    /// # Safety
    ///
    /// Both must be valid states of the same plane, on the same CRTC, which nobody else accesses.
    pub(super) unsafe fn take_over(current: *mut Self, new: *mut Self) {
        // SAFETY: By the safety requirements of this function; the states are different ones.
        let (current, new) = unsafe { (&mut *current, &mut *new) };

        core::mem::swap(&mut current.map, &mut new.map);
        core::mem::swap(&mut current.inner, &mut new.inner);

        // SAFETY: Both states are initialised. With the pointer goes the reference.
        let (current, new) = unsafe { (&mut *current.as_raw(), &mut *new.as_raw()) };

        core::mem::swap(&mut current.fb, &mut new.fb);
        (current.crtc_x, current.crtc_y) = (new.crtc_x, new.crtc_y);
        (current.crtc_w, current.crtc_h) = (new.crtc_w, new.crtc_h);
        (current.src_x, current.src_y) = (new.src_x, new.src_y);
        (current.src_w, current.src_h) = (new.src_w, new.src_h);
        (current.hotspot_x, current.hotspot_y) = (new.hotspot_x, new.hotspot_y);
        (current.src, current.dst, current.visible) = (new.src, new.dst, new.visible);
    }

    /// Takes a snapshot of the colour pipeline, if the one that was taken over from the old state
    /// is not valid any more.
    ///
    /// # Safety
    ///
    /// `self` must be the new state of a plane in `commit`, which must be in its check phase.
    unsafe fn update_pipeline(&mut self, commit: *mut bindings::drm_atomic_commit) -> Result {
        let state = self.as_raw();

        // The core sets the flag when another pipeline or other parameters are chosen, and adds
        // the plane to the commit when it does.
        //
        // SAFETY: The state is initialised.
        let stale = unsafe {
            bindings::drm_plane_state::color_mgmt_changed_raw(state)
                || (*state).color_pipeline.is_null() == self.pipeline.is_some()
        };

        if stale {
            // SAFETY: By the safety requirements of this function.
            self.pipeline = unsafe { ColorPipeline::snapshot(commit, state) }?;
        }
        Ok(())
    }

    /// Returns the plane.
    pub fn plane(&self) -> &Plane<T> {
        // SAFETY: The state is initialised, and the plane lives as long as the device.
        unsafe { Plane::from_raw((*self.as_raw()).plane) }
    }

    /// Returns the CRTC that shows the plane; [`None`] if the plane is off.
    pub fn crtc(&self) -> Option<&Crtc<<T::Driver as KmsDriver>::Crtc>> {
        // SAFETY: The state is initialised.
        let crtc = unsafe { (*self.as_raw()).crtc };

        // SAFETY: The CRTC, one of the same device, lives as long as the device.
        (!crtc.is_null()).then(|| unsafe { Crtc::from_raw(crtc) })
    }

    /// Returns whether the plane is assigned to `crtc`.
    pub fn is_on(&self, crtc: &Crtc<<T::Driver as KmsDriver>::Crtc>) -> bool {
        // SAFETY: The state is initialised.
        ptr::eq(unsafe { (*self.as_raw()).crtc }, crtc.as_raw())
    }

    /// Returns the framebuffer; [`None`] if the plane is off.
    pub fn framebuffer(&self) -> Option<&Framebuffer<T::Driver>> {
        // SAFETY: The state is initialised and holds a reference to its framebuffer, which does
        // not change while the state is borrowed.
        unsafe { Framebuffer::from_raw((*self.as_raw()).fb) }
    }

    /// Returns the mapping of the framebuffer.
    ///
    /// Only with [`DriverPlane::MAP_FRAMEBUFFERS`], and only while the commit is executed. Clone
    /// the [`Arc`] to use it for longer: it keeps the framebuffer and its mapping.
    pub fn map(&self) -> Option<&Arc<FramebufferMap<T::Driver>>> {
        self.map.as_ref()
    }

    /// Returns the colour pipeline that user space has chosen, as it is in this state; [`None`] if
    /// the pixels are to be shown as they are.
    ///
    /// The new one is there from the check of the plane on. Clone the [`Arc`] to use it for longer
    /// than the state: it depends on nothing else.
    pub fn color_pipeline(&self) -> Option<&Arc<ColorPipeline>> {
        self.pipeline.as_ref()
    }

    /// Returns whether any part of the plane is visible, as found by
    /// [`check_plane_state`](super::AtomicCheck::check_plane_state). A plane that is off is not.
    pub fn visible(&self) -> bool {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).visible }
    }

    /// Returns the visible part of the framebuffer, in 16.16 fixed-point pixels, as found by
    /// [`check_plane_state`](super::AtomicCheck::check_plane_state).
    pub fn src(&self) -> Rect {
        // SAFETY: The state is initialised.
        Rect::from_raw(unsafe { (*self.as_raw()).src })
    }

    /// Returns the visible part of the plane in pixels of the CRTC, as found by
    /// [`check_plane_state`](super::AtomicCheck::check_plane_state).
    pub fn dst(&self) -> Rect {
        // SAFETY: The state is initialised.
        Rect::from_raw(unsafe { (*self.as_raw()).dst })
    }
}

impl<T: DriverPlane> StateMut<'_, Plane<T>> {
    /// Returns the driver's part of the state for changing it.
    pub fn data_mut(&mut self) -> &mut T::State {
        // SAFETY: The state is valid and borrowed exclusively.
        unsafe { &mut (*self.as_ptr()).inner }
    }
}
