// SPDX-License-Identifier: GPL-2.0

//! The directories of connectors.

use super::{
    encoders::Encoder,
    values,
    Configuration,
    Entry, //
};
use crate::topology::{
    self,
    Status, //
};
use kernel::{
    configfs::{
        AttributeOperations,
        Group,
        GroupOperations,
        LinkOperations, //
    },
    configfs_group,
    drm::kms::ConnectorStatus,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

/// The directory with the connectors.
pub(super) struct Connectors(pub(super) Arc<Configuration>);

configfs_group! {
    data: Connectors,
    attributes: [],
    operations: [mkdir],
}

#[vtable]
impl GroupOperations for Connectors {
    type Child = Connector;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Connector>, Error>> {
        let connector = topology::Connector::new()?;
        let status = connector.status.clone();
        let entry = Entry::new(&self.0, |topology| topology.connectors.add(connector))?;
        let entry = Arc::new(entry, GFP_KERNEL)?;
        let possible_encoders = PossibleEncoders(entry.clone());
        let connector = Connector { entry, status };

        Ok(Group::with_default_groups(name, Ok(connector), |groups| {
            groups.add(Group::with_data(
                c"possible_encoders",
                Ok(possible_encoders),
            ))
        }))
    }
}

/// The directory of a connector.
pub(super) struct Connector {
    entry: Arc<Entry<topology::Connector>>,
    status: Arc<Status>,
}

configfs_group! {
    data: Connector,
    attributes: [status: 0],
    operations: [],
}

#[vtable]
impl AttributeOperations<0> for Connector {
    type Data = Self;

    fn show(connector: &Self, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        // VKMS ends some files with a line feed, and this one not.
        values::show(page, fmt!("{}", connector.status.get() as u32))
    }

    fn store(connector: &Self, page: &[u8]) -> Result {
        let number = values::parse_number(page)?;
        let status = [
            ConnectorStatus::Connected,
            ConnectorStatus::Disconnected,
            ConnectorStatus::Unknown,
        ]
        .into_iter()
        .find(|status| *status as u32 == number)
        .ok_or(EINVAL)?;

        connector
            .entry
            .configuration
            .set_status(&connector.status, status)
    }
}

/// The directory with links to the encoders that can feed a connector.
pub(super) struct PossibleEncoders(Arc<Entry<topology::Connector>>);

configfs_group! {
    data: PossibleEncoders,
    attributes: [],
    operations: [links],
}

impl LinkOperations for PossibleEncoders {
    type Target = Encoder;

    fn allow_link(&self, Encoder(encoder): &Encoder) -> Result {
        let Self(connector) = self;

        if !connector.is_beside(encoder) {
            return Err(EINVAL);
        }
        connector
            .configuration
            .edit(|topology| topology.allow_connector(connector.id, encoder.id))
    }

    fn drop_link(&self, Encoder(encoder): &Encoder) {
        let Self(connector) = self;

        connector
            .configuration
            .shrink(|topology| topology.forbid_connector(connector.id, encoder.id));
    }
}
