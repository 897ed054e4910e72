// SPDX-License-Identifier: GPL-2.0

//! Page-flip events, and what their sequence numbers and time stamps must satisfy.

use crate::card::Card;
use anyhow::{Context, Result, bail};
use drm::control::{Device as _, Event, crtc};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::{Duration, Instant};

/// The moment a flip took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flip {
    /// The CRTC's vblank count.
    pub sequence: u32,
    /// The monotonic clock at that vblank.
    pub time: Duration,
}

/// Waits for the next page-flip event of `crtc`.
pub fn wait(card: &Card, crtc: crtc::Handle, limit: Duration) -> Result<Flip> {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).context("time limit")?;
        let mut fds = [PollFd::new(card, PollFlags::IN)];
        if poll(&mut fds, Some(&timeout)).context("waiting for an event")? == 0 {
            bail!("no page-flip event in {limit:?}");
        }
        for event in card.receive_events().context("reading events")? {
            if let Event::PageFlip(flip) = event
                && flip.crtc == crtc
            {
                return Ok(Flip {
                    sequence: flip.frame,
                    time: flip.duration,
                });
            }
        }
    }
}

/// Holds one flip against the one before it. Two flips never share a vblank; and as many frame
/// durations have to lie between the time stamps as vblanks were counted.
pub fn check(before: Flip, after: Flip, frame: Duration) -> Result<(), String> {
    let vblanks = after.sequence.wrapping_sub(before.sequence);
    if vblanks == 0 || vblanks > u32::MAX / 2 {
        return Err(format!(
            "flip sequence went from {} to {}",
            before.sequence, after.sequence
        ));
    }
    let Some(passed) = after.time.checked_sub(before.time) else {
        return Err(format!(
            "flip time stamp went back from {:?} to {:?}",
            before.time, after.time
        ));
    };
    let due = frame * vblanks;
    if passed.abs_diff(due) > frame / 2 {
        return Err(format!(
            "{vblanks} vblanks at {frame:?} each took {passed:?} by the time stamps"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_micros(16_667);

    fn at(sequence: u32, micros: u64) -> Flip {
        Flip {
            sequence,
            time: Duration::from_micros(micros),
        }
    }

    #[test]
    fn regular_and_skipped_vblanks_pass() {
        assert_eq!(check(at(7, 100), at(8, 16_767), FRAME), Ok(()));
        assert_eq!(check(at(7, 0), at(10, 50_001), FRAME), Ok(()));
        assert_eq!(check(at(u32::MAX, 0), at(0, 16_667), FRAME), Ok(()));
    }

    #[test]
    fn a_repeated_or_reversed_sequence_fails() {
        assert!(check(at(7, 0), at(7, 16_667), FRAME).is_err());
        assert!(check(at(7, 0), at(6, 16_667), FRAME).is_err());
    }

    #[test]
    fn time_that_does_not_fit_the_count_fails() {
        assert!(check(at(7, 0), at(8, 33_334), FRAME).is_err());
        assert!(check(at(7, 0), at(9, 16_667), FRAME).is_err());
        assert!(check(at(7, 50), at(8, 0), FRAME).is_err());
    }
}
