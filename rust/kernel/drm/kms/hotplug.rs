// SPDX-License-Identifier: GPL-2.0

//! Displays that come and go.
//!
//! A driver that notices that a display was connected or disconnected calls
//! [`Connector::update_status`]. It may do so from a threaded interrupt handler, a work item or
//! whatever may sleep. User space learns of it by a uevent, and in-kernel clients light the display.
//!
//! C header: [`include/drm/drm_probe_helper.h`](srctree/include/drm/drm_probe_helper.h)

use super::{
    connector::{
        Connector,
        DriverConnector, //
    },
    object::private::RawObject,
    KmsDriver, //
};
use crate::{
    bindings,
    drm::{
        Device,
        Registered, //
    },
    prelude::*,
    types::NotThreadSafe, //
};
use core::marker::PhantomData;

impl<T: DriverConnector> Connector<T> {
    /// Finds out whether a display is connected now, and tells user space and in-kernel clients if
    /// that has changed. Returns whether it has.
    ///
    /// Calls [`DriverConnector::detect`], which the driver must have, without `force`. `dev` is the
    /// device of the connector, which must be registered: there is nobody to tell otherwise.
    ///
    /// Takes the mutex of the mode configuration, modeset locks, and locks of clients, so it cannot
    /// be called from a function of a mode object, nor with a lock held that such a function takes.
    /// Sleeps; clients may set a mode before it returns.
    ///
    /// C: `drm_connector_helper_hpd_irq_event()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the connector belongs to another device.
    pub fn update_status(&self, dev: &Device<T::Driver, Registered>) -> Result<bool> {
        const {
            assert!(
                T::HAS_DETECT,
                "the status of a connector without `detect` does not change"
            )
        };

        if self.raw_dev() != dev.as_raw() {
            return Err(EINVAL);
        }
        // SAFETY: The connector is valid. It has a `detect` function, and was therefore marked as
        // one that reports changes. The device is registered, so that events can be sent for it.
        Ok(unsafe { bindings::drm_connector_helper_hpd_irq_event(self.as_raw()) })
    }
}

impl<D: KmsDriver> Device<D, Registered> {
    /// Tells user space and in-kernel clients that connectors may have changed, so that they look
    /// at all of them.
    ///
    /// For what [`Connector::update_status`] does not find out: that the display is another one, or
    /// can do something else than before. The rules for calling are the same.
    ///
    /// C: `drm_kms_helper_hotplug_event()`.
    pub fn hotplug_event(&self) {
        // SAFETY: The device is registered and has a mode configuration.
        unsafe { bindings::drm_kms_helper_hotplug_event(self.as_raw()) };
    }
}

impl<D: KmsDriver> Device<D> {
    /// Goes through the connectors of the device, without those for writeback, in the order of
    /// their creation.
    ///
    /// C: `drm_for_each_connector_iter()`.
    pub fn connectors(&self) -> Connectors<'_, D> {
        let mut iter = pin_init::zeroed();

        // SAFETY: The device is valid, and has a mode configuration since before anybody could
        // have a reference to it.
        unsafe { bindings::drm_connector_list_iter_begin(self.as_raw(), &mut iter) };

        // INVARIANT: The iterator was begun.
        Connectors {
            iter,
            ended: false,
            _dev: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}

/// Goes through the connectors of a device. See [`Device::connectors`].
///
/// # Invariants
///
/// `iter` was begun for a device of `D` that is valid for `'a`.
pub struct Connectors<'a, D: KmsDriver> {
    iter: bindings::drm_connector_list_iter,
    ended: bool,
    _dev: PhantomData<&'a Device<D>>,
    // Lockdep takes it for a lock.
    _not_send: NotThreadSafe,
}

impl<'a, D: KmsDriver> Iterator for Connectors<'a, D> {
    type Item = &'a Connector<D::Connector>;

    fn next(&mut self) -> Option<Self::Item> {
        // After its end the C iterator would begin again.
        while !self.ended {
            // SAFETY: By the type invariants.
            let connector = unsafe { bindings::drm_connector_list_iter_next(&mut self.iter) };

            if connector.is_null() {
                self.ended = true;
                break;
            }
            // SAFETY: The iterator holds a reference to the connector, whose type never changes.
            let type_ = unsafe { (*connector).connector_type };

            if type_ as u32 != bindings::DRM_MODE_CONNECTOR_WRITEBACK {
                // SAFETY: All connectors of such a device are of this type, except for those that
                // were left out. They live as long as the device, hence for `'a`.
                return Some(unsafe { Connector::from_raw(connector) });
            }
        }
        None
    }
}

impl<D: KmsDriver> Drop for Connectors<'_, D> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; this is the last use.
        unsafe { bindings::drm_connector_list_iter_end(&mut self.iter) };
    }
}
