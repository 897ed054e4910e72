// SPDX-License-Identifier: GPL-2.0

//! A driver that does what a test tells it, and what user space would do.

use crate::{
    bindings, container_of, device,
    drm::{
        self,
        gem,
        kms::{
            self,
            fourcc,
            AtomicCheck,
            Begin,
            Checked,
            CommitDone,
            CommitPlanes,
            CommitTail,
            Connector,
            ConnectorProbe,
            ConnectorStatus,
            ConnectorType,
            CrcSource,
            Crtc,
            CrtcCheck,
            CrtcCommit,
            DriverState,
            EncoderType,
            Framebuffer,
            ModeConfigInfo,
            ModeObject,
            Plane,
            PlaneArgs,
            PlaneCheck,
            PlaneCommit,
            PlaneType,
            Scaling,
            SetupDevice, //
        },
        kunit::fixture::{
            Client,
            Events, //
        },
        Device,
        UnregisteredDevice, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    faux,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        }, //
    },
};
use core::ptr::NonNull;

/// How many mode objects exist.
static OBJECTS: Atomic<i32> = Atomic::new(0);

/// How many states exist.
static STATES: Atomic<i32> = Atomic::new(0);

/// Whether new states fail, with `EDOM`.
static FAIL_NEW: Atomic<bool> = Atomic::new(false);

/// Whether duplicating states fails, with `EDOM`.
static FAIL_DUPLICATE: Atomic<bool> = Atomic::new(false);

/// Returns how many mode objects and states exist.
pub(super) fn live() -> (i32, i32) {
    (OBJECTS.load(Relaxed), STATES.load(Relaxed))
}

/// Has the creation or the duplication of states fail.
pub(super) fn fail_states(new: bool, duplicate: bool) {
    FAIL_NEW.store(new, Relaxed);
    FAIL_DUPLICATE.store(duplicate, Relaxed);
}

/// Counts itself.
pub(super) struct Counted(&'static Atomic<i32>);

impl Counted {
    fn new(counter: &'static Atomic<i32>) -> Self {
        counter.fetch_add(1, Relaxed);
        Self(counter)
    }

    /// Returns the data of a mode object.
    pub(super) fn object() -> Self {
        Self::new(&OBJECTS)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// A state with a number that is passed on, and one that is not.
pub(super) struct TestState {
    pub(super) kept: u32,
    pub(super) once: u32,
    _counted: Counted,
}

impl DriverState for TestState {
    fn new() -> Result<Self> {
        if FAIL_NEW.load(Relaxed) {
            return Err(EDOM);
        }
        Ok(Self {
            kept: 0,
            once: 0,
            _counted: Counted::new(&STATES),
        })
    }

    fn duplicate(&self) -> Result<Self> {
        if FAIL_DUPLICATE.load(Relaxed) {
            return Err(EDOM);
        }
        Ok(Self {
            kept: self.kept,
            once: 0,
            _counted: Counted::new(&STATES),
        })
    }
}

/// What a test has its device do.
pub(super) struct Script {
    pub(super) info: ModeConfigInfo,
    pub(super) setup: fn(&SetupDevice<'_, TestKms>) -> Result,
    pub(super) check: for<'a> fn(&mut AtomicCheck<'a, TestKms>) -> Result<Checked<'a>>,
    pub(super) update: fn(&PlaneCommit<'_, TestPlane>),
    pub(super) flush: fn(&CrtcCommit<'_, TestCrtc>),
    pub(super) modes: fn(&ConnectorProbe<'_, TestConnector>) -> Result,
    pub(super) flipped: fn(),
    pub(super) enables_first: bool,
}

impl Script {
    /// One display, and nothing special.
    pub(super) const DEFAULT: Self = Self {
        info: ModeConfigInfo {
            min_size: (1, 1),
            max_size: (4096, 4096),
            cursor_size: (64, 64),
            preferred_depth: 0,
        },
        setup: |setup| display(setup).map(|_| ()),
        check: |check| check.helper_check(),
        update: |_| {},
        flush: |_| {},
        modes: |probe| {
            probe.add_modes_noedid(1024, 768);
            Ok(())
        },
        flipped: || {},
        enables_first: false,
    };
}

/// The arguments of a primary plane.
pub(super) const PRIMARY: PlaneArgs<'static> = PlaneArgs {
    type_: PlaneType::Primary,
    formats: &[fourcc::XRGB8888, fourcc::NV12],
    modifiers: &[],
    name: None,
};

/// Creates a display with a primary plane.
pub(super) fn display<'a>(setup: &SetupDevice<'a, TestKms>) -> Result<&'a Crtc<TestCrtc>> {
    let primary = setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;
    let crtc = setup.create_crtc(primary, None, None, Ok(TestCrtc(Counted::object())))?;

    output(setup, crtc)?;
    Ok(crtc)
}

/// Creates an encoder and a connector for `crtc`.
pub(super) fn output(setup: &SetupDevice<'_, TestKms>, crtc: &Crtc<TestCrtc>) -> Result {
    output_of(setup, crtc, ConnectorType::Virtual)?;
    Ok(())
}

/// As [`output`], with a kind of connector.
pub(super) fn output_of<'a>(
    setup: &SetupDevice<'a, TestKms>,
    crtc: &Crtc<TestCrtc>,
    type_: ConnectorType,
) -> Result<&'a Connector<TestConnector>> {
    let data = Ok(TestEncoder(Counted::object()));
    let encoder = setup.create_encoder(EncoderType::Virtual, &[crtc], None, data)?;

    setup.create_connector(type_, &[encoder], Ok(TestConnector(Counted::object())))
}

/// The driver.
pub(super) struct TestKms;

/// The data of a device.
pub(super) struct Data {
    pub(super) script: &'static Script,
    pub(super) events: Events,
    /// Whether displays are connected.
    pub(super) connected: Atomic<bool>,
}

/// What happens, see [`Events`].
pub(super) const PLANE_CHECK: u64 = 1;
pub(super) const CRTC_CHECK: u64 = 2;
pub(super) const CRTC_DISABLE: u64 = 3;
pub(super) const CRTC_BEGIN: u64 = 4;
pub(super) const PLANE_UPDATE: u64 = 5;
pub(super) const PLANE_DISABLE: u64 = 6;
pub(super) const CRTC_FLUSH: u64 = 7;
pub(super) const CRTC_ENABLE: u64 = 8;
pub(super) const ENCODER_ENABLE: u64 = 9;
pub(super) const ENCODER_DISABLE: u64 = 0xa;
pub(super) const ASYNC_CHECK: u64 = 0xb;
pub(super) const ASYNC_UPDATE: u64 = 0xc;

pub(super) struct TestCrtc(#[expect(dead_code)] pub(super) Counted);

#[vtable]
impl kms::DriverCrtc for TestCrtc {
    type Driver = TestKms;
    type State = TestState;
    type Vblank = kms::vblank::Timer;

    const CRC_SOURCES: &'static [CrcSource] =
        &[CrcSource::new(c"output"), CrcSource::new(c"plane")];
    const CRC_VALUES: usize = 2;

    fn atomic_check(check: &CrtcCheck<'_, Self>) -> Result {
        check.dev().events.push(CRTC_CHECK);
        Ok(())
    }

    fn atomic_begin(commit: &CrtcCommit<'_, Self>) {
        commit.dev().events.push(CRTC_BEGIN);
    }

    fn atomic_flush(commit: &CrtcCommit<'_, Self>) {
        commit.dev().events.push(CRTC_FLUSH);
        (commit.dev().script.flush)(commit);
    }

    fn atomic_enable(commit: &CrtcCommit<'_, Self>) {
        commit.dev().events.push(CRTC_ENABLE);
    }

    fn atomic_disable(commit: &CrtcCommit<'_, Self>) {
        commit.dev().events.push(CRTC_DISABLE);
    }

    fn set_crc_source(_crtc: &Crtc<Self>, _source: Option<&'static CrcSource>) -> Result {
        Ok(())
    }
}

pub(super) struct TestPlane(#[expect(dead_code)] pub(super) Counted);

#[vtable]
impl kms::DriverPlane for TestPlane {
    type Driver = TestKms;
    type State = TestState;

    const MAP_FRAMEBUFFERS: bool = true;
    const PANIC_SCREEN: bool = true;
    const FB_DAMAGE_CLIPS: bool = true;

    fn atomic_check(check: &PlaneCheck<'_, Self>) -> Result {
        check.dev().events.push(PLANE_CHECK);

        let mut new = check.new()?;
        let Some(crtc) = new.crtc() else {
            return Ok(());
        };
        let crtc = check.add(crtc)?;

        check.check_plane_state(&mut new, &crtc, Scaling::NONE, false, false)
    }

    fn atomic_update(commit: &PlaneCommit<'_, Self>) {
        commit.dev().events.push(PLANE_UPDATE);
        (commit.dev().script.update)(commit);
    }

    fn atomic_disable(commit: &PlaneCommit<'_, Self>) {
        commit.dev().events.push(PLANE_DISABLE);
    }

    fn async_check(check: &PlaneCheck<'_, Self>) -> Result {
        check.dev().events.push(ASYNC_CHECK);
        Ok(())
    }

    fn async_update(update: &kms::AsyncUpdate<'_, Self>) {
        // The new framebuffer and its mapping are in the state, and the CRTC is the plane's.
        let whole = update.state().map().is_some_and(|map| {
            update
                .state()
                .framebuffer()
                .is_some_and(|fb| fb.as_raw() == map.framebuffer().as_raw())
        });

        if whole && update.state().is_on(update.crtc()) && update.crtc_state().active() {
            update.plane().dev().events.push(ASYNC_UPDATE);
        }
    }
}

pub(super) struct TestEncoder(#[expect(dead_code)] pub(super) Counted);

#[vtable]
impl kms::DriverEncoder for TestEncoder {
    type Driver = TestKms;

    fn atomic_enable(_: &kms::Encoder<Self>, commit: &kms::AtomicCommit<'_, TestKms>) {
        commit.dev().events.push(ENCODER_ENABLE);
    }

    fn atomic_disable(_: &kms::Encoder<Self>, commit: &kms::AtomicCommit<'_, TestKms>) {
        commit.dev().events.push(ENCODER_DISABLE);
    }
}

pub(super) struct TestConnector(#[expect(dead_code)] pub(super) Counted);

#[vtable]
impl kms::DriverConnector for TestConnector {
    type Driver = TestKms;
    type State = TestState;

    fn get_modes(probe: &ConnectorProbe<'_, Self>) -> Result {
        (probe.connector().dev().script.modes)(probe)
    }

    fn detect(connector: &Connector<Self>, _force: bool) -> ConnectorStatus {
        if connector.dev().connected.load(Relaxed) {
            ConnectorStatus::Connected
        } else {
            ConnectorStatus::Disconnected
        }
    }
}

impl kms::KmsDriver for TestKms {
    type Crtc = TestCrtc;
    type Plane = TestPlane;
    type Encoder = TestEncoder;
    type Connector = TestConnector;
    type Fbdev = kms::fbdev::Shmem;

    fn mode_config_info(dev: &Device<Self>) -> Result<ModeConfigInfo> {
        Ok(dev.script.info)
    }

    fn create_objects(setup: &SetupDevice<'_, Self>) -> Result {
        (setup.script.setup)(setup)
    }

    fn atomic_check<'a>(check: &mut AtomicCheck<'a, Self>) -> Result<Checked<'a>> {
        (check.dev().script.check)(check)
    }

    fn atomic_commit_tail<'a>(tail: CommitTail<'a, Self, Begin>) -> CommitDone<'a> {
        let script = tail.commit().dev().script;
        let tail = tail.commit_modeset_disables();
        let tail = if script.enables_first {
            tail.commit_modeset_enables()
                .commit_planes(CommitPlanes::ActiveOnly)
        } else {
            tail.commit_planes(CommitPlanes::All)
                .commit_modeset_enables()
        };

        let tail = tail.commit_hw_done().wait_for_flip_done();

        (script.flipped)();
        tail.cleanup_planes()
    }
}

/// A BO.
#[pin_data]
pub(super) struct Bo {}

impl gem::DriverObject for Bo {
    type Driver = TestKms;
    type Args = ();

    const DUMB: Option<gem::DumbCreate<Self>> = Some(gem::DumbCreate::new(|_dev, _buffer| Ok(())));

    fn new(_dev: &Device<TestKms>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {})
    }
}

/// A file.
pub(super) struct File;

impl drm::file::DriverFile for File {
    type Driver = TestKms;

    fn open(_dev: &Device<TestKms>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

#[vtable]
impl drm::Driver for TestKms {
    type Data = Data;
    type RegistrationData<'a> = ();
    type Object = gem::shmem::Object<Bo>;
    type File = File;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"kunit-kms",
        desc: c"KUnit",
    };
    const IOCTLS: &'static [drm::ioctl::DrmIoctlDescriptor<Self>] = &[];
}

/// Makes a device that follows `script`.
pub(super) fn device(
    parent: &faux::Registration,
    script: &'static Script,
    events: &Events,
) -> Result<UnregisteredDevice<TestKms>> {
    kms::new_device(
        parent.as_ref(),
        Ok(Data {
            script,
            events: events.clone(),
            connected: Atomic::new(true),
        }),
    )
}

/// Returns a CRTC of `dev`, as long as it has one of that index.
pub(super) fn crtc<D: kms::KmsDriver>(dev: &Device<D>, index: i32) -> Result<&Crtc<D::Crtc>> {
    // SAFETY: The device is valid.
    let crtc = unsafe { bindings::drm_crtc_from_index(dev.as_raw(), index) };

    if crtc.is_null() {
        return Err(ENOENT);
    }
    // SAFETY: A CRTC of a device of `D`, which lives as long as the device.
    Ok(unsafe { Crtc::from_raw(crtc) })
}

/// Returns a plane of `dev`, as long as it has one of that index.
pub(super) fn plane<D: kms::KmsDriver>(dev: &Device<D>, index: i32) -> Result<&Plane<D::Plane>> {
    // SAFETY: The device is valid.
    let plane = unsafe { bindings::drm_plane_from_index(dev.as_raw(), index) };

    if plane.is_null() {
        return Err(ENOENT);
    }
    // SAFETY: A plane of a device of `D`, which lives as long as the device.
    Ok(unsafe { Plane::from_raw(plane) })
}

/// Returns the first connector of `dev`.
pub(super) fn connector<D: kms::KmsDriver>(dev: &Device<D>) -> *mut bindings::drm_connector {
    // SAFETY: The device is valid and has a connector; nobody else uses the device.
    unsafe {
        container_of!(
            (*dev.as_raw()).mode_config.connector_list.next,
            bindings::drm_connector,
            head
        )
    }
}

/// Makes, checks and executes a commit as an ioctl does; `fill` says what is in it.
pub(super) fn commit<D: kms::KmsDriver>(
    dev: &Device<D>,
    fill: impl FnMut(*mut bindings::drm_atomic_commit) -> Result,
) -> Result {
    commit_with(dev, bindings::drm_atomic_commit, fill)
}

/// [`commit`] that does not wait.
pub(super) fn commit_nonblocking<D: kms::KmsDriver>(
    dev: &Device<D>,
    fill: impl FnMut(*mut bindings::drm_atomic_commit) -> Result,
) -> Result {
    commit_with(dev, bindings::drm_atomic_nonblocking_commit, fill)
}

fn commit_with<D: kms::KmsDriver>(
    dev: &Device<D>,
    execute: unsafe extern "C" fn(*mut bindings::drm_atomic_commit) -> c_int,
    mut fill: impl FnMut(*mut bindings::drm_atomic_commit) -> Result,
) -> Result {
    let mut ctx = bindings::drm_modeset_acquire_ctx::default();

    // SAFETY: All of this is what the atomic ioctl does, with valid arguments.
    unsafe {
        bindings::drm_modeset_acquire_init(&mut ctx, 0);
        let commit = bindings::drm_atomic_commit_alloc(dev.as_raw());
        let mut ret = Err(ENOMEM);

        if !commit.is_null() {
            (*commit).acquire_ctx = &mut ctx;
            (*commit).set_allow_modeset(true);
            loop {
                ret = fill(commit).and_then(|()| to_result(execute(commit)));
                if ret != Err(EDEADLK) {
                    break;
                }
                bindings::drm_atomic_commit_clear(commit);
                bindings::drm_modeset_backoff(&mut ctx);
            }
            bindings::drm_atomic_commit_put(commit);
        }
        bindings::drm_modeset_drop_locks(&mut ctx);
        bindings::drm_modeset_acquire_fini(&mut ctx);
        ret
    }
}

/// The size of the mode of [`show`].
pub(super) const SIZE: (u32, u32) = (640, 480);

/// Has `commit` show `fb` on the first display of `dev`, or switch the display off.
pub(super) fn show<D: kms::KmsDriver>(
    dev: &Device<D>,
    commit: *mut bindings::drm_atomic_commit,
    fb: Option<&Framebuffer<D>>,
) -> Result {
    show_with(dev, commit, fb, |_| ())
}

/// Does what [`show`] does, with a mode that `change` has changed.
pub(super) fn show_with<D: kms::KmsDriver>(
    dev: &Device<D>,
    commit: *mut bindings::drm_atomic_commit,
    fb: Option<&Framebuffer<D>>,
    change: fn(&mut bindings::drm_display_mode),
) -> Result {
    let mut mode = bindings::drm_display_mode {
        clock: 250_000,
        hdisplay: 640,
        hsync_start: 656,
        hsync_end: 752,
        htotal: 800,
        vdisplay: 480,
        vsync_start: 490,
        vsync_end: 492,
        vtotal: 525,
        ..Default::default()
    };
    let crtc = crtc(dev, 0)?.as_raw();
    let plane = plane(dev, 0)?.as_raw();

    change(&mut mode);
    // SAFETY: The mode is initialised.
    unsafe { bindings::drm_mode_set_crtcinfo(&mut mode, 0) };

    // SAFETY: The commit is valid and unchecked; all objects are of its device.
    unsafe {
        let on = fb.is_some();
        let on_crtc = if on { crtc } else { core::ptr::null_mut() };

        let state = from_err_ptr(bindings::drm_atomic_get_crtc_state(commit, crtc))?;
        let on_mode = if on {
            &raw const mode
        } else {
            core::ptr::null()
        };
        to_result(bindings::drm_atomic_set_mode_for_crtc(state, on_mode))?;
        (*state).active = on;

        let connector = connector(dev);
        let state = from_err_ptr(bindings::drm_atomic_get_connector_state(commit, connector))?;
        to_result(bindings::drm_atomic_set_crtc_for_connector(state, on_crtc))?;

        let state = from_err_ptr(bindings::drm_atomic_get_plane_state(commit, plane))?;
        to_result(bindings::drm_atomic_set_crtc_for_plane(state, on_crtc))?;
        let fb = fb.map_or(core::ptr::null_mut(), Framebuffer::as_raw);
        bindings::drm_atomic_set_fb_for_plane(state, fb);
        ((*state).crtc_w, (*state).crtc_h) = SIZE;
        ((*state).src_w, (*state).src_h) = (SIZE.0 << 16, SIZE.1 << 16);
    }
    Ok(())
}

/// Creates a BO of at least `size` bytes and returns its handle.
pub(super) fn dumb<D: kms::KmsDriver>(
    dev: &Device<D>,
    client: &Client<D>,
    size: u32,
) -> Result<u32> {
    let mut args = bindings::drm_mode_create_dumb {
        width: size.div_ceil(64),
        height: 16,
        bpp: 32,
        ..Default::default()
    };
    // SAFETY: The device and its driver are valid.
    let create = unsafe { (*(*dev.as_raw()).driver).dumb_create }.ok_or(ENOSYS)?;

    // SAFETY: The client has the device open.
    to_result(unsafe { create(client.file().as_raw(), dev.as_raw(), &mut args) })?;
    Ok(args.handle)
}

/// Creates a framebuffer, as the ioctl does after its own checks.
pub(super) fn framebuffer<D: kms::KmsDriver>(
    dev: &Device<D>,
    client: &Client<D>,
    format: kms::Fourcc,
    (width, height): (u32, u32),
    planes: &[(u32, u32, u32)],
) -> Result<ARef<Framebuffer<D>>> {
    let mut cmd = bindings::drm_mode_fb_cmd2 {
        width,
        height,
        pixel_format: format.code(),
        ..Default::default()
    };
    for (i, &(handle, pitch, offset)) in planes.iter().enumerate() {
        cmd.handles[i] = handle;
        cmd.pitches[i] = pitch;
        cmd.offsets[i] = offset;
    }
    let info = format.info().ok_or(EINVAL)?;

    // SAFETY: Everything is valid.
    let fb = from_err_ptr(unsafe {
        bindings::drm_gem_fb_create(dev.as_raw(), client.file().as_raw(), info.as_raw(), &cmd)
    })?;

    // SAFETY: A framebuffer of a device of `D`. The reference to it is ours; the one to the
    // device is taken here.
    unsafe {
        bindings::drm_dev_get(dev.as_raw());
        Ok(ARef::from_raw(NonNull::new_unchecked(fb.cast())))
    }
}

/// Creates a framebuffer for [`show`].
pub(super) fn screen<D: kms::KmsDriver>(
    dev: &Device<D>,
    client: &Client<D>,
) -> Result<ARef<Framebuffer<D>>> {
    let (width, height) = SIZE;
    let bo = dumb(dev, client, width * 4 * height)?;

    framebuffer(dev, client, fourcc::XRGB8888, SIZE, &[(bo, width * 4, 0)])
}
