// SPDX-License-Identifier: GPL-2.0

//! The connector and the encoder.

use crate::{
    topology::Status,
    RvkmsDriver,
    MAX_SIZE, //
};
use kernel::{
    drm::kms::{
        Connector,
        ConnectorProbe,
        ConnectorStatus,
        DriverConnector,
        DriverEncoder, //
    },
    prelude::*,
    sync::Arc, //
};

/// The size of the mode that user space should take if it has no wish of its own.
const PREFERRED_SIZE: (u16, u16) = (1024, 768);

/// The data of a connector, for a display without EDID.
pub(crate) struct RvkmsConnector {
    status: Arc<Status>,
}

impl RvkmsConnector {
    /// Makes the data of a connector that has a display when `status` says so.
    pub(crate) fn new(status: Arc<Status>) -> Self {
        Self { status }
    }

    /// Returns whether the connector has that status, and not another one that is equal.
    pub(crate) fn has_status(&self, status: &Arc<Status>) -> bool {
        Arc::ptr_eq(&self.status, status)
    }
}

#[vtable]
impl DriverConnector for RvkmsConnector {
    type Driver = RvkmsDriver;
    type State = ();

    fn get_modes(probe: &ConnectorProbe<'_, Self>) -> Result {
        probe.add_modes_noedid(MAX_SIZE.0, MAX_SIZE.1);
        probe.set_preferred_mode(PREFERRED_SIZE.0, PREFERRED_SIZE.1);
        Ok(())
    }

    fn detect(connector: &Connector<Self>, _force: bool) -> ConnectorStatus {
        connector.status.get()
    }
}

/// The data of an encoder.
pub(crate) struct RvkmsEncoder;

#[vtable]
impl DriverEncoder for RvkmsEncoder {
    type Driver = RvkmsDriver;
}
