// SPDX-License-Identifier: GPL-2.0

//! The composer: makes one picture of the layers of a frame, line by line.
//!
//! It works on a [`Frame`], which owns all that the picture depends on. Nothing here looks at the
//! state of a CRTC or plane, which user space may replace while a frame is being composed.
//!
//! A frame is cut into bands of lines that meet the same layers, and the lines of a band into
//! segments of pixels that meet the same layers. Of the layers of a segment only the topmost opaque
//! one and those above it are read.
//!
//! Segments are composed in pieces that fit the cache of a processor with all their layers. As long
//! as a piece has 8 bits per channel and layers hide what lies below them or are not there at all,
//! as is so inside of a window, it stays in the narrow representation; from the first layer on that
//! shines through it is wide. See [`pixel`](crate::pixel).

use crate::{
    blend,
    crc::Crc,
    gamma::Gamma,
    line::{
        scratch_size,
        LineSource,
        Reader, //
    },
    pipeline::Transform,
    pixel::{
        Argb8,
        Pixel,
        Rgb8, //
    },
    rotate::{
        unrotate,
        Direction,
        Representation,
        Strip,
        STRIP, //
    },
};
use kernel::{
    drm::kms::Rotation,
    prelude::*,
    sync::Arc, //
};

/// Most pixels of a piece.
const PIECE: u32 = 256;

/// A rectangle of the picture, in pixels; `x2` and `y2` are just outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rect {
    pub(crate) x1: u32,
    pub(crate) y1: u32,
    pub(crate) x2: u32,
    pub(crate) y2: u32,
}

impl Rect {
    const fn width(self) -> u32 {
        self.x2.saturating_sub(self.x1)
    }

    const fn height(self) -> u32 {
        self.y2.saturating_sub(self.y1)
    }
}

/// A picture that covers a rectangle of the frame.
#[derive(Clone)]
pub(crate) struct Layer<S> {
    source: S,
    reader: Reader,
    color: Option<Transform>,
    src_x: u32,
    src_y: u32,
    dst: Rect,
    rotation: Rotation,
    direction: Direction,
    /// Says which plane shows it, and which layers are below.
    index: u32,
}

impl<S> Layer<S> {
    /// Shows `source` in the rectangle `dst`. The pixel (`src_x`, `src_y`) of the source comes into
    /// the corner at the top left.
    pub(crate) const fn new(source: S, reader: Reader, src_x: u32, src_y: u32, dst: Rect) -> Self {
        Self {
            source,
            reader,
            color: None,
            src_x,
            src_y,
            dst,
            rotation: Rotation::NONE,
            direction: Direction::Right,
            index: 0,
        }
    }

    /// Rotates the part of the source that is shown. The pixel that was at the top left may come into
    /// another corner.
    pub(crate) fn rotated(self, rotation: Rotation) -> Self {
        Self {
            rotation,
            direction: Direction::new(rotation),
            ..self
        }
    }

    /// Gives the layer a place in the stack of layers: above those with smaller numbers.
    pub(crate) fn at_index(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// Transforms the pixels before they are blended.
    pub(crate) fn set_color(&mut self, color: Option<Transform>) {
        self.color = color;
    }

    /// Whether the pixels have a narrow form.
    fn is_narrow(&self) -> bool {
        self.color.is_none() && self.reader.is_narrow()
    }

    /// Whether the pixels have 8 bits per channel, alpha among them.
    fn has_alpha_8(&self) -> bool {
        self.color.is_none() && self.reader.has_alpha_8()
    }

    /// Whether the layer covers all pixels of the line `y` from `x1` to just before `x2`.
    fn covers(&self, y: u32, x1: u32, x2: u32) -> bool {
        (self.dst.y1..self.dst.y2).contains(&y) && self.dst.x1 <= x1 && x2 <= self.dst.x2
    }

    /// The size of the part of the source that is shown.
    const fn source_size(&self) -> (u32, u32) {
        if self.rotation.swaps_axes() {
            (self.dst.height(), self.dst.width())
        } else {
            (self.dst.width(), self.dst.height())
        }
    }

    /// Where the pixel (`x`, `y`) of the frame is in the part of the source that is shown.
    fn source_position(&self, x: u32, y: u32) -> Result<(u32, u32)> {
        let u = x.checked_sub(self.dst.x1).ok_or(EINVAL)?;
        let v = y.checked_sub(self.dst.y1).ok_or(EINVAL)?;

        unrotate(self.rotation, (u, v), self.source_size())
    }
}

impl<S: LineSource> Layer<S> {
    /// Reads the pixels from (`x`, `y`) of the frame on.
    fn read<P: Representation>(
        &self,
        y: u32,
        x: u32,
        out: &mut [P],
        strip: &mut Strip<P>,
        scratch: &mut [u8],
    ) -> Result {
        let (x, y) = self.source_position(x, y)?;
        let count = out.len();
        let line = |x: u32, out: &mut [P], scratch| {
            let x = self.src_x.checked_add(x).ok_or(EINVAL)?;
            let y = self.src_y.checked_add(y).ok_or(EINVAL)?;

            P::read(&self.reader, &self.source, y, x, out, scratch)
        };

        match self.direction {
            Direction::Right => line(x, out, scratch),
            Direction::Left => {
                let first = (x as usize + 1).checked_sub(count).ok_or(EINVAL)?;

                line(u32::try_from(first)?, out, scratch)?;
                out.reverse();
                Ok(())
            }
            Direction::Down | Direction::Up => {
                let column = strip.column(
                    &self.reader,
                    &self.source,
                    (self.src_x, self.src_y),
                    self.source_size(),
                    x,
                    scratch,
                )?;
                let y = y as usize;

                if self.direction == Direction::Down {
                    out.copy_from_slice(column.get(y..y + count).ok_or(EINVAL)?);
                } else {
                    let first = (y + 1).checked_sub(count).ok_or(EINVAL)?;
                    let run = column.get(first..=y).ok_or(EINVAL)?;

                    for (out, p) in out.iter_mut().zip(run.iter().rev()) {
                        *out = *p;
                    }
                }
                Ok(())
            }
        }
    }

    /// As [`read`](Self::read), for wide pixels, which are then transformed.
    fn wide(
        &self,
        y: u32,
        x: u32,
        out: &mut [Pixel],
        strip: &mut Strip<Pixel>,
        scratch: &mut [u8],
    ) -> Result {
        self.read(y, x, out, strip, scratch)?;
        if let Some(color) = &self.color {
            color.apply(out);
        }
        Ok(())
    }
}

/// All that a picture depends on.
///
/// # Invariants
///
/// Every layer's rectangle lies inside the frame and is not empty. The layers are sorted by their
/// numbers.
pub(crate) struct Frame<S> {
    width: u32,
    height: u32,
    background: Pixel,
    gamma: Option<Arc<Gamma>>,
    layers: KVec<Layer<S>>,
}

impl<S: LineSource> Frame<S> {
    /// Makes a frame without layers, with room for `layers` of them.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(width: u32, height: u32, background: Pixel, layers: usize) -> Result<Self> {
        Ok(Self {
            width,
            height,
            background,
            gamma: None,
            layers: KVec::with_capacity(layers, GFP_KERNEL)?,
        })
    }

    /// Pixels per line.
    pub(crate) const fn width(&self) -> u32 {
        self.width
    }

    /// Applies a look-up table to the finished picture.
    pub(crate) fn set_gamma(&mut self, gamma: Arc<Gamma>) {
        self.gamma = Some(gamma);
    }

    /// Takes over all of `other` that is not a layer.
    pub(crate) fn look_like(&mut self, other: &Self) {
        self.width = other.width;
        self.height = other.height;
        self.background = other.background;
        self.gamma = other.gamma.clone();
    }

    /// Puts a layer above those that the frame has, unless their numbers are greater.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the layer's rectangle is empty or not inside the frame; `ENOMEM`.
    pub(crate) fn push(&mut self, layer: Layer<S>) -> Result {
        let Rect { x1, y1, x2, y2 } = layer.dst;

        if x1 >= x2 || y1 >= y2 || x2 > self.width || y2 > self.height {
            return Err(EINVAL);
        }
        let at = self
            .layers
            .partition_point(|below| below.index <= layer.index);

        // INVARIANT: just checked; it goes where it belongs.
        self.layers.push(layer, GFP_KERNEL)?;
        if let Some(above) = self.layers.get_mut(at..) {
            above.rotate_right(1);
        }
        Ok(())
    }
}

impl<S: LineSource + Clone> Frame<S> {
    /// Adds those layers of `other` for whose number `keep` holds.
    ///
    /// # Errors
    ///
    /// See [`push`](Self::push).
    pub(crate) fn keep(&mut self, other: &Self, keep: impl Fn(u32) -> bool) -> Result {
        other
            .layers
            .iter()
            .filter(|layer| keep(layer.index))
            .try_for_each(|layer| self.push(layer.clone()))
    }
}

/// Takes the composed picture.
///
/// It comes in segments: lines from top to bottom, each from left to right, without gaps.
pub(crate) trait Sink {
    /// Takes a segment of the line `y` that starts at `x`.
    fn narrow(&mut self, y: u32, x: u32, segment: &[Rgb8]) -> Result;

    /// As [`Sink::narrow`], for the other representation.
    fn wide(&mut self, y: u32, x: u32, segment: &[Pixel]) -> Result;
}

impl Sink for Crc {
    fn narrow(&mut self, _y: u32, _x: u32, segment: &[Rgb8]) -> Result {
        Crc::narrow(self, segment);
        Ok(())
    }

    fn wide(&mut self, _y: u32, _x: u32, segment: &[Pixel]) -> Result {
        Crc::wide(self, segment);
        Ok(())
    }
}

impl<S: Sink> Sink for &mut S {
    fn narrow(&mut self, y: u32, x: u32, segment: &[Rgb8]) -> Result {
        S::narrow(self, y, x, segment)
    }

    fn wide(&mut self, y: u32, x: u32, segment: &[Pixel]) -> Result {
        S::wide(self, y, x, segment)
    }
}

/// Takes the picture, or leaves it.
impl<S: Sink> Sink for Option<S> {
    fn narrow(&mut self, y: u32, x: u32, segment: &[Rgb8]) -> Result {
        match self {
            Some(sink) => sink.narrow(y, x, segment),
            None => Ok(()),
        }
    }

    fn wide(&mut self, y: u32, x: u32, segment: &[Pixel]) -> Result {
        match self {
            Some(sink) => sink.wide(y, x, segment),
            None => Ok(()),
        }
    }
}

/// Gives the picture to both.
impl<A: Sink, B: Sink> Sink for (A, B) {
    fn narrow(&mut self, y: u32, x: u32, segment: &[Rgb8]) -> Result {
        self.0.narrow(y, x, segment)?;
        self.1.narrow(y, x, segment)
    }

    fn wide(&mut self, y: u32, x: u32, segment: &[Pixel]) -> Result {
        self.0.wide(y, x, segment)?;
        self.1.wide(y, x, segment)
    }
}

/// Pixels of a line that meet the same layers.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Segment {
    x1: u32,
    x2: u32,
    /// The topmost opaque layer; without one it is the background.
    base: Option<usize>,
    /// Whether there are layers above the base.
    blend: bool,
}

/// What reading a rotated layer needs.
struct Strips {
    narrow: Strip<Rgb8>,
    wide: Strip<Pixel>,
}

/// The composer with its buffers, which are kept from one frame to the next.
pub(crate) struct Composer {
    scratch: KVVec<u8>,
    /// One for each layer.
    strips: KVec<Strips>,
    narrow: KVVec<Rgb8>,
    above: KVVec<Argb8>,
    wide: KVVec<Pixel>,
    stage: KVVec<Pixel>,
    x_edges: KVec<u32>,
    y_edges: KVec<u32>,
    segments: KVec<Segment>,
}

impl Composer {
    /// Makes a composer. It takes memory for its buffers when it is used.
    pub(crate) const fn new() -> Self {
        Self {
            scratch: KVVec::new(),
            strips: KVec::new(),
            narrow: KVVec::new(),
            above: KVVec::new(),
            wide: KVVec::new(),
            stage: KVVec::new(),
            x_edges: KVec::new(),
            y_edges: KVec::new(),
            segments: KVec::new(),
        }
    }

    /// Composes `frame` into `sink`.
    ///
    /// Allocates memory and may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINVAL` if a layer is larger than its source; what `sink` returns.
    pub(crate) fn compose<S: LineSource>(
        &mut self,
        frame: &Frame<S>,
        sink: &mut impl Sink,
    ) -> Result {
        const COUNT: usize = PIECE as usize;

        // Strips are narrower than pieces.
        const { assert!(STRIP <= PIECE) };
        self.scratch.resize(scratch_size(COUNT), 0, GFP_KERNEL)?;
        self.narrow.resize(COUNT, 0, GFP_KERNEL)?;
        self.above.resize(COUNT, 0, GFP_KERNEL)?;
        self.wide.resize(COUNT, Pixel::BLACK, GFP_KERNEL)?;
        self.stage.resize(COUNT, Pixel::BLACK, GFP_KERNEL)?;
        for strips in &mut self.strips {
            strips.narrow.clear();
            strips.wide.clear();
        }
        while self.strips.len() < frame.layers.len() {
            let strips = Strips {
                narrow: Strip::new(),
                wide: Strip::new(),
            };

            self.strips.push(strips, GFP_KERNEL)?;
        }

        self.y_edges.clear();
        for layer in &frame.layers {
            self.y_edges.push(layer.dst.y1, GFP_KERNEL)?;
            self.y_edges.push(layer.dst.y2, GFP_KERNEL)?;
        }
        self.y_edges.push(frame.height, GFP_KERNEL)?;
        self.y_edges.sort_unstable();

        let mut y = 0;

        for band in 0..self.y_edges.len() {
            let Some(&end) = self.y_edges.get(band) else {
                break;
            };

            if y < end {
                self.cut_band(frame, y)?;
                for y in y..end {
                    self.line(frame, y, sink)?;
                }
                y = end;
            }
        }
        Ok(())
    }

    /// Cuts the lines of the band that starts at `y` into segments.
    fn cut_band<S>(&mut self, frame: &Frame<S>, y: u32) -> Result {
        self.x_edges.clear();
        for layer in frame
            .layers
            .iter()
            .filter(|l| l.covers(y, l.dst.x1, l.dst.x2))
        {
            self.x_edges.push(layer.dst.x1, GFP_KERNEL)?;
            self.x_edges.push(layer.dst.x2, GFP_KERNEL)?;
        }
        self.x_edges.push(frame.width, GFP_KERNEL)?;
        self.x_edges.sort_unstable();

        let mut x1 = 0;

        self.segments.clear();
        for &x2 in &self.x_edges {
            if x1 == x2 {
                continue;
            }

            let covering = |(_, l): &(usize, &Layer<S>)| l.covers(y, x1, x2);
            let top = frame.layers.iter().enumerate().filter(covering).last();
            let base = frame
                .layers
                .iter()
                .enumerate()
                .filter(covering)
                .filter(|(_, l)| l.reader.is_opaque())
                .last();
            let segment = Segment {
                x1,
                x2,
                base: base.map(|(i, _)| i),
                blend: top.map(|(i, _)| i) != base.map(|(i, _)| i),
            };

            // An edge of a hidden layer need not split anything.
            match self.segments.last_mut() {
                Some(last) if !last.blend && !segment.blend && last.base == segment.base => {
                    last.x2 = x2;
                }
                _ => self.segments.push(segment, GFP_KERNEL)?,
            }
            x1 = x2;
        }
        Ok(())
    }

    /// Composes a line of the band that was cut last.
    fn line<S: LineSource>(&mut self, frame: &Frame<S>, y: u32, sink: &mut impl Sink) -> Result {
        for i in 0..self.segments.len() {
            let Some(&segment) = self.segments.get(i) else {
                break;
            };
            let mut x1 = segment.x1;

            while x1 < segment.x2 {
                let x2 = x1.saturating_add(PIECE).min(segment.x2);

                self.piece(frame, Segment { x1, x2, ..segment }, y, sink)?;
                x1 = x2;
            }
        }
        Ok(())
    }

    /// Composes a piece of a segment.
    fn piece<S: LineSource>(
        &mut self,
        frame: &Frame<S>,
        piece: Segment,
        y: u32,
        sink: &mut impl Sink,
    ) -> Result {
        let Segment { x1, x2, .. } = piece;
        let count = (x2 - x1) as usize;
        let narrow = self.narrow.get_mut(..count).ok_or(EINVAL)?;
        let above = self.above.get_mut(..count).ok_or(EINVAL)?;
        let wide = self.wide.get_mut(..count).ok_or(EINVAL)?;
        let stage = self.stage.get_mut(..count).ok_or(EINVAL)?;
        let scratch = &mut self.scratch;
        // The first one is the base, if there is one.
        let first = piece.base.unwrap_or(0);
        let mut layers = frame.layers.iter().zip(&mut self.strips).skip(first);
        let mut base = piece.base.and_then(|_| layers.next());
        let mut is_narrow = fill_narrow(frame.background, base.as_mut(), y, x1, narrow, scratch)?;

        if !is_narrow {
            match base {
                None => wide.fill(frame.background),
                Some((layer, strips)) => layer.wide(y, x1, wide, &mut strips.wide, scratch)?,
            }
        }
        if piece.blend {
            for (layer, strips) in layers {
                if !layer.covers(y, x1, x2) {
                    continue;
                }

                let has_alpha_8 = layer.has_alpha_8();

                if has_alpha_8 {
                    layer.read(y, x1, above, &mut strips.narrow, scratch)?;
                    if is_narrow && blend::cover_line(above, narrow) {
                        continue;
                    }
                }
                if is_narrow {
                    blend::widen_line(narrow, wide);
                    is_narrow = false;
                }
                if has_alpha_8 {
                    blend::over_line_8(above, wide);
                } else {
                    layer.wide(y, x1, stage, &mut strips.wide, scratch)?;
                    blend::over_line(stage, wide);
                }
            }
        }
        match (&frame.gamma, is_narrow) {
            (None, true) => return sink.narrow(y, x1, narrow),
            (None, false) => {}
            (Some(gamma), true) => gamma.narrow(narrow, wide),
            (Some(gamma), false) => gamma.wide(wide),
        }
        sink.wide(y, x1, wide)
    }
}

/// Fills a piece with its base, if that has a narrow form.
fn fill_narrow<S: LineSource>(
    background: Pixel,
    base: Option<&mut (&Layer<S>, &mut Strips)>,
    y: u32,
    x: u32,
    out: &mut [Rgb8],
    scratch: &mut [u8],
) -> Result<bool> {
    match (base, background.to_rgb8()) {
        (Some((layer, strips)), _) if layer.is_narrow() => {
            layer.read(y, x, out, &mut strips.narrow, scratch)?;
        }
        (None, Some(background)) => out.fill(background),
        _ => return Ok(false),
    }
    Ok(true)
}
