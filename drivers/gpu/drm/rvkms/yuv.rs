// SPDX-License-Identifier: GPL-2.0

//! Conversion from YCbCr to RGB.

use crate::{
    fixed::Fixed,
    pixel::Pixel, //
};

/// The standard that says how the colour of a YCbCr framebuffer is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Encoding {
    /// ITU-R BT.601.
    #[default]
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// ITU-R BT.2020.
    Bt2020,
}

/// The values that the components of a YCbCr framebuffer take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Range {
    /// 16 to 235 for luma and 16 to 240 for chroma, with 8 bits.
    Limited,
    /// All values.
    #[default]
    Full,
}

/// A conversion from YCbCr to RGB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Conversion {
    /// For red, green and blue: the factors of luma and of the first and second chroma component.
    factors: [[Fixed; 3]; 3],
    /// The luma of black, with 16 bits.
    black: i32,
}

/// The factors other than 0 of a standard, as bits of [`Fixed`].
struct Factors {
    y: i64,
    cr_to_r: i64,
    cb_to_g: i64,
    cr_to_g: i64,
    cb_to_b: i64,
}

// The factors follow from the weights of red and blue (Kr, Kb) in luma that the standards give:
// 2 * (1 - Kr) for Cr in red, 2 * (1 - Kb) for Cb in blue, and -2 * (1 - K) * K / Kg in green. In
// the limited range luma is stretched by 255 / 219 and chroma by 255 / 224.
const BT601_FULL: Factors = Factors {
    y: 4_294_967_296,
    cr_to_r: 6_021_544_149,
    cb_to_g: -1_478_054_095,
    cr_to_g: -3_067_191_994,
    cb_to_b: 7_610_682_049,
};

const BT601_LIMITED: Factors = Factors {
    y: 5_020_601_039,
    cr_to_r: 6_881_764_740,
    cb_to_g: -1_689_204_679,
    cr_to_g: -3_505_362_278,
    cb_to_b: 8_697_922_339,
};

const BT709_FULL: Factors = Factors {
    y: 4_294_967_296,
    cr_to_r: 6_763_714_498,
    cb_to_g: -804_551_626,
    cr_to_g: -2_010_578_443,
    cb_to_b: 7_969_741_314,
};

const BT709_LIMITED: Factors = Factors {
    y: 5_020_601_039,
    cr_to_r: 7_729_959_424,
    cb_to_g: -919_487_572,
    cr_to_g: -2_297_803_934,
    cb_to_b: 9_108_275_786,
};

const BT2020_FULL: Factors = Factors {
    y: 4_294_967_296,
    cr_to_r: 6_333_358_775,
    cb_to_g: -706_750_298,
    cr_to_g: -2_453_942_994,
    cb_to_b: 8_080_551_471,
};

const BT2020_LIMITED: Factors = Factors {
    y: 5_020_601_039,
    cr_to_r: 7_238_124_312,
    cb_to_g: -807_714_626,
    cr_to_g: -2_804_506_279,
    cb_to_b: 9_234_915_964,
};

impl Conversion {
    /// The conversion for a framebuffer whose chroma components are stored in the order Cb, Cr, or
    /// Cr, Cb if `cr_first`.
    pub(crate) const fn new(encoding: Encoding, range: Range, cr_first: bool) -> Self {
        let f = match (encoding, range) {
            (Encoding::Bt601, Range::Full) => BT601_FULL,
            (Encoding::Bt601, Range::Limited) => BT601_LIMITED,
            (Encoding::Bt709, Range::Full) => BT709_FULL,
            (Encoding::Bt709, Range::Limited) => BT709_LIMITED,
            (Encoding::Bt2020, Range::Full) => BT2020_FULL,
            (Encoding::Bt2020, Range::Limited) => BT2020_LIMITED,
        };
        let mut factors = [
            [f.y, 0, f.cr_to_r],
            [f.y, f.cb_to_g, f.cr_to_g],
            [f.y, f.cb_to_b, 0],
        ];
        let mut fixed = [[Fixed::from_int(0); 3]; 3];
        let mut row = 0;

        while row < 3 {
            if cr_first {
                factors[row].swap(1, 2);
            }

            let mut column = 0;

            while column < 3 {
                fixed[row][column] = Fixed::from_bits(factors[row][column]);
                column += 1;
            }
            row += 1;
        }
        Self {
            factors: fixed,
            black: match range {
                Range::Limited => 16 * Pixel::RATIO as i32,
                Range::Full => 0,
            },
        }
    }

    /// Converts a pixel of luma and two chroma components with 16 bits each.
    pub(crate) fn pixel(&self, y: u16, c1: u16, c2: u16) -> Pixel {
        /// Chroma of grey.
        const GREY: i32 = 128 * Pixel::RATIO as i32;

        let y = Fixed::from_int(i32::from(y) - self.black);
        let c1 = Fixed::from_int(i32::from(c1) - GREY);
        let c2 = Fixed::from_int(i32::from(c2) - GREY);
        let channel = |[fy, f1, f2]: [Fixed; 3]| {
            let sum = fy.mul(y).add(f1.mul(c1)).add(f2.mul(c2));

            sum.round().clamp(0, 0xffff) as u16
        };
        let [r, g, b] = self.factors.map(channel);

        Pixel::new(0xffff, r, g, b)
    }
}
