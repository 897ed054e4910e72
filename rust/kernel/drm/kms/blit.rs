// SPDX-License-Identifier: GPL-2.0

//! Copies from framebuffers into I/O memory.

use super::{
    framebuffer::FramebufferMap,
    modes::Rect,
    KmsDriver, //
};
use crate::{
    io::{
        Io,
        IoBackend,
        IoCopyable, //
    },
    prelude::*,
    ptr::KnownSize, //
};

/// Bytes that are copied at a time: by way of the stack, since neither end can be referred to.
const CHUNK: usize = 256;

/// Copies `src` to the bytes of `dst` from `offset` on.
///
/// # Errors
///
/// `EINVAL` if they reach beyond `dst`.
fn write_bytes<'a, IO>(dst: IO, offset: usize, src: &[u8]) -> Result
where
    IO: Io<'a>,
    IO::Backend: IoCopyable,
    IO::Target: FromBytes + IntoBytes,
{
    let view = dst.as_view();
    let base = IO::Backend::as_ptr(view);
    let end = offset.checked_add(src.len()).ok_or(EINVAL)?;

    if end > KnownSize::size(base) {
        return Err(EINVAL);
    }
    let bytes =
        core::ptr::slice_from_raw_parts_mut(base.cast::<u8>().wrapping_byte_add(offset), src.len());

    // SAFETY: The bytes lie within the view, as checked above, and any bytes make a valid target.
    let view = unsafe { IO::Backend::project_view(view, bytes) };

    // SAFETY: `src` has as many bytes as the view. It is a reference to memory, hence does not
    // overlap I/O memory.
    unsafe { IO::Backend::copy_to_io(view, src.as_ptr()) };
    Ok(())
}

impl<D: KmsDriver> FramebufferMap<D> {
    /// Copies the pixels of `rect` into I/O memory: line by line, `pitch` bytes apart, the first
    /// one at byte `offset` of `dst`.
    ///
    /// For formats with one memory plane and whole bytes for each pixel. `rect` is in pixels of
    /// the framebuffer; an empty one copies nothing. Does not sleep. User space may write to the
    /// framebuffer at the same time, which gives a mixture of old and new pixels.
    ///
    /// C, for system memory: `drm_fb_memcpy()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the format has other memory planes or packs several pixels into a byte, or if
    /// `rect` reaches beyond the framebuffer or its copy beyond `dst`. What comes before the line
    /// that does not fit may have been copied.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{
    ///     drm::kms,
    ///     pci,
    ///     prelude::*, //
    /// };
    ///
    /// /// Updates the copy of a framebuffer at the start of the video memory.
    /// fn flush<T: kms::DriverPlane>(
    ///     commit: &kms::PlaneCommit<'_, T>,
    ///     vram: &pci::Bar<'_>,
    ///     pitch: usize,
    /// ) -> Result {
    ///     let Some(map) = commit.new().map() else {
    ///         return Ok(());
    ///     };
    ///     for rect in commit.damage() {
    ///         let (x, y) = (usize::try_from(rect.x1)?, usize::try_from(rect.y1)?);
    ///
    ///         map.copy_to_io(rect, vram, y * pitch + 4 * x, pitch)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn copy_to_io<'a, IO>(&self, rect: Rect, dst: IO, offset: usize, pitch: usize) -> Result
    where
        IO: Io<'a>,
        IO::Backend: IoCopyable,
        IO::Target: FromBytes + IntoBytes,
    {
        let format = self.framebuffer().format();

        if format.num_planes() != 1 || format.pixels_per_block(0) != Some(1) {
            return Err(EINVAL);
        }
        if rect.is_empty() {
            return Ok(());
        }
        let cpp = format.bytes_per_block(0).ok_or(EINVAL)? as usize;
        let x = usize::try_from(rect.x1).map_err(|_| EINVAL)?;
        let y = u32::try_from(rect.y1).map_err(|_| EINVAL)?;
        let start = x.checked_mul(cpp).ok_or(EINVAL)?;
        let bytes = (rect.width() as usize).checked_mul(cpp).ok_or(EINVAL)?;
        let mut buffer = [0; CHUNK];

        for line in 0..rect.height() {
            let mut to = pitch
                .checked_mul(line as usize)
                .and_then(|below| offset.checked_add(below))
                .ok_or(EINVAL)?;
            let mut from = start;
            let mut left = bytes;

            while left > 0 {
                let chunk = buffer.get_mut(..left.min(CHUNK)).ok_or(EINVAL)?;

                self.read_line(0, y.checked_add(line).ok_or(EINVAL)?, from, chunk)?;
                write_bytes(dst, to, chunk)?;
                left -= chunk.len();
                from += chunk.len();
                to = to.checked_add(chunk.len()).ok_or(EINVAL)?;
            }
        }
        Ok(())
    }
}
