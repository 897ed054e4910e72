// SPDX-License-Identifier: GPL-2.0

//! Tests of registering and unplugging a device.

use super::fixture::{
    bound,
    device,
    references,
    Client,
    Events,
    Full,
    FullData,
    Holder,
    RegData,
    Tracked,
    FILE_DROPPED, //
};
use crate::{
    drm::{
        self,
        Device, //
    },
    faux,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Completion, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    workqueue, //
};

/// The device data is dropped.
const DATA: u64 = 1;
/// The registration data is dropped.
const REG_DATA: u64 = 2;

static VALUE: u64 = 42;

fn reg_data<'a>(events: &Events) -> Result<RegData<'a>> {
    Ok(RegData {
        value: &VALUE,
        _tracked: events.on_drop(REG_DATA),
    })
}

#[kunit_tests(rust_drm_registration)]
mod tests {
    use super::*;

    type Driver = Holder<Tracked>;

    #[test]
    fn register_and_unplug() -> Result {
        let events = Events::new()?;
        let value = 7;
        let parent = faux::Registration::new(c"kunit-register", None)?;
        let before = references(&parent);
        let dev = device::<Driver>(&parent, Ok(events.on_drop(DATA)))?;
        let handle: ARef<Device<_>> = (&*dev).into();
        assert!(handle.registration_guard().is_none());

        let data = RegData {
            value: &value,
            _tracked: events.on_drop(REG_DATA),
        };
        // SAFETY: The registration is dropped below, before `value` and `parent`.
        let reg = unsafe { drm::Registration::new(bound(&parent), dev, Ok::<_, Error>(data), 0) }?;

        {
            let guard = handle.registration_guard().ok_or(ENODEV)?;
            let nested = handle.registration_guard().ok_or(ENODEV)?;
            let found: &faux::Device<crate::device::Bound> = (*guard).as_ref();

            assert_eq!(guard.registration_data_with(|data| *data.value), 7);
            assert_eq!(nested.registration_data_with(|data| *data.value), 7);
            assert!(core::ptr::eq(found, parent.as_ref()));
            assert!(core::ptr::eq(reg.device(), &**guard));
        }
        assert_eq!(events.seen(), 0);

        drop(reg);
        assert_eq!(events.seen(), REG_DATA);
        assert!(handle.registration_guard().is_none());

        drop(handle);
        assert_eq!(events.seen(), REG_DATA << 4 | DATA);
        assert_eq!(references(&parent), before);
        Ok(())
    }

    // The registration may hold the last reference to the device.
    #[test]
    fn registration_data_goes_first() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-order", None)?;
        let dev = device::<Driver>(&parent, Ok(events.on_drop(DATA)))?;

        // SAFETY: The registration is dropped below.
        let reg = unsafe { drm::Registration::new(bound(&parent), dev, reg_data(&events), 0) }?;
        drop(reg);

        assert_eq!(events.seen(), REG_DATA << 4 | DATA);
        Ok(())
    }

    #[test]
    fn managed_by_parent() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-devres", None)?;
        let dev = device::<Driver>(&parent, Ok(events.on_drop(DATA)))?;
        let handle = drm::Registration::new_devres(parent.as_ref(), dev, reg_data(&events))?;

        assert!(handle.registration_guard().is_some());
        assert_eq!(events.seen(), 0);

        drop(parent);
        assert_eq!(events.seen(), REG_DATA);
        assert!(handle.registration_guard().is_none());

        drop(handle);
        assert_eq!(events.seen(), REG_DATA << 4 | DATA);
        Ok(())
    }

    #[test]
    fn wrong_parent() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-right", None)?;
        let other = faux::Registration::new(c"kunit-wrong", None)?;
        let dev = device::<Driver>(&parent, Ok(events.on_drop(DATA)))?;
        let handle: ARef<Device<_>> = (&*dev).into();

        let result = drm::Registration::new_devres(other.as_ref(), dev, reg_data(&events));

        assert_eq!(result.err(), Some(EINVAL));
        assert_eq!(events.seen(), REG_DATA);
        assert!(handle.registration_guard().is_none());
        drop(handle);
        assert_eq!(events.seen(), REG_DATA << 4 | DATA);
        Ok(())
    }

    #[test]
    fn registration_data_that_fails() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-regdata", None)?;
        let dev = device::<Driver>(&parent, Ok(events.on_drop(DATA)))?;
        let handle: ARef<Device<_>> = (&*dev).into();

        let result = drm::Registration::new_devres(parent.as_ref(), dev, Err(EXDEV));

        assert_eq!(result.err(), Some(EXDEV));
        assert_eq!(events.seen(), 0);
        assert!(handle.registration_guard().is_none());
        drop(handle);
        assert_eq!(events.seen(), DATA);
        Ok(())
    }

    // `drm_dev_register()` fails after the render node was there and a client has opened it.
    #[test]
    fn registration_that_fails() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-fails", None)?;
        let before = references(&parent);
        let dev = device::<Full>(&parent, FullData::new(&events))?;
        let handle: ARef<Device<_>> = (&*dev).into();

        // SAFETY: The device is valid. The device core refuses to add a device without a name;
        // the name is put back before it is freed.
        let name = unsafe { &raw mut (*(*(*dev.as_raw()).primary).kdev).kobj.name };
        // SAFETY: As above.
        let saved = unsafe { name.replace(core::ptr::null()) };
        let client = Client::open_render(&handle)?;

        let result = drm::Registration::new_devres(parent.as_ref(), dev, reg_data(&events));

        // SAFETY: As above.
        unsafe { *name = saved };
        assert_eq!(result.err(), Some(EINVAL));
        assert_eq!(events.seen(), REG_DATA);
        assert!(handle.registration_guard().is_none());

        let mut arg = crate::uapi::drm_nova_getparam { param: 0, value: 0 };
        assert_eq!(client.ioctl(0, &mut arg), ENODEV.to_errno());
        // SAFETY: The argument is the one of the ioctl.
        assert_eq!(unsafe { client.call(0, &mut arg) }, ENODEV.to_errno());

        drop(client);
        drop(handle);
        assert_eq!(events.seen(), REG_DATA << 4 | FILE_DROPPED);
        assert_eq!(references(&parent), before);
        Ok(())
    }

    // What an ioctl gets from the bound parent, while it is being unbound, is released by then.
    #[test]
    fn resources_of_late_guards() -> Result {
        const LATE: u64 = 5;
        const EARLY: u64 = 6;

        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-late", None)?;
        let early = Ok(events.on_drop(EARLY));
        crate::devres::register::<_, Error>(bound(&parent), early, GFP_KERNEL)?;
        let dev = device::<Driver>(&parent, Ok(events.on_drop(DATA)))?;
        let handle = drm::Registration::new_devres(parent.as_ref(), dev, reg_data(&events))?;
        let entered = Arc::pin_init(Completion::new(), GFP_KERNEL)?;

        let their = (handle.clone(), entered.clone(), events.clone());
        workqueue::system_long().try_spawn(GFP_KERNEL, move || {
            let (handle, entered, events) = their;

            if let Some(guard) = handle.registration_guard() {
                let parent: &faux::Device<crate::device::Bound> = (*guard).as_ref();

                entered.complete_all();
                fsleep(Delta::from_millis(50));
                let _ = crate::devres::register::<_, Error>(
                    parent.as_ref(),
                    Ok(events.on_drop(LATE)),
                    GFP_KERNEL,
                );
            };
        })?;
        entered.wait_for_completion();
        drop(parent);

        // It is not left to the removal of the parent, which comes after all of the unbinding.
        assert_eq!(events.seen(), REG_DATA << 8 | LATE << 4 | EARLY);
        drop(handle);
        Ok(())
    }

    #[test]
    fn unplug_waits_for_guards() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-unplug", None)?;
        let dev = device::<Driver>(&parent, Ok(events.on_drop(DATA)))?;
        let handle = drm::Registration::new_devres(parent.as_ref(), dev, reg_data(&events))?;
        let entered = Arc::pin_init(Completion::new(), GFP_KERNEL)?;

        let their = (handle.clone(), entered.clone(), events.clone());
        workqueue::system_long().try_spawn(GFP_KERNEL, move || {
            let (handle, entered, events) = their;

            if let Some(guard) = handle.registration_guard() {
                entered.complete_all();
                fsleep(Delta::from_millis(50));
                events.push(guard.registration_data_with(|data| *data.value & 0xf));
            };
        })?;
        entered.wait_for_completion();
        drop(parent);

        // The guard has seen the data, and only then it was dropped.
        assert_eq!(events.seen(), (VALUE & 0xf) << 4 | REG_DATA);
        Ok(())
    }
}
