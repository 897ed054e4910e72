// SPDX-License-Identifier: GPL-2.0

//! Tests of CRTCs without vblanks.

use super::fixture::{
    commit,
    crtc,
    screen,
    show, //
};
use crate::{
    bindings, device,
    drm::{
        self,
        gem,
        kms::{
            self,
            CrtcCheck,
            CrtcCommit, //
        },
        kunit::fixture::Client,
        Device,
        UnregisteredDevice, //
    },
    error::from_err_ptr,
    faux,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// Whether the driver takes the events itself.
static TAKES: Atomic<bool> = Atomic::new(false);

/// How many it could send, and arm.
static TAKEN: Atomic<u32> = Atomic::new(0);

struct Plain;

struct PlainCrtc;

#[vtable]
impl kms::DriverCrtc for PlainCrtc {
    type Driver = Plain;
    type State = ();
    type Vblank = kms::vblank::None;

    fn atomic_check(check: &CrtcCheck<'_, Self>) -> Result {
        check.check_primary_plane()
    }

    fn atomic_flush(commit: &CrtcCommit<'_, Self>) {
        if !TAKES.load(Relaxed) {
            return;
        }
        if let Some(event) = commit.take_event() {
            match event.arm() {
                Ok(()) => TAKEN.fetch_add(0x100, Relaxed),
                Err(event) => {
                    event.send();
                    TAKEN.fetch_add(1, Relaxed)
                }
            };
        }
    }
}

struct PlainPlane;

#[vtable]
impl kms::DriverPlane for PlainPlane {
    type Driver = Plain;
    type State = ();

    fn atomic_update(_commit: &kms::PlaneCommit<'_, Self>) {}
}

struct PlainEncoder;

#[vtable]
impl kms::DriverEncoder for PlainEncoder {
    type Driver = Plain;
}

struct PlainConnector;

#[vtable]
impl kms::DriverConnector for PlainConnector {
    type Driver = Plain;
    type State = ();

    fn get_modes(probe: &kms::ConnectorProbe<'_, Self>) -> Result {
        probe.add_modes_noedid(1024, 768);
        Ok(())
    }
}

impl kms::KmsDriver for Plain {
    type Crtc = PlainCrtc;
    type Plane = PlainPlane;
    type Encoder = PlainEncoder;
    type Connector = PlainConnector;
    type Fbdev = kms::fbdev::None;

    fn mode_config_info(_dev: &Device<Self>) -> Result<kms::ModeConfigInfo> {
        Ok(super::fixture::Script::DEFAULT.info)
    }

    fn create_objects(setup: &kms::SetupDevice<'_, Self>) -> Result {
        let plane = setup.create_plane(&super::fixture::PRIMARY, Ok(PlainPlane))?;
        let crtc = setup.create_crtc(plane, None, None, Ok(PlainCrtc))?;
        let type_ = kms::EncoderType::Virtual;
        let encoder = setup.create_encoder(type_, &[crtc], None, Ok(PlainEncoder))?;
        let type_ = kms::ConnectorType::Virtual;

        setup.create_connector(type_, &[encoder], Ok(PlainConnector))?;
        Ok(())
    }
}

#[vtable]
impl drm::Driver for Plain {
    type Data = ();
    type RegistrationData<'a> = ();
    type Object = gem::shmem::Object<gem::Plain<Self>>;
    type File = drm::file::Plain<Self>;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"kunit-kms-plain",
        desc: c"KUnit",
    };
    const IOCTLS: &'static [drm::ioctl::DrmIoctlDescriptor<Self>] = &[];
}

fn device(parent: &faux::Registration) -> Result<UnregisteredDevice<Plain>> {
    kms::new_device(parent.as_ref(), Ok(()))
}

#[kunit_tests(rust_drm_kms_vblankless)]
mod tests {
    use super::*;

    // Events are sent when the commit is programmed: nobody waits for a vblank, which takes the
    // core ten seconds to give up.
    #[test]
    fn events() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-plain", None)?;
        let dev = device(&parent)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        // SAFETY: `jiffies` is always valid.
        let before = unsafe { bindings::jiffies };

        TAKEN.store(0, Relaxed);
        for takes in [false, true] {
            TAKES.store(takes, Relaxed);
            for _ in 0..3 {
                commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
            }
            commit(&dev, |commit| show(&dev, commit, None))?;
        }
        // SAFETY: `jiffies` is always valid.
        let after = unsafe { bindings::jiffies };
        assert!(after.wrapping_sub(before) < 5 * (bindings::HZ as c_ulong));
        // Those of the commits of the second turn; none could be armed.
        assert_eq!(TAKEN.load(Relaxed), 4);
        Ok(())
    }

    #[test]
    fn no_vblanks() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-plain2", None)?;
        let dev = device(&parent)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        TAKES.store(false, Relaxed);
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        let crtc = crtc(&dev, 0)?;
        assert_eq!(crtc.vblank_get().err(), Some(EOPNOTSUPP));
        assert!(!crtc.handle_vblank());
        assert_eq!((crtc.vblank_count(), crtc.accurate_vblank_count()), (0, 0));
        commit(&dev, |commit| show(&dev, commit, None))
    }

    #[test]
    fn primary_plane_is_needed() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-plain3", None)?;
        let dev = device(&parent)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        TAKES.store(false, Relaxed);
        let ret = commit(&dev, |commit| {
            show(&dev, commit, Some(&fb))?;
            let plane = super::super::fixture::plane(&dev, 0)?.as_raw();

            // SAFETY: The plane is in the commit, which is valid and unchecked.
            unsafe {
                let state = from_err_ptr(bindings::drm_atomic_get_plane_state(commit, plane))?;
                bindings::drm_atomic_set_fb_for_plane(state, core::ptr::null_mut());
                crate::error::to_result(bindings::drm_atomic_set_crtc_for_plane(
                    state,
                    core::ptr::null_mut(),
                ))
            }
        });
        assert_eq!(ret, Err(EINVAL));
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        commit(&dev, |commit| show(&dev, commit, None))
    }
}
