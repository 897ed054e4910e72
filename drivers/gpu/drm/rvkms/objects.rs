// SPDX-License-Identifier: GPL-2.0

//! From a topology to mode objects.

use crate::{
    connector::{
        RvkmsConnector,
        RvkmsEncoder, //
    },
    crtc::RvkmsCrtc,
    gamma,
    pipeline,
    plane::{
        self,
        RvkmsPlane, //
    },
    topology::{
        self,
        Id, //
    },
    writeback::{
        self,
        RvkmsWriteback, //
    },
    RvkmsDriver, //
};
use kernel::{
    drm::kms::{
        color::{
            ColorEncoding,
            ColorRange, //
        },
        ConnectorType,
        Crtc,
        Encoder,
        EncoderType,
        Plane,
        PlaneArgs,
        PlaneType,
        Rotations,
        SetupDevice, //
    },
    prelude::*,
};

/// The encodings of YCbCr framebuffers, the default first.
const ENCODINGS: [ColorEncoding; 3] = [
    ColorEncoding::Bt601,
    ColorEncoding::Bt709,
    ColorEncoding::Bt2020,
];

/// The ranges of YCbCr framebuffers, the default first.
const RANGES: [ColorRange; 2] = [ColorRange::Full, ColorRange::Limited];

/// The mode objects that were made of the entries of a topology.
struct Made<'a, T, O>(KVec<(Id<T>, &'a O)>);

impl<'a, T, O> Made<'a, T, O> {
    const fn new() -> Self {
        Self(KVec::new())
    }

    fn add(&mut self, id: Id<T>, object: &'a O) -> Result {
        Ok(self.0.push((id, object), GFP_KERNEL)?)
    }

    fn get(&self, id: Id<T>) -> Result<&'a O> {
        let object = self.0.iter().find(|(i, _)| *i == id);

        object.map(|(_, object)| *object).ok_or(EINVAL)
    }

    /// Returns the objects for some entries.
    fn select(&self, ids: impl Iterator<Item = Id<T>>) -> Result<KVec<&'a O>> {
        let mut objects = KVec::new();

        for id in ids {
            objects.push(self.get(id)?, GFP_KERNEL)?;
        }
        Ok(objects)
    }
}

/// Makes the mode objects of a device.
///
/// # Errors
///
/// `ENOMEM`. Other errors would say that the topology was not validated.
pub(crate) fn create(setup: &SetupDevice<'_, RvkmsDriver>) -> Result {
    let topology = &setup.topology;
    let mut planes = Made::new();
    let mut crtcs = Made::new();
    let mut encoders = Made::new();
    let mut writebacks = Made::new();

    // Planes are stacked in the order of their creation.
    for (id, plane) in topology.planes.iter() {
        planes.add(id, create_plane(setup, plane)?)?;
    }
    for (id, crtc) in topology.crtcs.iter() {
        let primary = topology.plane_of(id, PlaneType::Primary).ok_or(EINVAL)?;
        let cursor = topology.plane_of(id, PlaneType::Cursor);
        let cursor = cursor.map(|cursor| planes.get(cursor)).transpose()?;

        let made = create_crtc(setup, planes.get(primary)?, cursor)?;

        crtcs.add(id, made)?;
        if crtc.writeback {
            writebacks.add(id, create_writeback(setup, made)?)?;
        }
    }
    for (id, plane) in topology.planes.iter() {
        for crtc in plane.possible_crtcs.iter() {
            setup.allow_crtc(planes.get(id)?, crtcs.get(crtc)?)?;
        }
    }
    for (id, encoder) in topology.encoders.iter() {
        let crtcs = crtcs.select(encoder.possible_crtcs.iter())?;
        let made = create_encoder(setup, &crtcs)?;

        encoders.add(id, made)?;
        // A picture can be shown and written at the same time.
        for crtc in encoder.possible_crtcs.iter() {
            if let Ok(writeback) = writebacks.get(crtc) {
                setup.allow_clone(made, writeback)?;
            }
        }
    }
    for connector in topology.connectors.values() {
        let encoders = encoders.select(connector.possible_encoders.iter())?;
        let data = RvkmsConnector::new(connector.status.clone());

        setup.create_connector(ConnectorType::Virtual, &encoders, Ok(data))?;
    }
    Ok(())
}

fn create_plane<'a>(
    setup: &SetupDevice<'a, RvkmsDriver>,
    from: &topology::Plane,
) -> Result<&'a Plane<RvkmsPlane>> {
    let args = PlaneArgs {
        type_: from.type_,
        formats: &plane::FORMATS,
        modifiers: &[],
        name: None,
    };
    let plane = setup.create_plane(&args, Ok(RvkmsPlane))?;

    setup.create_rotation_property(plane, Rotations::ALL)?;
    setup.create_color_properties(plane, &ENCODINGS, &RANGES)?;
    // Blending is always pre-multiplied, which user space should be able to see.
    setup.create_blend_mode_property(plane, &[])?;
    if from.pipeline {
        pipeline::create(setup, plane)?;
    }
    Ok(plane)
}

fn create_crtc<'a>(
    setup: &SetupDevice<'a, RvkmsDriver>,
    primary: &Plane<RvkmsPlane>,
    cursor: Option<&Plane<RvkmsPlane>>,
) -> Result<&'a Crtc<RvkmsCrtc>> {
    let crtc = setup.create_crtc(primary, cursor, None, RvkmsCrtc::new(setup))?;

    setup.enable_gamma(crtc, gamma::MAX_ENTRIES as u32)?;
    setup.attach_background_color(crtc)?;
    Ok(crtc)
}

fn create_encoder<'a>(
    setup: &SetupDevice<'a, RvkmsDriver>,
    crtcs: &[&Crtc<RvkmsCrtc>],
) -> Result<&'a Encoder<RvkmsEncoder>> {
    setup.create_encoder(EncoderType::Virtual, crtcs, None, Ok(RvkmsEncoder))
}

/// Makes the writeback connector of a CRTC and returns its encoder.
fn create_writeback<'a>(
    setup: &SetupDevice<'a, RvkmsDriver>,
    crtc: &Crtc<RvkmsCrtc>,
) -> Result<&'a Encoder<RvkmsEncoder>> {
    let encoder = create_encoder(setup, &[crtc])?;

    setup.create_writeback_connector(encoder, &writeback::Format::CODES, Ok(RvkmsWriteback))?;
    Ok(encoder)
}
