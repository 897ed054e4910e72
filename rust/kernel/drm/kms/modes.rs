// SPDX-License-Identifier: GPL-2.0

//! Display modes.
//!
//! C header: [`include/drm/drm_modes.h`](srctree/include/drm/drm_modes.h)

use crate::{
    bindings,
    types::Opaque, //
};

/// A display mode: resolution, timings and flags.
///
/// # Invariants
///
/// Wraps an initialised `struct drm_display_mode` that does not change while borrowed.
#[repr(transparent)]
pub struct DisplayMode(Opaque<bindings::drm_display_mode>);

// SAFETY: By the type invariants the mode is not written while borrowed.
unsafe impl Sync for DisplayMode {}

impl DisplayMode {
    /// # Safety
    ///
    /// `mode` must point to an initialised mode that is valid and unchanged for `'a`.
    pub(crate) unsafe fn from_raw<'a>(mode: *const bindings::drm_display_mode) -> &'a Self {
        // SAFETY: By the safety requirements of this function; the type is transparent.
        // INVARIANT: Likewise.
        unsafe { &*mode.cast() }
    }

    fn raw(&self) -> &bindings::drm_display_mode {
        // SAFETY: By the type invariants the mode is initialised and not written.
        unsafe { &*self.0.get() }
    }

    /// Returns the pixel clock in kHz.
    pub fn clock(&self) -> u32 {
        u32::try_from(self.raw().clock).unwrap_or(0)
    }

    /// Returns the visible width in pixels.
    pub fn hdisplay(&self) -> u16 {
        self.raw().hdisplay
    }

    /// Returns the visible height in lines.
    pub fn vdisplay(&self) -> u16 {
        self.raw().vdisplay
    }

    /// Returns the whole width in pixels, blanking included.
    pub fn htotal(&self) -> u16 {
        self.raw().htotal
    }

    /// Returns the whole height in lines, blanking included.
    pub fn vtotal(&self) -> u16 {
        self.raw().vtotal
    }

    /// Returns the first pixel and the one after the last pixel of the horizontal sync pulse.
    pub fn hsync(&self) -> (u16, u16) {
        (self.raw().hsync_start, self.raw().hsync_end)
    }

    /// Returns the first line and the one after the last line of the vertical sync pulse.
    pub fn vsync(&self) -> (u16, u16) {
        (self.raw().vsync_start, self.raw().vsync_end)
    }

    /// Returns the `DRM_MODE_FLAG_*` bits.
    pub fn flags(&self) -> u32 {
        self.raw().flags
    }

    /// Returns the time from one vblank to the next, in nanoseconds.
    ///
    /// [`None`] for a mode without timings, and for one with more lines than the core can count. The
    /// time is computed from what user space asked for, so it may be anything.
    pub fn frame_duration(&self) -> Option<u64> {
        let mode = self.raw();
        let has = |flag| self.flags() & flag != 0;
        let mut lines = u32::from(self.vtotal()) * u32::from(mode.vscan.max(1));

        if has(bindings::DRM_MODE_FLAG_DBLSCAN) {
            lines = lines.checked_mul(2)?;
        }
        // `crtc_vtotal` is as wide as this.
        let lines = u16::try_from(lines).ok()?;
        let pixels = u64::from(self.htotal()) * u64::from(lines);
        let duration = (pixels * 1_000_000).checked_div(u64::from(self.clock()))?;
        let fields = if has(bindings::DRM_MODE_FLAG_INTERLACE) {
            2
        } else {
            1
        };

        Some(duration / fields)
    }

    /// Returns the refresh rate in Hz, rounded; 0 for a mode without timings.
    pub fn vrefresh(&self) -> u32 {
        // SAFETY: By the type invariants the mode is initialised.
        let hz = unsafe { bindings::drm_mode_vrefresh(self.0.get()) };

        u32::try_from(hz).unwrap_or(0)
    }
}

/// Whether a mode can be used, and if not, why (`enum drm_mode_status`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ModeStatus {
    /// The mode is fine.
    Ok = bindings::drm_mode_status_MODE_OK,
    /// No such mode.
    NoMode = bindings::drm_mode_status_MODE_NOMODE,
    /// The width is out of range.
    BadWidth = bindings::drm_mode_status_MODE_VIRTUAL_X,
    /// The height is out of range.
    BadHeight = bindings::drm_mode_status_MODE_VIRTUAL_Y,
    /// The pixel clock is too high.
    ClockHigh = bindings::drm_mode_status_MODE_CLOCK_HIGH,
    /// The pixel clock is too low.
    ClockLow = bindings::drm_mode_status_MODE_CLOCK_LOW,
    /// Interlaced modes are not possible.
    NoInterlace = bindings::drm_mode_status_MODE_NO_INTERLACE,
    /// Modes with doubled lines are not possible.
    NoDoubleScan = bindings::drm_mode_status_MODE_NO_DBLESCAN,
    /// There is not enough memory for a framebuffer of that size.
    Memory = bindings::drm_mode_status_MODE_MEM,
    /// The device has exactly one size, and this is another.
    OneSize = bindings::drm_mode_status_MODE_ONE_SIZE,
    /// Any other reason.
    Bad = bindings::drm_mode_status_MODE_BAD,
}

impl ModeStatus {
    pub(crate) fn as_raw(self) -> bindings::drm_mode_status {
        self as i32
    }
}

/// A rectangle; `x2` and `y2` are exclusive.
///
/// In source rectangles coordinates are 16.16 fixed-point numbers, in destination rectangles whole
/// pixels.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x1: i32,
    /// Top edge.
    pub y1: i32,
    /// One beyond the right edge.
    pub x2: i32,
    /// One beyond the bottom edge.
    pub y2: i32,
}

impl Rect {
    pub(crate) fn from_raw(rect: bindings::drm_rect) -> Self {
        Self {
            x1: rect.x1,
            y1: rect.y1,
            x2: rect.x2,
            y2: rect.y2,
        }
    }

    pub(crate) fn into_raw(self) -> bindings::drm_rect {
        bindings::drm_rect {
            x1: self.x1,
            y1: self.y1,
            x2: self.x2,
            y2: self.y2,
        }
    }

    /// Returns the width; 0 if the edges are swapped.
    pub fn width(&self) -> u32 {
        u32::try_from(i64::from(self.x2) - i64::from(self.x1)).unwrap_or(0)
    }

    /// Returns the height; 0 if the edges are swapped.
    pub fn height(&self) -> u32 {
        u32::try_from(i64::from(self.y2) - i64::from(self.y1)).unwrap_or(0)
    }

    /// Returns whether the rectangle has no area.
    pub fn is_empty(&self) -> bool {
        self.width() == 0 || self.height() == 0
    }
}
