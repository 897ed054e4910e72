// SPDX-License-Identifier: GPL-2.0

//! Unit tests of topologies.

use super::{
    valid::Invalid,
    Connector,
    Crtc,
    Defaults,
    Encoder,
    Id,
    Plane,
    Topology, //
};
use kernel::{
    drm::kms::{
        ConnectorStatus,
        PlaneType, //
    },
    prelude::*, //
};

impl Topology {
    /// Adds a plane of a type on some CRTCs.
    fn with_plane(&mut self, type_: PlaneType, crtcs: &[Id<Crtc>]) -> Result<Id<Plane>> {
        let plane = self.planes.add(Plane {
            type_,
            ..Plane::new()
        })?;

        for crtc in crtcs {
            self.allow_plane(plane, *crtc)?;
        }
        Ok(plane)
    }

    /// Adds an encoder on some CRTCs.
    fn with_encoder(&mut self, crtcs: &[Id<Crtc>]) -> Result<Id<Encoder>> {
        let encoder = self.encoders.add(Encoder::new())?;

        for crtc in crtcs {
            self.allow_encoder(encoder, *crtc)?;
        }
        Ok(encoder)
    }

    /// Adds a connector on some encoders.
    fn with_connector(&mut self, encoders: &[Id<Encoder>]) -> Result<Id<Connector>> {
        let connector = self.connectors.add(Connector::new()?)?;

        for encoder in encoders {
            self.allow_connector(connector, *encoder)?;
        }
        Ok(connector)
    }

    /// Adds a CRTC with a primary plane, an encoder and a connector.
    fn with_display(&mut self) -> Result<Id<Crtc>> {
        let crtc = self.crtcs.add(Crtc::default())?;

        self.with_plane(PlaneType::Primary, &[crtc])?;

        let encoder = self.with_encoder(&[crtc])?;

        self.with_connector(&[encoder])?;
        Ok(crtc)
    }
}

/// A topology with one display, and its CRTC.
fn display() -> Result<(Topology, Id<Crtc>)> {
    let mut topology = Topology::new();
    let crtc = topology.with_display()?;

    assert_eq!(topology.validate(), Ok(()));
    Ok((topology, crtc))
}

fn first<T>(table: &super::Table<T>) -> Result<Id<T>> {
    table.iter().next().map(|(id, _)| id).ok_or(EINVAL)
}

#[kunit_tests(rvkms_topology)]
mod cases {
    use super::*;

    #[test]
    fn nothing_is_no_device() {
        assert_eq!(Topology::new().validate(), Err(Invalid::PlaneNumber));
    }

    #[test]
    fn defaults() -> Result {
        for bits in 0..16u32 {
            let defaults = Defaults {
                cursor: bits & 1 != 0,
                overlay: bits & 2 != 0,
                writeback: bits & 4 != 0,
                plane_pipeline: bits & 8 != 0,
            };
            let topology = Topology::default_device(defaults)?;
            let count = |type_| {
                topology
                    .planes
                    .values()
                    .filter(|plane| plane.type_ == type_)
                    .count()
            };

            assert_eq!(topology.validate(), Ok(()));
            assert_eq!(count(PlaneType::Primary), 1);
            assert_eq!(
                count(PlaneType::Overlay),
                if defaults.overlay { 8 } else { 0 }
            );
            assert_eq!(count(PlaneType::Cursor), usize::from(defaults.cursor));
            assert!(topology
                .planes
                .values()
                .all(|plane| plane.pipeline == defaults.plane_pipeline));
            assert_eq!(topology.crtcs.len(), 1);
            assert!(topology
                .crtcs
                .values()
                .all(|crtc| crtc.writeback == defaults.writeback));
            assert_eq!(topology.encoders.len(), 1);
            assert_eq!(topology.connectors.len(), 1);
            assert!(topology
                .connectors
                .values()
                .all(|connector| connector.status.get() == ConnectorStatus::Connected));
        }
        Ok(())
    }

    #[test]
    fn default_planes_are_stacked() -> Result {
        let topology = Topology::default_device(Defaults {
            cursor: true,
            overlay: true,
            ..Defaults::default()
        })?;
        let mut types = topology.planes.values().map(|plane| plane.type_);

        assert_eq!(types.next(), Some(PlaneType::Primary));
        for _ in 0..8 {
            assert_eq!(types.next(), Some(PlaneType::Overlay));
        }
        assert_eq!(types.next(), Some(PlaneType::Cursor));
        assert_eq!(types.next(), None);
        Ok(())
    }

    #[test]
    fn new_objects() -> Result {
        let plane = Plane::new();

        assert_eq!(plane.type_, PlaneType::Overlay);
        assert!(!plane.pipeline);
        assert!(plane.possible_crtcs.is_empty());
        assert!(!Crtc::default().writeback);
        assert!(Encoder::new().possible_crtcs.is_empty());

        let connector = Connector::new()?;

        assert_eq!(connector.status.get(), ConnectorStatus::Connected);
        assert!(connector.possible_encoders.is_empty());
        Ok(())
    }

    #[test]
    fn number_of_planes() -> Result {
        let (mut topology, crtc) = display()?;

        for _ in 1..31 {
            topology.with_plane(PlaneType::Overlay, &[crtc])?;
        }
        assert_eq!(topology.validate(), Ok(()));

        let last = topology.with_plane(PlaneType::Overlay, &[crtc])?;

        assert_eq!(topology.validate(), Err(Invalid::PlaneNumber));
        topology.planes.remove(last);
        assert_eq!(topology.validate(), Ok(()));
        while let Ok(plane) = first(&topology.planes) {
            topology.planes.remove(plane);
        }
        assert_eq!(topology.validate(), Err(Invalid::PlaneNumber));
        Ok(())
    }

    #[test]
    fn number_of_crtcs() -> Result {
        let (mut topology, _) = display()?;

        for _ in 1..31 {
            topology.with_display()?;
        }
        assert_eq!(topology.validate(), Ok(()));

        let last = topology.crtcs.add(Crtc::default())?;

        assert_eq!(topology.validate(), Err(Invalid::CrtcNumber));
        topology.remove_crtc(last);
        assert_eq!(topology.validate(), Ok(()));
        while let Ok(crtc) = first(&topology.crtcs) {
            topology.remove_crtc(crtc);
        }
        assert_eq!(topology.validate(), Err(Invalid::CrtcNumber));
        Ok(())
    }

    #[test]
    fn number_of_encoders() -> Result {
        let (mut topology, crtc) = display()?;

        for _ in 1..31 {
            topology.with_encoder(&[crtc])?;
        }
        assert_eq!(topology.validate(), Ok(()));

        let last = topology.with_encoder(&[crtc])?;

        assert_eq!(topology.validate(), Err(Invalid::EncoderNumber));
        topology.remove_encoder(last);
        assert_eq!(topology.validate(), Ok(()));
        while let Ok(encoder) = first(&topology.encoders) {
            topology.remove_encoder(encoder);
        }
        assert_eq!(topology.validate(), Err(Invalid::EncoderNumber));
        Ok(())
    }

    #[test]
    fn number_of_connectors() -> Result {
        let (mut topology, _) = display()?;
        let encoder = first(&topology.encoders)?;

        for _ in 1..31 {
            topology.with_connector(&[encoder])?;
        }
        assert_eq!(topology.validate(), Ok(()));

        let last = topology.with_connector(&[encoder])?;

        assert_eq!(topology.validate(), Err(Invalid::ConnectorNumber));
        topology.connectors.remove(last);
        assert_eq!(topology.validate(), Ok(()));
        while let Ok(connector) = first(&topology.connectors) {
            topology.connectors.remove(connector);
        }
        assert_eq!(topology.validate(), Err(Invalid::ConnectorNumber));
        Ok(())
    }

    #[test]
    fn one_primary_plane() -> Result {
        let (mut topology, crtc) = display()?;
        let second = topology.with_plane(PlaneType::Primary, &[crtc])?;

        assert_eq!(topology.validate(), Err(Invalid::SeveralPrimaries));
        topology.planes.get_mut(second).ok_or(EINVAL)?.type_ = PlaneType::Overlay;
        assert_eq!(topology.validate(), Ok(()));

        let first = first(&topology.planes)?;

        topology.planes.get_mut(first).ok_or(EINVAL)?.type_ = PlaneType::Cursor;
        assert_eq!(topology.validate(), Err(Invalid::NoPrimary));
        Ok(())
    }

    #[test]
    fn one_primary_plane_for_each_crtc() -> Result {
        let (mut topology, crtc) = display()?;
        let second = topology.crtcs.add(Crtc::default())?;

        topology.with_encoder(&[second])?;
        assert_eq!(topology.validate(), Err(Invalid::NoPrimary));
        topology.with_plane(PlaneType::Cursor, &[second])?;
        assert_eq!(topology.validate(), Err(Invalid::NoPrimary));

        let plane = topology.with_plane(PlaneType::Primary, &[second])?;

        assert_eq!(topology.validate(), Ok(()));
        topology.allow_plane(plane, crtc)?;
        assert_eq!(topology.validate(), Err(Invalid::SeveralPrimaries));
        Ok(())
    }

    #[test]
    fn primary_planes_are_not_shared() -> Result {
        let (mut topology, _) = display()?;
        let second = topology.crtcs.add(Crtc::default())?;
        let plane = first(&topology.planes)?;

        topology.with_encoder(&[second])?;
        topology.allow_plane(plane, second)?;
        assert_eq!(topology.validate(), Err(Invalid::SharedPrimary));
        Ok(())
    }

    #[test]
    fn at_most_one_cursor_plane() -> Result {
        let (mut topology, crtc) = display()?;

        topology.with_plane(PlaneType::Cursor, &[crtc])?;
        assert_eq!(topology.validate(), Ok(()));

        let second = topology.with_plane(PlaneType::Cursor, &[crtc])?;

        assert_eq!(topology.validate(), Err(Invalid::SeveralCursors));
        topology.planes.remove(second);
        assert_eq!(topology.validate(), Ok(()));
        Ok(())
    }

    #[test]
    fn planes_of_crtcs() -> Result {
        let (mut topology, crtc) = display()?;
        let primary = first(&topology.planes)?;
        let second = topology.with_display()?;
        let overlay = topology.with_plane(PlaneType::Overlay, &[crtc])?;
        let cursor = topology.with_plane(PlaneType::Cursor, &[second, crtc])?;

        assert_eq!(topology.validate(), Ok(()));
        assert!(topology.plane_of(crtc, PlaneType::Primary) == Some(primary));
        assert!(topology.plane_of(second, PlaneType::Primary).is_some());
        assert!(topology.plane_of(second, PlaneType::Primary) != Some(primary));
        assert!(topology.plane_of(crtc, PlaneType::Overlay) == Some(overlay));
        // A cursor plane that both could have is that of the first, in whatever order it was
        // linked.
        assert!(topology.plane_of(crtc, PlaneType::Cursor) == Some(cursor));
        assert!(topology.plane_of(second, PlaneType::Cursor).is_none());
        Ok(())
    }

    #[test]
    fn planes_need_a_crtc() -> Result {
        let (mut topology, crtc) = display()?;
        let overlay = topology.with_plane(PlaneType::Overlay, &[])?;

        assert_eq!(topology.validate(), Err(Invalid::PlaneWithoutCrtc));
        topology.allow_plane(overlay, crtc)?;
        assert_eq!(topology.validate(), Ok(()));

        let primary = first(&topology.planes)?;

        topology.forbid_plane(primary, crtc);
        assert_eq!(topology.validate(), Err(Invalid::PlaneWithoutCrtc));
        Ok(())
    }

    #[test]
    fn encoders_need_a_crtc() -> Result {
        let (mut topology, crtc) = display()?;
        let encoder = topology.with_encoder(&[])?;

        assert_eq!(topology.validate(), Err(Invalid::EncoderWithoutCrtc));
        topology.allow_encoder(encoder, crtc)?;
        assert_eq!(topology.validate(), Ok(()));
        topology.forbid_encoder(encoder, crtc);
        assert_eq!(topology.validate(), Err(Invalid::EncoderWithoutCrtc));
        Ok(())
    }

    #[test]
    fn crtcs_need_an_encoder() -> Result {
        let (mut topology, _) = display()?;
        let second = topology.crtcs.add(Crtc::default())?;

        topology.with_plane(PlaneType::Primary, &[second])?;
        assert_eq!(topology.validate(), Err(Invalid::CrtcWithoutEncoder));

        let encoder = first(&topology.encoders)?;

        topology.allow_encoder(encoder, second)?;
        assert_eq!(topology.validate(), Ok(()));
        Ok(())
    }

    #[test]
    fn connectors_need_an_encoder() -> Result {
        let (mut topology, _) = display()?;
        let connector = first(&topology.connectors)?;
        let encoder = first(&topology.encoders)?;

        topology.forbid_connector(connector, encoder);
        assert_eq!(topology.validate(), Err(Invalid::ConnectorWithoutEncoder));
        topology.allow_connector(connector, encoder)?;
        assert_eq!(topology.validate(), Ok(()));
        Ok(())
    }

    #[test]
    fn links_exist_once() -> Result {
        let (mut topology, crtc) = display()?;
        let plane = first(&topology.planes)?;
        let encoder = first(&topology.encoders)?;
        let connector = first(&topology.connectors)?;

        assert_eq!(topology.allow_plane(plane, crtc), Err(EEXIST));
        assert_eq!(topology.allow_encoder(encoder, crtc), Err(EEXIST));
        assert_eq!(topology.allow_connector(connector, encoder), Err(EEXIST));
        topology.forbid_plane(plane, crtc);
        topology.forbid_plane(plane, crtc);
        assert_eq!(topology.allow_plane(plane, crtc), Ok(()));
        assert_eq!(topology.validate(), Ok(()));
        Ok(())
    }

    #[test]
    fn links_keep_their_order() -> Result {
        let (mut topology, first_crtc) = display()?;
        let second = topology.with_display()?;
        let third = topology.with_display()?;
        let plane = topology.with_plane(PlaneType::Overlay, &[third, first_crtc, second])?;
        let is = |topology: &Topology, crtcs: &[Id<Crtc>]| {
            topology
                .planes
                .get(plane)
                .is_some_and(|plane| plane.possible_crtcs.iter().eq(crtcs.iter().copied()))
        };

        assert!(is(&topology, &[third, first_crtc, second]));
        topology.forbid_plane(plane, first_crtc);
        assert!(is(&topology, &[third, second]));
        topology.allow_plane(plane, first_crtc)?;
        assert!(is(&topology, &[third, second, first_crtc]));
        Ok(())
    }

    #[test]
    fn no_links_to_what_is_not_there() -> Result {
        let (mut topology, crtc) = display()?;
        let plane = topology.with_plane(PlaneType::Overlay, &[])?;
        let encoder = topology.with_encoder(&[])?;
        let connector = topology.with_connector(&[])?;

        topology.planes.remove(plane);
        assert_eq!(topology.allow_plane(plane, crtc), Err(EINVAL));
        topology.remove_encoder(encoder);
        assert_eq!(topology.allow_encoder(encoder, crtc), Err(EINVAL));
        assert_eq!(topology.allow_connector(connector, encoder), Err(EINVAL));
        topology.connectors.remove(connector);

        let encoder = first(&topology.encoders)?;

        assert_eq!(topology.allow_connector(connector, encoder), Err(EINVAL));
        assert_eq!(topology.validate(), Ok(()));
        Ok(())
    }

    #[test]
    fn removal_removes_links() -> Result {
        let (mut topology, crtc) = display()?;
        let second = topology.with_display()?;
        let plane = topology.with_plane(PlaneType::Overlay, &[crtc, second])?;
        let encoder = topology.with_encoder(&[crtc, second])?;
        let connector = topology.with_connector(&[encoder])?;

        topology.remove_crtc(second);
        assert!(topology.planes.get(plane).is_some_and(|plane| plane
            .possible_crtcs
            .iter()
            .count()
            == 1));
        assert!(topology.encoders.get(encoder).is_some_and(|encoder| encoder
            .possible_crtcs
            .iter()
            .count()
            == 1));
        topology.remove_encoder(encoder);
        assert!(topology
            .connectors
            .get(connector)
            .is_some_and(|connector| connector.possible_encoders.is_empty()));
        Ok(())
    }

    #[test]
    fn numbers_are_used_once() -> Result {
        let (mut topology, crtc) = display()?;
        let plane = topology.with_plane(PlaneType::Overlay, &[crtc])?;

        topology.planes.remove(plane);
        topology.planes.remove(plane);

        let other = topology.with_plane(PlaneType::Overlay, &[crtc])?;

        assert!(plane != other);
        assert!(topology.planes.get(plane).is_none());
        assert!(topology.planes.get_mut(plane).is_none());
        assert_eq!(topology.planes.len(), 2);
        Ok(())
    }

    #[test]
    fn copies_are_independent() -> Result {
        let (mut topology, crtc) = display()?;
        let cursor = topology.with_plane(PlaneType::Cursor, &[crtc])?;
        let copy = topology.try_clone()?;

        topology.planes.remove(cursor);
        topology.remove_crtc(crtc);
        assert!(topology.validate().is_err());
        assert_eq!(copy.validate(), Ok(()));
        assert!(copy.plane_of(crtc, PlaneType::Cursor) == Some(cursor));
        Ok(())
    }

    #[test]
    fn copies_share_the_status() -> Result {
        let (topology, _) = display()?;
        let connector = first(&topology.connectors)?;
        let copy = topology.try_clone()?;
        let original = topology.connectors.get(connector).ok_or(EINVAL)?;
        let copy = copy.connectors.get(connector).ok_or(EINVAL)?;

        for status in [
            ConnectorStatus::Disconnected,
            ConnectorStatus::Unknown,
            ConnectorStatus::Connected,
        ] {
            original.status.set(status);
            assert_eq!(copy.status.get(), status);
        }
        Ok(())
    }
}
