// SPDX-License-Identifier: GPL-2.0

//! Tests of displays that come and go.

use super::fixture::{
    device,
    display,
    Script,
    TestConnector,
    TestKms, //
};
use crate::{
    bindings,
    drm::{
        self,
        kms::{
            AtomicObject,
            Connector,
            ConnectorStatus, //
        },
        kunit::fixture::Events,
        Device, //
    },
    faux,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    }, //
};

static TWO_DISPLAYS: Script = Script {
    setup: |setup| {
        display(setup)?;
        display(setup)?;
        Ok(())
    },
    ..Script::DEFAULT
};

/// Registers a device with two displays.
fn registered(parent: &faux::Registration) -> Result<ARef<Device<TestKms>>> {
    let events = Events::new()?;
    let dev = device(parent, &TWO_DISPLAYS, &events)?;

    drm::Registration::new_devres(parent.as_ref(), dev, Ok::<_, Error>(()))
}

/// Returns what user space is told without a probe.
fn status(connector: &Connector<TestConnector>) -> u32 {
    // SAFETY: The connector is valid, and nobody else uses it.
    unsafe { (*connector.as_raw()).status }
}

#[kunit_tests(rust_drm_kms_hotplug)]
mod tests {
    use super::*;

    #[test]
    fn connectors_in_order() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-iter", None)?;
        let events = Events::new()?;
        let dev = device(&parent, &TWO_DISPLAYS, &events)?;
        let mut connectors = dev.connectors();

        assert_eq!(connectors.next().map(|c| c.index()), Some(0));
        assert_eq!(connectors.next().map(|c| c.index()), Some(1));
        assert!(connectors.next().is_none());
        // It does not begin again.
        assert!(connectors.next().is_none());
        // Another one can be dropped before its end.
        assert!(dev.connectors().next().is_some());
        Ok(())
    }

    #[test]
    fn changes_are_found_once() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-status", None)?;
        let dev = registered(&parent)?;
        let guard = dev.registration_guard().ok_or(ENODEV)?;
        let connector = dev.connectors().next().ok_or(ENOENT)?;
        let other = dev.connectors().nth(1).ok_or(ENOENT)?;

        assert_eq!(status(connector), ConnectorStatus::Unknown as u32);
        assert_eq!(connector.update_status(&guard), Ok(true));
        assert_eq!(status(connector), ConnectorStatus::Connected as u32);
        assert_eq!(connector.update_status(&guard), Ok(false));
        dev.connected.store(false, Relaxed);
        assert_eq!(connector.update_status(&guard), Ok(true));
        assert_eq!(status(connector), ConnectorStatus::Disconnected as u32);
        assert_eq!(connector.update_status(&guard), Ok(false));
        // Nobody has asked for this one.
        assert_eq!(status(other), ConnectorStatus::Unknown as u32);
        Ok(())
    }

    #[test]
    fn connector_of_another_device() -> Result {
        let other_parent = faux::Registration::new(c"kunit-kms-yours", None)?;
        let other = registered(&other_parent)?;
        let parent = faux::Registration::new(c"kunit-kms-mine", None)?;
        let dev = registered(&parent)?;
        // Dropped before either device is unplugged, which waits for the guards of all of them.
        let guard = dev.registration_guard().ok_or(ENODEV)?;
        let connector = other.connectors().next().ok_or(ENOENT)?;

        assert_eq!(connector.update_status(&guard), Err(EINVAL));
        assert_eq!(status(connector), ConnectorStatus::Unknown as u32);
        Ok(())
    }

    // A connector whose status can change is one that reports it; the helper warns about others.
    #[test]
    fn connectors_are_marked() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-hpd", None)?;
        let events = Events::new()?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let connector = dev.connectors().next().ok_or(ENOENT)?;
        // SAFETY: The connector is valid, and nobody else uses it.
        let polled = unsafe { (*connector.as_raw()).polled };

        assert_eq!(u32::from(polled), bindings::DRM_CONNECTOR_POLL_HPD);
        Ok(())
    }

    #[test]
    fn event_for_the_device() -> Result {
        let parent = faux::Registration::new(c"kunit-kms-event", None)?;
        let dev = registered(&parent)?;
        let guard = dev.registration_guard().ok_or(ENODEV)?;
        let connector = dev.connectors().next().ok_or(ENOENT)?;

        // Those who get it probe by themselves: the event changes nothing.
        guard.hotplug_event();
        assert_eq!(status(connector), ConnectorStatus::Unknown as u32);
        Ok(())
    }
}
