// SPDX-License-Identifier: GPL-2.0

//! What a device with mode setting does in the background, and how that ends.
//!
//! The vtables of a driver and everything that is generic over it are in the driver's module. Files
//! and exported BOs hold that module, but a nonblocking commit does not, and neither does a work
//! item: the core would return into memory that is gone. [`Lifecycle`] knows what is running, and
//! has the end of the [`Registration`](crate::drm::Registration) wait for it. The functions that
//! the core calls last are in this file; they are not generic, and never inlined, hence they stay
//! in the kernel.

use super::queue::RawQueue;
use crate::{
    bindings, dev_err, device,
    error::to_result,
    impl_has_work, new_condvar, new_mutex, new_work,
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
        rcu,
        Arc,
        Completion,
        CondVar,
        Mutex, //
    },
    workqueue::{
        Queue,
        Work,
        WorkItem, //
    },
};

/// What runs in the background of a device.
#[pin_data]
pub(crate) struct Lifecycle {
    /// How many nonblocking commits were not freed yet.
    #[pin]
    commits: Mutex<usize>,
    /// Signalled when there are none.
    #[pin]
    idle: CondVar,
    /// The queues of the driver. Places do not move, so that it can be walked without the lock.
    #[pin]
    queues: Mutex<KVec<Option<Arc<RawQueue>>>>,
    /// Whether queues take no work any more.
    closed: Atomic<bool>,
    /// Whether `drm_vblank_init()` is done.
    vblanks: Atomic<bool>,
    /// Whether the clients in the kernel were started.
    clients: Atomic<bool>,
    /// Whether this device is being switched off, with all modeset locks held.
    switching_off: Atomic<bool>,
    /// Forces the vblanks of all CRTCs off.
    vblanks_off: unsafe fn(*mut bindings::drm_device),
}

impl Lifecycle {
    /// `vblanks_off` gets a device whose vblanks are initialised and that nobody switches on.
    pub(super) fn new(vblanks_off: unsafe fn(*mut bindings::drm_device)) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                commits <- new_mutex!(0, "drm::kms::Lifecycle::commits"),
                idle <- new_condvar!("drm::kms::Lifecycle::idle"),
                queues <- new_mutex!(KVec::new(), "drm::kms::Lifecycle::queues"),
                closed: Atomic::new(false),
                vblanks: Atomic::new(false),
                clients: Atomic::new(false),
                switching_off: Atomic::new(false),
                vblanks_off,
            }),
            GFP_KERNEL,
        )
    }

    /// Says that `drm_vblank_init()` is done.
    pub(super) fn set_vblanks(&self) {
        self.vblanks.store(true, Release);
    }

    /// Tells whether the functions of `drm_vblank.h` may be called.
    pub(super) fn has_vblanks(&self) -> bool {
        self.vblanks.load(Acquire)
    }

    /// Returns whether this is the first call.
    pub(super) fn start_clients(&self) -> bool {
        !self.clients.xchg(true, Relaxed)
    }

    /// Tells whether the commit that is being checked is the one that switches the device off.
    ///
    /// Meant for the check phase of a commit: another one than that is not in it, for lack of
    /// modeset locks.
    pub(super) fn is_switching_off(&self) -> bool {
        self.switching_off.load(Relaxed)
    }

    /// Adds a queue, which the end of the device waits for, and returns its place.
    pub(super) fn add_queue(&self, queue: Arc<RawQueue>) -> Result<usize> {
        let mut queues = self.queues.lock();
        let free = queues.iter().position(Option::is_none);

        match free.and_then(|place| queues.get_mut(place).map(|slot| (place, slot))) {
            Some((place, slot)) => {
                *slot = Some(queue);
                Ok(place)
            }
            None => {
                queues.push(Some(queue), GFP_KERNEL)?;
                Ok(queues.len() - 1)
            }
        }
    }

    /// Removes the queue at a place.
    pub(super) fn remove_queue(&self, place: usize) {
        let queue = self.queues.lock().get_mut(place).and_then(Option::take);

        // May be the last reference, and wait for work that adds or removes queues.
        drop(queue);
    }

    /// Calls `f` if queues still take work. What `f` enqueues is waited for. Does not sleep.
    pub(super) fn while_open<R>(&self, f: impl FnOnce() -> R) -> Option<R> {
        // `close_queues` waits until nobody is in here who has read `false`.
        let _rcu = rcu::read_lock();

        (!self.closed.load(Relaxed)).then(f)
    }

    /// Has queues take no work any more, and waits for the work that there is. Sleeps.
    pub(crate) fn close_queues(&self) {
        self.closed.store(true, Relaxed);
        rcu::synchronize_rcu();

        for place in 0.. {
            let queue = match self.queues.lock().get(place) {
                Some(queue) => queue.clone(),
                None => break,
            };
            if let Some(queue) = queue {
                queue.flush();
            }
        }
    }

    /// Counts a nonblocking commit, unless the device was unplugged.
    ///
    /// # Safety
    ///
    /// `dev` must be valid.
    unsafe fn count(self: &Arc<Self>, dev: *mut bindings::drm_device) -> Option<InFlight> {
        let mut idx = 0;

        // SAFETY: By the safety requirements of this function.
        if !unsafe { bindings::drm_dev_enter(dev, &mut idx) } {
            return None;
        }
        // Unplugging waits for this section, and looks at the count after that.
        *self.commits.lock() += 1;
        // SAFETY: `drm_dev_enter()` returned true and set `idx`.
        unsafe { bindings::drm_dev_exit(idx) };

        Some(InFlight(self.clone()))
    }

    /// Executes a commit, unless the device is gone and the commit would switch a CRTC on.
    ///
    /// An ioctl that was on its way when the device was unplugged could otherwise switch a CRTC on
    /// after all of them were switched off for good. It is enough to look before the commit is
    /// executed: a commit has the locks of its CRTCs, and the shutdown, which begins when the
    /// device is marked, needs all of them. Who comes first is switched off, and who comes later
    /// sees the mark. In particular nothing of this is inside a `drm_dev_enter()` section, which
    /// must not wait for fences.
    ///
    /// Commits that leave CRTCs as they are or switch them off go on: the core needs them to clean
    /// up behind closed files. They are executed by the caller, who holds the file and thereby the
    /// module.
    ///
    /// # Errors
    ///
    /// `ENODEV` as described, `ENOMEM`, or an error of `drm_atomic_helper_commit()`.
    ///
    /// # Safety
    ///
    /// `commit` must be a checked commit of the device `dev`, of which this is the lifecycle.
    #[inline(never)]
    pub(super) unsafe fn commit(
        self: &Arc<Self>,
        dev: *mut bindings::drm_device,
        commit: *mut bindings::drm_atomic_commit,
        nonblock: bool,
    ) -> Result {
        // SAFETY: By the safety requirements of this function.
        let in_flight = unsafe { self.count(dev) };

        // SAFETY: By the safety requirements of this function.
        if in_flight.is_none() && unsafe { activates_crtc(commit) } {
            return Err(ENODEV);
        }
        match in_flight {
            // SAFETY: By the safety requirements of this function.
            Some(in_flight) if nonblock => unsafe { commit_nonblocking(in_flight, dev, commit) },
            in_flight => {
                drop(in_flight);
                // SAFETY: By the safety requirements of this function.
                to_result(unsafe { bindings::drm_atomic_helper_commit(dev, commit, false) })
            }
        }
    }

    /// Switches all CRTCs off for good, and waits for everything in the background.
    ///
    /// After it, no vblank is counted, no CRTC is switched on, no commit is executed but by who has
    /// the device open, and nothing is left on the queues. Sleeps, also uninterruptibly.
    ///
    /// # Safety
    ///
    /// `dev` must be valid, of this lifecycle, and unplugged. No modeset lock may be held.
    #[inline(never)]
    pub(crate) unsafe fn shut_down(self: &Arc<Self>, dev: *mut bindings::drm_device) {
        // SAFETY: By the safety requirements of this function.
        let ret = unsafe { SwitchOff::run_on(self, dev) };

        let mut commits = self.commits.lock();
        while *commits > 0 {
            self.idle.wait(&mut commits);
        }
        drop(commits);

        if let Err(err) = ret {
            // SAFETY: By the safety requirements of this function; a DRM device holds its parent.
            let parent = unsafe { device::Device::<device::Normal>::from_raw((*dev).dev) };

            dev_err!(parent, "CRTCs cannot be switched off: {:?}\n", err);
            // SAFETY: By the safety requirements of this function. Nobody switches a CRTC on: the
            // commits that were on their way are done, and others are refused.
            unsafe { self.force_vblanks_off(dev) };
        }
        self.close_queues();
    }

    /// Forces the vblanks of all CRTCs off.
    ///
    /// # Safety
    ///
    /// `dev` must be valid and of this lifecycle, and no CRTC may be switched on any more.
    pub(super) unsafe fn force_vblanks_off(&self, dev: *mut bindings::drm_device) {
        if self.has_vblanks() {
            // SAFETY: By the safety requirements of this function.
            unsafe { (self.vblanks_off)(dev) };
        }
    }

    /// Switches all CRTCs off: `drm_atomic_helper_shutdown()` with a result.
    ///
    /// # Safety
    ///
    /// `dev` must be valid and of this lifecycle. No modeset lock may be held.
    unsafe fn disable_all(&self, dev: *mut bindings::drm_device) -> Result {
        let mut ctx = bindings::drm_modeset_acquire_ctx::default();

        // SAFETY: The context is not moved before it is finished below.
        unsafe { bindings::drm_modeset_acquire_init(&mut ctx, 0) };
        let ret = loop {
            // SAFETY: By the safety requirements of this function.
            let ret = to_result(unsafe { bindings::drm_modeset_lock_all_ctx(dev, &mut ctx) })
                .and_then(|()| {
                    self.switching_off.store(true, Relaxed);
                    // SAFETY: All locks are held.
                    let ret = unsafe { bindings::drm_atomic_helper_disable_all(dev, &mut ctx) };
                    self.switching_off.store(false, Relaxed);
                    to_result(ret)
                });

            if ret != Err(EDEADLK) {
                break ret;
            }
            // Uninterruptible, as the context says; then it cannot fail.
            //
            // SAFETY: The context has met a deadlock.
            let _ = unsafe { bindings::drm_modeset_backoff(&mut ctx) };
        };
        // SAFETY: The context is initialised, and done with.
        unsafe {
            bindings::drm_modeset_drop_locks(&mut ctx);
            bindings::drm_modeset_acquire_fini(&mut ctx);
        }
        ret
    }
}

/// The queue that the C helpers take: commits overlap with the cleanup behind earlier ones.
fn queue() -> &'static Queue {
    // SAFETY: The queue is made at boot, before anything that could be a device, and lives forever.
    unsafe { Queue::from_raw(bindings::system_dfl_wq) }
}

/// A nonblocking commit that was counted. Dropped after the commit was freed.
struct InFlight(Arc<Lifecycle>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut commits = self.0.commits.lock();

        *commits -= 1;
        if *commits == 0 {
            self.0.idle.notify_all();
        }
    }
}

/// The work of a nonblocking commit.
#[pin_data]
struct CommitWork {
    commit: *mut bindings::drm_atomic_commit,
    _in_flight: InFlight,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for CommitWork { self.work }
}

// SAFETY: A commit that was checked is executed by any thread; it belongs to the work item.
unsafe impl Send for CommitWork {}

impl WorkItem for CommitWork {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>) {
        let commit = this.commit;

        // What `commit_tail()` of the C helpers does, but for drivers with self-refresh, which
        // there are none of.
        //
        // SAFETY: The commit is valid, belongs to a device with the vtables of this module, and its
        // states are swapped; the reference to it is given up at the end.
        unsafe {
            let dev = (*commit).dev;

            bindings::drm_atomic_helper_wait_for_fences(dev, commit, false);
            bindings::drm_atomic_helper_wait_for_dependencies(commit);
            if let Some(tail) = (*(*dev).mode_config.helper_private).atomic_commit_tail {
                tail(commit);
            }
            bindings::drm_atomic_helper_commit_cleanup_done(commit);
            bindings::drm_atomic_commit_put(commit);
        }
        // Now nothing of the driver runs any more: the commit, its states and its reference to the
        // device are gone.
        drop(this);
    }
}

/// Executes a commit up to the point of no return, and leaves the rest to a work item.
///
/// C: `drm_atomic_helper_commit()`.
///
/// # Safety
///
/// `commit` must be a checked commit of the device `dev`, which `in_flight` counts.
#[inline(never)]
unsafe fn commit_nonblocking(
    in_flight: InFlight,
    dev: *mut bindings::drm_device,
    commit: *mut bindings::drm_atomic_commit,
) -> Result {
    let work = KBox::pin_init(
        pin_init!(CommitWork {
            commit,
            _in_flight: in_flight,
            work <- new_work!("drm::kms::CommitWork"),
        }),
        GFP_KERNEL,
    )?;

    // SAFETY: By the safety requirements of this function, for each step.
    unsafe {
        to_result(bindings::drm_atomic_helper_setup_commit(commit, true))?;
        to_result(bindings::drm_atomic_helper_prepare_planes(dev, commit))?;
        to_result(bindings::drm_atomic_helper_swap_state(commit, true))
            .inspect_err(|_| bindings::drm_atomic_helper_unprepare_planes(dev, commit))?;
        // The reference of the work item.
        bindings::drm_atomic_commit_get(commit);
    }
    queue().enqueue(work);
    Ok(())
}

/// The work that switches a device off.
#[pin_data]
struct SwitchOff {
    lifecycle: Arc<Lifecycle>,
    dev: *mut bindings::drm_device,
    errno: Atomic<i32>,
    #[pin]
    done: Completion,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for SwitchOff { self.work }
}

// SAFETY: A device is switched off by any thread.
unsafe impl Send for SwitchOff {}

// SAFETY: As above; the pointer does not change.
unsafe impl Sync for SwitchOff {}

impl SwitchOff {
    /// Runs [`Lifecycle::disable_all`] where no signal can interrupt it.
    ///
    /// The helpers wait for earlier commits interruptibly.
    ///
    /// # Safety
    ///
    /// As for [`Lifecycle::disable_all`].
    unsafe fn run_on(lifecycle: &Arc<Lifecycle>, dev: *mut bindings::drm_device) -> Result {
        let this = Arc::pin_init(
            pin_init!(Self {
                lifecycle: lifecycle.clone(),
                dev,
                errno: Atomic::new(0),
                done <- Completion::new(),
                work <- new_work!("drm::kms::SwitchOff"),
            }),
            GFP_KERNEL,
        );

        let Ok(this) = this else {
            // Without memory for that, there is a good chance at least.
            //
            // SAFETY: By the safety requirements of this function.
            return unsafe { lifecycle.disable_all(dev) };
        };
        // It is new, hence not in a queue.
        let _ = queue().enqueue(this.clone());
        this.done.wait_for_completion();
        to_result(this.errno.load(Relaxed))
    }
}

impl WorkItem for SwitchOff {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        // SAFETY: `run_on` got a valid device and waits.
        if let Err(err) = unsafe { this.lifecycle.disable_all(this.dev) } {
            this.errno.store(err.to_errno(), Relaxed);
        }
        this.done.complete_all();
    }
}

/// Returns whether a CRTC is switched on by `commit`, or off and on again.
///
/// # Safety
///
/// `commit` must be a valid checked commit.
unsafe fn activates_crtc(commit: *mut bindings::drm_atomic_commit) -> bool {
    // SAFETY: By the safety requirements of this function.
    let count = unsafe { (*(*commit).dev).mode_config.num_crtc };

    (0..usize::try_from(count).unwrap_or(0)).any(|i| {
        // SAFETY: The array has an entry for each CRTC of the device.
        let entry = unsafe { &*(*commit).crtcs.add(i) };
        let state = entry.new_state;

        // SAFETY: States that are not null are valid as long as the commit is.
        !entry.ptr.is_null()
            && unsafe {
                (*state).active
                    && (bindings::drm_crtc_state::active_changed_raw(state)
                        || bindings::drm_crtc_state::mode_changed_raw(state)
                        || bindings::drm_crtc_state::connectors_changed_raw(state))
            }
    })
}
