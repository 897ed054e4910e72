// SPDX-License-Identifier: GPL-2.0

//! From vblanks to CRCs and written pictures: the composition of the frames of a CRTC, outside of
//! interrupt context.
//!
//! A commit publishes a [`Frame`]. While somebody wants CRCs, each vblank of the CRTC puts the
//! frame that is published at that time on a list of jobs, and a work item composes them one after
//! the other. When the work falls behind, vblanks that show the same frame share a job: the picture
//! is composed once and its CRC reported for each of them.
//!
//! A commit can ask for the picture, too. The first vblank that shows its frame makes a job of that,
//! the same one as for the CRC. Should the next frame come first, the picture is composed without a
//! vblank: what user space was promised is kept.

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
    writeback::Writeback, //
};
use kernel::{
    drm::kms::{
        Crtc,
        KmsRef,
        OrderedQueue,
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

/// The CRCs to report for a frame: one for each of the vblanks `first` to `last`.
struct CrcReport {
    crtc: KmsRef<Crtc<RvkmsCrtc>>,
    first: u64,
    last: u64,
}

/// A frame to compose.
struct Job {
    frame: Arc<Frame<Shown>>,
    crc: Option<CrcReport>,
    writeback: Option<Writeback>,
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
    /// Where `frame` has yet to be written to.
    writeback: Option<Writeback>,
    /// Frames that wait, oldest first. Has room for [`MAX_JOBS`] from the start.
    jobs: KVec<Job>,
    /// How many jobs were taken off the list.
    taken: u64,
    /// Whether the last one is being worked on.
    busy: bool,
}

impl State {
    /// Finds or makes the job for the published frame; [`None`] if there is no such frame, or no
    /// room.
    fn job(&mut self) -> Option<&mut Job> {
        let frame = self.frame.as_ref()?;
        let same = |job: &Job| Arc::ptr_eq(&job.frame, frame);

        if !self.jobs.last().is_some_and(same) {
            if self.jobs.len() >= MAX_JOBS {
                return None;
            }

            let job = Job {
                frame: frame.clone(),
                crc: None,
                writeback: None,
            };

            self.jobs.push_within_capacity(job).ok()?;
        }
        self.jobs.last_mut()
    }

    /// Makes a job of the writeback that waits for one. Returns whether there was one.
    fn start_writeback(&mut self) -> bool {
        let Some(writeback) = self.writeback.take() else {
            return false;
        };

        match self.job() {
            // A frame is written once at most.
            Some(job) if job.writeback.is_none() => {
                job.writeback = Some(writeback);
                true
            }
            _ => {
                self.writeback = Some(writeback);
                false
            }
        }
    }
}

/// What the work item works with.
struct Tools {
    composer: Composer,
    line: KVVec<u8>,
}

/// The composition of the frames of a CRTC.
#[pin_data]
pub(crate) struct Output {
    /// The frame that was published last. Locked while the next one is made of it.
    #[pin]
    latest: Mutex<Option<Arc<Frame<Shown>>>>,
    #[pin]
    state: SpinLockIrq<State>,
    /// Only the work item locks it.
    #[pin]
    tools: Mutex<Tools>,
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
            writeback: None,
            jobs: KVec::with_capacity(MAX_JOBS, GFP_KERNEL)?,
            taken: 0,
            busy: false,
        };
        let tools = Tools {
            composer: Composer::new(),
            line: KVVec::new(),
        };

        Arc::pin_init(
            pin_init!(Self {
                latest <- new_mutex!(None, "rvkms::Output::latest"),
                state <- new_spinlock_irq!(state, "rvkms::Output::state"),
                tools <- new_mutex!(tools, "rvkms::Output::tools"),
                progress <- new_condvar!("rvkms::Output::progress"),
                work <- new_work!("rvkms::Output::work"),
            }),
            GFP_KERNEL,
        )
    }

    /// Has the jobs worked on, by `queue`. Does not sleep.
    fn kick(self: &Arc<Self>, queue: &OrderedQueue) {
        // Fails if it is queued already, which is as good.
        let _ = queue.enqueue(self.clone());
    }

    /// Shows from the next vblank on what `next` makes of the frame that was shown up to now. Sleeps.
    ///
    /// Commits and updates of the cursor do so at the same time; none misses what another has done.
    pub(crate) fn show(
        self: &Arc<Self>,
        queue: &OrderedQueue,
        next: impl FnOnce(Option<&Frame<Shown>>) -> Option<Arc<Frame<Shown>>>,
    ) {
        let mut latest = self.latest.lock();
        let frame = next(latest.as_deref());

        self.publish(queue, frame.clone());
        *latest = frame;
    }

    /// Shows `frame` from the next vblank on. Sleeps while there are [`MAX_JOBS`] frames to compose
    /// already, so that commits are not faster than that, and neither a CRC nor a picture is missed.
    fn publish(self: &Arc<Self>, queue: &OrderedQueue, frame: Option<Arc<Frame<Shown>>>) {
        let mut state = self.state.lock();

        loop {
            if state.start_writeback() {
                self.kick(queue);
            } else if state.jobs.len() >= MAX_JOBS {
                self.progress.wait(&mut state);
            } else {
                break;
            }
        }

        let old = core::mem::replace(&mut state.frame, frame);

        // Unmaps framebuffers, which the lock does not allow.
        drop(state);
        drop(old);
    }

    /// Shows nothing any more, and waits until the frames that were shown are composed. Sleeps.
    ///
    /// There must be no further vblanks.
    pub(crate) fn stop(self: &Arc<Self>, queue: &OrderedQueue) {
        self.show(queue, |_| None);

        let mut state = self.state.lock();

        while state.busy || !state.jobs.is_empty() {
            self.progress.wait(&mut state);
        }
        state.last = None;
    }

    /// Starts to report CRCs, for as long as `vblanks` is there, or stops it. Sleeps.
    ///
    /// Nothing is reported afterwards of the frames that were shown before: whoever opens the CRCs
    /// next must not take them for those of what is shown then.
    pub(crate) fn report_crcs(&self, vblanks: Option<OwnedVblankRef<RvkmsCrtc>>) {
        let mut state = self.state.lock();
        let old = core::mem::replace(&mut state.crc, vblanks);

        state.last = None;
        for job in &mut state.jobs {
            // Gives up a reference to the device, which is not the last one: the caller has a CRTC.
            job.crc = None;
        }

        let taken = state.taken;

        while state.busy && state.taken == taken {
            self.progress.wait(&mut state);
        }
        drop(state);
        // May be the last user of the CRTC's vblanks, and switch them off.
        drop(old);
    }

    /// Has the published frame written. Sleeps.
    ///
    /// Without a frame, or if another writeback comes before this one could start, it fails.
    pub(crate) fn write_back(&self, writeback: Writeback) {
        let mut state = self.state.lock();
        let unused = if state.frame.is_some() {
            state.writeback.replace(writeback)
        } else {
            Some(writeback)
        };

        drop(state);
        drop(unused);
    }

    /// Handles a vblank of `crtc`, the CRTC of this composition, and has `queue` work on what it
    /// brings.
    ///
    /// Does not sleep; may be called in interrupt context.
    pub(crate) fn handle_vblank(self: &Arc<Self>, crtc: &Crtc<RvkmsCrtc>, queue: &OrderedQueue) {
        // With the lock held, no commit can publish its frame between the delivery of the events
        // for this vblank and the look at the frame that it shows.
        let mut state = self.state.lock();

        crtc.handle_vblank();

        // The number that the events were delivered with. When the machine is late, the count leaps;
        // user space gets an entry for each vblank nevertheless.
        let number = crtc.vblank_count();
        let first = state.last.map_or(number, |last| last + 1);
        let report = state.crc.is_some() && first <= number;
        let written = state.start_writeback();

        if report {
            // There is room: `publish` has left some for the frame that it published. Were there
            // none, the entry would be missing.
            if let Some(job) = state.job() {
                match &mut job.crc {
                    Some(crc) => crc.last = number,
                    None => {
                        job.crc = Some(CrcReport {
                            crtc: crtc.into(),
                            first,
                            last: number,
                        });
                    }
                }
                state.last = Some(number);
            }
        }
        drop(state);
        if report || written {
            self.kick(queue);
        }
    }

    /// Takes the next job off the list.
    fn next_job(&self) -> Option<Job> {
        let mut state = self.state.lock();
        let job = state.jobs.remove(0).ok();

        state.busy = job.is_some();
        state.taken += u64::from(state.busy);
        self.progress.notify_all();
        job
    }

    /// Composes a frame, writes it and reports its CRC.
    fn compose(&self, job: Job) {
        let Job {
            frame,
            crc,
            writeback,
        } = job;
        let mut tools = self.tools.lock();
        let Tools { composer, line } = &mut *tools;
        let mut sum = crc.is_some().then(Crc::new);
        let result = match &writeback {
            None => composer.compose(&frame, &mut sum),
            Some(writeback) => writeback
                .writer(frame.width(), line)
                .and_then(|writer| composer.compose(&frame, &mut (sum.as_mut(), writer))),
        };

        drop(tools);
        if let Some(writeback) = writeback {
            writeback.end(result);
        }
        if let (Some(sum), Some(crc), Ok(())) = (sum, crc, result) {
            crc.deliver(sum);
        }
    }
}

impl CrcReport {
    /// Reports the CRC.
    fn deliver(&self, sum: Crc) {
        for number in self.first..=self.last {
            let entry = self.crtc.add_crc_entry(Some(number as u32), &[sum.value()]);

            // User space may have closed the file meanwhile, or be too slow to read it. Either is
            // its own business.
            if let Err(error) = entry {
                pr_debug!("no CRC for frame {}: {:?}\n", number, error);
            }
        }
    }
}

impl WorkItem for Output {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some(job) = this.next_job() {
            this.compose(job);
        }
    }
}
