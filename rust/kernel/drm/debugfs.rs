// SPDX-License-Identifier: GPL-2.0

//! Files in the debugfs directory of a DRM device.
//!
//! C header: [`include/drm/drm_debugfs.h`](srctree/include/drm/drm_debugfs.h)

use crate::{
    bindings,
    drm::{
        Device,
        Driver,
        Printer,
        Registered, //
    },
    prelude::*,
};

/// The debugfs directory of a device that is being registered.
///
/// Given to [`Driver::debugfs_init`]. The directory is removed, and every reader waited for, when
/// the device is unplugged. A file is readable by root only.
///
/// # Invariants
///
/// `dev` is being registered and its debugfs directory exists, for `'a`.
pub struct Dir<'a, T: Driver> {
    // Without debugfs there are no directories, and no files to add to them.
    #[cfg_attr(not(CONFIG_DEBUG_FS), expect(dead_code))]
    dev: &'a Device<T>,
}

impl<T: Driver> Dir<'_, T> {
    /// Adds a file whose contents `show` prints.
    ///
    /// `show` is a function, or a closure that captures nothing. It gets the device and the
    /// registration data like an ioctl handler; may sleep; and runs inside a `drm_dev_enter()`
    /// section, so that it must not wait for long. An error it returns is that of the `read()`.
    /// The files are removed when the device is unplugged: who has one open gets `EIO` from then
    /// on, or `ENODEV` if the read comes just before.
    ///
    /// Calls `drm_debugfs_add_file()`. A file that cannot be created, for lack of memory or
    /// because there is one of that name, is left out: nothing may depend on debugfs.
    pub fn add_file<F>(&self, name: &'static CStr, show: F)
    where
        F: for<'a, 'b> Fn(
                &'a Device<T, Registered>,
                &'a T::RegistrationData<'b>,
                &'a mut Printer<'_>,
            ) -> Result
            + Copy
            + Send
            + Sync
            + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "the function of a debugfs file cannot capture anything"
            )
        };

        // `F` has no contents, `show_callback` makes its own.
        let _ = show;

        #[cfg(CONFIG_DEBUG_FS)]
        // SAFETY: The device is valid and, by the type invariants, its directory exists.
        // `show_callback::<T, F>` fits: the device is one of `T`, and a value of `F` exists.
        unsafe {
            bindings::drm_debugfs_add_file(
                self.dev.as_raw(),
                crate::str::as_char_ptr_in_const_context(name),
                Some(show_callback::<T, F>),
                core::ptr::null_mut(),
            )
        };
        #[cfg(not(CONFIG_DEBUG_FS))]
        let _ = name;
    }
}

/// Returns the `debugfs_init` callback of `struct drm_driver`, if the driver has one.
pub(crate) const fn init_callback<T: Driver>(
) -> Option<unsafe extern "C" fn(*mut bindings::drm_minor)> {
    if T::HAS_DEBUGFS_INIT {
        Some(debugfs_init::<T>)
    } else {
        None
    }
}

/// # Safety
///
/// Only to be called by the DRM core, for a minor of a device of `T` that is being registered.
unsafe extern "C" fn debugfs_init<T: Driver>(minor: *mut bindings::drm_minor) {
    // SAFETY: The DRM core passes a minor of a device of `T`, which is alive.
    let dev = unsafe { Device::from_raw((*minor).dev) };

    // INVARIANT: The DRM core has created the directory and keeps it until the device is unplugged
    // or freed.
    T::debugfs_init(dev, &Dir { dev });
}

/// # Safety
///
/// Only to be called by the DRM core, for a file that [`Dir::add_file`] has added with a `show` of
/// type `F` to the directory of a device of `T`.
#[cfg(CONFIG_DEBUG_FS)]
unsafe extern "C" fn show_callback<T, F>(
    seq: *mut bindings::seq_file,
    _unused: *mut c_void,
) -> c_int
where
    T: Driver,
    F: for<'a, 'b> Fn(
            &'a Device<T, Registered>,
            &'a T::RegistrationData<'b>,
            &'a mut Printer<'_>,
        ) -> Result
        + Copy
        + Send
        + Sync
        + 'static,
{
    // SAFETY: `drm_debugfs_add_file()` makes `private` point to its entry, which the device owns.
    // Freeing the device removes the file and waits for its readers first. The file was added
    // while the device was being registered.
    let dev = unsafe {
        Device::<T, crate::drm::Ioctl>::from_raw(
            (*(*seq).private.cast::<bindings::drm_debugfs_entry>()).dev,
        )
    };

    // This also stops the readers of a device whose registration has failed: they could see it
    // with a reference count of zero.
    let Some(guard) = dev.registration_guard() else {
        return ENODEV.to_errno();
    };

    // SAFETY: `add_file` has checked that `F` has no contents, and has got a value of it, of which
    // there may be copies on any thread.
    let show = unsafe { super::conjure::<F>() };

    let mut raw = bindings::drm_printer {
        printfn: Some(bindings::__drm_printfn_seq_file),
        puts: Some(bindings::__drm_puts_seq_file),
        arg: seq.cast(),
        ..pin_init::zeroed()
    };

    // SAFETY: `raw` lives longer than the printer, as does `seq`.
    let mut printer = unsafe { Printer::from_raw(&mut raw) };

    match guard.registration_data_with(|reg_data| show(&guard, reg_data, &mut printer)) {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}
