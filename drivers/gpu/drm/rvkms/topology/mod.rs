// SPDX-License-Identifier: GPL-2.0

//! What a device consists of: planes, CRTCs, encoders and connectors, and what can be connected
//! to what.
//!
//! A topology is described before there is a device, by the module parameters or through configfs,
//! and may make no sense while it is being described. A device is only made of one that is
//! [valid](Topology::validate), and owns a copy, which nobody changes any more: what happens to
//! the description later, even its end, is nothing to the device. The one exception is the
//! [status](Connector::status) of a connector, which both share.

mod table;
#[cfg(CONFIG_DRM_RVKMS_KUNIT_TEST)]
mod tests;
mod valid;

pub(crate) use self::table::{
    Id,
    Links,
    Table, //
};

use kernel::{
    drm::kms::{
        ConnectorStatus,
        PlaneType, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// How many overlay planes the default device has, if it has any.
const DEFAULT_OVERLAYS: usize = 8;

/// A plane.
pub(crate) struct Plane {
    /// What the plane is meant for.
    pub(crate) type_: PlaneType,
    /// Whether the plane offers a colour pipeline.
    pub(crate) pipeline: bool,
    /// The CRTCs that can show the plane.
    pub(crate) possible_crtcs: Links<Crtc>,
}

impl Plane {
    /// Makes an overlay plane without a colour pipeline, on no CRTC.
    pub(crate) const fn new() -> Self {
        Self {
            type_: PlaneType::Overlay,
            pipeline: false,
            possible_crtcs: Links::new(),
        }
    }
}

/// A CRTC.
#[derive(Clone, Copy, Default)]
pub(crate) struct Crtc {
    /// Whether the CRTC has a writeback connector.
    pub(crate) writeback: bool,
}

/// An encoder.
pub(crate) struct Encoder {
    /// The CRTCs that can feed the encoder.
    pub(crate) possible_crtcs: Links<Crtc>,
}

impl Encoder {
    /// Makes an encoder that no CRTC feeds.
    pub(crate) const fn new() -> Self {
        Self {
            possible_crtcs: Links::new(),
        }
    }
}

/// Whether a display is connected. Can be changed at any time.
pub(crate) struct Status(Atomic<u32>);

impl Status {
    fn new(status: ConnectorStatus) -> Self {
        Self(Atomic::new(status as u32))
    }

    /// Returns the status.
    pub(crate) fn get(&self) -> ConnectorStatus {
        // The status is all there is to know: no other memory is accessed because of it.
        let status = self.0.load(Relaxed);

        [ConnectorStatus::Connected, ConnectorStatus::Disconnected]
            .into_iter()
            .find(|s| *s as u32 == status)
            .unwrap_or(ConnectorStatus::Unknown)
    }

    /// Changes the status.
    pub(crate) fn set(&self, status: ConnectorStatus) {
        self.0.store(status as u32, Relaxed);
    }
}

/// A connector.
pub(crate) struct Connector {
    /// Whether a display is connected. A copy of the topology has the same, not a copy of it.
    pub(crate) status: Arc<Status>,
    /// The encoders that can feed the connector.
    pub(crate) possible_encoders: Links<Encoder>,
}

impl Connector {
    /// Makes a connector with a display, which no encoder feeds.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            status: Arc::new(Status::new(ConnectorStatus::Connected), GFP_KERNEL)?,
            possible_encoders: Links::new(),
        })
    }
}

/// What the default device has, by the module parameters.
#[derive(Clone, Copy, Default)]
pub(crate) struct Defaults {
    /// A cursor plane.
    pub(crate) cursor: bool,
    /// Overlay planes.
    pub(crate) overlay: bool,
    /// A writeback connector.
    pub(crate) writeback: bool,
    /// Colour pipelines of the planes.
    pub(crate) plane_pipeline: bool,
}

/// What a device consists of.
pub(crate) struct Topology {
    /// The planes, the lowest first.
    pub(crate) planes: Table<Plane>,
    /// The CRTCs.
    pub(crate) crtcs: Table<Crtc>,
    /// The encoders, without those of writeback connectors.
    pub(crate) encoders: Table<Encoder>,
    /// The connectors, without those for writeback.
    pub(crate) connectors: Table<Connector>,
}

impl Topology {
    /// Makes the topology of nothing.
    pub(crate) const fn new() -> Self {
        Self {
            planes: Table::new(),
            crtcs: Table::new(),
            encoders: Table::new(),
            connectors: Table::new(),
        }
    }

    /// Makes the topology of the default device: one CRTC and what belongs to it.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn default_device(defaults: Defaults) -> Result<Self> {
        let mut this = Self::new();
        let crtc = this.crtcs.add(Crtc {
            writeback: defaults.writeback,
        })?;
        let mut add_plane = |type_| {
            let plane = this.planes.add(Plane {
                type_,
                pipeline: defaults.plane_pipeline,
                ..Plane::new()
            })?;

            this.allow_plane(plane, crtc)
        };

        add_plane(PlaneType::Primary)?;
        if defaults.overlay {
            for _ in 0..DEFAULT_OVERLAYS {
                add_plane(PlaneType::Overlay)?;
            }
        }
        if defaults.cursor {
            add_plane(PlaneType::Cursor)?;
        }

        let encoder = this.encoders.add(Encoder::new())?;
        let connector = this.connectors.add(Connector::new()?)?;

        this.allow_encoder(encoder, crtc)?;
        this.allow_connector(connector, encoder)?;
        Ok(this)
    }

    /// Returns the primary or the cursor plane of a CRTC, by `type_`.
    ///
    /// Several CRTCs can show the same cursor plane, but it is the cursor plane of the first one
    /// only.
    pub(crate) fn plane_of(&self, crtc: Id<Crtc>, type_: PlaneType) -> Option<Id<Plane>> {
        let first_crtc = |plane: &Plane| {
            self.crtcs
                .iter()
                .map(|(crtc, _)| crtc)
                .find(|crtc| plane.possible_crtcs.contains(*crtc))
        };

        self.planes
            .iter()
            .find(|(_, plane)| plane.type_ == type_ && first_crtc(plane) == Some(crtc))
            .map(|(id, _)| id)
    }

    /// Says that `crtc` can show `plane`.
    ///
    /// # Errors
    ///
    /// `EEXIST` if that was said before, `EINVAL` if one of them is not there, or `ENOMEM`.
    pub(crate) fn allow_plane(&mut self, plane: Id<Plane>, crtc: Id<Crtc>) -> Result {
        self.crtcs.get(crtc).ok_or(EINVAL)?;

        let plane = self.planes.get_mut(plane).ok_or(EINVAL)?;

        plane.possible_crtcs.add(crtc)
    }

    /// Takes [`Self::allow_plane`] back.
    pub(crate) fn forbid_plane(&mut self, plane: Id<Plane>, crtc: Id<Crtc>) {
        if let Some(plane) = self.planes.get_mut(plane) {
            plane.possible_crtcs.remove(crtc);
        }
    }

    /// Says that `crtc` can feed `encoder`.
    ///
    /// # Errors
    ///
    /// As for [`Self::allow_plane`].
    pub(crate) fn allow_encoder(&mut self, encoder: Id<Encoder>, crtc: Id<Crtc>) -> Result {
        self.crtcs.get(crtc).ok_or(EINVAL)?;

        let encoder = self.encoders.get_mut(encoder).ok_or(EINVAL)?;

        encoder.possible_crtcs.add(crtc)
    }

    /// Takes [`Self::allow_encoder`] back.
    pub(crate) fn forbid_encoder(&mut self, encoder: Id<Encoder>, crtc: Id<Crtc>) {
        if let Some(encoder) = self.encoders.get_mut(encoder) {
            encoder.possible_crtcs.remove(crtc);
        }
    }

    /// Says that `encoder` can feed `connector`.
    ///
    /// # Errors
    ///
    /// As for [`Self::allow_plane`].
    pub(crate) fn allow_connector(
        &mut self,
        connector: Id<Connector>,
        encoder: Id<Encoder>,
    ) -> Result {
        self.encoders.get(encoder).ok_or(EINVAL)?;

        let connector = self.connectors.get_mut(connector).ok_or(EINVAL)?;

        connector.possible_encoders.add(encoder)
    }

    /// Takes [`Self::allow_connector`] back.
    pub(crate) fn forbid_connector(&mut self, connector: Id<Connector>, encoder: Id<Encoder>) {
        if let Some(connector) = self.connectors.get_mut(connector) {
            connector.possible_encoders.remove(encoder);
        }
    }

    /// Removes a CRTC, and the links to it.
    pub(crate) fn remove_crtc(&mut self, crtc: Id<Crtc>) {
        for plane in self.planes.values_mut() {
            plane.possible_crtcs.remove(crtc);
        }
        for encoder in self.encoders.values_mut() {
            encoder.possible_crtcs.remove(crtc);
        }
        self.crtcs.remove(crtc);
    }

    /// Removes an encoder, and the links to it.
    pub(crate) fn remove_encoder(&mut self, encoder: Id<Encoder>) {
        for connector in self.connectors.values_mut() {
            connector.possible_encoders.remove(encoder);
        }
        self.encoders.remove(encoder);
    }

    /// Makes a copy, in which everything has the same number and connectors have the same status.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn try_clone(&self) -> Result<Self> {
        Ok(Self {
            planes: self.planes.try_map(|plane| {
                Ok(Plane {
                    type_: plane.type_,
                    pipeline: plane.pipeline,
                    possible_crtcs: plane.possible_crtcs.try_clone()?,
                })
            })?,
            crtcs: self.crtcs.try_map(|crtc| Ok(*crtc))?,
            encoders: self.encoders.try_map(|encoder| {
                Ok(Encoder {
                    possible_crtcs: encoder.possible_crtcs.try_clone()?,
                })
            })?,
            connectors: self.connectors.try_map(|connector| {
                Ok(Connector {
                    status: connector.status.clone(),
                    possible_encoders: connector.possible_encoders.try_clone()?,
                })
            })?,
        })
    }
}
