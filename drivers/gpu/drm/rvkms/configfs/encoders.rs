// SPDX-License-Identifier: GPL-2.0

//! The directories of encoders.

use super::{
    crtcs::Crtc,
    Configuration,
    Entry, //
};
use crate::topology;
use kernel::{
    configfs::{
        Group,
        GroupOperations,
        LinkOperations, //
    },
    configfs_group,
    prelude::*,
    sync::Arc, //
};

/// The directory with the encoders.
pub(super) struct Encoders(pub(super) Arc<Configuration>);

configfs_group! {
    data: Encoders,
    attributes: [],
    operations: [mkdir],
}

#[vtable]
impl GroupOperations for Encoders {
    type Child = Encoder;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Encoder>, Error>> {
        let entry = Entry::new(&self.0, |topology| {
            topology.encoders.add(topology::Encoder::new())
        })?;
        let entry = Arc::new(entry, GFP_KERNEL)?;
        let possible_crtcs = PossibleCrtcs(entry.clone());

        Ok(Group::with_default_groups(
            name,
            Ok(Encoder(entry)),
            |groups| groups.add(Group::with_data(c"possible_crtcs", Ok(possible_crtcs))),
        ))
    }
}

/// The directory of an encoder.
pub(super) struct Encoder(pub(super) Arc<Entry<topology::Encoder>>);

configfs_group! {
    data: Encoder,
    attributes: [],
    operations: [],
}

/// The directory with links to the CRTCs that can feed an encoder.
pub(super) struct PossibleCrtcs(Arc<Entry<topology::Encoder>>);

configfs_group! {
    data: PossibleCrtcs,
    attributes: [],
    operations: [links],
}

impl LinkOperations for PossibleCrtcs {
    type Target = Crtc;

    fn allow_link(&self, Crtc(crtc): &Crtc) -> Result {
        let Self(encoder) = self;

        if !encoder.is_beside(crtc) {
            return Err(EINVAL);
        }
        encoder
            .configuration
            .edit(|topology| topology.allow_encoder(encoder.id, crtc.id))
    }

    fn drop_link(&self, Crtc(crtc): &Crtc) {
        let Self(encoder) = self;

        encoder
            .configuration
            .shrink(|topology| topology.forbid_encoder(encoder.id, crtc.id));
    }
}
