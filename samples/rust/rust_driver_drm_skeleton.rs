// SPDX-License-Identifier: GPL-2.0

//! Sample DRM driver: render node, BOs and ioctls.
//!
//! A device without hardware on the faux bus. Clients create BOs in system memory, up to the
//! capacity of the device, map them and share them. Documentation/gpu/rust/ walks through this
//! file; its quick start says how to load and test the driver.
//!
//! The ioctls are those of nova-drm, for want of a header of its own. The driver has its own name,
//! so no client takes it for nova-drm.

use kernel::{
    device::{
        Bound,
        DeviceContext, //
    },
    drm::{
        self,
        debugfs,
        gem::{
            self,
            shmem,
            BaseObject,
            DumbCreate, //
        },
        ioctl, //
    },
    faux,
    fmt::Write,
    new_mutex,
    page::page_align,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    uapi, //
};

module! {
    type: SkeletonModule,
    name: "rust_driver_drm_skeleton",
    authors: ["Seed acc69f7c maintainers"],
    description: "Rust DRM render driver sample",
    license: "GPL",
}

/// How many bytes all BOs of the device together may have.
const CAPACITY: u64 = 64 << 20;

// doc: usage
/// Counts the bytes that BOs have taken.
type Usage = Mutex<u64>;

/// A share of the device's capacity, given back when dropped.
struct Share {
    usage: Arc<Usage>,
    bytes: u64,
}

impl Share {
    /// Takes `bytes` out of `capacity`, or fails with `ENOSPC`.
    fn take(usage: &Arc<Usage>, bytes: u64, capacity: u64) -> Result<Self> {
        let mut taken = usage.lock();
        let sum = taken.checked_add(bytes).ok_or(ENOSPC)?;
        if sum > capacity {
            return Err(ENOSPC);
        }
        *taken = sum;

        Ok(Self {
            usage: usage.clone(),
            bytes,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.usage.lock() -= self.bytes;
    }
}

// doc: data
/// Data of the device: what BOs and files may use after the device is unplugged.
struct DeviceData {
    usage: Arc<Usage>,
}

/// Data of the registration: what stands for the hardware.
struct Hardware {
    capacity: u64,
}

// doc: file
/// Data of a client.
#[pin_data]
struct Client {
    /// The bytes of the BOs that the client has handles for.
    #[pin]
    bytes: Mutex<u64>,
}

impl drm::file::DriverFile for Client {
    type Driver = Skeleton;

    fn open(_dev: &drm::Device<Skeleton>) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(
            pin_init!(Self {
                bytes <- new_mutex!(0),
            }),
            GFP_KERNEL,
        )
    }
}

// doc: bo
/// The driver's part of a BO.
#[pin_data]
struct Bo {
    _share: Share,
}

impl gem::DriverObject for Bo {
    type Driver = Skeleton;
    type Args = Share;

    const DUMB: Option<DumbCreate<Self>> = Some(DumbCreate::new(|dev, buffer| {
        take_share(dev, buffer.size())
    }));

    fn new(_dev: &drm::Device<Skeleton>, _size: usize, share: Share) -> impl PinInit<Self, Error> {
        try_pin_init!(Self { _share: share })
    }

    fn open(obj: &shmem::Object<Self>, file: &drm::File<Client>) -> Result {
        *file.inner().bytes.lock() += obj.size() as u64;
        Ok(())
    }

    fn close(obj: &shmem::Object<Self>, file: &drm::File<Client>) {
        *file.inner().bytes.lock() -= obj.size() as u64;
    }
}

// doc: guard
/// Takes a share for a BO in a callback that can run at any time.
fn take_share(dev: &drm::Device<Skeleton>, size: usize) -> Result<Share> {
    let guard = dev.registration_guard().ok_or(ENODEV)?;

    guard.registration_data_with(|hw| Share::take(&dev.usage, size as u64, hw.capacity))
}

// doc: driver
struct Skeleton;

#[vtable]
impl drm::Driver for Skeleton {
    type Data = DeviceData;
    type RegistrationData<'a> = Hardware;
    type Object = shmem::Object<Bo>;
    type File = Client;
    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"rust_skeleton",
        desc: c"Rust DRM render driver sample",
    };

    const FEAT_RENDER: bool = true;

    kernel::declare_drm_ioctls! {
        (NOVA_GETPARAM, drm_nova_getparam, ioctl::RENDER_ALLOW, Self::get_param),
        (NOVA_GEM_CREATE, drm_nova_gem_create, ioctl::AUTH | ioctl::RENDER_ALLOW, Self::gem_create),
        (NOVA_GEM_INFO, drm_nova_gem_info, ioctl::AUTH | ioctl::RENDER_ALLOW, Self::gem_info),
    }

    fn show_fdinfo(
        _dev: &drm::Device<Self, drm::Registered>,
        _hw: &Hardware,
        file: &drm::File<Client>,
        printer: &mut drm::Printer<'_>,
    ) {
        let kib = *file.inner().bytes.lock() >> 10;

        // Writing to a printer does not fail.
        let _ = writeln!(printer, "drm-total-memory:\t{kib} KiB");
    }

    fn debugfs_init(_dev: &drm::Device<Self>, dir: &debugfs::Dir<'_, Self>) {
        dir.add_file(c"usage", |dev, hw, printer| {
            writeln!(printer, "{} of {} bytes", *dev.usage.lock(), hw.capacity)?;
            Ok(())
        });
    }
}

// doc: ioctls
impl Skeleton {
    fn get_param(
        _dev: &drm::Device<Self, drm::Registered>,
        hw: &Hardware,
        arg: &mut uapi::drm_nova_getparam,
        _file: &drm::File<Client>,
    ) -> Result<u32> {
        if arg.param != u64::from(uapi::NOVA_GETPARAM_VRAM_BAR_SIZE) {
            return Err(EINVAL);
        }
        arg.value = hw.capacity;

        Ok(0)
    }

    fn gem_create(
        dev: &drm::Device<Self, drm::Registered>,
        hw: &Hardware,
        arg: &mut uapi::drm_nova_gem_create,
        file: &drm::File<Client>,
    ) -> Result<u32> {
        if arg.pad != 0 {
            return Err(EINVAL);
        }

        let size = page_align(usize::try_from(arg.size)?).ok_or(EINVAL)?;
        let share = Share::take(&dev.usage, size as u64, hw.capacity)?;
        let bo = shmem::Object::<Bo>::new(dev, size, shmem::ObjectConfig::default(), share)?;

        // The last step: from here on the client can use the BO.
        arg.handle = bo.create_handle(file)?;

        Ok(0)
    }

    fn gem_info(
        _dev: &drm::Device<Self, drm::Registered>,
        _hw: &Hardware,
        arg: &mut uapi::drm_nova_gem_info,
        file: &drm::File<Client>,
    ) -> Result<u32> {
        if arg.pad != 0 {
            return Err(EINVAL);
        }

        let bo = shmem::Object::<Bo>::lookup_handle(file, arg.handle)?;
        arg.size = bo.size() as u64;

        Ok(0)
    }
}

// doc: module
struct SkeletonModule {
    // Dropping it unbinds the faux device, which unplugs the DRM device.
    _parent: faux::Registration,
}

impl kernel::Module for SkeletonModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let registration = faux::Registration::new(c"rust_skeleton", None)?;
        let parent: &faux::Device<Bound> = registration.as_ref();

        let usage = Arc::pin_init(new_mutex!(0), GFP_KERNEL)?;
        let drm = drm::UnregisteredDevice::<Skeleton>::new(parent, Ok(DeviceData { usage }))?;

        // Nothing is visible to user space so far; from the next line on everything is.
        let hw = Ok::<_, Error>(Hardware { capacity: CAPACITY });
        drm::Registration::new_devres(parent, drm, hw)?;

        Ok(Self {
            _parent: registration,
        })
    }
}
// doc: end

#[cfg(CONFIG_SAMPLE_RUST_DRM_KUNIT_TEST)]
#[kernel::macros::kunit_tests(rust_driver_drm_skeleton)]
mod tests {
    use super::*;

    // doc: test
    #[test]
    fn shares_are_limited_and_given_back() -> Result {
        let usage = Arc::pin_init(new_mutex!(0), GFP_KERNEL)?;

        let share = Share::take(&usage, 3, 4)?;
        assert_eq!(Share::take(&usage, 2, 4).err(), Some(ENOSPC));
        assert_eq!(Share::take(&usage, u64::MAX, 4).err(), Some(ENOSPC));
        drop(share);

        assert_eq!(*usage.lock(), 0);
        Ok(())
    }
    // doc: end
}
