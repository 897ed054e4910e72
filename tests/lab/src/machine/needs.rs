// SPDX-License-Identifier: GPL-2.0

//! What a test needs, and which kernel, and so which machine, is the cheapest
//! that has it.

use crate::kernel::Flavour;
use anyhow::{Result, bail};

/// Something that not every machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Every check of the kernel that finds mistakes at run time.
    Checks,
    /// Devices that QEMU emulates.
    EmulatedDevices,
    /// BARs that user space can map.
    BarMapping,
    /// Times of code that computes: not those of an emulated CPU.
    Timing,
}

/// The kernels that boot, by what a boot costs.
const BY_COST: [Flavour; 3] = [Flavour::Uml, Flavour::UmlDebug, Flavour::X86_64];

/// Tells whether the machine of `flavour` has what is needed.
fn has(flavour: Flavour, need: Need) -> bool {
    match need {
        Need::Checks => flavour == Flavour::UmlDebug,
        Need::EmulatedDevices | Need::BarMapping => flavour == Flavour::X86_64,
        // Checks take longer than what they check; QEMU may have no KVM.
        Need::Timing => flavour == Flavour::Uml,
    }
}

/// Returns the kernel whose boot costs least among those that have all `needs`.
///
/// # Errors
///
/// Fails if there is none.
pub fn cheapest(needs: &[Need]) -> Result<Flavour> {
    let fits = |flavour: &Flavour| needs.iter().all(|&need| has(*flavour, need));
    match BY_COST.into_iter().find(fits) {
        Some(flavour) => Ok(flavour),
        None => bail!("no machine has all of {needs:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_that_fits_is_taken() {
        assert_eq!(cheapest(&[]).expect("any"), Flavour::Uml);
        assert_eq!(cheapest(&[Need::Timing]).expect("one"), Flavour::Uml);
        assert_eq!(cheapest(&[Need::Checks]).expect("one"), Flavour::UmlDebug);
        let needs = [Need::EmulatedDevices, Need::BarMapping];
        assert_eq!(cheapest(&needs).expect("one"), Flavour::X86_64);
        assert!(cheapest(&[Need::BarMapping, Need::Timing]).is_err());
    }

    #[test]
    fn all_that_is_listed_boots() {
        assert!(BY_COST.iter().all(|flavour| flavour.boots()));
        assert!(
            Flavour::ALL
                .iter()
                .filter(|flavour| flavour.boots())
                .count()
                == BY_COST.len()
        );
    }
}
