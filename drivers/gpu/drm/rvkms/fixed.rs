// SPDX-License-Identifier: GPL-2.0

//! Signed fixed-point numbers with 32 bits after the point, as in `include/drm/drm_fixed.h`.
//!
//! VKMS computes colours with them. A product keeps fewer bits the larger its factors are, and this
//! can be seen in the picture, so the operations here drop the very same bits.
//!
//! C header: [`include/drm/drm_fixed.h`](srctree/include/drm/drm_fixed.h)

/// Bits after the point.
const POINT: u32 = 32;

/// A fixed-point number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Fixed(i64);

impl Fixed {
    /// The number with these bits.
    pub(crate) const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// Converts an integer.
    pub(crate) const fn from_int(v: i32) -> Self {
        Self((v as i64) << POINT)
    }

    /// The next integer that is not larger.
    pub(crate) const fn floor(self) -> i32 {
        (self.0 >> POINT) as i32
    }

    /// The nearest integer; halves are rounded up.
    pub(crate) const fn round(self) -> i32 {
        (self.0.wrapping_add(1 << (POINT - 1)) >> POINT) as i32
    }

    /// What lies between the number and its [`floor`](Self::floor).
    pub(crate) const fn fraction(self) -> Self {
        Self(self.0 & ((1 << POINT) - 1))
    }

    /// Sum.
    pub(crate) const fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// Difference.
    pub(crate) const fn sub(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    /// Position of the highest bit that differs from the sign, 0 if there is none.
    const fn top_bit(self) -> u32 {
        let v = (self.0 ^ (self.0 >> 63)) as u64;

        if v == 0 {
            0
        } else {
            v.ilog2()
        }
    }

    /// Product (`drm_fixp_mul()`). Low bits of the factors are dropped until it fits 64 bits.
    pub(crate) const fn mul(self, other: Self) -> Self {
        let excess = (self.top_bit() + other.top_bit()).saturating_sub(61);
        let (a, b) = (self.0 >> excess.div_ceil(2), other.0 >> (excess / 2));
        let product = a.wrapping_mul(b);

        if excess > POINT {
            Self(product.wrapping_shl(excess - POINT))
        } else {
            Self(product >> (POINT - excess))
        }
    }

    /// Quotient (`drm_fixp_div()`).
    ///
    /// 0 if the divisor is 0, or becomes 0 when its low bits are dropped.
    pub(crate) const fn div(self, other: Self) -> Self {
        let shift = 62 - self.top_bit();
        let a = self.0.wrapping_shl(shift);
        let b = other.0 >> POINT.saturating_sub(shift);

        if b == 0 {
            return Self(0);
        }
        Self(a.wrapping_div(b) >> shift.saturating_sub(POINT))
    }
}
