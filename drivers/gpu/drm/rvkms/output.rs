// SPDX-License-Identifier: GPL-2.0

//! From vblanks to CRCs: the composition of the frames of a CRTC, outside of interrupt context.
//!
//! A commit publishes a [`Frame`]. While somebody wants CRCs, each vblank of the CRTC puts the
//! frame that is published at that time on a list of jobs, and a work item composes them one after
//! the other. When the work falls behind, vblanks that show the same frame share a job: the picture
//! is composed once and its CRC reported for each of them.

use crate::{
    compose::{
        Composer,
        Frame, //
    },
    crc::Crc,
    crtc::{
        RvkmsCrtc,
        Shown, //
    },
};
use kernel::{
    drm::kms::{
        Crtc,
        KmsRef,
        OwnedVblankRef, //
    },
    impl_has_work, new_condvar, new_mutex, new_spinlock_irq, new_work,
    prelude::*,
    sync::{
        Arc,
        CondVar,
        Mutex,
        SpinLockIrq, //
    },
    workqueue::{
        Work,
        WorkItem, //
    },
};

/// How many frames can wait for their composition: the one that is shown, and the one before it.
///
/// A commit that would add a third one waits.
const MAX_JOBS: usize = 2;

/// A frame to compose, for the vblanks `first` to `last`.
struct Job {
    crtc: KmsRef<Crtc<RvkmsCrtc>>,
    frame: Arc<Frame<Shown>>,
    first: u64,
    last: u64,
}

/// What interrupts, commits and the work item share.
struct State {
    /// What the CRTC shows.
    frame: Option<Arc<Frame<Shown>>>,
    /// Keeps vblanks coming while user space reads CRCs.
    crc: Option<OwnedVblankRef<RvkmsCrtc>>,
    /// The last vblank that a CRC was or will be reported for, since somebody wants them and the
    /// CRTC is on.
    last: Option<u64>,
    /// Frames that wait, oldest first. Has room for [`MAX_JOBS`] from the start.
    jobs: KVec<Job>,
    /// Whether a job is being worked on.
    busy: bool,
}

/// The composition of the frames of a CRTC.
#[pin_data]
pub(crate) struct Output {
    #[pin]
    state: SpinLockIrq<State>,
    /// Only the work item locks it.
    #[pin]
    composer: Mutex<Composer>,
    /// Signalled when a job is taken off the list, or there is none left to work on.
    #[pin]
    progress: CondVar,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Output { self.work }
}

impl Output {
    /// Makes the composition of a CRTC that shows nothing.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let state = State {
            frame: None,
            crc: None,
            last: None,
            jobs: KVec::with_capacity(MAX_JOBS, GFP_KERNEL)?,
            busy: false,
        };

        Arc::pin_init(
            pin_init!(Self {
                state <- new_spinlock_irq!(state, "rvkms::Output::state"),
                composer <- new_mutex!(Composer::new(), "rvkms::Output::composer"),
                progress <- new_condvar!("rvkms::Output::progress"),
                work <- new_work!("rvkms::Output::work"),
            }),
            GFP_KERNEL,
        )
    }

    /// Shows `frame` from the next vblank on. Sleeps while there are [`MAX_JOBS`] frames to compose
    /// already, so that commits are not faster than that and no CRC is missed.
    pub(crate) fn publish(&self, frame: Option<Arc<Frame<Shown>>>) {
        let mut state = self.state.lock();

        while state.jobs.len() >= MAX_JOBS {
            self.progress.wait(&mut state);
        }

        let old = core::mem::replace(&mut state.frame, frame);

        // Unmaps framebuffers, which the lock does not allow.
        drop(state);
        drop(old);
    }

    /// Shows nothing any more, and waits until the frames that were shown are composed. Sleeps.
    ///
    /// There must be no further vblanks.
    pub(crate) fn stop(&self) {
        self.publish(None);

        let mut state = self.state.lock();

        while state.busy || !state.jobs.is_empty() {
            self.progress.wait(&mut state);
        }
        state.last = None;
    }

    /// Starts to report CRCs, for as long as `vblanks` is there, or stops it.
    pub(crate) fn report_crcs(&self, vblanks: Option<OwnedVblankRef<RvkmsCrtc>>) {
        let mut state = self.state.lock();
        let old = core::mem::replace(&mut state.crc, vblanks);

        state.last = None;
        drop(state);
        // May be the last user of the CRTC's vblanks, and switch them off.
        drop(old);
    }

    /// Handles a vblank of `crtc`, the CRTC of this composition. Returns whether there is work.
    ///
    /// Does not sleep; may be called in interrupt context.
    pub(crate) fn handle_vblank(&self, crtc: &Crtc<RvkmsCrtc>) -> bool {
        // With the lock held, no commit can publish its frame between the delivery of the events
        // for this vblank and the look at the frame that it shows.
        let mut state = self.state.lock();

        crtc.handle_vblank();
        if state.crc.is_none() {
            return false;
        }

        let Some(frame) = state.frame.clone() else {
            return false;
        };
        // The number that the events were delivered with. When the machine is late, the count leaps;
        // user space gets an entry for each vblank nevertheless.
        let number = crtc.vblank_count();
        let first = state.last.map_or(number, |last| last + 1);

        if first > number {
            return false;
        }
        state.last = Some(number);
        match state.jobs.last_mut() {
            Some(job) if Arc::ptr_eq(&job.frame, &frame) => job.last = number,
            _ => {
                let job = Job {
                    crtc: crtc.into(),
                    frame,
                    first,
                    last: number,
                };

                // There is room: `publish` has left some for the frame that it published. Were
                // there none, the entry would be missing, and nothing freed here, because the
                // frame is still published.
                let _ = state.jobs.push_within_capacity(job);
            }
        }
        true
    }

    /// Takes the next job off the list.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.state.lock();
        let job = state.jobs.remove(0).ok();

        state.busy = job.is_some();
        self.progress.notify_all();
        job
    }

    /// Composes a frame and reports its CRC.
    fn compose(&self, job: &Job) -> Result {
        let mut crc = Crc::new();

        self.composer.lock().compose(&job.frame, &mut crc)?;
        for number in job.first..=job.last {
            job.crtc
                .add_crc_entry(Some(number as u32), &[crc.value()])?;
        }
        Ok(())
    }
}

impl WorkItem for Output {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some(job) = this.next_job() {
            // User space may have closed the file meanwhile, or be too slow to read it. Either is
            // its own business.
            if let Err(error) = this.compose(&job) {
                pr_debug!("no CRC for frame {}: {:?}\n", job.first, error);
            }
        }
    }
}
