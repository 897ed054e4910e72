// SPDX-License-Identifier: GPL-2.0

//! Which topologies make a device.

use super::{
    Crtc,
    Id,
    Topology, //
};
use kernel::{
    drm::kms::PlaneType,
    fmt,
    prelude::*, //
};

/// How many objects of a kind a device can have.
const MAX_OBJECTS: usize = 31;

/// Why a topology makes no device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    PlaneNumber,
    CrtcNumber,
    EncoderNumber,
    ConnectorNumber,
    PlaneWithoutCrtc,
    NoPrimary,
    SeveralPrimaries,
    SeveralCursors,
    SharedPrimary,
    EncoderWithoutCrtc,
    CrtcWithoutEncoder,
    ConnectorWithoutEncoder,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PlaneNumber => "the number of planes must be between 1 and 31",
            Self::CrtcNumber => "the number of CRTCs must be between 1 and 31",
            Self::EncoderNumber => "the number of encoders must be between 1 and 31",
            Self::ConnectorNumber => "the number of connectors must be between 1 and 31",
            Self::PlaneWithoutCrtc => "all planes must have at least one possible CRTC",
            Self::NoPrimary => "a CRTC has no primary plane",
            Self::SeveralPrimaries => "a CRTC has several primary planes",
            Self::SeveralCursors => "a CRTC has several cursor planes",
            Self::SharedPrimary => "a primary plane is that of several CRTCs",
            Self::EncoderWithoutCrtc => "all encoders must have at least one possible CRTC",
            Self::CrtcWithoutEncoder => "all CRTCs must have at least one possible encoder",
            Self::ConnectorWithoutEncoder => {
                "all connectors must have at least one possible encoder"
            }
        })
    }
}

/// Returns `Ok` if `condition` is true.
fn require(condition: bool, otherwise: Invalid) -> Result<(), Invalid> {
    if condition {
        Ok(())
    } else {
        Err(otherwise)
    }
}

impl Topology {
    /// Checks that a device can be made of this topology.
    ///
    /// The rules are VKMS's, and one more: a primary plane belongs to one CRTC. VKMS accepts a
    /// shared one, and the core then warns.
    ///
    /// # Errors
    ///
    /// Says which rule is broken.
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        let number = |len| (1..=MAX_OBJECTS).contains(&len);

        require(number(self.planes.len()), Invalid::PlaneNumber)?;
        require(number(self.crtcs.len()), Invalid::CrtcNumber)?;
        require(number(self.encoders.len()), Invalid::EncoderNumber)?;
        require(number(self.connectors.len()), Invalid::ConnectorNumber)?;

        for plane in self.planes.values() {
            require(!plane.possible_crtcs.is_empty(), Invalid::PlaneWithoutCrtc)?;
        }
        for (crtc, _) in self.crtcs.iter() {
            let primaries = self.count_planes(crtc, PlaneType::Primary);

            require(primaries > 0, Invalid::NoPrimary)?;
            require(primaries == 1, Invalid::SeveralPrimaries)?;
            require(
                self.count_planes(crtc, PlaneType::Cursor) <= 1,
                Invalid::SeveralCursors,
            )?;
        }
        for plane in self.planes.values() {
            require(
                plane.type_ != PlaneType::Primary || plane.possible_crtcs.iter().count() == 1,
                Invalid::SharedPrimary,
            )?;
        }

        for encoder in self.encoders.values() {
            require(
                !encoder.possible_crtcs.is_empty(),
                Invalid::EncoderWithoutCrtc,
            )?;
        }
        for (crtc, _) in self.crtcs.iter() {
            require(
                self.encoders
                    .values()
                    .any(|encoder| encoder.possible_crtcs.contains(crtc)),
                Invalid::CrtcWithoutEncoder,
            )?;
        }
        for connector in self.connectors.values() {
            require(
                !connector.possible_encoders.is_empty(),
                Invalid::ConnectorWithoutEncoder,
            )?;
        }
        Ok(())
    }

    /// Returns how many planes of a type a CRTC can show.
    fn count_planes(&self, crtc: Id<Crtc>, type_: PlaneType) -> usize {
        self.planes
            .values()
            .filter(|plane| plane.type_ == type_ && plane.possible_crtcs.contains(crtc))
            .count()
    }
}
