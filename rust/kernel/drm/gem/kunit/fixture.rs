// SPDX-License-Identifier: GPL-2.0

//! Drivers, devices, and clients for tests.

use crate::{
    bindings, device,
    drm::{
        self,
        driver::AllocImpl,
        gem::{
            self,
            DriverAllocImpl,
            DriverFile,
            DriverObject,
            DumbCreate,
            IntoGEMObject,
            PrimeImport, //
        },
        Device,
        UnregisteredDevice, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    faux,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Atomic,
            Relaxed, //
        }, //
    },
};
use core::ptr::NonNull;

/// What happens to objects and dma-bufs, in the order in which it happens.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Event {
    /// The driver's data was dropped.
    DataDropped = 1,
    /// The device was attached to the exporter's dma-buf.
    Attached,
    /// The exporter's memory was mapped for DMA.
    Mapped,
    /// The DMA mapping was undone.
    Unmapped,
    /// The device was detached.
    Detached,
    /// The last reference on the exporter's dma-buf was dropped.
    Released,
}

/// The events so far, one hexadecimal digit for each.
static LOG: Atomic<u64> = Atomic::new(0);

/// The number of objects' data that was constructed and not dropped.
static LIVE: Atomic<i32> = Atomic::new(0);

/// The number of handles.
static OPEN: Atomic<i32> = Atomic::new(0);

/// The step that fails.
static FAIL: Atomic<i32> = Atomic::new(Fail::Nothing as i32);

/// The steps of the drivers here that can be made to fail.
#[derive(Clone, Copy, PartialEq)]
#[repr(i32)]
pub(super) enum Fail {
    /// Everything succeeds.
    Nothing,
    /// The arguments for an object of the DRM core (`EDOM`).
    Args,
    /// The construction of the driver's data, before any of it (`EIO`).
    NewEarly,
    /// The construction of the driver's data, after a part of it (`EXDEV`).
    NewLate,
    /// The creation of a handle (`EPERM`).
    Open,
}

/// Forgets what earlier tests did; one that has failed may have left something.
pub(super) fn reset() {
    flush();
    LIVE.store(0, Relaxed);
    OPEN.store(0, Relaxed);
    LOG.store(0, Relaxed);
    fail(Fail::Nothing);
}

/// Lets `step` fail from now on.
pub(super) fn fail(step: Fail) {
    FAIL.store(step as i32, Relaxed);
}

fn fails(step: Fail) -> bool {
    FAIL.load(Relaxed) == step as i32
}

pub(super) fn event(event: Event) {
    LOG.store((LOG.load(Relaxed) << 4) | event as u64, Relaxed);
}

/// Returns whether exactly `events` have happened since the last call of [`reset`].
pub(super) fn happened(events: &[Event]) -> bool {
    let expected = events.iter().fold(0, |log, &e| (log << 4) | e as u64);
    let log = LOG.load(Relaxed);

    if log != expected {
        pr_err!("events: {:#x}, expected {:#x}\n", log, expected);
    }

    log == expected
}

/// Returns the number of driver data that were constructed and not dropped.
pub(super) fn live() -> i32 {
    LIVE.load(Relaxed)
}

/// Returns the number of handles that were created and not deleted.
pub(super) fn handles() -> i32 {
    OPEN.load(Relaxed)
}

/// Has all files closed whose last reference was dropped.
///
/// A kernel thread drops the last reference on a file in a work item; so does it with a dma-buf.
pub(super) fn flush() {
    // SAFETY: Called from a test, which holds no locks.
    unsafe { bindings::flush_delayed_fput() };
}

/// Counts as live from construction until it is dropped.
pub(super) struct Counted(());

impl Counted {
    fn new() -> Self {
        LIVE.fetch_add(1, Relaxed);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Relaxed);
        event(Event::DataDropped);
    }
}

const CANARY: u64 = 0x5aa5_c33c_0ff0_9669;

/// The driver's part of an object: large, over-aligned, and full of canaries, so that an object
/// that is smaller than its type is noticed, with KASAN at the latest.
#[pin_data]
#[repr(align(64))]
pub(super) struct Data<D> {
    pub(super) tag: u32,
    pub(super) size: usize,
    canaries: [u64; 61],
    counted: Counted,
    driver: core::marker::PhantomData<fn() -> D>,
}

impl<D> Data<D> {
    fn init(size: usize, tag: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _: {
                if fails(Fail::NewEarly) {
                    return Err(EIO);
                }
            },
            counted: Counted::new(),
            canaries: [CANARY; 61],
            _: {
                if fails(Fail::NewLate) {
                    return Err(EXDEV);
                }
            },
            tag,
            size,
            driver: core::marker::PhantomData,
        })
    }

    /// Returns whether nothing has overwritten the data.
    pub(super) fn is_intact(&self) -> bool {
        self.canaries.iter().all(|&c| c == CANARY)
    }
}

/// The tag of dumb buffers.
pub(super) const DUMB_TAG: u32 = 0xd0b;

/// The tag of imported objects.
pub(super) const IMPORT_TAG: u32 = 0x149;

/// The pitch alignment of dumb buffers in bytes.
pub(super) const PITCH_ALIGN: u32 = 64;

macro_rules! test_driver {
    (
        $(#[$meta:meta])*
        $driver:ident, $file:ident, $data:ident => $object:ty $(, { $($offer:tt)* })?
    ) => {
        $(#[$meta])*
        pub(super) struct $driver;
        pub(super) struct $file;
        pub(super) type $data = Data<$driver>;

        impl drm::file::DriverFile for $file {
            type Driver = $driver;

            fn open(_dev: &drm::Device<$driver>) -> Result<Pin<KBox<Self>>> {
                Ok(KBox::new(Self, GFP_KERNEL)?.into())
            }
        }

        impl DriverObject for $data {
            type Driver = $driver;
            type Args = u32;

            $($($offer)*)?

            fn new(
                _dev: &drm::Device<$driver>,
                size: usize,
                tag: u32,
            ) -> impl PinInit<Self, Error> {
                Data::init(size, tag)
            }

            fn open(_obj: &DriverAllocImpl<Self>, _file: &DriverFile<Self>) -> Result {
                if fails(Fail::Open) {
                    return Err(EPERM);
                }
                OPEN.fetch_add(1, Relaxed);
                Ok(())
            }

            fn close(_obj: &DriverAllocImpl<Self>, _file: &DriverFile<Self>) {
                OPEN.fetch_sub(1, Relaxed);
            }
        }

        #[vtable]
        impl drm::Driver for $driver {
            type Data = ();
            type RegistrationData<'a> = ();
            type File = $file;
            type Object = $object;
            type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

            const INFO: drm::DriverInfo = drm::DriverInfo {
                major: 0,
                minor: 0,
                patchlevel: 0,
                name: c"kunit",
                desc: c"KUnit",
            };
            const IOCTLS: &'static [drm::ioctl::DrmIoctlDescriptor<Self>] = &[];
        }
    };
}

test_driver! {
    /// A driver with plain GEM objects.
    Plain, PlainFile, PlainData => gem::Object<PlainData>
}

test_driver! {
    /// A driver with shmem objects, dumb buffers, and imports.
    Shmem, ShmemFile, ShmemData => gem::shmem::Object<ShmemData>,
    {
        const DUMB: Option<DumbCreate<Self>> = Some(
            DumbCreate::new(|_dev, _buffer| {
                if fails(Fail::Args) { Err(EDOM) } else { Ok(DUMB_TAG) }
            })
            .pitch_align(PITCH_ALIGN)
            .map_wc(true),
        );
        const IMPORT: Option<PrimeImport<Self>> = Some(PrimeImport::new(|_dev, _size| {
            if fails(Fail::Args) { Err(EDOM) } else { Ok(IMPORT_TAG) }
        }));
    }
}

test_driver! {
    /// A driver with shmem objects that only its own ioctls create.
    Private, PrivateFile, PrivateData => gem::shmem::Object<PrivateData>
}

/// An object of [`Plain`].
pub(super) type PlainObject = gem::Object<PlainData>;

/// An object of [`Shmem`].
pub(super) type ShmemObject = gem::shmem::Object<ShmemData>;

/// Returns a copy of the C part of `obj`.
pub(super) fn c_part<T: DriverObject>(
    obj: &gem::shmem::Object<T>,
) -> bindings::drm_gem_shmem_object {
    // SAFETY: The object is valid. Nobody else changes it during a test.
    unsafe { obj.as_raw_shmem().read() }
}

/// Returns the number of references on `obj`.
pub(super) fn references(obj: &impl IntoGEMObject) -> i32 {
    // SAFETY: The object is valid.
    unsafe { (*obj.as_raw()).refcount.refcount.refs.counter }
}

/// An object of [`Private`].
pub(super) type PrivateObject = gem::shmem::Object<PrivateData>;

/// A DRM device that is not registered, on a device of the faux bus.
pub(super) struct TestDevice<D: drm::Driver> {
    pub(super) drm: UnregisteredDevice<D>,
    pub(super) parent: faux::Registration,
}

impl<D> TestDevice<D>
where
    D: drm::Driver<Data = ()>,
    D: drm::Driver<ParentDevice<device::Bound> = faux::Device<device::Bound>>,
{
    /// Creates a device; `name` is that of the parent.
    pub(super) fn new(name: &CStr) -> Result<Self> {
        let parent = faux::Registration::new(name, None)?;
        let drm = UnregisteredDevice::<D>::new(parent.as_ref(), Ok(()))?;
        let this = Self { drm, parent };
        let dev = this.parent().as_raw();

        // SAFETY: Nobody else uses the device yet. A faux device has no DMA mask; give it one that
        // covers everything.
        unsafe {
            (*dev).coherent_dma_mask = u64::MAX;
            (*dev).dma_mask = &raw mut (*dev).coherent_dma_mask;
        }

        Ok(this)
    }

    /// Returns the parent device.
    pub(super) fn parent(&self) -> &device::Device<device::Bound> {
        let faux: &faux::Device<device::Bound> = self.parent.as_ref();

        faux.as_ref()
    }
}

/// A client of a device.
pub(super) struct Client<D: drm::Driver> {
    file: NonNull<bindings::file>,
    driver: core::marker::PhantomData<D>,
}

impl<D: drm::Driver> Client<D> {
    /// Opens `dev`, which need not be registered.
    pub(super) fn open(dev: &Device<D>) -> Result<Self> {
        // SAFETY: `dev` is valid and has had a primary minor since it was created.
        let file = from_err_ptr(unsafe {
            bindings::mock_drm_getfile((*dev.as_raw()).primary, bindings::O_RDWR)
        })?;

        Ok(Self {
            file: NonNull::new(file).ok_or(ENOMEM)?,
            driver: core::marker::PhantomData,
        })
    }

    fn as_raw(&self) -> *mut bindings::drm_file {
        // SAFETY: The file is open and one of DRM.
        unsafe { (*self.file.as_ptr()).private_data }.cast()
    }

    /// Returns the DRM file.
    pub(super) fn file(&self) -> &drm::File<D::File> {
        // SAFETY: The file was opened on a device of `D` and stays open while `self` exists.
        unsafe { drm::File::from_raw(self.as_raw()) }
    }

    /// Asks `dev` for a dumb buffer, without the checks of the ioctl.
    pub(super) fn create_dumb(
        &self,
        dev: &Device<D>,
        (width, height, bpp): (u32, u32, u32),
    ) -> Result<bindings::drm_mode_create_dumb> {
        let mut args = bindings::drm_mode_create_dumb {
            width,
            height,
            bpp,
            ..Default::default()
        };

        // SAFETY: `dev` and its driver are valid.
        let create = unsafe { (*(*dev.as_raw()).driver).dumb_create }.ok_or(ENOSYS)?;

        // SAFETY: The file is one of `dev`.
        to_result(unsafe { create(self.as_raw(), dev.as_raw(), &mut args) })?;

        Ok(args)
    }

    /// Exports an object of `dev`, as `DRM_IOCTL_PRIME_HANDLE_TO_FD` does.
    pub(super) fn export(&self, dev: &Device<D>, handle: u32) -> Result<DmaBuf> {
        // SAFETY: The file is one of `dev`.
        let raw = from_err_ptr(unsafe {
            bindings::drm_gem_prime_handle_to_dmabuf(
                dev.as_raw(),
                self.as_raw(),
                handle,
                bindings::DRM_RDWR,
            )
        })?;

        // SAFETY: The reference is ours.
        unsafe { DmaBuf::from_raw(raw) }
    }
}

impl<D: drm::Driver> Drop for Client<D> {
    fn drop(&mut self) {
        // SAFETY: This reference on the file is ours and the last.
        unsafe { bindings::__fput_sync(self.file.as_ptr()) };
        flush();
    }
}

/// A reference on a dma-buf.
pub(super) struct DmaBuf(NonNull<bindings::dma_buf>);

impl DmaBuf {
    /// # Safety
    ///
    /// The caller must own a reference on `raw`, which it gives away.
    pub(super) unsafe fn from_raw(raw: *mut bindings::dma_buf) -> Result<Self> {
        Ok(Self(NonNull::new(raw).ok_or(ENOMEM)?))
    }

    pub(super) fn as_raw(&self) -> *mut bindings::dma_buf {
        self.0.as_ptr()
    }

    /// Imports the dma-buf into `dev`, as `DRM_IOCTL_PRIME_FD_TO_HANDLE` does.
    pub(super) fn import<D>(&self, dev: &Device<D>) -> Result<ARef<D::Object>>
    where
        D: drm::Driver,
        D::Object: AllocImpl<Driver = D> + AlwaysRefCounted,
    {
        // SAFETY: `dev` and its driver are valid.
        let import = unsafe { (*(*dev.as_raw()).driver).gem_prime_import }
            .unwrap_or(bindings::drm_gem_prime_import);

        // SAFETY: `dev` and the dma-buf are valid.
        let raw = from_err_ptr(unsafe { import(dev.as_raw(), self.as_raw()) })?;

        // SAFETY: An import yields an object of the driver, and a reference on it.
        Ok(unsafe { ARef::from_raw(D::Object::from_raw(raw).into()) })
    }
}

impl Drop for DmaBuf {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::dma_buf_put(self.as_raw()) };
        flush();
    }
}
