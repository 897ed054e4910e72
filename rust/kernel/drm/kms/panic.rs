// SPDX-License-Identifier: GPL-2.0

//! The panic screen.
//!
//! When the kernel panics, the core draws a message into what a plane shows. It asks for the memory
//! in a context in which nothing works any more: other CPUs were stopped wherever they were, locks
//! stay locked, memory cannot be allocated, and it may be a non-maskable interrupt. No code of a
//! driver runs there. A driver says with [`DriverPlane::PANIC_SCREEN`] that what it shows is the
//! memory of the framebuffer itself, and the library finds that where the last commit has left it:
//! in the state of the plane, mapped with [`DriverPlane::MAP_FRAMEBUFFERS`].
//!
//! # Why this is sound
//!
//! The core holds the panic lock of the device, which it also takes to exchange the states of a
//! plane. The current state is therefore a whole one, whose mapping was made before it became the
//! current one and is given up only after the next one has taken its place. The handler is removed,
//! with a grace period, when the device is unregistered.
//!
//! C header: [`include/drm/drm_panic.h`](srctree/include/drm/drm_panic.h)

use super::plane::{
    DriverPlane,
    Plane,
    PlaneState, //
};
use crate::{
    bindings,
    prelude::*, //
};

impl<T: DriverPlane> Plane<T> {
    /// Tells the core where the picture of the plane is.
    ///
    /// # Safety
    ///
    /// `plane` must be a plane of type `T`, of which the state does not change during the call, and
    /// `buffer` must be valid.
    pub(super) unsafe extern "C" fn get_scanout_buffer_callback(
        plane: *mut bindings::drm_plane,
        buffer: *mut bindings::drm_scanout_buffer,
    ) -> c_int {
        // SAFETY: By the safety requirements of this function. A plane that is registered has a
        // state.
        let state = unsafe { PlaneState::<T>::from_raw((*plane).state) };

        let Some(map) = state.map() else {
            return ENODEV.to_errno();
        };
        let fb = map.framebuffer();

        // SAFETY: By the safety requirements of this function.
        let buffer = unsafe { &mut *buffer };
        buffer.format = fb.format().as_raw();
        buffer.width = fb.width();
        buffer.height = fb.height();
        for (plane, (to, pitch)) in buffer.map.iter_mut().zip(&mut buffer.pitch).enumerate() {
            if let Some((from, bytes)) = map.raw_plane(plane) {
                *to = from;
                *pitch = bytes;
            }
        }
        0
    }
}
