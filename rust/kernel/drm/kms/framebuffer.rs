// SPDX-License-Identifier: GPL-2.0

//! Framebuffers and kernel mappings of their memory.
//!
//! A [`Framebuffer`] gives one or more BOs a size, a format and a layout. User space creates it
//! and may write to its memory at any time, so that memory never appears as a Rust reference:
//! [`FramebufferMap`] copies lines out of it and into it.
//!
//! C headers: [`include/drm/drm_framebuffer.h`](srctree/include/drm/drm_framebuffer.h),
//! [`include/drm/drm_gem_framebuffer_helper.h`](srctree/include/drm/drm_gem_framebuffer_helper.h)

use super::{
    fourcc::{
        FormatInfo,
        Modifier, //
    },
    KmsDriver, //
};
use crate::{
    bindings,
    drm::{
        gem::IntoGEMObject,
        Device, //
    },
    error::to_result,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull, //
};

/// The largest number of memory planes of a framebuffer.
pub const MAX_PLANES: usize = 4;

/// A framebuffer of a device of driver `D`.
///
/// An `ARef<Framebuffer<D>>` holds the framebuffer and its device. Dropping the last reference may
/// sleep. A driver that keeps such a reference beyond the disabling of what shows it keeps the
/// device alive.
///
/// # Invariants
///
/// `self.0` is an initialised `struct drm_framebuffer` of a device of `D`, made by
/// `drm_gem_fb_create()` or its variant for damage: its BOs are GEM objects of `D`.
#[repr(transparent)]
pub struct Framebuffer<D: KmsDriver>(Opaque<bindings::drm_framebuffer>, PhantomData<D>);

// SAFETY: Size, format and BOs of a framebuffer never change, and its reference count is atomic.
unsafe impl<D: KmsDriver> Send for Framebuffer<D> {}

// SAFETY: As for `Send`.
unsafe impl<D: KmsDriver> Sync for Framebuffer<D> {}

// SAFETY: `inc_ref` takes a reference to the framebuffer, which keeps it in memory, and one to its
// device, since freeing the framebuffer needs the device. All framebuffers are counted.
unsafe impl<D: KmsDriver> AlwaysRefCounted for Framebuffer<D> {
    fn inc_ref(&self) {
        self.dev().inc_ref();

        // SAFETY: The framebuffer is valid, so its count is not zero.
        unsafe { bindings::drm_mode_object_get(&raw mut (*self.as_raw()).base) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the safety requirements of this function the object is valid.
        let this = unsafe { obj.as_ref() };
        let dev = NonNull::from(this.dev());

        // SAFETY: By the safety requirements of this function there was a matching `inc_ref`.
        unsafe { bindings::drm_mode_object_put(&raw mut (*this.as_raw()).base) };

        // SAFETY: `inc_ref` took this reference.
        unsafe { Device::<D>::dec_ref(dev) };
    }
}

impl<D: KmsDriver> Framebuffer<D> {
    /// # Safety
    ///
    /// `fb` must be null or point to a framebuffer of a device of `D` that is valid for `'a`.
    pub(crate) unsafe fn from_raw<'a>(fb: *mut bindings::drm_framebuffer) -> Option<&'a Self> {
        // SAFETY: By the safety requirements of this function; the type is transparent.
        // INVARIANT: Devices of `D` create framebuffers by these functions only.
        unsafe { fb.cast::<Self>().as_ref() }
    }

    pub(crate) fn as_raw(&self) -> *mut bindings::drm_framebuffer {
        self.0.get()
    }

    /// Returns the device.
    pub fn dev(&self) -> &Device<D> {
        // SAFETY: The device outlives its framebuffers and by the type invariants is one of `D`.
        unsafe { Device::from_raw((*self.as_raw()).dev) }
    }

    /// Returns the ID by which user space knows the framebuffer.
    pub fn id(&self) -> u32 {
        // SAFETY: The framebuffer is initialised.
        unsafe { (*self.as_raw()).base.id }
    }

    /// Returns the width in pixels.
    pub fn width(&self) -> u32 {
        // SAFETY: The framebuffer is initialised and its size never changes.
        unsafe { (*self.as_raw()).width }
    }

    /// Returns the height in lines.
    pub fn height(&self) -> u32 {
        // SAFETY: The framebuffer is initialised and its size never changes.
        unsafe { (*self.as_raw()).height }
    }

    /// Returns the properties of the pixel format.
    pub fn format(&self) -> FormatInfo {
        // SAFETY: The framebuffer is initialised, and the core makes none without a format, which
        // is an entry of its static table: the KMS abstractions set no `get_format_info` hook.
        unsafe { FormatInfo::from_raw_unchecked((*self.as_raw()).format) }
    }

    /// Returns the memory layout.
    pub fn modifier(&self) -> Modifier {
        // SAFETY: The framebuffer is initialised and its modifier never changes.
        let code = unsafe { (*self.as_raw()).modifier };

        Modifier::from_code(code).unwrap_or(Modifier::LINEAR)
    }

    /// Returns the bytes from one line to the next of memory plane `plane`, or [`None`] if there
    /// is no such plane.
    pub fn pitch(&self, plane: usize) -> Option<u32> {
        if plane >= self.format().num_planes() {
            return None;
        }
        // SAFETY: The framebuffer is initialised and its layout never changes.
        let pitches = unsafe { (*self.as_raw()).pitches };

        pitches.get(plane).copied()
    }

    /// Returns the bytes from the start of the BO to the start of memory plane `plane`, or
    /// [`None`] if there is no such plane.
    pub fn offset(&self, plane: usize) -> Option<u32> {
        if plane >= self.format().num_planes() {
            return None;
        }
        // SAFETY: The framebuffer is initialised and its layout never changes.
        let offsets = unsafe { (*self.as_raw()).offsets };

        offsets.get(plane).copied()
    }

    /// Returns the BO that holds memory plane `plane`, or [`None`] if there is no such plane.
    pub fn object(&self, plane: usize) -> Option<&D::Object> {
        let obj = self.raw_object(plane)?;

        // SAFETY: By the type invariants this is a GEM object of `D`, and all of them, imported
        // ones included, are `D::Object`. The framebuffer holds a reference to it.
        Some(unsafe { <D::Object as IntoGEMObject>::from_raw(obj.as_ptr()) })
    }

    fn raw_object(&self, plane: usize) -> Option<NonNull<bindings::drm_gem_object>> {
        if plane >= self.format().num_planes() {
            return None;
        }
        // SAFETY: The framebuffer is initialised and its BOs never change.
        let objects = unsafe { (*self.as_raw()).obj };

        objects.get(plane).and_then(|&obj| NonNull::new(obj))
    }

    /// Checks memory plane `plane` against its BO; returns bytes per line and lines.
    ///
    /// The core has checked this when the framebuffer was made, in 32-bit arithmetic and for the
    /// size the BO had then. A mapping depends on it, so it is checked again.
    fn plane_bounds(&self, plane: usize) -> Result<(u32, u32)> {
        let (bytes, lines) = self
            .format()
            .plane_size(plane, self.width(), self.height())
            .ok_or(EINVAL)?;
        let pitch = self.pitch(plane).ok_or(EINVAL)?;
        let offset = self.offset(plane).ok_or(EINVAL)?;
        let obj = self.raw_object(plane).ok_or(EINVAL)?;

        // SAFETY: The framebuffer holds a reference to the object, whose size never changes.
        let size = unsafe { (*obj.as_ptr()).size };

        if plane_fits(bytes, lines, pitch, offset, size) {
            Ok((bytes, lines))
        } else {
            Err(EINVAL)
        }
    }

    /// Maps the memory of the framebuffer into the kernel's address space.
    ///
    /// The mapping owns a reference to the framebuffer. May sleep; takes the reservation locks of
    /// the BOs, so do not call it with one of them held. C: `drm_gem_fb_vmap()`.
    ///
    /// # Errors
    ///
    /// - `EOPNOTSUPP` if the memory is not laid out line by line.
    /// - `EINVAL` if a memory plane reaches beyond its BO.
    /// - Whatever mapping the BO gives, as `ENOMEM`.
    pub fn vmap(&self) -> Result<FramebufferMap<D>> {
        if self.modifier() != Modifier::LINEAR {
            return Err(EOPNOTSUPP);
        }

        let mut planes = [PlaneBounds::default(); MAX_PLANES];
        let num_planes = self.format().num_planes();
        for (plane, bounds) in planes.iter_mut().enumerate().take(num_planes) {
            let (bytes, lines) = self.plane_bounds(plane)?;
            *bounds = PlaneBounds {
                bytes,
                lines,
                pitch: self.pitch(plane).ok_or(EINVAL)?,
            };
        }

        let mut map = MaybeUninit::<[bindings::iosys_map; MAX_PLANES]>::zeroed();
        let mut data = MaybeUninit::<[bindings::iosys_map; MAX_PLANES]>::zeroed();

        // SAFETY: The framebuffer is valid, and both arrays have room for all planes.
        to_result(unsafe {
            bindings::drm_gem_fb_vmap(
                self.as_raw(),
                map.as_mut_ptr().cast(),
                data.as_mut_ptr().cast(),
            )
        })?;

        // INVARIANT: The BOs were mapped just now; the bounds were checked above.
        Ok(FramebufferMap {
            fb: self.into(),
            // SAFETY: Zeroes are a valid null mapping, and the call above has filled in the rest.
            map: unsafe { map.assume_init() },
            // SAFETY: Likewise.
            data: unsafe { data.assume_init() },
            planes,
        })
    }
}

/// Returns whether `lines` lines of `bytes` bytes each, `pitch` bytes apart and starting at
/// `offset`, do not overlap and fit into `size` bytes.
pub(super) fn plane_fits(bytes: u32, lines: u32, pitch: u32, offset: u32, size: usize) -> bool {
    if bytes == 0 || lines == 0 || pitch < bytes {
        return false;
    }
    // At most (2^32 - 2) * (2^32 - 1) + 2 * (2^32 - 1), which is less than 2^64.
    let end = u64::from(lines - 1) * u64::from(pitch) + u64::from(offset) + u64::from(bytes);

    end <= size as u64
}

#[derive(Copy, Clone, Default)]
struct PlaneBounds {
    bytes: u32,
    lines: u32,
    pitch: u32,
}

/// A mapping of a [`Framebuffer`]'s memory into the kernel's address space.
///
/// It owns a reference to the framebuffer, so it can outlive the plane state it was taken from:
/// put it into an [`Arc`](crate::sync::Arc) to show it from several places.
///
/// User space and devices may write to this memory at any time. What is read can be any mixture of
/// old and new bytes; what is derived from them must be checked after they were copied.
///
/// Dropping the mapping may sleep and takes the reservation locks of the BOs.
///
/// # Invariants
///
/// - `map` holds the mappings of the BOs of `fb`, and `data` the same moved to the start of each
///   memory plane.
/// - `planes[i].lines` lines of `planes[i].bytes` bytes, `planes[i].pitch` bytes apart, starting at
///   `data[i]`, lie within the mapping, for each memory plane of `fb`; other entries are zero.
pub struct FramebufferMap<D: KmsDriver> {
    fb: ARef<Framebuffer<D>>,
    map: [bindings::iosys_map; MAX_PLANES],
    data: [bindings::iosys_map; MAX_PLANES],
    planes: [PlaneBounds; MAX_PLANES],
}

// SAFETY: The mapping is valid in all contexts of the kernel, and unmapping can be done from any
// thread.
unsafe impl<D: KmsDriver> Send for FramebufferMap<D> {}

// SAFETY: `&self` gives only copies from and to memory that may change at any time anyway.
unsafe impl<D: KmsDriver> Sync for FramebufferMap<D> {}

impl<D: KmsDriver> FramebufferMap<D> {
    /// Returns the framebuffer.
    pub fn framebuffer(&self) -> &Framebuffer<D> {
        &self.fb
    }

    /// Returns how many bytes a line of memory plane `plane` has, without padding; 0 if there is
    /// no such plane.
    pub fn line_bytes(&self, plane: usize) -> usize {
        self.planes.get(plane).map_or(0, |p| p.bytes as usize)
    }

    /// Returns how many lines memory plane `plane` has; 0 if there is no such plane.
    pub fn lines(&self, plane: usize) -> u32 {
        self.planes.get(plane).map_or(0, |p| p.lines)
    }

    /// Returns where memory plane `plane` is mapped and the bytes from one line to the next, or
    /// [`None`] if there is no such plane. Valid as long as the mapping.
    pub(super) fn raw_plane(&self, plane: usize) -> Option<(bindings::iosys_map, u32)> {
        let bounds = self.planes.get(plane).filter(|bounds| bounds.lines > 0)?;

        Some((*self.data.get(plane)?, bounds.pitch))
    }

    /// Returns mapping and offset of `len` bytes, starting at byte `start` of line `y`.
    fn locate(
        &self,
        plane: usize,
        y: u32,
        start: usize,
        len: usize,
    ) -> Result<(&bindings::iosys_map, usize)> {
        let bounds = self.planes.get(plane).ok_or(EINVAL)?;
        let data = self.data.get(plane).ok_or(EINVAL)?;
        let end = start.checked_add(len).ok_or(EINVAL)?;

        if y >= bounds.lines || end > bounds.bytes as usize {
            return Err(EINVAL);
        }
        // Cannot overflow: by the type invariants the line lies within the mapping.
        Ok((data, y as usize * bounds.pitch as usize + start))
    }

    /// Copies bytes of line `y` of memory plane `plane`, from byte `start` of the line on, to
    /// `dst`. Does not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such plane or line, or the bytes reach beyond the line.
    pub fn read_line(&self, plane: usize, y: u32, start: usize, dst: &mut [u8]) -> Result {
        let (map, offset) = self.locate(plane, y, start, dst.len())?;

        // SAFETY: `locate` checked that these bytes lie within the mapping. The copy is done in C
        // on raw pointers; memory that changes meanwhile gives a mixture of old and new bytes.
        unsafe { bindings::iosys_map_memcpy_from(dst.as_mut_ptr().cast(), map, offset, dst.len()) };
        Ok(())
    }

    /// Copies `src` into line `y` of memory plane `plane`, from byte `start` of the line on. Does
    /// not sleep.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such plane or line, or the bytes reach beyond the line.
    pub fn write_line(&self, plane: usize, y: u32, start: usize, src: &[u8]) -> Result {
        let (map, offset) = self.locate(plane, y, start, src.len())?;

        // SAFETY: `locate` checked that these bytes lie within the mapping. No Rust reference to
        // that memory exists.
        unsafe {
            bindings::iosys_map_memcpy_to(
                core::ptr::from_ref(map).cast_mut(),
                offset,
                src.as_ptr().cast(),
                src.len(),
            )
        };
        Ok(())
    }

    /// Makes the memory of imported BOs coherent for reading by the CPU until the guard is
    /// dropped. Does nothing for the device's own BOs.
    ///
    /// May sleep, and waits for the implicit fences of imported BOs. C:
    /// `drm_gem_fb_begin_cpu_access()`.
    pub fn begin_cpu_access(&self) -> Result<CpuAccess<'_, D>> {
        // SAFETY: The framebuffer is valid.
        to_result(unsafe {
            bindings::drm_gem_fb_begin_cpu_access(
                self.fb.as_raw(),
                bindings::dma_data_direction_DMA_FROM_DEVICE,
            )
        })?;

        Ok(CpuAccess { map: self })
    }
}

impl<D: KmsDriver> Drop for FramebufferMap<D> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants `map` holds the mappings of the BOs of `fb`.
        unsafe { bindings::drm_gem_fb_vunmap(self.fb.as_raw(), self.map.as_mut_ptr()) };
    }
}

/// A section in which the CPU reads the memory of a framebuffer.
///
/// See [`FramebufferMap::begin_cpu_access`]. Dropping it may sleep.
#[must_use = "the section ends when the guard is dropped"]
pub struct CpuAccess<'a, D: KmsDriver> {
    map: &'a FramebufferMap<D>,
}

impl<D: KmsDriver> Drop for CpuAccess<'_, D> {
    fn drop(&mut self) {
        // SAFETY: The framebuffer is valid and the section was begun with the same direction.
        unsafe {
            bindings::drm_gem_fb_end_cpu_access(
                self.map.fb.as_raw(),
                bindings::dma_data_direction_DMA_FROM_DEVICE,
            )
        };
    }
}
