// SPDX-License-Identifier: GPL-2.0

//! A device, from its registration until it is unplugged.

use crate::{
    topology::{
        Status,
        Topology, //
    },
    RvkmsDriver, //
};
use kernel::{
    drm::{
        self,
        kms, //
    },
    faux,
    prelude::*,
    str::CString,
    sync::{
        aref::ARef,
        Arc, //
    }, //
};

/// What a device keeps as long as anybody holds it.
pub(crate) struct DeviceData {
    /// The name of the device.
    pub(crate) name: CString,
    /// What the device consists of. Nothing but the status of connectors changes any more.
    pub(crate) topology: Topology,
}

/// A device that user space can see. Dropping it unplugs the device.
pub(crate) struct VirtualDevice {
    /// Its end is also that of the registration of the DRM device, hence it comes first.
    _faux: faux::Registration,
    drm: ARef<drm::Device<RvkmsDriver>>,
}

impl VirtualDevice {
    /// Makes a device.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the topology is not [valid](Topology::validate). The log says why.
    /// - `ENODEV` if there is another device of that name on the faux bus.
    /// - `ENOMEM`, or an error of the core.
    pub(crate) fn new(name: &CStr, topology: Topology) -> Result<Self> {
        let name = CString::try_from(name)?;

        topology.validate().map_err(|why| {
            pr_info!("{}: {}\n", &*name, why);
            EINVAL
        })?;

        let faux = faux::Registration::new(&name, None)?;
        let parent = faux.as_ref();
        let drm = kms::new_device::<RvkmsDriver>(parent, Ok(DeviceData { name, topology }))?;
        let drm = drm::Registration::new_devres(parent, drm, Ok::<_, Error>(()))?;

        if let Some(guard) = drm.registration_guard() {
            kms::fbdev::setup_clients(&guard);
        }
        Ok(Self { _faux: faux, drm })
    }

    /// Tells user space and in-kernel clients that the status of a connector was set.
    ///
    /// Sleeps; clients may set a mode before it returns.
    pub(crate) fn report_status(&self, status: &Arc<Status>) -> Result {
        let dev = self.drm.registration_guard().ok_or(ENODEV)?;
        let connector = dev
            .connectors()
            .find(|connector| connector.has_status(status));

        if let Some(connector) = connector {
            connector.update_status(&dev)?;
        }
        Ok(())
    }
}
