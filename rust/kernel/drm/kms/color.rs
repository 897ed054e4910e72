// SPDX-License-Identifier: GPL-2.0

//! Colour properties: how planes encode colours and blend, and what CRTCs make of them.
//!
//! Properties are created during the [setup](SetupDevice) of the device, each at most once per
//! object. User space sets them; the states of planes and CRTCs have the values.
//!
//! A CRTC applies its degamma table to the blended picture, then its matrix, then its gamma table.
//! What planes do before that, beyond converting YCbCr, is the subject of [`pipeline`].
//!
//! C headers: [`include/drm/drm_color_mgmt.h`](srctree/include/drm/drm_color_mgmt.h),
//! [`include/drm/drm_blend.h`](srctree/include/drm/drm_blend.h)

pub mod pipeline;

use super::{
    crtc::{
        Crtc,
        CrtcState,
        DriverCrtc, //
    },
    object::private::RawObject,
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

/// The largest table that [`SetupDevice::enable_gamma`] and [`SetupDevice::enable_degamma`] take, in
/// entries.
const MAX_GAMMA_SIZE: u32 = 1 << 14;

/// The standard by which a YCbCr framebuffer encodes colours (`enum drm_color_encoding`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ColorEncoding {
    /// ITU-R BT.601.
    Bt601 = bindings::drm_color_encoding_DRM_COLOR_YCBCR_BT601,
    /// ITU-R BT.709.
    Bt709 = bindings::drm_color_encoding_DRM_COLOR_YCBCR_BT709,
    /// ITU-R BT.2020.
    Bt2020 = bindings::drm_color_encoding_DRM_COLOR_YCBCR_BT2020,
}

/// The values that the components of a YCbCr framebuffer take (`enum drm_color_range`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ColorRange {
    /// With 8 bits, 16 to 235 for luma and 16 to 240 for chroma.
    Limited = bindings::drm_color_range_DRM_COLOR_YCBCR_LIMITED_RANGE,
    /// All values.
    Full = bindings::drm_color_range_DRM_COLOR_YCBCR_FULL_RANGE,
}

/// How the pixels of a plane are blended with those below it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum BlendMode {
    /// Colours have been multiplied with their alpha already. What planes without a blend mode do.
    PreMultiplied = bindings::DRM_MODE_BLEND_PREMULTI,
    /// Colours have yet to be multiplied with their alpha.
    Coverage = bindings::DRM_MODE_BLEND_COVERAGE,
    /// Alpha is ignored.
    None = bindings::DRM_MODE_BLEND_PIXEL_NONE,
}

/// An entry of a table of colours (`struct drm_color_lut`). Channels are 0 to 65535.
#[derive(Copy, Clone)]
#[repr(transparent)]
pub struct ColorLut(bindings::drm_color_lut);

impl ColorLut {
    /// Returns red.
    pub fn red(self) -> u16 {
        self.0.red
    }

    /// Returns green.
    pub fn green(self) -> u16 {
        self.0.green
    }

    /// Returns blue.
    pub fn blue(self) -> u16 {
        self.0.blue
    }
}

/// A number with 32 bits after the point, sign and magnitude apart: how user space writes the
/// coefficients of matrices.
///
/// # Examples
///
/// ```
/// use kernel::drm::kms::color::S31_32;
///
/// let minus_half = S31_32::from_bits(1 << 63 | 1 << 31);
///
/// assert_eq!(minus_half.to_fixed(), -(1 << 31));
/// // There are two zeros.
/// assert_eq!(S31_32::from_bits(1 << 63).to_fixed(), 0);
/// ```
#[derive(Copy, Clone, Debug)]
#[repr(transparent)]
pub struct S31_32(u64);

impl S31_32 {
    /// The number 1.
    pub const ONE: Self = Self(1 << 32);

    const SIGN: u64 = 1 << 63;

    /// Makes the number with these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Returns whether the sign is set.
    pub const fn is_negative(self) -> bool {
        self.0 & Self::SIGN != 0
    }

    /// Returns the number without its sign, in units of 2⁻³².
    pub const fn magnitude(self) -> u64 {
        self.0 & !Self::SIGN
    }

    /// Returns the number as two's complement, in units of 2⁻³². C: `drm_sm2fixp()`.
    pub const fn to_fixed(self) -> i64 {
        // At most 2^63 - 1.
        let magnitude = self.magnitude() as i64;

        if self.is_negative() {
            -magnitude
        } else {
            magnitude
        }
    }
}

/// A matrix that a CRTC applies to red, green and blue (`struct drm_color_ctm`).
#[derive(Copy, Clone, Debug)]
#[repr(transparent)]
pub struct Ctm([[S31_32; 3]; 3]);

impl Ctm {
    /// Returns the lines: the factors of red, green and blue for the new red, then those for green
    /// and blue.
    pub fn lines(&self) -> &[[S31_32; 3]; 3] {
        &self.0
    }
}

/// Returns the mask of numbers.
fn mask(numbers: impl Iterator<Item = u32>) -> u32 {
    numbers.fold(0, |mask, number| mask | 1 << number)
}

impl<D: KmsDriver> SetupDevice<'_, D> {
    /// Lets user space say how YCbCr framebuffers on `plane` are encoded.
    ///
    /// The first entry of each list is the default. C: `drm_plane_create_color_properties()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if a list is empty, or `plane` belongs to another device.
    /// - `EEXIST` if the plane has these properties already.
    /// - `ENOMEM`.
    pub fn create_color_properties(
        &self,
        plane: &Plane<D::Plane>,
        encodings: &[ColorEncoding],
        ranges: &[ColorRange],
    ) -> Result {
        self.same_device(plane)?;

        let (Some(encoding), Some(range)) = (encodings.first(), ranges.first()) else {
            return Err(EINVAL);
        };

        // SAFETY: The plane is valid, and nobody else uses it during setup.
        if unsafe { !(*plane.as_raw()).color_encoding_property.is_null() } {
            return Err(EEXIST);
        }
        // SAFETY: The plane is valid and has no such properties; the masks have bits of known
        // values only, those of the defaults among them.
        to_result(unsafe {
            bindings::drm_plane_create_color_properties(
                plane.as_raw(),
                mask(encodings.iter().map(|e| *e as u32)),
                mask(ranges.iter().map(|r| *r as u32)),
                *encoding as bindings::drm_color_encoding,
                *range as bindings::drm_color_range,
            )
        })
    }

    /// Lets user space choose how `plane` is blended: in any of `modes`, besides
    /// [`BlendMode::PreMultiplied`], which each plane can do and which is the default.
    ///
    /// Planes with formats that have alpha should have this property. C:
    /// `drm_plane_create_blend_mode_property()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `plane` belongs to another device.
    /// - `EEXIST` if the plane has this property already.
    /// - `ENOMEM`.
    pub fn create_blend_mode_property(
        &self,
        plane: &Plane<D::Plane>,
        modes: &[BlendMode],
    ) -> Result {
        self.same_device(plane)?;

        // SAFETY: The plane is valid, and nobody else uses it during setup.
        if unsafe { !(*plane.as_raw()).blend_mode_property.is_null() } {
            return Err(EEXIST);
        }

        let modes = mask(modes.iter().map(|m| *m as u32)) | 1 << BlendMode::PreMultiplied as u32;

        // SAFETY: The plane is valid and has no such property; the mask has bits of known modes
        // only, and the one that must be there.
        to_result(unsafe { bindings::drm_plane_create_blend_mode_property(plane.as_raw(), modes) })
    }

    /// Gives `crtc` a gamma table of `size` entries, which user space can fill.
    ///
    /// User space can set a table of another size; the check of the CRTC has to refuse those that
    /// the driver cannot use. C: `drm_mode_crtc_set_gamma_size()` and
    /// `drm_crtc_enable_color_mgmt()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `size` is below 2 or above 16384, or `crtc` belongs to another device.
    /// - `EEXIST` if the CRTC has a gamma table already.
    /// - `ENOMEM`.
    pub fn enable_gamma(&self, crtc: &Crtc<D::Crtc>, size: u32) -> Result {
        self.same_device(crtc)?;
        if !(2..=MAX_GAMMA_SIZE).contains(&size) {
            return Err(EINVAL);
        }

        let raw = crtc.as_raw();

        // SAFETY: The CRTC is valid, and nobody else uses it during setup.
        if unsafe { (*raw).gamma_size } != 0 {
            return Err(EEXIST);
        }
        // SAFETY: The CRTC is valid and has no gamma table.
        to_result(unsafe { bindings::drm_mode_crtc_set_gamma_size(raw, i32::try_from(size)?) })?;
        // SAFETY: The CRTC is valid and has none of these properties yet.
        unsafe { bindings::drm_crtc_enable_color_mgmt(raw, 0, false, size) };
        Ok(())
    }

    /// Returns `EEXIST` if `crtc` has a property already.
    fn has_not(
        &self,
        crtc: &Crtc<D::Crtc>,
        property: fn(&bindings::drm_mode_config) -> *mut bindings::drm_property,
    ) -> Result {
        // SAFETY: The device and the CRTC are valid; nobody else uses them during setup.
        let (property, attached) = unsafe {
            (
                property(&(*crtc.raw_dev()).mode_config),
                &*(*crtc.raw_base()).properties,
            )
        };
        let count = usize::try_from(attached.count)?;

        if attached
            .properties
            .iter()
            .take(count)
            .any(|p| *p == property)
        {
            return Err(EEXIST);
        }
        Ok(())
    }

    /// Gives `crtc` a degamma table of `size` entries, which user space can fill.
    ///
    /// User space can set a table of another size; the check of the CRTC has to refuse those that
    /// the driver cannot use. C: `drm_crtc_enable_color_mgmt()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `size` is below 2 or above 16384, or `crtc` belongs to another device.
    /// - `EEXIST` if the CRTC has a degamma table already.
    pub fn enable_degamma(&self, crtc: &Crtc<D::Crtc>, size: u32) -> Result {
        self.same_device(crtc)?;
        if !(2..=MAX_GAMMA_SIZE).contains(&size) {
            return Err(EINVAL);
        }
        self.has_not(crtc, |config| config.degamma_lut_property)?;

        // SAFETY: The CRTC is valid and has none of these properties yet.
        unsafe { bindings::drm_crtc_enable_color_mgmt(crtc.as_raw(), size, false, 0) };
        Ok(())
    }

    /// Gives `crtc` a matrix, which user space can set. C: `drm_crtc_enable_color_mgmt()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `crtc` belongs to another device.
    /// - `EEXIST` if the CRTC has a matrix already.
    pub fn enable_ctm(&self, crtc: &Crtc<D::Crtc>) -> Result {
        self.same_device(crtc)?;
        self.has_not(crtc, |config| config.ctm_property)?;

        // SAFETY: The CRTC is valid and does not have this property yet.
        unsafe { bindings::drm_crtc_enable_color_mgmt(crtc.as_raw(), 0, true, 0) };
        Ok(())
    }

    /// Lets user space set the colour that `crtc` shows where there is no plane.
    ///
    /// C: `drm_crtc_attach_background_color_property()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `crtc` belongs to another device.
    /// - `EEXIST` if the CRTC has this property already.
    pub fn attach_background_color(&self, crtc: &Crtc<D::Crtc>) -> Result {
        self.same_device(crtc)?;
        self.has_not(crtc, |config| config.background_color_property)?;

        // SAFETY: The CRTC is valid and does not have this property yet.
        unsafe { bindings::drm_crtc_attach_background_color_property(crtc.as_raw()) };
        Ok(())
    }
}

impl<T: DriverPlane> PlaneState<T> {
    /// Returns how the framebuffer is encoded, if it is a YCbCr one.
    ///
    /// Meaningful with [`SetupDevice::create_color_properties`] only.
    pub fn color_encoding(&self) -> ColorEncoding {
        // SAFETY: The state is initialised.
        match unsafe { (*self.as_raw()).color_encoding } {
            bindings::drm_color_encoding_DRM_COLOR_YCBCR_BT709 => ColorEncoding::Bt709,
            bindings::drm_color_encoding_DRM_COLOR_YCBCR_BT2020 => ColorEncoding::Bt2020,
            _ => ColorEncoding::Bt601,
        }
    }

    /// Returns the range of the framebuffer's components, if it is a YCbCr one.
    ///
    /// Meaningful with [`SetupDevice::create_color_properties`] only.
    pub fn color_range(&self) -> ColorRange {
        // SAFETY: The state is initialised.
        match unsafe { (*self.as_raw()).color_range } {
            bindings::drm_color_range_DRM_COLOR_YCBCR_FULL_RANGE => ColorRange::Full,
            _ => ColorRange::Limited,
        }
    }

    /// Returns how the pixels are blended with those below.
    pub fn blend_mode(&self) -> BlendMode {
        // SAFETY: The state is initialised.
        match u32::from(unsafe { (*self.as_raw()).pixel_blend_mode }) {
            bindings::DRM_MODE_BLEND_COVERAGE => BlendMode::Coverage,
            bindings::DRM_MODE_BLEND_PIXEL_NONE => BlendMode::None,
            _ => BlendMode::PreMultiplied,
        }
    }
}

/// Returns the entries of a table that user space has set.
///
/// # Safety
///
/// `blob` must be null, or a table of entries that is valid for `'a`.
unsafe fn lut<'a>(blob: *const bindings::drm_property_blob) -> Option<&'a [ColorLut]> {
    // SAFETY: By the safety requirements of this function. Neither the contents nor the length of
    // a blob ever change.
    let blob = unsafe { blob.as_ref() }?;
    let entries = blob.length / size_of::<ColorLut>();

    // SAFETY: The blob has that many entries, behind its header and aligned as that is; `ColorLut`
    // is a transparent wrapper of four numbers that may have any value.
    Some(unsafe { core::slice::from_raw_parts(blob.data.cast(), entries) })
}

impl<T: DriverCrtc> CrtcState<T> {
    /// Returns the gamma table that user space has set, if any. It can have any number of entries.
    pub fn gamma_lut(&self) -> Option<&[ColorLut]> {
        // SAFETY: The state is initialised and holds a reference to the blob, which the core has
        // checked to be a table.
        unsafe { lut((*self.as_raw()).gamma_lut) }
    }

    /// Returns the degamma table that user space has set, if any. It can have any number of
    /// entries.
    pub fn degamma_lut(&self) -> Option<&[ColorLut]> {
        // SAFETY: As for `gamma_lut`.
        unsafe { lut((*self.as_raw()).degamma_lut) }
    }

    /// Returns the matrix that user space has set, if any.
    pub fn ctm(&self) -> Option<&Ctm> {
        // SAFETY: The state is initialised. It holds a reference to the blob, of which neither the
        // contents nor the length ever change.
        let blob = unsafe { (*self.as_raw()).ctm.as_ref() }?;

        if blob.length < size_of::<Ctm>() {
            return None;
        }
        // SAFETY: The blob has that many bytes, behind its header and aligned as that is; `Ctm` is
        // a transparent wrapper of numbers that may have any value.
        Some(unsafe { &*blob.data.cast() })
    }

    /// Returns whether this commit changes a table or the matrix.
    pub fn color_mgmt_changed(&self) -> bool {
        // SAFETY: The state is initialised.
        unsafe { bindings::drm_crtc_state::color_mgmt_changed_raw(self.as_raw()) }
    }

    /// Returns the colour that is shown where there is no plane: alpha, red, green and blue.
    pub fn background_color(&self) -> [u16; 4] {
        // SAFETY: The state is initialised.
        let color = unsafe { (*self.as_raw()).background_color };

        [48, 32, 16, 0].map(|shift| (color >> shift) as u16)
    }
}
