// SPDX-License-Identifier: GPL-2.0

//! Text output of DRM drivers.
//!
//! C header: [`include/drm/drm_print.h`](srctree/include/drm/drm_print.h)

use crate::{
    bindings,
    fmt,
    prelude::*,
    str::CStrExt as _, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// Where the text of a callback goes: `struct drm_printer`.
///
/// Lets one function print into fdinfo, a debugfs file or the kernel log. Use it through
/// [`fmt::Write`]; `write!` sends its arguments as one message, which matters for printers that
/// prefix each message. Writing never fails and does not allocate; what does not fit into the
/// buffer of a sequence file is written again by the kernel into a larger one, so that a callback
/// may run twice.
///
/// Handed out by reference for the time of a callback; `'a` is the life of what it prints to.
///
/// # Invariants
///
/// The pointer is valid, and nobody else uses the printer, for `'a`.
///
/// # Examples
///
/// ```
/// use kernel::{drm::Printer, fmt::Write as _, prelude::*};
///
/// /// Prints a line in the format of drm-usage-stats.
/// fn show_memory(bytes: u64, printer: &mut Printer<'_>) -> Result {
///     writeln!(printer, "drm-total-vram:\t{} KiB", bytes >> 10)?;
///     Ok(())
/// }
/// ```
pub struct Printer<'a>(
    NonNull<bindings::drm_printer>,
    // Invariant in `'a`: two printers can only be swapped if they print for the same time.
    PhantomData<fn(&'a ()) -> &'a ()>,
);

impl Printer<'_> {
    /// Wraps the printer at `ptr`.
    ///
    /// # Safety
    ///
    /// `ptr` must be valid, and used by nobody else, for the lifetime of the returned value, which
    /// must not be handed out other than by reference.
    pub(crate) unsafe fn from_raw(ptr: *mut bindings::drm_printer) -> Self {
        // SAFETY: A valid pointer is not null.
        // INVARIANT: Guaranteed by the caller.
        Self(unsafe { NonNull::new_unchecked(ptr) }, PhantomData)
    }
}

impl fmt::Write for Printer<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.write_fmt(format_args!("{s}"))
    }

    fn write_fmt(&mut self, args: fmt::Arguments<'_>) -> fmt::Result {
        // SAFETY: The printer is valid by the type invariants. `%pA` takes a pointer to
        // `fmt::Arguments`.
        unsafe {
            bindings::drm_printf(
                self.0.as_ptr(),
                c"%pA".as_char_ptr(),
                core::ptr::from_ref(&args).cast::<c_void>(),
            )
        };
        Ok(())
    }
}
