// SPDX-License-Identifier: GPL-2.0

//! Colour pipelines of planes.
//!
//! A pipeline is a chain of operations that a plane applies to its pixels before they are blended.
//! The driver says during [setup](SetupDevice) which pipelines a plane has; user space chooses one
//! of them or none, and sets the parameters of its operations. A framebuffer's pixels are 0 to 1
//! at the start; values between operations may lie outside of that.
//!
//! # Snapshots
//!
//! The parameters are no part of the plane's state, but of states of their own
//! (`struct drm_colorop_state`), and a commit may replace one of these without the plane or its
//! CRTC being in the commit. Such a commit waits for nobody. Therefore nothing but the check of a
//! commit, which holds the lock of the plane, looks at them: it copies what is switched on into a
//! [`ColorPipeline`], which belongs to the state of the plane. Whoever shows the plane takes a
//! reference ([`Arc`]) to it, which depends neither on any state nor on the device.
//!
//! # Lifetimes
//!
//! The operations live until the device is freed, as the plane does. They also do when the setup
//! fails half-way: the core knows them from the moment they have an ID.
//!
//! C header: [`include/drm/drm_colorop.h`](srctree/include/drm/drm_colorop.h)

use super::{
    super::{
        object::private::RawObject,
        plane::Plane,
        setup::SetupDevice,
        KmsDriver, //
    },
    S31_32, //
};
use crate::{
    bindings,
    error::to_result,
    prelude::*,
    str::{
        CStrExt,
        CString, //
    },
    sync::Arc,
    types::Opaque, //
};
use core::ptr;

/// The largest [`ColorOpKind::Lut`], in entries.
pub const MAX_LUT_SIZE: u32 = 1 << 14;

/// The largest [`ColorOpKind::Lut3d`], in entries per edge.
pub const MAX_LUT3D_SIZE: u32 = 65;

/// A fixed transfer function (`enum drm_colorop_curve_1d_type`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Curve {
    /// From sRGB to linear light: the piecewise function of IEC 61966-2-1.
    SrgbEotf = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_SRGB_EOTF,
    /// The inverse of [`SrgbEotf`](Self::SrgbEotf).
    SrgbInverseEotf = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_SRGB_INV_EOTF,
    /// SMPTE ST 2084 (PQ), scaled so that 10,000 cd/m² come out as 125.
    Pq125Eotf = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_PQ_125_EOTF,
    /// The inverse of [`Pq125Eotf`](Self::Pq125Eotf).
    Pq125InverseEotf = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_PQ_125_INV_EOTF,
    /// The inverse of [`Bt2020Oetf`](Self::Bt2020Oetf).
    Bt2020InverseOetf = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_BT2020_INV_OETF,
    /// From linear light to BT.2020, which is that of BT.709 too.
    Bt2020Oetf = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_BT2020_OETF,
    /// The power function with exponent 2.2.
    Gamma22 = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_GAMMA22,
    /// The inverse of [`Gamma22`](Self::Gamma22).
    Gamma22Inverse = bindings::drm_colorop_curve_1d_type_DRM_COLOROP_1D_CURVE_GAMMA22_INV,
}

impl Curve {
    const ALL: [Self; 8] = [
        Self::SrgbEotf,
        Self::SrgbInverseEotf,
        Self::Pq125Eotf,
        Self::Pq125InverseEotf,
        Self::Bt2020InverseOetf,
        Self::Bt2020Oetf,
        Self::Gamma22,
        Self::Gamma22Inverse,
    ];

    fn from_raw(raw: bindings::drm_colorop_curve_1d_type) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| *curve as u32 == raw)
    }
}

/// What an operation of a colour pipeline does (`enum drm_colorop_type`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ColorOpKind<'a> {
    /// Applies a fixed curve to each channel: one of these, of which user space chooses. The
    /// default is the first one in the order of [`Curve`].
    Curve(&'a [Curve]),
    /// Applies a table of `size` entries to each channel, interpolated linearly.
    Lut {
        /// How many entries the table has: 2 to [`MAX_LUT_SIZE`].
        size: u32,
    },
    /// Multiplies with a matrix of 3 lines and 4 columns; the last column is added.
    Ctm3x4,
    /// Multiplies each channel with the same number.
    Multiplier,
    /// Applies a table of `size`³ colours, interpolated in tetrahedra.
    Lut3d {
        /// How many entries an edge of the cube has: 2 to [`MAX_LUT3D_SIZE`].
        size: u32,
    },
}

/// What an operation of a colour pipeline is created with.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ColorOpArgs<'a> {
    /// What the operation does.
    pub kind: ColorOpKind<'a>,
    /// Whether user space can switch the operation off. It then starts switched off.
    ///
    /// An operation that cannot be switched off does what its parameters say, which at the start
    /// is nothing for tables and matrices, but multiplying with 0 for [`ColorOpKind::Multiplier`].
    pub bypass: bool,
}

/// An operation of a colour pipeline.
///
/// # Invariants
///
/// All `struct drm_colorop` of devices of this library are the first field of such a structure,
/// made from a [`KBox`].
#[repr(C)]
struct ColorOp {
    op: Opaque<bindings::drm_colorop>,
    /// The number of the pipeline among those of the plane.
    pipeline: usize,
    /// The position in the pipeline.
    position: usize,
}

impl ColorOp {
    const FUNCS: bindings::drm_colorop_funcs = bindings::drm_colorop_funcs {
        destroy: Some(Self::destroy_callback),
    };

    /// Creates an operation.
    ///
    /// # Safety
    ///
    /// `plane` must be a plane of `dev`, which must be in its setup phase.
    unsafe fn create(
        dev: *mut bindings::drm_device,
        plane: *mut bindings::drm_plane,
        args: &ColorOpArgs<'_>,
        (pipeline, position): (usize, usize),
    ) -> Result<*mut bindings::drm_colorop> {
        let curves = match args.kind {
            ColorOpKind::Curve([]) => return Err(EINVAL),
            ColorOpKind::Curve(curves) => curves.iter().fold(0, |mask, c| mask | 1 << *c as u32),
            ColorOpKind::Lut { size } if !(2..=MAX_LUT_SIZE).contains(&size) => {
                return Err(EINVAL);
            }
            ColorOpKind::Lut3d { size } if !(2..=MAX_LUT3D_SIZE).contains(&size) => {
                return Err(EINVAL);
            }
            _ => 0,
        };
        let flags = if args.bypass {
            bindings::DRM_COLOROP_FLAG_ALLOW_BYPASS
        } else {
            0
        };
        let this = KBox::new(
            Self {
                op: pin_init::zeroed(),
                pipeline,
                position,
            },
            GFP_KERNEL,
        )?;
        // The operation is not moved until it is freed in `destroy_callback`.
        let this = KBox::into_raw(this);
        let op = this.cast::<bindings::drm_colorop>();
        let funcs = const { &Self::FUNCS };

        // SAFETY: Everything is valid by the safety requirements of this function; the parameters
        // were checked above.
        let ret = unsafe {
            match args.kind {
                ColorOpKind::Curve(_) => {
                    bindings::drm_plane_colorop_curve_1d_init(dev, op, plane, funcs, curves, flags)
                }
                ColorOpKind::Lut { size } => bindings::drm_plane_colorop_curve_1d_lut_init(
                    dev,
                    op,
                    plane,
                    funcs,
                    size,
                    bindings::drm_colorop_lut1d_interpolation_type_DRM_COLOROP_LUT1D_INTERPOLATION_LINEAR,
                    flags,
                ),
                ColorOpKind::Ctm3x4 => {
                    bindings::drm_plane_colorop_ctm_3x4_init(dev, op, plane, funcs, flags)
                }
                ColorOpKind::Multiplier => {
                    bindings::drm_plane_colorop_mult_init(dev, op, plane, funcs, flags)
                }
                ColorOpKind::Lut3d { size } => bindings::drm_plane_colorop_3dlut_init(
                    dev,
                    op,
                    plane,
                    funcs,
                    size,
                    bindings::drm_colorop_lut3d_interpolation_type_DRM_COLOROP_LUT3D_INTERPOLATION_TETRAHEDRAL,
                    flags,
                ),
            }
        };
        if ret != 0 {
            // Once the operation is on the list of the device, the device's teardown frees it.
            //
            // SAFETY: The structure was zeroed, and `head` is written by linking it only.
            if unsafe { (*op).head.next.is_null() } {
                // SAFETY: Nobody knows the operation. It came from `KBox::into_raw`.
                drop(unsafe { KBox::from_raw(this) });
            }
            return Err(Error::from_errno(ret));
        }
        Ok(op)
    }

    /// # Safety
    ///
    /// Called by the core once, on teardown of the device.
    unsafe extern "C" fn destroy_callback(op: *mut bindings::drm_colorop) {
        // SAFETY: The operation is initialised and not used any more.
        unsafe { bindings::drm_colorop_cleanup(op) };

        // SAFETY: It was made from a box in `create`, and this is the last access.
        drop(unsafe { KBox::from_raw(op.cast::<Self>()) });
    }
}

impl<D: KmsDriver> SetupDevice<'_, D> {
    /// Gives `plane` colour pipelines, of which user space chooses one or none.
    ///
    /// Only clients that ask for `DRM_CLIENT_CAP_PLANE_COLOR_PIPELINE` see them. C:
    /// `drm_plane_colorop_*_init()` and `drm_plane_create_color_pipeline_property()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if there are no pipelines, an empty one, an operation without curves or with a
    ///   size out of range, or if `plane` belongs to another device.
    /// - `EEXIST` if the plane has pipelines already.
    /// - `ENOMEM`.
    pub fn create_color_pipelines(
        &self,
        plane: &Plane<D::Plane>,
        pipelines: &[&[ColorOpArgs<'_>]],
    ) -> Result {
        self.same_device(plane)?;
        if pipelines.is_empty() || pipelines.iter().any(|ops| ops.is_empty()) {
            return Err(EINVAL);
        }
        // SAFETY: The plane is valid, and nobody else uses it during setup.
        if unsafe { !(*plane.as_raw()).color_pipeline_property.is_null() } {
            return Err(EEXIST);
        }

        let mut names = KVec::<CString>::with_capacity(pipelines.len(), GFP_KERNEL)?;
        let mut list =
            KVec::<bindings::drm_prop_enum_list>::with_capacity(pipelines.len(), GFP_KERNEL)?;

        for (pipeline, ops) in pipelines.iter().enumerate() {
            let mut last: *mut bindings::drm_colorop = ptr::null_mut();

            for (position, args) in ops.iter().enumerate() {
                // SAFETY: The plane is one of this device, which is in its setup phase.
                let op = unsafe {
                    ColorOp::create(plane.raw_dev(), plane.as_raw(), args, (pipeline, position))
                }?;

                if last.is_null() {
                    // SAFETY: The operation is initialised.
                    let id = unsafe { (*op).base.id };
                    let name = CString::try_from_fmt(fmt!("Color Pipeline {id}"))?;

                    list.push(
                        bindings::drm_prop_enum_list {
                            type_: i32::try_from(id)?,
                            name: name.as_char_ptr(),
                        },
                        GFP_KERNEL,
                    )?;
                    names.push(name, GFP_KERNEL)?;
                } else {
                    // SAFETY: Both are initialised operations of this plane.
                    unsafe { bindings::drm_colorop_set_next_property(last, op) };
                }
                last = op;
            }
        }
        // SAFETY: The plane is valid and has no such property; the core copies the names, which
        // are held by `names`.
        to_result(unsafe {
            bindings::drm_plane_create_color_pipeline_property(
                plane.as_raw(),
                list.as_ptr(),
                i32::try_from(list.len())?,
            )
        })
    }
}

/// An entry of a table of an operation (`struct drm_color_lut32`). Channels are 0 to 2³² - 1.
#[derive(Copy, Clone)]
#[repr(transparent)]
pub struct ColorLut32(bindings::drm_color_lut32);

impl ColorLut32 {
    /// Returns red.
    pub fn red(self) -> u32 {
        self.0.red
    }

    /// Returns green.
    pub fn green(self) -> u32 {
        self.0.green
    }

    /// Returns blue.
    pub fn blue(self) -> u32 {
        self.0.blue
    }
}

/// What an operation that is switched on does to the pixels.
pub enum ColorTransform {
    /// Applies a fixed curve to each channel.
    Curve(Curve),
    /// Applies a table to each channel. Its entries are evenly spread over the inputs 0 to 1.
    Lut(KVVec<ColorLut32>),
    /// Multiplies the column of red, green, blue and 1 with a matrix, line by line.
    Ctm3x4([S31_32; 12]),
    /// Multiplies each channel with a number.
    Multiplier(S31_32),
    /// Applies a table of colours. That of the inputs (r, g, b), in steps of an edge of `size`
    /// entries, is number `r + size * (g + size * b)`.
    Lut3d {
        /// How many entries an edge of the cube has.
        size: u32,
        /// The entries, `size`³ of them.
        entries: KVVec<ColorLut32>,
    },
}

/// An operation of a [`ColorPipeline`] that is switched on.
pub struct ColorStep {
    position: usize,
    transform: ColorTransform,
}

impl ColorStep {
    /// Returns which operation of the pipeline this is, counted from 0 in the order of
    /// [`create_color_pipelines`](SetupDevice::create_color_pipelines).
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns what it does.
    pub fn transform(&self) -> &ColorTransform {
        &self.transform
    }
}

/// The colour pipeline of a plane as a commit has set it.
///
/// It never changes: a later commit makes another one.
pub struct ColorPipeline {
    index: usize,
    steps: KVec<ColorStep>,
}

impl ColorPipeline {
    /// Returns which pipeline of the plane this is, counted from 0 in the order of
    /// [`create_color_pipelines`](SetupDevice::create_color_pipelines).
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the operations that are switched on and have parameters, in their order. Without
    /// any the pixels stay as they are.
    pub fn steps(&self) -> &[ColorStep] {
        &self.steps
    }

    /// Copies the pipeline that a new plane state has chosen.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `state` must be the new state of a plane of a device of this library in `commit`, which must
    /// be in its check phase.
    pub(in super::super) unsafe fn snapshot(
        commit: *mut bindings::drm_atomic_commit,
        state: *const bindings::drm_plane_state,
    ) -> Result<Option<Arc<Self>>> {
        // SAFETY: The state is valid.
        let mut op = unsafe { (*state).color_pipeline };
        if op.is_null() {
            return Ok(None);
        }
        // SAFETY: By the invariants of `ColorOp`.
        let index = unsafe { (*op.cast::<ColorOp>()).pipeline };
        let mut steps = KVec::new();

        while !op.is_null() {
            // SAFETY: The operation belongs to the plane, and both to the device of the commit. A
            // state in the commit is only accessed by its check. The current state does not change
            // while the lock of the plane is held, which the commit has taken with the plane.
            let transform = unsafe {
                let new = bindings::drm_atomic_get_new_colorop_state(commit, op);
                let state = if new.is_null() { (*op).state } else { new };

                transform(&*op, &*state)
            }?;

            if let Some(transform) = transform {
                // SAFETY: By the invariants of `ColorOp`.
                let position = unsafe { (*op.cast::<ColorOp>()).position };

                steps.push(
                    ColorStep {
                        position,
                        transform,
                    },
                    GFP_KERNEL,
                )?;
            }
            // SAFETY: The chain was made during setup and does not change.
            op = unsafe { (*op).next };
        }
        Ok(Some(Arc::new(Self { index, steps }, GFP_KERNEL)?))
    }
}

/// Copies what an operation does; [`None`] if that is nothing.
///
/// # Safety
///
/// `state` must be a state of `op`, which must be initialised.
unsafe fn transform(
    op: &bindings::drm_colorop,
    state: &bindings::drm_colorop_state,
) -> Result<Option<ColorTransform>> {
    // Without the property the flag stays as it was initialised, which is set.
    if !op.bypass_property.is_null() && state.bypass {
        return Ok(None);
    }
    // SAFETY: The state holds a reference to its blob, if it has one.
    let blob = unsafe { state.data.as_ref() };

    Ok(match op.type_ {
        bindings::drm_colorop_type_DRM_COLOROP_1D_CURVE => {
            Curve::from_raw(state.curve_1d_type).map(ColorTransform::Curve)
        }
        bindings::drm_colorop_type_DRM_COLOROP_1D_LUT => {
            // SAFETY: The core lets in tables of such entries only.
            unsafe { entries(blob, op.size as usize) }?.map(ColorTransform::Lut)
        }
        bindings::drm_colorop_type_DRM_COLOROP_CTM_3X4 => blob
            .filter(|blob| blob.length >= size_of::<[S31_32; 12]>())
            // SAFETY: The blob has that many bytes, behind its header and aligned as that is;
            // `S31_32` is a transparent wrapper of a number that may have any value.
            .map(|blob| ColorTransform::Ctm3x4(unsafe { *blob.data.cast() })),
        bindings::drm_colorop_type_DRM_COLOROP_MULTIPLIER => Some(ColorTransform::Multiplier(
            S31_32::from_bits(state.multiplier),
        )),
        bindings::drm_colorop_type_DRM_COLOROP_3D_LUT => {
            // SAFETY: As above.
            unsafe { entries(blob, (op.size as usize).pow(3)) }?.map(|entries| {
                ColorTransform::Lut3d {
                    size: op.size,
                    entries,
                }
            })
        }
        _ => None,
    })
}

/// Copies the `count` entries of a table; [`None`] if it does not have them.
///
/// # Safety
///
/// `blob` must be a table of entries.
unsafe fn entries(
    blob: Option<&bindings::drm_property_blob>,
    count: usize,
) -> Result<Option<KVVec<ColorLut32>>> {
    let Some(blob) = blob.filter(|blob| blob.length / size_of::<ColorLut32>() >= count) else {
        return Ok(None);
    };
    // SAFETY: The blob has that many entries, behind its header and aligned as that is; neither
    // its contents nor its length ever change. `ColorLut32` is a transparent wrapper of four
    // numbers that may have any value.
    let table = unsafe { core::slice::from_raw_parts(blob.data.cast::<ColorLut32>(), count) };
    let mut entries = KVVec::with_capacity(count, GFP_KERNEL)?;

    entries.extend_from_slice(table, GFP_KERNEL)?;
    Ok(Some(entries))
}
