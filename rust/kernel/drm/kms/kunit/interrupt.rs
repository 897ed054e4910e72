// SPDX-License-Identifier: GPL-2.0

//! Tests of vblanks that are an interrupt. The test raises it.

use super::fixture::{
    commit,
    commit_nonblocking,
    crtc,
    screen,
    show,
    Script,
    PRIMARY, //
};
use crate::{
    device,
    drm::{
        self,
        gem,
        kms::{
            self,
            vblank::VblankInterrupt, //
        },
        kunit::fixture::Client,
        Device,
        UnregisteredDevice, //
    },
    faux,
    interrupt::LocalInterruptDisabled,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SpinLockIrq, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

struct Wired;

/// A CRTC with a register that enables the interrupt.
#[pin_data]
struct WiredCrtc {
    #[pin]
    register: SpinLockIrq<bool>,
    broken: Atomic<bool>,
}

#[vtable]
impl kms::DriverCrtc for WiredCrtc {
    type Driver = Wired;
    type State = ();
    type Vblank = kms::vblank::Interrupt;
}

impl VblankInterrupt for WiredCrtc {
    fn enable_vblank(&self, irq: &LocalInterruptDisabled) -> Result {
        if self.broken.load(Relaxed) {
            return Err(EIO);
        }
        *self.register.lock_with(irq) = true;
        Ok(())
    }

    fn disable_vblank(&self, irq: &LocalInterruptDisabled) {
        *self.register.lock_with(irq) = false;
    }
}

struct WiredPlane;

#[vtable]
impl kms::DriverPlane for WiredPlane {
    type Driver = Wired;
    type State = ();

    fn atomic_update(_commit: &kms::PlaneCommit<'_, Self>) {}
}

struct WiredEncoder;

#[vtable]
impl kms::DriverEncoder for WiredEncoder {
    type Driver = Wired;
}

struct WiredConnector;

#[vtable]
impl kms::DriverConnector for WiredConnector {
    type Driver = Wired;
    type State = ();

    fn get_modes(probe: &kms::ConnectorProbe<'_, Self>) -> Result {
        probe.add_modes_noedid(1024, 768);
        Ok(())
    }
}

impl kms::KmsDriver for Wired {
    type Crtc = WiredCrtc;
    type Plane = WiredPlane;
    type Encoder = WiredEncoder;
    type Connector = WiredConnector;
    type Fbdev = kms::fbdev::None;

    fn mode_config_info(_dev: &Device<Self>) -> Result<kms::ModeConfigInfo> {
        Ok(Script::DEFAULT.info)
    }

    fn create_objects(setup: &kms::SetupDevice<'_, Self>) -> Result {
        let plane = setup.create_plane(&PRIMARY, Ok(WiredPlane))?;
        let data = try_pin_init!(WiredCrtc {
            register <- crate::new_spinlock_irq!(false),
            broken: Atomic::new(false),
        });
        let crtc = setup.create_crtc(plane, None, None, data)?;
        let type_ = kms::EncoderType::Virtual;
        let encoder = setup.create_encoder(type_, &[crtc], None, Ok(WiredEncoder))?;
        let type_ = kms::ConnectorType::Virtual;

        setup.create_connector(type_, &[encoder], Ok(WiredConnector))?;
        Ok(())
    }
}

#[pin_data]
struct Bo {}

impl gem::DriverObject for Bo {
    type Driver = Wired;
    type Args = ();

    const DUMB: Option<gem::DumbCreate<Self>> = Some(gem::DumbCreate::new(|_dev, _buffer| Ok(())));

    fn new(_dev: &Device<Wired>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {})
    }
}

struct File;

impl drm::file::DriverFile for File {
    type Driver = Wired;

    fn open(_dev: &Device<Wired>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

#[vtable]
impl drm::Driver for Wired {
    type Data = ();
    type RegistrationData<'a> = ();
    type Object = gem::shmem::Object<Bo>;
    type File = File;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"kunit-kms-wired",
        desc: c"KUnit",
    };
    const IOCTLS: &'static [drm::ioctl::DrmIoctlDescriptor<Self>] = &[];
}

fn device(parent: &faux::Registration) -> Result<UnregisteredDevice<Wired>> {
    kms::new_device(parent.as_ref(), Ok(()))
}

#[kunit_tests(rust_drm_kms_interrupt)]
mod tests {
    use super::*;

    // The interrupt is on as long as somebody needs vblanks, and each counts.
    #[test]
    fn enabled_on_demand() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-irq", None)?;
        let dev = device(&parent)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        let crtc = crtc(&dev, 0)?;

        assert_eq!(crtc.vblank_get().err(), Some(EINVAL));
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        {
            let _vblank = crtc.vblank_get()?;
            let before = crtc.vblank_count();

            assert!(*crtc.register.lock());
            assert!(crtc.handle_vblank());
            assert_eq!(crtc.vblank_count(), before + 1);
            assert_eq!(crtc.accurate_vblank_count(), before + 1);
        }
        commit(&dev, |commit| show(&dev, commit, None))?;
        assert!(!*crtc.register.lock());
        assert!(!crtc.handle_vblank());
        Ok(())
    }

    // A page flip is complete with the interrupt, and not before.
    #[test]
    fn flip() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-irq2", None)?;
        let dev = device(&parent)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        let crtc = crtc(&dev, 0)?;
        // SAFETY: The device has one CRTC with vblanks.
        let references = || unsafe { (*(*dev.as_raw()).vblank).refcount.counter };

        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        assert_eq!(references(), 0);
        commit_nonblocking(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        while references() == 0 {
            fsleep(Delta::from_millis(1));
        }
        fsleep(Delta::from_millis(20));
        assert_eq!(references(), 1);
        assert!(*crtc.register.lock());
        assert!(crtc.handle_vblank());
        assert_eq!(references(), 0);
        commit(&dev, |commit| show(&dev, commit, None))
    }

    // The driver's error is that of the reference; a flip is then complete at once.
    #[test]
    fn cannot_be_enabled() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-irq3", None)?;
        let dev = device(&parent)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        let crtc = crtc(&dev, 0)?;

        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        // The interrupt stays enabled for a while after it was used; it must not have been.
        assert!(!*crtc.register.lock());
        crtc.broken.store(true, Relaxed);
        let err = crtc.vblank_get().err();
        let flip = commit(&dev, |commit| show(&dev, commit, Some(&fb)));
        crtc.broken.store(false, Relaxed);

        assert_eq!(err, Some(EIO));
        flip?;
        commit(&dev, |commit| show(&dev, commit, None))
    }
}
