// SPDX-License-Identifier: GPL-2.0

//! The CRTC.

use crate::{
    compose::{
        Frame,
        Layer,
        Rect, //
    },
    format::Format,
    gamma::{
        self,
        Gamma, //
    },
    line::{
        LineSource,
        Reader, //
    },
    output::Output,
    pipeline::Transform,
    pixel::Pixel,
    plane::RvkmsPlane,
    writeback::Writeback,
    yuv::{
        Encoding,
        Range, //
    },
    RvkmsDriver, //
};
use kernel::{
    drm::{
        self,
        kms::{
            self,
            color::{
                ColorEncoding,
                ColorRange, //
            },
            AsyncUpdate,
            CrcSource,
            Crtc,
            CrtcCheck,
            CrtcCommit,
            CrtcState,
            DriverCrtc,
            DriverState,
            FramebufferMap,
            OrderedQueue,
            Plane,
            PlaneState, //
        }, //
    },
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        UniqueArc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

/// A framebuffer that is being shown.
#[derive(Clone)]
pub(crate) struct Shown(Arc<FramebufferMap<RvkmsDriver>>);

impl LineSource for Shown {
    fn read_line(&self, plane: usize, y: u32, offset: usize, out: &mut [u8]) -> Result {
        self.0.read_line(plane, y, offset, out)
    }
}

/// The data of a CRTC.
pub(crate) struct RvkmsCrtc {
    output: Arc<Output>,
    /// Where the work of `output` runs.
    queue: OrderedQueue,
}

impl RvkmsCrtc {
    /// Makes a CRTC of `dev`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(dev: &drm::Device<RvkmsDriver>) -> Result<Self> {
        Ok(Self {
            output: Output::new()?,
            queue: OrderedQueue::new(dev, c"rvkms_composer")?,
        })
    }

    /// Has the picture of the commit that is being executed written. Sleeps.
    pub(crate) fn write_back(&self, writeback: Writeback) {
        self.output.write_back(writeback);
    }
}

/// An empty frame for one commit, with room for the CRTC's planes.
///
/// Made while the commit can still fail, and taken when it cannot any more.
type PreparedFrame = Mutex<Option<UniqueArc<Frame<Shown>>>>;

/// The driver's part of the state of a CRTC.
#[derive(Default)]
pub(crate) struct RvkmsCrtcState {
    /// The frame that this commit shows; without one the CRTC is off.
    frame: Option<Pin<KBox<PreparedFrame>>>,
}

impl RvkmsCrtcState {
    /// Takes the frame that the check has made.
    fn take_frame(&self) -> Option<NextFrame> {
        self.frame.as_ref()?.lock().take().map(NextFrame)
    }
}

impl DriverState for RvkmsCrtcState {
    fn new() -> Result<Self> {
        Ok(Self::default())
    }

    fn duplicate(&self) -> Result<Self> {
        Ok(Self::default())
    }
}

#[vtable]
impl DriverCrtc for RvkmsCrtc {
    type Driver = RvkmsDriver;
    type State = RvkmsCrtcState;
    type Vblank = kms::vblank::Timer;

    const CRC_SOURCES: &'static [CrcSource] = &[CrcSource::new(c"auto")];

    fn atomic_check(check: &CrtcCheck<'_, Self>) -> Result {
        let mut new = check.new()?;

        // With more entries than the property says the table is refused even while it is not used.
        if new
            .gamma_lut()
            .is_some_and(|lut| lut.len() > gamma::MAX_ENTRIES)
        {
            return Err(EINVAL);
        }
        if !new.active() {
            new.data_mut().frame = None;
            return Ok(());
        }

        let mode = new.mode();
        // Nothing shines through the background.
        let [_, r, g, b] = new.background_color();
        let mut frame = Frame::new(
            u32::from(mode.hdisplay()),
            u32::from(mode.vdisplay()),
            Pixel::new(0xffff, r, g, b),
            new.plane_mask().count_ones() as usize,
        )?;

        if let Some(lut) = new.gamma_lut() {
            let gamma = Gamma::new(lut.iter().map(|e| [e.red(), e.green(), e.blue()]))?;

            frame.set_gamma(Arc::new(gamma, GFP_KERNEL)?);
        }

        let frame = UniqueArc::new(frame, GFP_KERNEL)?;

        new.data_mut().frame = Some(KBox::pin_init(new_mutex!(Some(frame)), GFP_KERNEL)?);
        Ok(())
    }

    fn atomic_flush(commit: &CrtcCommit<'_, Self>) {
        let crtc = commit.object();

        crtc.output.show(&crtc.queue, |before| {
            let mut frame = commit.new().take_frame()?;
            let mut changed = 0;

            for (plane, _, state) in commit.planes() {
                changed |= plane.mask();
                if state.is_on(crtc) {
                    frame.show(plane, state);
                }
            }
            frame.keep_planes(before, !changed);
            Some(frame.into())
        });
        // From here on a vblank shows the new frame: now its event may be armed.
        if let Some(event) = commit.take_event() {
            if crtc.vblank_get().is_err() {
                wait_for_a_frame(commit.old(), commit.new());
            }
            event.arm_or_send();
        }
    }

    fn atomic_disable(commit: &CrtcCommit<'_, Self>) {
        let crtc = commit.object();

        crtc.output.stop(&crtc.queue);
    }

    fn handle_vblank_timeout(crtc: &Crtc<Self>) -> bool {
        crtc.output.handle_vblank(crtc, &crtc.queue);
        true
    }

    fn set_crc_source(crtc: &Crtc<Self>, source: Option<&'static CrcSource>) -> Result {
        let vblanks = match source {
            Some(_) => Some(crtc.vblank_get()?.into_owned()),
            None => None,
        };

        crtc.output.report_crcs(vblanks);
        Ok(())
    }
}

/// A frame that is about to be shown. The checks have seen to it that nothing can fail.
struct NextFrame(UniqueArc<Frame<Shown>>);

impl NextFrame {
    /// Puts into the frame what a plane shows.
    fn show(&mut self, plane: &Plane<RvkmsPlane>, state: &PlaneState<RvkmsPlane>) {
        if !state.visible() {
            return;
        }

        let layer = layer(state).map(|layer| layer.at_index(index(plane)));

        if let Err(error) = layer.and_then(|layer| self.0.push(layer)) {
            pr_err!("cannot show a plane: {:?}\n", error);
        }
    }

    /// Keeps what the planes in `mask` have shown before.
    fn keep_planes(&mut self, before: Option<&Frame<Shown>>, mask: u32) {
        let Some(before) = before else { return };

        if let Err(error) = self.0.keep(before, |index| mask & (1 << index) != 0) {
            pr_err!("cannot go on to show a plane: {:?}\n", error);
        }
    }
}

impl From<NextFrame> for Arc<Frame<Shown>> {
    fn from(frame: NextFrame) -> Self {
        frame.0.into()
    }
}

/// Shows at once what has changed on a plane.
pub(crate) fn show_at_once(update: &AsyncUpdate<'_, RvkmsPlane>) {
    let Some(mut frame) = update.crtc_state().take_frame() else {
        return;
    };

    let crtc = update.crtc();

    crtc.output.show(&crtc.queue, |before| {
        // Of a commit that is still to come, nothing is shown in advance.
        frame.0.look_like(before?);
        frame.show(update.plane(), update.state());
        frame.keep_planes(before, !update.plane().mask());
        Some(frame.into())
    });
}

/// Returns the number of a plane. The default planes of a device are numbered from the bottom up.
fn index(plane: &Plane<RvkmsPlane>) -> u32 {
    plane.mask().trailing_zeros()
}

/// Waits for as long as a frame takes, of a CRTC that is being switched on or off.
///
/// While it is not on, there are no vblanks that could tell when the first frame, or the last one,
/// is at its end. User space that waits for the event relies on its being no earlier.
fn wait_for_a_frame(old: &CrtcState<RvkmsCrtc>, new: &CrtcState<RvkmsCrtc>) {
    let state = if new.active() { new } else { old };

    if !state.active() {
        return;
    }

    let duration = state.mode().frame_duration().unwrap_or(0);

    fsleep(Delta::from_nanos(i64::try_from(duration).unwrap_or(0)));
}

/// Makes the layer that shows a plane.
fn layer(plane: &PlaneState<RvkmsPlane>) -> Result<Layer<Shown>> {
    let map = plane.map().ok_or(EINVAL)?;
    let fourcc = map.framebuffer().format().fourcc().code();
    let format = Format::from_fourcc(fourcc).ok_or(EINVAL)?;
    let encoding = match plane.color_encoding() {
        ColorEncoding::Bt601 => Encoding::Bt601,
        ColorEncoding::Bt709 => Encoding::Bt709,
        ColorEncoding::Bt2020 => Encoding::Bt2020,
    };
    let range = match plane.color_range() {
        ColorRange::Limited => Range::Limited,
        ColorRange::Full => Range::Full,
    };
    let (src, dst) = (plane.src(), plane.dst());
    let rotation = plane.rotation();
    let size = (src.width() >> 16, src.height() >> 16);
    let shown = if rotation.swaps_axes() {
        (dst.height(), dst.width())
    } else {
        (dst.width(), dst.height())
    };

    // The check of the plane allows no scaling.
    if size != shown {
        return Err(EINVAL);
    }

    let dst = Rect {
        x1: dst.x1.try_into()?,
        y1: dst.y1.try_into()?,
        x2: dst.x2.try_into()?,
        y2: dst.y2.try_into()?,
    };

    let mut layer = Layer::new(
        Shown(map.clone()),
        Reader::new(format, encoding, range),
        (src.x1 >> 16).try_into()?,
        (src.y1 >> 16).try_into()?,
        dst,
    )
    .rotated(rotation);

    layer.set_color(
        plane
            .color_pipeline()
            .and_then(|pipeline| Transform::from_pipeline(pipeline)),
    );
    Ok(layer)
}
