// SPDX-License-Identifier: GPL-2.0

//! Drivers, clients and a log of events for tests.

use crate::{
    bindings,
    device,
    drm::{
        self,
        debugfs,
        gem,
        ioctl,
        Device,
        Ioctl,
        Printer,
        Registered,
        UnregisteredDevice, //
    },
    error::from_err_ptr,
    faux,
    fmt::Write as _,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    uapi, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// What has happened, in order: one hexadecimal digit for each event.
#[derive(Clone)]
pub(in crate::drm) struct Events(Arc<Atomic<u64>>);

impl Events {
    pub(in crate::drm) fn new() -> Result<Self> {
        Ok(Self(Arc::new(Atomic::new(0), GFP_KERNEL)?))
    }

    /// Returns the digits of the events so far.
    pub(in crate::drm) fn seen(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Adds an event. Not atomic: the threads of a test take turns.
    pub(in crate::drm) fn push(&self, digit: u64) {
        self.0.store((self.seen() << 4) | digit, Relaxed);
    }

    /// Returns a value whose drop is an event.
    pub(in crate::drm) fn on_drop(&self, digit: u64) -> Tracked {
        Tracked(self.clone(), digit)
    }
}

/// Adds an event when it is dropped.
pub(in crate::drm) struct Tracked(Events, u64);

impl Drop for Tracked {
    fn drop(&mut self) {
        self.0.push(self.1);
    }
}

/// The registration data of all drivers here.
pub(in crate::drm) struct RegData<'a> {
    pub(in crate::drm) value: &'a u64,
    pub(in crate::drm) _tracked: Tracked,
}

/// What the drivers here call themselves.
const INFO: drm::DriverInfo = drm::DriverInfo {
    major: 1,
    minor: 2,
    patchlevel: 3,
    name: c"kunit",
    desc: c"KUnit",
};

/// A BO without anything of the driver `D`.
#[pin_data]
pub(in crate::drm) struct Bo<D> {
    driver: PhantomData<fn() -> D>,
}

impl<D: drm::Driver<Object = gem::Object<Self>>> gem::DriverObject for Bo<D> {
    type Driver = D;
    type Args = ();

    fn new(_dev: &Device<D>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            driver: PhantomData,
        })
    }
}

/// A driver that does nothing, with device data of type `D`.
pub(in crate::drm) struct Holder<D>(PhantomData<fn() -> D>);

/// A file of [`Holder`].
pub(in crate::drm) struct HolderFile<D>(PhantomData<fn() -> D>);

impl<D: Send + Sync + 'static> drm::file::DriverFile for HolderFile<D> {
    type Driver = Holder<D>;

    fn open(_dev: &Device<Holder<D>>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self(PhantomData), GFP_KERNEL)?.into())
    }
}

#[vtable]
impl<D: Send + Sync + 'static> drm::Driver for Holder<D> {
    type Data = D;
    type RegistrationData<'a> = RegData<'a>;
    type Object = gem::Object<Bo<Self>>;
    type File = HolderFile<D>;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = INFO;
    const IOCTLS: &'static [ioctl::DrmIoctlDescriptor<Self>] = &[];
    const FEAT_RENDER: bool = true;
}

/// A driver that uses all callbacks.
pub(in crate::drm) struct Full;

/// The device data of [`Full`].
#[pin_data]
pub(in crate::drm) struct FullData {
    pub(in crate::drm) events: Events,
    /// Whether [`FullFile`] refuses to be opened, with `EDOM`.
    pub(in crate::drm) refuse: Atomic<bool>,
    /// Whether there was a guard already while the device was being registered.
    pub(in crate::drm) guarded_early: Atomic<bool>,
}

impl FullData {
    pub(in crate::drm) fn new(events: &Events) -> impl PinInit<Self, Error> + '_ {
        try_pin_init!(Self {
            events: events.clone(),
            refuse: Atomic::new(false),
            guarded_early: Atomic::new(false),
        })
    }
}

/// A file of [`Full`].
pub(in crate::drm) struct FullFile {
    /// A value that tells whether the right memory is looked at.
    pub(in crate::drm) magic: u64,
    _tracked: Tracked,
}

/// [`FullFile::magic`].
pub(in crate::drm) const MAGIC: u64 = 0x6b75_6e69_7466_696c;

/// The event of a [`FullFile`] that is dropped.
pub(in crate::drm) const FILE_DROPPED: u64 = 0xf;

impl drm::file::DriverFile for FullFile {
    type Driver = Full;

    fn open(dev: &Device<Full>) -> Result<Pin<KBox<Self>>> {
        if dev.refuse.load(Relaxed) {
            return Err(EDOM);
        }

        let this = Self {
            magic: MAGIC,
            _tracked: dev.events.on_drop(FILE_DROPPED),
        };
        Ok(KBox::new(this, GFP_KERNEL)?.into())
    }
}

impl Full {
    /// Answers `param` with a value and an errno or return value that depend on it.
    fn guarded(
        dev: &Device<Full, Registered>,
        reg_data: &RegData<'_>,
        arg: &mut uapi::drm_nova_getparam,
        file: &drm::File<FullFile>,
    ) -> Result<u32> {
        if file.inner().magic != MAGIC || dev.refuse.load(Relaxed) {
            return Err(EIO);
        }

        arg.value = match arg.param {
            0 => *reg_data.value,
            1 => u64::from(core::ptr::from_ref(arg).is_aligned()),
            _ => 0xbad,
        };
        match arg.param {
            2 => Ok(7),
            3 => Ok(u32::MAX),
            4 => Err(EPERM),
            _ => Ok(0),
        }
    }

    /// Tells in `handle` whether the device is registered.
    fn unguarded(
        dev: &Device<Full, Ioctl>,
        arg: &mut uapi::drm_nova_gem_create,
        file: &drm::File<FullFile>,
    ) -> Result<u32> {
        if file.inner().magic != MAGIC {
            return Err(EIO);
        }

        arg.handle = dev.registration_guard().is_some().into();
        Ok(0)
    }
}

#[vtable]
impl drm::Driver for Full {
    type Data = FullData;
    type RegistrationData<'a> = RegData<'a>;
    type Object = gem::Object<Bo<Self>>;
    type File = FullFile;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = INFO;
    const FEAT_RENDER: bool = true;
    const FEAT_SYNCOBJ: bool = true;
    const FEAT_SYNCOBJ_TIMELINE: bool = true;

    // The library has no uAPI of its own; that of Nova has a suitable shape.
    crate::declare_drm_ioctls! {
        (NOVA_GETPARAM, drm_nova_getparam, ioctl::RENDER_ALLOW, Full::guarded),
        (
            unguarded NOVA_GEM_CREATE,
            drm_nova_gem_create,
            ioctl::AUTH | ioctl::RENDER_ALLOW,
            Full::unguarded
        ),
        (NOVA_GEM_INFO, drm_nova_gem_info, ioctl::ROOT_ONLY, |_dev, _reg_data, arg, _file| {
            arg.size = 1;
            Err(EDOM)
        }),
    }

    fn show_fdinfo(
        _dev: &Device<Self, Registered>,
        reg_data: &RegData<'_>,
        file: &drm::File<FullFile>,
        printer: &mut Printer<'_>,
    ) {
        let _ = writeln!(printer, "kunit-magic:\t{:#x}", file.inner().magic);
        let _ = writeln!(printer, "kunit-value:\t{}", reg_data.value);
    }

    fn debugfs_init(dev: &Device<Self>, dir: &debugfs::Dir<'_, Self>) {
        dev.guarded_early
            .store(dev.registration_guard().is_some(), Relaxed);

        dir.add_file(c"kunit_value", |_dev, reg_data, printer| {
            writeln!(printer, "value {}", reg_data.value)?;
            Ok(())
        });
        dir.add_file(c"kunit_error", |_dev, _reg_data, _printer| Err(EPERM));
    }
}

/// Returns the number of references to `parent`.
pub(in crate::drm) fn references(parent: &faux::Registration) -> i32 {
    let parent: &faux::Device<device::Bound> = parent.as_ref();
    let parent: &device::Device<device::Bound> = parent.as_ref();

    // SAFETY: The device is valid. The tests are the only users of their devices.
    unsafe { (*parent.as_raw()).kobj.kref.refcount.refs.counter }
}

/// Returns a device with `data` as a child of `parent`.
pub(in crate::drm) fn device<T>(
    parent: &faux::Registration,
    data: impl PinInit<T::Data, Error>,
) -> Result<UnregisteredDevice<T>>
where
    T: drm::Driver<ParentDevice<device::Bound> = faux::Device<device::Bound>>,
{
    UnregisteredDevice::new(parent.as_ref(), data)
}

/// Returns `parent` as the device core knows it.
pub(in crate::drm) fn bound(parent: &faux::Registration) -> &device::Device<device::Bound> {
    let parent: &faux::Device<device::Bound> = parent.as_ref();

    parent.as_ref()
}

/// A client of a device, like an open of its device node.
pub(in crate::drm) struct Client<T: drm::Driver> {
    file: NonNull<bindings::file>,
    driver: PhantomData<T>,
}

impl<T: drm::Driver> Client<T> {
    /// Opens the primary node of `dev`.
    pub(in crate::drm) fn open(dev: &Device<T>) -> Result<Self> {
        // SAFETY: A device has its minors from its creation on.
        unsafe { Self::open_minor((*dev.as_raw()).primary) }
    }

    /// Opens the render node of `dev`.
    pub(in crate::drm) fn open_render(dev: &Device<T>) -> Result<Self> {
        // SAFETY: A device has its minors from its creation on.
        unsafe { Self::open_minor((*dev.as_raw()).render) }
    }

    /// # Safety
    ///
    /// `minor` must be one of a device of `T`, or null.
    unsafe fn open_minor(minor: *mut bindings::drm_minor) -> Result<Self> {
        if minor.is_null() {
            return Err(ENODEV);
        }

        // SAFETY: `minor` is valid.
        let file = from_err_ptr(unsafe { bindings::mock_drm_getfile(minor, bindings::O_RDWR) })?;

        Ok(Self {
            file: NonNull::new(file).ok_or(ENOMEM)?,
            driver: PhantomData,
        })
    }

    /// Returns the DRM part of the file.
    pub(in crate::drm) fn file(&self) -> &drm::File<T::File> {
        // SAFETY: The file was opened on a device of `T` and is open while `self` exists.
        unsafe { drm::File::from_raw((*self.file.as_ptr()).private_data.cast()) }
    }

    fn descriptor(&self, nr: usize) -> bindings::drm_ioctl_desc {
        // SAFETY: The file is open, its device is one of `T`, and the table of ioctls belongs to
        // `T` and is long enough for the tests.
        unsafe {
            *(*(*(*(*self.file().as_raw()).minor).dev).driver)
                .ioctls
                .add(nr)
        }
    }

    /// Calls the ioctl `nr` of the driver, with the checks of the DRM core.
    pub(in crate::drm) fn ioctl<A>(&self, nr: usize, arg: &mut A) -> i32 {
        let desc = self.descriptor(nr);

        // SAFETY: The tests pass the argument that belongs to the number.
        let ret = unsafe {
            bindings::drm_ioctl_kernel(
                self.file.as_ptr(),
                desc.func,
                core::ptr::from_mut(arg).cast(),
                desc.flags,
            )
        };
        ret as i32
    }

    /// Calls the function behind the ioctl `nr`, as if the device were unplugged in between.
    ///
    /// # Safety
    ///
    /// `arg` must be valid for the argument that belongs to the number.
    pub(in crate::drm) unsafe fn call<A>(&self, nr: usize, arg: *mut A) -> i32 {
        let file = self.file().as_raw();

        match self.descriptor(nr).func {
            // SAFETY: The file is open, and the caller vouches for the argument.
            Some(func) => unsafe { func((*(*file).minor).dev, arg.cast(), file) },
            None => 0,
        }
    }

    /// Returns what is in `fdinfo`, apart from what the VFS adds.
    pub(in crate::drm) fn fdinfo(&self) -> Result<Text> {
        Text::collect(|seq| {
            // SAFETY: Both are valid.
            unsafe { bindings::drm_show_fdinfo(seq, self.file.as_ptr()) };
            0
        })
    }
}

impl<T: drm::Driver> Drop for Client<T> {
    fn drop(&mut self) {
        // SAFETY: The file is ours, and nobody else uses it.
        unsafe { bindings::__fput_sync(self.file.as_ptr()) };
    }
}

/// The text of a sequence file.
pub(in crate::drm) struct Text {
    buf: KVec<u8>,
    len: usize,
}

impl Text {
    /// Collects what `show` prints. A value below zero is an errno.
    pub(in crate::drm) fn collect(
        show: impl FnOnce(*mut bindings::seq_file) -> c_int,
    ) -> Result<Self> {
        let mut buf = KVec::from_elem(0u8, 4096, GFP_KERNEL)?;
        let mut seq = bindings::seq_file {
            buf: buf.as_mut_ptr().cast(),
            size: buf.len(),
            ..Default::default()
        };

        crate::error::to_result(show(&mut seq))?;
        Ok(Self {
            buf,
            len: seq.count,
        })
    }

    /// Tells whether the text has a line `line`.
    pub(in crate::drm) fn has_line(&self, line: &str) -> bool {
        self.buf[..self.len]
            .split(|&byte| byte == b'\n')
            .any(|found| found == line.as_bytes())
    }
}
