// SPDX-License-Identifier: GPL-2.0

//! The pictures that are shown: a still test card and a moving pattern.

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::ascii::{FONT_9X15, FONT_10X20};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Circle, Line, PrimitiveStyle, Rectangle, Triangle};
use embedded_graphics::text::{Alignment, Text};
use std::convert::Infallible;

/// A picture in memory, one XRGB8888 word per pixel.
pub struct Picture {
    width: u32,
    height: u32,
    words: Vec<u32>,
}

impl OriginDimensions for Picture {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Picture {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = Pixel<Self::Color>>,
    {
        for Pixel(point, colour) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y))
                && x < self.width
                && y < self.height
            {
                self.words[(y * self.width + x) as usize] = colour.into_storage();
            }
        }
        Ok(())
    }
}

const BARS: [Rgb888; 8] = [
    Rgb888::new(235, 235, 235),
    Rgb888::new(235, 235, 16),
    Rgb888::new(16, 235, 235),
    Rgb888::new(16, 235, 16),
    Rgb888::new(235, 16, 235),
    Rgb888::new(235, 16, 16),
    Rgb888::new(16, 16, 235),
    Rgb888::new(16, 16, 16),
];

impl Picture {
    /// A black picture.
    pub fn new(width: u32, height: u32) -> Self {
        Picture {
            width,
            height,
            words: vec![0; (width * height) as usize],
        }
    }

    /// Copies the picture into the memory of an XRGB8888 framebuffer.
    pub fn copy_to(&self, memory: &mut [u8], pitch: usize) {
        let lines = self.words.chunks_exact(self.width as usize);
        for (line, target) in lines.zip(memory.chunks_mut(pitch)) {
            for (word, bytes) in line.iter().zip(target.chunks_exact_mut(4)) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
        }
    }

    fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: Rgb888) {
        let area = Rectangle::new(Point::new(x as i32, y as i32), Size::new(width, height));
        let Ok(()) = area
            .into_styled(PrimitiveStyle::with_fill(colour))
            .draw(self);
    }

    fn centred(&mut self, text: &str, y: i32, style: MonoTextStyle<'_, Rgb888>) {
        let at = Point::new(self.width as i32 / 2, y);
        let Ok(_) = Text::with_alignment(text, at, style, Alignment::Center).draw(self);
    }

    /// The still picture: colour bars, ramps of grey and of each primary colour, a grid with a
    /// circle that shows the shape of pixels, single-pixel lines along the edges, and `lines` of
    /// text. It uses every value of every channel.
    pub fn test_card(width: u32, height: u32, lines: &[&str]) -> Self {
        let mut card = Picture::new(width, height);
        let bar = width.div_ceil(BARS.len() as u32);
        let bars_end = height * 9 / 16;
        for (index, colour) in BARS.into_iter().enumerate() {
            card.fill(index as u32 * bar, 0, bar, bars_end, colour);
        }
        let ramps = [
            |v| Rgb888::new(v, v, v),
            |v| Rgb888::new(v, 0, 0),
            |v| Rgb888::new(0, v, 0),
            |v| Rgb888::new(0, 0, v),
        ];
        let ramp_height = (height - bars_end) / 6;
        for (index, ramp) in ramps.into_iter().enumerate() {
            for x in 0..width {
                let value = (u64::from(x) * 255 / u64::from(width.max(2) - 1)) as u8;
                let top = bars_end + index as u32 * ramp_height;
                card.fill(x, top, 1, ramp_height, ramp(value));
            }
        }
        card.checkers(bars_end + 4 * ramp_height);
        card.geometry();
        card.legend(lines);
        card
    }

    /// Squares of 1, 2, 4, 8 and 16 pixels from `top` to the lower edge.
    fn checkers(&mut self, top: u32) {
        let section = self.width.div_ceil(5).max(1);
        for y in top..self.height {
            for x in 0..self.width {
                let side = 1 << (x / section).min(4);
                let white = (x / side + y / side).is_multiple_of(2);
                self.words[(y * self.width + x) as usize] = if white { 0x00ff_ffff } else { 0 };
            }
        }
    }

    fn geometry(&mut self) {
        let thin = PrimitiveStyle::with_stroke(Rgb888::new(90, 90, 90), 1);
        let (width, height) = (self.width as i32, self.height as i32);
        for x in (0..width).step_by(64) {
            let Ok(()) = Line::new(Point::new(x, 0), Point::new(x, height - 1))
                .into_styled(thin)
                .draw(self);
        }
        for y in (0..height).step_by(64) {
            let Ok(()) = Line::new(Point::new(0, y), Point::new(width - 1, y))
                .into_styled(thin)
                .draw(self);
        }
        let white = PrimitiveStyle::with_stroke(Rgb888::WHITE, 1);
        let Ok(()) = self.bounding_box().into_styled(white).draw(self);
        let thick = PrimitiveStyle::with_stroke(Rgb888::WHITE, 3);
        let Ok(()) = Circle::with_center(Point::new(width / 2, height / 2), self.height * 9 / 10)
            .into_styled(thick)
            .draw(self);
    }

    fn legend(&mut self, lines: &[&str]) {
        let box_width = (self.width / 2).max(1);
        let box_height = 24 * lines.len() as u32 + 24;
        let left = (self.width - box_width) / 2;
        let top = self.height / 4;
        self.fill(left, top, box_width, box_height, Rgb888::BLACK);
        for (index, line) in lines.iter().enumerate() {
            let (font, colour) = if index == 0 {
                (&FONT_10X20, Rgb888::WHITE)
            } else {
                (&FONT_9X15, Rgb888::new(190, 190, 190))
            };
            let y = (top + 24 + 24 * index as u32) as i32;
            self.centred(line, y, MonoTextStyle::new(font, colour));
        }
    }

    /// Frame `index` of the moving pattern: a scrolling gradient, a bar that walks one step a
    /// frame, a triangle on a circular path, and the frame's number. No two frames in a row are
    /// equal.
    pub fn moving(width: u32, height: u32, index: u32) -> Self {
        let mut frame = Picture::new(width, height);
        for y in 0..height {
            for x in 0..width {
                let red = (x + index * 4) & 0xff;
                let green = (y + index * 2) & 0xff;
                let blue = ((x + y) / 2) & 0xff;
                frame.words[(y * width + x) as usize] = red << 16 | green << 8 | blue;
            }
        }
        let step = (width / 64).max(1);
        frame.fill(index * step % width, 0, step, height, Rgb888::WHITE);
        let angle = f64::from(index) / 30.0 * std::f64::consts::TAU;
        let radius = f64::from(width.min(height)) / 4.0;
        let centre = Point::new(
            (f64::from(width) / 2.0 + radius * angle.cos()) as i32,
            (f64::from(height) / 2.0 + radius * angle.sin()) as i32,
        );
        let size = (height / 16) as i32;
        let Ok(()) = Triangle::new(
            centre + Point::new(0, -size),
            centre + Point::new(-size, size),
            centre + Point::new(size, size),
        )
        .into_styled(PrimitiveStyle::with_fill(Rgb888::new(255, 180, 0)))
        .draw(&mut frame);
        frame.fill(16, 16, 190, 40, Rgb888::BLACK);
        let style = MonoTextStyle::new(&FONT_10X20, Rgb888::WHITE);
        let label = format!("frame {index}");
        let Ok(_) = Text::new(&label, Point::new(28, 42), style).draw(&mut frame);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_frames_differ() {
        let frames: Vec<_> = (0..4).map(|i| Picture::moving(320, 200, i).words).collect();
        for pair in frames.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn the_test_card_uses_every_value_of_every_channel() {
        let card = Picture::test_card(1024, 768, &["title", "line"]);
        for shift in [0, 8, 16] {
            let mut seen = [false; 256];
            for word in &card.words {
                seen[(word >> shift & 0xff) as usize] = true;
            }
            assert!(seen.iter().all(|&s| s), "channel at bit {shift}");
        }
    }

    #[test]
    fn small_modes_do_not_break_the_drawing() {
        Picture::test_card(16, 16, &["title"]);
        Picture::moving(16, 16, 1000);
    }

    #[test]
    fn lines_start_at_the_pitch() {
        let mut memory = vec![0xaa; 2 * 16];
        let mut picture = Picture::new(2, 2);
        picture.words = vec![1, 2, 3, 4];
        picture.copy_to(&mut memory, 16);
        assert_eq!(&memory[..8], &[1, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(&memory[8..16], &[0xaa; 8]);
        assert_eq!(&memory[16..24], &[3, 0, 0, 0, 4, 0, 0, 0]);
    }
}
