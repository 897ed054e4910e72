// SPDX-License-Identifier: GPL-2.0

//! Pictures in PNG files, and how two of them differ.

use anyhow::{Context, Result, bail};
use png::{ColorType, Transformations};
use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

/// A picture with 8 bits for each of red, green and blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    /// The pixels, line by line.
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Reads the PNG file `path`; an alpha channel in it does not count.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read or is in another colour space.
    pub fn read(path: &Path) -> Result<Self> {
        Self::decode(path).with_context(|| format!("{}", path.display()))
    }

    fn decode(path: &Path) -> Result<Self> {
        let mut decoder = png::Decoder::new(BufReader::new(File::open(path)?));
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let size = reader.output_buffer_size().context("too large a picture")?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes)?;
        bytes.truncate(info.buffer_size());
        let samples = match info.color_type {
            ColorType::Rgb => 3,
            ColorType::Rgba => 4,
            other => bail!("it has colours of the type {other:?}"),
        };
        Ok(Self {
            width: info.width,
            height: info.height,
            pixels: bytes
                .chunks_exact(samples)
                .map(|pixel| [pixel[0], pixel[1], pixel[2]])
                .collect(),
        })
    }

    /// Writes the PNG file `path`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let context = || format!("{}", path.display());
        let file = BufWriter::new(File::create(path).with_context(context)?);
        let mut encoder = png::Encoder::new(file, self.width, self.height);
        encoder.set_color(ColorType::Rgb);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(self.pixels.as_flattened()))
            .with_context(context)
    }

    /// Compares the picture with the one that was expected. If they differ,
    /// returns how, and a picture that is black where they do not, if they have
    /// the same size.
    pub fn differs_from(&self, expected: &Self) -> Option<(String, Option<Self>)> {
        if (self.width, self.height) != (expected.width, expected.height) {
            let text = format!(
                "it is {} by {} pixels large, not {} by {}",
                self.width, self.height, expected.width, expected.height
            );
            return Some((text, None));
        }
        let mut wrong = 0_usize;
        let mut first = None;
        let mut marked = self.clone();
        for (index, pixel) in marked.pixels.iter_mut().enumerate() {
            let want = expected.pixels[index];
            if *pixel == want {
                *pixel = [0; 3];
                continue;
            }
            wrong += 1;
            first.get_or_insert((index as u32, *pixel, want));
            *pixel = [255; 3];
        }
        let (index, got, want) = first?;
        let (x, y) = (index % self.width, index / self.width);
        let text = format!("{wrong} pixels differ, the first at {x}, {y}: {got:?}, not {want:?}");
        Some((text, Some(marked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(pixels: &[[u8; 3]]) -> Picture {
        Picture {
            width: 2,
            height: pixels.len() as u32 / 2,
            pixels: pixels.to_vec(),
        }
    }

    #[test]
    fn one_wrong_pixel_is_found() {
        let good = picture(&[[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 0, 0]]);
        assert_eq!(good.differs_from(&good), None);

        let bad = picture(&[[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 0, 1]]);
        let (text, marked) = bad.differs_from(&good).expect("a difference");
        assert!(text.contains("1 pixels") && text.contains("1, 1") && text.contains("[0, 0, 1]"));
        let black = [0; 3];
        assert_eq!(marked, Some(picture(&[black, black, black, [255; 3]])));

        let small = picture(&[[1, 2, 3], [4, 5, 6]]);
        let (text, marked) = small.differs_from(&good).expect("a difference");
        assert!(text.contains("2 by 1") && marked.is_none());
    }

    #[test]
    fn files_are_read_as_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.png");
        let picture = picture(&[[1, 2, 3], [4, 5, 6], [7, 8, 9], [255, 254, 253]]);
        picture.write(&path).expect("a file");
        assert_eq!(Picture::read(&path).expect("a picture"), picture);
        assert!(Picture::read(&dir.path().join("y.png")).is_err());
    }
}
