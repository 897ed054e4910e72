// SPDX-License-Identifier: GPL-2.0

//! The ioctls of a driver.
//!
//! A driver lists its ioctls with [`declare_drm_ioctls!`](crate::declare_drm_ioctls). The DRM core
//! checks the permissions, copies the argument in, calls the handler and copies the argument out.
//!
//! C header: [`include/drm/drm_ioctl.h`](srctree/include/drm/drm_ioctl.h)

use crate::{
    bindings,
    drm::{
        Device,
        Driver,
        File,
        Ioctl,
        Registered, //
    },
    ioctl,
    prelude::*, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};

const BASE: u32 = uapi::DRM_IOCTL_BASE as u32;

/// Number of a DRM ioctl without argument.
#[expect(non_snake_case)]
#[inline(always)]
pub const fn IO(nr: u32) -> u32 {
    ioctl::_IO(BASE, nr)
}

/// Number of a DRM ioctl from which user space reads a `T`.
#[expect(non_snake_case)]
#[inline(always)]
pub const fn IOR<T>(nr: u32) -> u32 {
    ioctl::_IOR::<T>(BASE, nr)
}

/// Number of a DRM ioctl to which user space writes a `T`.
#[expect(non_snake_case)]
#[inline(always)]
pub const fn IOW<T>(nr: u32) -> u32 {
    ioctl::_IOW::<T>(BASE, nr)
}

/// Number of a DRM ioctl to which user space writes a `T` and reads it back.
#[expect(non_snake_case)]
#[inline(always)]
pub const fn IOWR<T>(nr: u32) -> u32 {
    ioctl::_IOWR::<T>(BASE, nr)
}

/// Clients of the primary node must be authenticated by its master.
///
/// Goes with [`RENDER_ALLOW`]: clients of a render node need no authentication.
pub const AUTH: u32 = bindings::drm_ioctl_flags_DRM_AUTH;

/// Only for the client that is the current master of the primary node.
///
/// For ioctls that change what is displayed.
pub const MASTER: u32 = bindings::drm_ioctl_flags_DRM_MASTER;

/// Only for clients with `CAP_SYS_ADMIN`.
pub const ROOT_ONLY: u32 = bindings::drm_ioctl_flags_DRM_ROOT_ONLY;

/// May be called through a render node.
///
/// For everything that a rendering client needs. Without it the ioctl fails with `EACCES` there.
pub const RENDER_ALLOW: u32 = bindings::drm_ioctl_flags_DRM_RENDER_ALLOW;

/// An ioctl of the driver `T`.
///
/// Made by [`declare_drm_ioctls!`](crate::declare_drm_ioctls) and in no other way: the driver in
/// the type is the one whose device and file the handler takes.
///
/// # Invariants
///
/// `func` takes a device of `T` that was given to `drm_dev_register()`, an argument of the size in
/// `cmd` and an open file of that device.
#[repr(transparent)]
pub struct DrmIoctlDescriptor<T: Driver>(bindings::drm_ioctl_desc, PhantomData<fn() -> T>);

/// What [`declare_drm_ioctls!`](crate::declare_drm_ioctls) expands to. Not for direct use.
#[doc(hidden)]
pub mod internal {
    use super::*;

    /// Fails the build unless `cmds` are numbered from `DRM_COMMAND_BASE` on, without a gap.
    ///
    /// The DRM core takes the number for an index into the table.
    pub const fn check_numbers(cmds: &[u32]) {
        let mut i = 0;
        while i < cmds.len() {
            assert!(
                ioctl::_IOC_NR(cmds[i]) as usize == uapi::DRM_COMMAND_BASE as usize + i,
                "ioctls must be declared in the order of their numbers, without gaps"
            );
            i += 1;
        }
        assert!(
            cmds.len() <= (uapi::DRM_COMMAND_END - uapi::DRM_COMMAND_BASE) as usize,
            "too many ioctls"
        );
    }

    /// Returns `cmd`; fails the build unless `Arg` has the size that is encoded in it.
    pub const fn check_size<Arg>(cmd: u32) -> u32 {
        assert!(
            size_of::<Arg>() == ioctl::_IOC_SIZE(cmd),
            "the argument type does not have the size that is encoded in the ioctl's number"
        );
        cmd
    }

    /// Describes an ioctl whose handler runs while the device is registered.
    ///
    /// # Safety
    ///
    /// - Every bit pattern must be a valid `Arg`.
    /// - `cmd` must have passed [`check_size`] for `Arg`.
    pub const unsafe fn guarded<T, Arg, F>(
        cmd: u32,
        flags: u32,
        name: &'static CStr,
        _handler: F,
    ) -> DrmIoctlDescriptor<T>
    where
        T: Driver,
        F: for<'a, 'b> Fn(
                &'a Device<T, Registered>,
                &'a T::RegistrationData<'b>,
                &'a mut Arg,
                &'a File<T::File>,
            ) -> Result<u32>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        // INVARIANT: `call_guarded::<T, ..>` takes what the DRM core passes for a device of `T`.
        descriptor::<T, F>(cmd, flags, name, call_guarded::<T, Arg, F>)
    }

    /// Describes an ioctl whose handler decides itself when the device has to be registered.
    ///
    /// # Safety
    ///
    /// As for [`guarded`].
    pub const unsafe fn unguarded<T, Arg, F>(
        cmd: u32,
        flags: u32,
        name: &'static CStr,
        _handler: F,
    ) -> DrmIoctlDescriptor<T>
    where
        T: Driver,
        F: for<'a> Fn(&'a Device<T, Ioctl>, &'a mut Arg, &'a File<T::File>) -> Result<u32>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        // INVARIANT: `call_unguarded::<T, ..>` takes what the DRM core passes for a device of `T`.
        descriptor::<T, F>(cmd, flags, name, call_unguarded::<T, Arg, F>)
    }

    const fn descriptor<T: Driver, F>(
        cmd: u32,
        flags: u32,
        name: &'static CStr,
        func: unsafe extern "C" fn(
            *mut bindings::drm_device,
            *mut c_void,
            *mut bindings::drm_file,
        ) -> c_int,
    ) -> DrmIoctlDescriptor<T> {
        assert!(
            size_of::<F>() == 0,
            "an ioctl handler is a function or a closure that captures nothing"
        );

        DrmIoctlDescriptor(
            bindings::drm_ioctl_desc {
                cmd,
                flags,
                func: Some(func),
                name: crate::str::as_char_ptr_in_const_context(name),
            },
            PhantomData,
        )
    }
}

/// # Safety
///
/// Only to be called by the DRM core, for an open file of a device of `T`, through a descriptor
/// that [`internal::guarded`] has made for the same types.
unsafe extern "C" fn call_guarded<T, Arg, F>(
    dev: *mut bindings::drm_device,
    data: *mut c_void,
    file: *mut bindings::drm_file,
) -> c_int
where
    T: Driver,
    F: for<'a, 'b> Fn(
            &'a Device<T, Registered>,
            &'a T::RegistrationData<'b>,
            &'a mut Arg,
            &'a File<T::File>,
        ) -> Result<u32>
        + Copy
        + Send
        + Sync
        + 'static,
{
    // SAFETY: The DRM core passes a device of `T` and keeps it alive; files are opened after
    // `drm_dev_register()` was called.
    let dev = unsafe { Device::<T, Ioctl>::from_raw(dev) };

    // SAFETY: The DRM core passes an open file of that device.
    let file = unsafe { File::<T::File>::from_raw(file) };

    // SAFETY: `internal::guarded` has got a value of `F`, which has no contents.
    let handler = unsafe { super::conjure::<F>() };

    let Some(guard) = dev.registration_guard() else {
        return ENODEV.to_errno();
    };

    // SAFETY: The DRM core passes a buffer of the size in the number of the ioctl, which is that
    // of `Arg`, for the duration of this call; every bit pattern is a valid `Arg`.
    unsafe {
        with_argument(data.cast::<Arg>(), |arg| {
            guard.registration_data_with(|reg_data| handler(&guard, reg_data, arg, file))
        })
    }
}

/// # Safety
///
/// As for [`call_guarded`], with [`internal::unguarded`].
unsafe extern "C" fn call_unguarded<T, Arg, F>(
    dev: *mut bindings::drm_device,
    data: *mut c_void,
    file: *mut bindings::drm_file,
) -> c_int
where
    T: Driver,
    F: for<'a> Fn(&'a Device<T, Ioctl>, &'a mut Arg, &'a File<T::File>) -> Result<u32>
        + Copy
        + Send
        + Sync
        + 'static,
{
    // SAFETY: The DRM core passes a device of `T` and keeps it alive; files are opened after
    // `drm_dev_register()` was called.
    let dev = unsafe { Device::<T, Ioctl>::from_raw(dev) };

    // SAFETY: The DRM core passes an open file of that device.
    let file = unsafe { File::<T::File>::from_raw(file) };

    // SAFETY: `internal::unguarded` has got a value of `F`, which has no contents.
    let handler = unsafe { super::conjure::<F>() };

    // SAFETY: The DRM core passes a buffer of the size in the number of the ioctl, which is that
    // of `Arg`, for the duration of this call; every bit pattern is a valid `Arg`.
    unsafe { with_argument(data.cast::<Arg>(), |arg| handler(dev, arg, file)) }
}

/// Calls `handler` with the argument at `ptr`, and makes a return value for C of what it returns.
///
/// # Safety
///
/// `ptr` must be valid for reads and writes of an `Arg`, though not necessarily aligned, and used
/// by nobody else. Every bit pattern must be a valid `Arg`.
unsafe fn with_argument<Arg>(
    ptr: *mut Arg,
    handler: impl FnOnce(&mut Arg) -> Result<u32>,
) -> c_int {
    let result = if ptr.is_aligned() {
        // SAFETY: `ptr` is aligned, and valid and exclusive as the caller promises.
        handler(unsafe { &mut *ptr })
    } else {
        // SAFETY: As the caller promises.
        unsafe { with_misaligned_argument(ptr, handler) }
    };

    match result {
        Ok(value) => value.try_into().unwrap_or(ERANGE.to_errno()),
        Err(err) => err.to_errno(),
    }
}

/// Calls `handler` with a copy of the argument at `ptr`, which is written back.
///
/// `drm_ioctl()` keeps arguments of up to 128 bytes in an array of bytes on its stack, which the
/// compiler may put anywhere. Larger ones are allocated and never come here, so that the copy does
/// not strain the stack.
///
/// # Safety
///
/// As for [`with_argument`].
#[cold]
#[inline(never)]
unsafe fn with_misaligned_argument<Arg>(
    ptr: *mut Arg,
    handler: impl FnOnce(&mut Arg) -> Result<u32>,
) -> Result<u32> {
    let mut arg = MaybeUninit::<Arg>::uninit();

    // Copied as bytes, with the padding, which is part of what user space gets back.
    //
    // SAFETY: Both are valid for the size of an `Arg`; bytes need no alignment.
    unsafe {
        core::ptr::copy_nonoverlapping(
            ptr.cast::<u8>(),
            arg.as_mut_ptr().cast::<u8>(),
            size_of::<Arg>(),
        )
    };

    // SAFETY: All bytes were written, and every bit pattern is a valid `Arg`.
    let result = handler(unsafe { arg.assume_init_mut() });

    // SAFETY: As above. The DRM core copies the argument to user space even if the ioctl fails.
    unsafe {
        core::ptr::copy_nonoverlapping(
            arg.as_ptr().cast::<u8>(),
            ptr.cast::<u8>(),
            size_of::<Arg>(),
        )
    };

    result
}

/// Declares the ioctls of a driver, inside its `impl drm::Driver`.
///
/// Each entry is `(NAME, argument_type, flags, handler)`. `NAME` is the number `DRM_IOCTL_NAME` and
/// `argument_type` a structure, both of [`uapi`](crate::uapi), hence of a C header that
/// `rust/uapi/uapi_helper.h` includes. There the number is an enumerator: bindgen has none for a
/// `#define` with `DRM_IOWR()`. `flags` are those of [`ioctl`](mod@crate::drm::ioctl). The numbers
/// must go up from `DRM_COMMAND_BASE` without gaps, and the size in the number must be that of the
/// structure: the build fails otherwise. A handler is a function or a closure that captures
/// nothing. It gets
///
/// - the device, [`Registered`](crate::drm::Registered);
/// - the [`RegistrationData`](crate::drm::Driver::RegistrationData) of its driver;
/// - the argument, by mutable reference: what user space has passed, filled up with zeroes where
///   user space knows a smaller structure. All its contents are untrusted. It is copied back, also
///   if the handler fails;
/// - the [`File`](crate::drm::File) of the client;
///
/// all of the driver that declares the ioctl: handlers of another one do not fit. It returns the
/// value of the `ioctl()` call, 0 in most cases, or an errno. A value that does not fit into an
/// `int` becomes `ERANGE`. Handlers may sleep. Once the device was unplugged they are not called,
/// and the ioctl fails with `ENODEV`.
///
/// # Handlers that wait
///
/// Such a handler runs inside a `drm_dev_enter()` section, and unplugging the device waits for it.
/// A handler that waits for user space, for a fence or for anything else without a short timeout is
/// declared as `(unguarded NAME, argument_type, flags, handler)` instead. It gets the device in the
/// [`Ioctl`](crate::drm::Ioctl) context, the argument and the file, and enters short sections
/// itself, by [`Device::registration_guard`](crate::drm::Device::registration_guard), in which it
/// does not wait.
///
/// # Examples
///
/// ```
/// use kernel::{
///     drm::{
///         self,
///         ioctl,
///         Ioctl,
///         Registered, //
///     },
///     prelude::*,
///     uapi, //
/// };
/// # use kernel::{device, drm::gem, faux, sync::Completion};
/// # struct Driver;
/// # #[pin_data]
/// # struct Bo {}
/// # impl gem::DriverObject for Bo {
/// #     type Driver = Driver;
/// #     type Args = ();
/// #     fn new(_: &drm::Device<Driver>, _: usize, _: ()) -> impl PinInit<Self, Error> {
/// #         try_pin_init!(Self {})
/// #     }
/// # }
/// # impl drm::file::DriverFile for File {
/// #     type Driver = Driver;
/// #     fn open(_: &drm::Device<Driver>) -> Result<Pin<KBox<Self>>> {
/// #         KBox::try_pin_init(try_pin_init!(Self { done <- Completion::new() }), GFP_KERNEL)
/// #     }
/// # }
/// # #[pin_data]
/// # struct File {
/// #     #[pin]
/// #     done: Completion,
/// # }
/// # struct Hardware;
/// # impl Hardware {
/// #     fn vram_size(&self) -> u64 {
/// #         0
/// #     }
/// #     fn start(&self, _size: u64) -> Result {
/// #         Ok(())
/// #     }
/// # }
///
/// impl File {
///     fn get_param(
///         _dev: &drm::Device<Driver, Registered>,
///         hw: &Hardware,
///         arg: &mut uapi::drm_nova_getparam,
///         _file: &drm::File<File>,
///     ) -> Result<u32> {
///         arg.value = hw.vram_size();
///         Ok(0)
///     }
///
///     fn fill(
///         dev: &drm::Device<Driver, Ioctl>,
///         arg: &mut uapi::drm_nova_gem_create,
///         file: &drm::File<File>,
///     ) -> Result<u32> {
///         let guard = dev.registration_guard().ok_or(ENODEV)?;
///         guard.registration_data_with(|hw| hw.start(arg.size))?;
///         drop(guard);
///
///         // The device may be unplugged meanwhile.
///         file.inner().done.wait_for_completion();
///         Ok(0)
///     }
/// }
///
/// #[vtable]
/// impl drm::Driver for Driver {
/// #   type Data = ();
/// #   type RegistrationData<'a> = Hardware;
/// #   type Object = gem::Object<Bo>;
/// #   type File = File;
/// #   type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;
/// #   const INFO: drm::DriverInfo = drm::DriverInfo {
/// #       major: 0,
/// #       minor: 0,
/// #       patchlevel: 0,
/// #       name: c"example",
/// #       desc: c"Example",
/// #   };
///     // The types, and then:
///     kernel::declare_drm_ioctls! {
///         (NOVA_GETPARAM, drm_nova_getparam, ioctl::RENDER_ALLOW, File::get_param),
///         (
///             unguarded NOVA_GEM_CREATE,
///             drm_nova_gem_create,
///             ioctl::AUTH | ioctl::RENDER_ALLOW,
///             File::fill
///         ),
///     }
/// }
/// #
/// # assert_eq!(<Driver as drm::Driver>::IOCTLS.len(), 2);
/// ```
#[macro_export]
macro_rules! declare_drm_ioctls {
    ( $( ( $($entry:tt)* ) ),* $(,)? ) => {
        const IOCTLS: &'static [$crate::drm::ioctl::DrmIoctlDescriptor<Self>] = {
            const _: () = $crate::drm::ioctl::internal::check_numbers(
                &[ $( $crate::__drm_ioctl_entry!(@cmd $($entry)*) ),* ]
            );

            &[ $( $crate::__drm_ioctl_entry!(@describe $($entry)*) ),* ]
        };
    };
}

/// One entry of [`declare_drm_ioctls!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __drm_ioctl_entry {
    (@cmd unguarded $cmd:ident, $arg:ident, $flags:expr, $handler:expr $(,)?) => {
        $crate::__drm_ioctl_entry!(@cmd $cmd, $arg, $flags, $handler)
    };

    (@cmd $cmd:ident, $arg:ident, $flags:expr, $handler:expr $(,)?) => {
        $crate::drm::ioctl::internal::check_size::<$crate::uapi::$arg>(
            $crate::__drm_ioctl_entry!(@number $cmd)
        )
    };

    // The names of `uapi` are in scope for the number only: among them are those of the errors.
    (@number $cmd:ident) => {{
        use $crate::uapi::*;

        $crate::macros::concat_idents!(DRM_IOCTL_, $cmd) as u32
    }};

    (@describe unguarded $cmd:ident, $arg:ident, $flags:expr, $handler:expr $(,)?) => {
        $crate::__drm_ioctl_entry!(@describe_as unguarded, $cmd, $arg, $flags, $handler)
    };

    (@describe $cmd:ident, $arg:ident, $flags:expr, $handler:expr $(,)?) => {
        $crate::__drm_ioctl_entry!(@describe_as guarded, $cmd, $arg, $flags, $handler)
    };

    (@describe_as $kind:ident, $cmd:ident, $arg:ident, $flags:expr, $handler:expr) => {
        // SAFETY: Types of `uapi` are generated from C headers and consist of integers, pointers
        // and arrays, structures and unions of them, for which every bit pattern is valid. The
        // size was checked together with the numbers.
        unsafe {
            $crate::drm::ioctl::internal::$kind::<Self, $crate::uapi::$arg, _>(
                $crate::__drm_ioctl_entry!(@number $cmd),
                $flags,
                $crate::c_str!(::core::stringify!($cmd)),
                $handler,
            )
        }
    };
}
