// SPDX-License-Identifier: GPL-2.0

//! The colour pipeline of a plane: an sRGB curve, two matrices, and an sRGB curve again.
//!
//! Results equal VKMS's bit for bit, with two exceptions where VKMS is wrong. The input of a curve
//! is brought into its range, as no other output would be near it; VKMS cuts off the high bits, so
//! that a matrix which makes white a bit whiter turns it black. The last column of a matrix is in
//! units of full intensity, as that of the pixels is 1; VKMS adds it to their 16-bit values, where
//! it is next to nothing.

use crate::{
    curve::{
        Curve,
        SRGB_EOTF,
        SRGB_INVERSE_EOTF, //
    },
    fixed::Fixed,
    pixel::Pixel,
    plane::RvkmsPlane,
    RvkmsDriver, //
};
use kernel::{
    drm::kms::{
        color::{
            pipeline::{
                self,
                ColorOpArgs,
                ColorOpKind,
                ColorPipeline,
                ColorTransform, //
            },
            S31_32, //
        },
        Plane,
        SetupDevice, //
    },
    prelude::*,
};

/// The curves that user space can choose from.
const CURVES: ColorOpArgs<'static> = ColorOpArgs {
    kind: ColorOpKind::Curve(&[pipeline::Curve::SrgbEotf, pipeline::Curve::SrgbInverseEotf]),
    bypass: true,
};

const MATRIX: ColorOpArgs<'static> = ColorOpArgs {
    kind: ColorOpKind::Ctm3x4,
    bypass: true,
};

/// The operations of the pipeline.
const OPERATIONS: [ColorOpArgs<'static>; 4] = [CURVES, MATRIX, MATRIX, CURVES];

/// Gives a plane its pipeline.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn create(setup: &SetupDevice<'_, RvkmsDriver>, plane: &Plane<RvkmsPlane>) -> Result {
    setup.create_color_pipelines(plane, &[&OPERATIONS])
}

/// An operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A curve for each channel.
    Curve(&'static Curve),
    /// Lines of factors of red, green, blue and full intensity.
    Matrix([[Fixed; 4]; 3]),
}

impl Step {
    /// Makes a matrix of its lines, one after the other.
    pub(crate) fn matrix(from: &[S31_32; 12]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = from.map(|v| Fixed::from_bits(v.to_fixed()));

        Self::Matrix([[a, b, c, d], [e, f, g, h], [i, j, k, l]])
    }

    /// Applies the operation to red, green and blue, of which 0xffff is full intensity.
    pub(crate) fn apply(&self, rgb: [i32; 3]) -> [i32; 3] {
        match self {
            Self::Curve(curve) => rgb.map(|v| i32::from(curve.apply(clamp(v)))),
            Self::Matrix(lines) => {
                let [r, g, b] = rgb.map(Fixed::from_int);
                let full = Fixed::from_int(0xffff);

                lines.map(|[for_r, for_g, for_b, for_full]| {
                    for_r
                        .mul(r)
                        .add(for_g.mul(g))
                        .add(for_b.mul(b))
                        .add(for_full.mul(full))
                        .round()
                })
            }
        }
    }
}

/// The value nearest to `v` that a channel can have.
fn clamp(v: i32) -> u16 {
    v.clamp(0, 0xffff) as u16
}

/// What a pipeline does to pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Transform([Option<Step>; OPERATIONS.len()]);

impl Transform {
    /// Makes a transformation of operations, in their order.
    pub(crate) const fn new(steps: [Option<Step>; OPERATIONS.len()]) -> Self {
        Self(steps)
    }

    /// Copies what a plane has been set to; [`None`] if that does nothing.
    pub(crate) fn from_pipeline(pipeline: &ColorPipeline) -> Option<Self> {
        let mut steps = [None; OPERATIONS.len()];

        for (to, step) in steps.iter_mut().zip(pipeline.steps()) {
            *to = match step.transform() {
                ColorTransform::Curve(pipeline::Curve::SrgbEotf) => Some(Step::Curve(&SRGB_EOTF)),
                ColorTransform::Curve(pipeline::Curve::SrgbInverseEotf) => {
                    Some(Step::Curve(&SRGB_INVERSE_EOTF))
                }
                ColorTransform::Ctm3x4(matrix) => Some(Step::matrix(matrix)),
                // The pipeline has no others.
                _ => None,
            };
        }
        steps.iter().any(Option::is_some).then_some(Self(steps))
    }

    /// Applies the transformation to a line. Alpha stays as it is.
    pub(crate) fn apply(&self, line: &mut [Pixel]) {
        for p in line {
            let rgb = [p.r(), p.g(), p.b()].map(i32::from);
            let [r, g, b] = self
                .0
                .iter()
                .flatten()
                .fold(rgb, |rgb, step| step.apply(rgb))
                .map(clamp);

            *p = Pixel::new(p.a(), r, g, b);
        }
    }
}
