// SPDX-License-Identifier: GPL-2.0

//! Tests of ioctls, seen from the DRM core.

use super::fixture::{
    device,
    Client,
    Events,
    Full,
    FullData,
    RegData, //
};
use crate::{
    bindings,
    drm::{
        self,
        ioctl, //
    },
    faux,
    prelude::*,
    uapi, //
};

const GETPARAM: usize = 0;
const GEM_CREATE: usize = 1;
const GEM_INFO: usize = 2;

static VALUE: u64 = 0x1234_5678_9abc_def0;

/// Returns a registered device of [`Full`], as long as its parent lives, and a client of it.
fn registered(parent: &faux::Registration) -> Result<Client<Full>> {
    let events = Events::new()?;
    let dev = device::<Full>(parent, FullData::new(&events))?;
    let reg_data = RegData {
        value: &VALUE,
        _tracked: events.on_drop(1),
    };
    let dev = drm::Registration::new_devres(parent.as_ref(), dev, Ok::<_, Error>(reg_data))?;

    Client::open(&dev)
}

fn getparam(param: u64) -> uapi::drm_nova_getparam {
    uapi::drm_nova_getparam { param, value: 0 }
}

#[kunit_tests(rust_drm_ioctl)]
mod tests {
    use super::*;

    #[test]
    fn table() -> Result {
        let table = <Full as drm::Driver>::IOCTLS;
        assert_eq!(table.len(), 3);

        let parent = faux::Registration::new(c"kunit-ioctl-table", None)?;
        let events = Events::new()?;
        let dev = device::<Full>(&parent, FullData::new(&events))?;

        // SAFETY: The device and its driver are valid, and the table has three entries.
        let (num, table, features) = unsafe {
            let driver = (*dev.as_raw()).driver;
            (
                (*driver).num_ioctls,
                core::slice::from_raw_parts((*driver).ioctls, 3),
                (*driver).driver_features,
            )
        };
        assert_eq!(num, 3);
        assert_eq!(table[GETPARAM].cmd, uapi::DRM_IOCTL_NOVA_GETPARAM);
        assert_eq!(table[GETPARAM].flags, ioctl::RENDER_ALLOW);
        assert_eq!(table[GEM_CREATE].cmd, uapi::DRM_IOCTL_NOVA_GEM_CREATE);
        assert_eq!(table[GEM_CREATE].flags, ioctl::AUTH | ioctl::RENDER_ALLOW);
        assert_eq!(table[GEM_INFO].cmd, uapi::DRM_IOCTL_NOVA_GEM_INFO);
        assert_eq!(table[GEM_INFO].flags, ioctl::ROOT_ONLY);
        assert_eq!(
            features,
            bindings::drm_driver_feature_DRIVER_GEM
                | bindings::drm_driver_feature_DRIVER_RENDER
                | bindings::drm_driver_feature_DRIVER_SYNCOBJ
                | bindings::drm_driver_feature_DRIVER_SYNCOBJ_TIMELINE
        );
        Ok(())
    }

    #[test]
    fn arguments_and_results() -> Result {
        let parent = faux::Registration::new(c"kunit-ioctl", None)?;
        let client = registered(&parent)?;

        let mut arg = getparam(0);
        assert_eq!(client.ioctl(GETPARAM, &mut arg), 0);
        assert_eq!(arg.value, VALUE);

        assert_eq!(client.ioctl(GETPARAM, &mut getparam(2)), 7);
        assert_eq!(client.ioctl(GETPARAM, &mut getparam(3)), ERANGE.to_errno());

        // What a handler writes is copied back also if it fails.
        let mut arg = getparam(4);
        assert_eq!(client.ioctl(GETPARAM, &mut arg), EPERM.to_errno());
        assert_eq!(arg.value, 0xbad);

        let mut arg = uapi::drm_nova_gem_info::default();
        assert_eq!(client.ioctl(GEM_INFO, &mut arg), EDOM.to_errno());
        assert_eq!(arg.size, 1);
        Ok(())
    }

    // `drm_ioctl()` has the argument in an array of bytes.
    #[test]
    fn misaligned_argument() -> Result {
        let parent = faux::Registration::new(c"kunit-ioctl-align", None)?;
        let client = registered(&parent)?;
        let mut buf = [0u64; 4];
        let base = buf.as_mut_ptr().cast::<u8>();

        for offset in 0..8 {
            // SAFETY: The buffer is larger than the argument and the offset.
            let arg = unsafe { base.add(offset) }.cast::<uapi::drm_nova_getparam>();

            // SAFETY: As above.
            unsafe { arg.write_unaligned(getparam(1)) };

            // SAFETY: As above.
            assert_eq!(unsafe { client.call(GETPARAM, arg) }, 0);

            // SAFETY: As above. The value tells whether the handler got an aligned reference.
            let arg = unsafe { arg.read_unaligned() };
            assert_eq!((arg.param, arg.value), (1, 1));
        }
        Ok(())
    }

    #[test]
    fn unplugged() -> Result {
        let parent = faux::Registration::new(c"kunit-ioctl-unplug", None)?;
        let client = registered(&parent)?;
        let mut create = uapi::drm_nova_gem_create::default();

        assert_eq!(client.ioctl(GEM_CREATE, &mut create), 0);
        assert_eq!(create.handle, 1);

        drop(parent);

        // The DRM core refuses new ioctls.
        let mut arg = getparam(0);
        assert_eq!(client.ioctl(GETPARAM, &mut arg), ENODEV.to_errno());
        assert_eq!(client.ioctl(GEM_CREATE, &mut create), ENODEV.to_errno());

        // One that had got past the DRM core does not get to a guarded handler.
        // SAFETY: The argument is that of the ioctl.
        let ret = unsafe { client.call(GETPARAM, &mut arg) };
        assert_eq!(ret, ENODEV.to_errno());
        assert_eq!(arg.value, 0);

        // An unguarded handler finds out itself.
        // SAFETY: The argument is that of the ioctl.
        assert_eq!(unsafe { client.call(GEM_CREATE, &mut create) }, 0);
        assert_eq!(create.handle, 0);
        Ok(())
    }
}
