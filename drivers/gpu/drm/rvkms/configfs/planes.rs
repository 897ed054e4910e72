// SPDX-License-Identifier: GPL-2.0

//! The directories of planes.

use super::{
    crtcs::Crtc,
    values,
    Configuration,
    Entry, //
};
use crate::topology;
use kernel::{
    configfs::{
        AttributeOperations,
        Group,
        GroupOperations,
        LinkOperations, //
    },
    configfs_group,
    drm::kms::PlaneType,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc, //
};

/// The directory with the planes.
pub(super) struct Planes(pub(super) Arc<Configuration>);

configfs_group! {
    data: Planes,
    attributes: [],
    operations: [mkdir],
}

#[vtable]
impl GroupOperations for Planes {
    type Child = Plane;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Plane>, Error>> {
        let entry = Entry::new(&self.0, |topology| {
            topology.planes.add(topology::Plane::new())
        })?;
        let entry = Arc::new(entry, GFP_KERNEL)?;
        let possible_crtcs = PossibleCrtcs(entry.clone());

        Ok(Group::with_default_groups(
            name,
            Ok(Plane(entry)),
            |groups| groups.add(Group::with_data(c"possible_crtcs", Ok(possible_crtcs))),
        ))
    }
}

/// The directory of a plane.
pub(super) struct Plane(Arc<Entry<topology::Plane>>);

configfs_group! {
    data: Plane,
    attributes: [type: 0],
    operations: [],
}

#[vtable]
impl AttributeOperations<0> for Plane {
    type Data = Self;

    fn show(Self(entry): &Self, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        let type_ = entry.configuration.look(|topology| {
            let plane = topology.planes.get(entry.id).ok_or(ENOENT)?;

            Ok(plane.type_)
        })?;

        // VKMS ends some files with a line feed, and this one not.
        values::show(page, fmt!("{}", type_ as u32))
    }

    fn store(Self(entry): &Self, page: &[u8]) -> Result {
        let number = values::parse_number(page)?;
        let type_ = [PlaneType::Overlay, PlaneType::Primary, PlaneType::Cursor]
            .into_iter()
            .find(|type_| *type_ as u32 == number)
            .ok_or(EINVAL)?;

        entry.configuration.edit(|topology| {
            let plane = topology.planes.get_mut(entry.id).ok_or(ENOENT)?;

            plane.type_ = type_;
            Ok(())
        })
    }
}

/// The directory with links to the CRTCs that can show a plane.
pub(super) struct PossibleCrtcs(Arc<Entry<topology::Plane>>);

configfs_group! {
    data: PossibleCrtcs,
    attributes: [],
    operations: [links],
}

impl LinkOperations for PossibleCrtcs {
    type Target = Crtc;

    fn allow_link(&self, Crtc(crtc): &Crtc) -> Result {
        let Self(plane) = self;

        if !plane.is_beside(crtc) {
            return Err(EINVAL);
        }
        plane
            .configuration
            .edit(|topology| topology.allow_plane(plane.id, crtc.id))
    }

    fn drop_link(&self, Crtc(crtc): &Crtc) {
        let Self(plane) = self;

        plane
            .configuration
            .shrink(|topology| topology.forbid_plane(plane.id, crtc.id));
    }
}
