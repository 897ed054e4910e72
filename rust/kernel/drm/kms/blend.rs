// SPDX-License-Identifier: GPL-2.0

//! Properties of planes that say how their pictures are put together: rotation, the order in which
//! planes are stacked, and transparency.
//!
//! Properties are created during the [setup](SetupDevice) of the device, each at most once per
//! plane. User space sets them; the states of planes have the values.
//!
//! How single pixels are blended is [another property](super::color::BlendMode).
//!
//! C header: [`include/drm/drm_blend.h`](srctree/include/drm/drm_blend.h)

use super::{
    modes::Rect,
    plane::{
        DriverPlane,
        Plane,
        PlaneState, //
    },
    setup::SetupDevice,
    KmsDriver, //
};
use crate::{
    bindings,
    error::to_result,
    prelude::*, //
};
use core::ops::{
    BitOr,
    RangeInclusive, //
};

/// By how much a picture is turned, counter-clockwise.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Angle {
    /// Not at all.
    #[default]
    Deg0 = bindings::DRM_MODE_ROTATE_0,
    /// A quarter.
    Deg90 = bindings::DRM_MODE_ROTATE_90,
    /// Half.
    Deg180 = bindings::DRM_MODE_ROTATE_180,
    /// Three quarters.
    Deg270 = bindings::DRM_MODE_ROTATE_270,
}

/// How the picture of a plane is reflected and turned.
///
/// It is reflected first, about the axes of the framebuffer.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// By how much it is turned.
    pub angle: Angle,
    /// Whether left and right are exchanged.
    pub reflect_x: bool,
    /// Whether top and bottom are exchanged.
    pub reflect_y: bool,
}

impl Rotation {
    /// The picture as it is.
    pub const NONE: Self = Self {
        angle: Angle::Deg0,
        reflect_x: false,
        reflect_y: false,
    };

    /// Returns the rotation with these `DRM_MODE_ROTATE_*` and `DRM_MODE_REFLECT_*` bits, of which
    /// the core lets one of the former be set.
    fn from_bits(bits: u32) -> Self {
        let angle = match bits & bindings::DRM_MODE_ROTATE_MASK {
            bindings::DRM_MODE_ROTATE_90 => Angle::Deg90,
            bindings::DRM_MODE_ROTATE_180 => Angle::Deg180,
            bindings::DRM_MODE_ROTATE_270 => Angle::Deg270,
            _ => Angle::Deg0,
        };

        Self {
            angle,
            reflect_x: bits & bindings::DRM_MODE_REFLECT_X != 0,
            reflect_y: bits & bindings::DRM_MODE_REFLECT_Y != 0,
        }
    }

    fn bits(self) -> u32 {
        let reflect = |on, bit| if on { bit } else { 0 };

        self.angle as u32
            | reflect(self.reflect_x, bindings::DRM_MODE_REFLECT_X)
            | reflect(self.reflect_y, bindings::DRM_MODE_REFLECT_Y)
    }

    /// Returns whether the width of the framebuffer becomes the height on the screen.
    pub const fn swaps_axes(self) -> bool {
        matches!(self.angle, Angle::Deg90 | Angle::Deg270)
    }

    /// Returns where `rect`, a part of a picture of `width` by `height`, is after the rotation.
    ///
    /// C: `drm_rect_rotate()`.
    pub fn apply(self, rect: Rect, (width, height): (i32, i32)) -> Rect {
        let mut raw = rect.into_raw();

        // SAFETY: The rectangle is valid.
        unsafe { bindings::drm_rect_rotate(&mut raw, width, height, self.bits()) };
        Rect::from_raw(raw)
    }

    /// Undoes [`apply`](Self::apply). `width` and `height` are those before the rotation.
    ///
    /// C: `drm_rect_rotate_inv()`.
    pub fn undo(self, rect: Rect, (width, height): (i32, i32)) -> Rect {
        let mut raw = rect.into_raw();

        // SAFETY: The rectangle is valid.
        unsafe { bindings::drm_rect_rotate_inv(&mut raw, width, height, self.bits()) };
        Rect::from_raw(raw)
    }
}

/// A set of ways to rotate a picture.
///
/// Any angle of the set can go with any reflection of it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Rotations(u32);

impl Rotations {
    /// A quarter turn.
    pub const ROTATE_90: Self = Self(bindings::DRM_MODE_ROTATE_90);
    /// A half turn.
    pub const ROTATE_180: Self = Self(bindings::DRM_MODE_ROTATE_180);
    /// Three quarters of a turn.
    pub const ROTATE_270: Self = Self(bindings::DRM_MODE_ROTATE_270);
    /// Left and right exchanged.
    pub const REFLECT_X: Self = Self(bindings::DRM_MODE_REFLECT_X);
    /// Top and bottom exchanged.
    pub const REFLECT_Y: Self = Self(bindings::DRM_MODE_REFLECT_Y);
    /// All of them.
    pub const ALL: Self = Self(bindings::DRM_MODE_ROTATE_MASK | bindings::DRM_MODE_REFLECT_MASK);
}

impl BitOr for Rotations {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl<D: KmsDriver> SetupDevice<'_, D> {
    /// Lets user space rotate what `plane` shows, in the ways of `supported`. At first it is not
    /// rotated, which is always supported.
    ///
    /// The value is [`PlaneState::rotation`]. [`check_plane_state`] takes it into account: the
    /// [source](PlaneState::src) stays in the coordinates of the framebuffer. C:
    /// `drm_plane_create_rotation_property()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `plane` belongs to another device.
    /// - `EEXIST` if the plane has this property already.
    /// - `ENOMEM`.
    ///
    /// [`check_plane_state`]: super::AtomicCheck::check_plane_state
    pub fn create_rotation_property(
        &self,
        plane: &Plane<D::Plane>,
        supported: Rotations,
    ) -> Result {
        self.same_device(plane)?;

        // SAFETY: The plane is valid, and nobody else uses it during setup.
        if unsafe { !(*plane.as_raw()).rotation_property.is_null() } {
            return Err(EEXIST);
        }
        // SAFETY: The plane is valid and has no such property; the set has known bits only, that of
        // the initial value among them.
        to_result(unsafe {
            bindings::drm_plane_create_rotation_property(
                plane.as_raw(),
                bindings::DRM_MODE_ROTATE_0,
                supported.0 | bindings::DRM_MODE_ROTATE_0,
            )
        })
    }

    /// Lets user space make all of `plane` translucent. At first it is not.
    ///
    /// The value is [`PlaneState::alpha`]. C: `drm_plane_create_alpha_property()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `plane` belongs to another device.
    /// - `EEXIST` if the plane has this property already.
    /// - `ENOMEM`.
    pub fn create_alpha_property(&self, plane: &Plane<D::Plane>) -> Result {
        self.same_device(plane)?;

        // SAFETY: The plane is valid, and nobody else uses it during setup.
        if unsafe { !(*plane.as_raw()).alpha_property.is_null() } {
            return Err(EEXIST);
        }
        // SAFETY: The plane is valid and has no such property.
        to_result(unsafe { bindings::drm_plane_create_alpha_property(plane.as_raw()) })
    }

    /// Lets user space choose the place of `plane` in the stack of planes; it starts at `initial`.
    ///
    /// The place that results is [`PlaneState::normalized_zpos`]. C:
    /// `drm_plane_create_zpos_property()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `initial` is not in `range`, or `plane` belongs to another device.
    /// - `EEXIST` if the plane has a property for its place already.
    /// - `ENOMEM`.
    pub fn create_zpos_property(
        &self,
        plane: &Plane<D::Plane>,
        initial: u32,
        range: RangeInclusive<u32>,
    ) -> Result {
        self.check_zpos(plane)?;
        if !range.contains(&initial) {
            return Err(EINVAL);
        }
        // SAFETY: The plane is valid and has no such property; the initial value is in the range.
        to_result(unsafe {
            bindings::drm_plane_create_zpos_property(
                plane.as_raw(),
                initial,
                *range.start(),
                *range.end(),
            )
        })
    }

    /// Tells user space the place of `plane` in the stack of planes, which is always `zpos`.
    ///
    /// C: `drm_plane_create_zpos_immutable_property()`.
    ///
    /// # Errors
    ///
    /// As for [`create_zpos_property`](Self::create_zpos_property).
    pub fn create_zpos_immutable_property(&self, plane: &Plane<D::Plane>, zpos: u32) -> Result {
        self.check_zpos(plane)?;
        // SAFETY: The plane is valid and has no such property.
        to_result(unsafe {
            bindings::drm_plane_create_zpos_immutable_property(plane.as_raw(), zpos)
        })
    }

    /// Checks whether `plane` can get a property for its place, and has the core normalise places
    /// in each check.
    fn check_zpos(&self, plane: &Plane<D::Plane>) -> Result {
        self.same_device(plane)?;

        // SAFETY: The plane is valid, and nobody else uses it during setup.
        if unsafe { !(*plane.as_raw()).zpos_property.is_null() } {
            return Err(EEXIST);
        }
        // SAFETY: The mode configuration is initialised, and nobody else uses it during setup.
        unsafe { (*self.mode_config()).normalize_zpos = true };
        Ok(())
    }
}

impl<T: DriverPlane> PlaneState<T> {
    /// Returns how the picture is reflected and turned.
    ///
    /// [`Rotation::NONE`] without [`SetupDevice::create_rotation_property`].
    pub fn rotation(&self) -> Rotation {
        // SAFETY: The state is initialised.
        Rotation::from_bits(unsafe { (*self.as_raw()).rotation })
    }

    /// Returns how opaque the plane is: 0 is transparent, 65535 is opaque.
    ///
    /// 65535 without [`SetupDevice::create_alpha_property`].
    pub fn alpha(&self) -> u16 {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).alpha }
    }

    /// Returns the place in the stack of planes that user space has asked for. Several planes of a
    /// CRTC can have the same.
    ///
    /// Meaningful with [`SetupDevice::create_zpos_property`] or
    /// [`SetupDevice::create_zpos_immutable_property`] only.
    pub fn zpos(&self) -> u32 {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).zpos }
    }

    /// Returns the place in the stack of planes, counted from the lowest plane of the CRTC; no two
    /// of them have the same.
    ///
    /// Meaningful with [`SetupDevice::create_zpos_property`] or
    /// [`SetupDevice::create_zpos_immutable_property`] only, and after
    /// [`helper_check`](super::AtomicCheck::helper_check).
    pub fn normalized_zpos(&self) -> u32 {
        // SAFETY: The state is initialised.
        unsafe { (*self.as_raw()).normalized_zpos }
    }
}
