// SPDX-License-Identifier: GPL-2.0

//! The directories of CRTCs.

use super::{
    values,
    Configuration,
    Entry, //
};
use crate::topology;
use kernel::{
    configfs::{
        AttributeOperations,
        Group,
        GroupOperations, //
    },
    configfs_group,
    page::PAGE_SIZE,
    prelude::*,
    str::kstrtobool_bytes,
    sync::Arc, //
};

/// The directory with the CRTCs.
pub(super) struct Crtcs(pub(super) Arc<Configuration>);

configfs_group! {
    data: Crtcs,
    attributes: [],
    operations: [mkdir],
}

#[vtable]
impl GroupOperations for Crtcs {
    type Child = Crtc;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Crtc>, Error>> {
        let entry = Entry::new(&self.0, |topology| {
            topology.crtcs.add(topology::Crtc::default())
        })?;

        Ok(Group::with_data(name, Ok(Crtc(entry))))
    }
}

/// The directory of a CRTC.
pub(super) struct Crtc(pub(super) Entry<topology::Crtc>);

configfs_group! {
    data: Crtc,
    attributes: [writeback: 0],
    operations: [],
}

#[vtable]
impl AttributeOperations<0> for Crtc {
    type Data = Self;

    fn show(Self(entry): &Self, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let writeback = entry.configuration.look(|topology| {
            let crtc = topology.crtcs.get(entry.id).ok_or(ENOENT)?;

            Ok(crtc.writeback)
        })?;

        values::show(page, fmt!("{}\n", u32::from(writeback)))
    }

    fn store(Self(entry): &Self, page: &[u8]) -> Result {
        let writeback = kstrtobool_bytes(page)?;

        entry.configuration.edit(|topology| {
            let crtc = topology.crtcs.get_mut(entry.id).ok_or(ENOENT)?;

            crtc.writeback = writeback;
            Ok(())
        })
    }
}
