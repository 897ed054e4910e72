// SPDX-License-Identifier: GPL-2.0

//! Mappings of shmem objects into the address space of the kernel.

use super::{
    resv::Guard,
    BaseObject,
    DriverObject,
    IntoGEMObject,
    Object, //
};
use crate::{
    bindings,
    error::to_result,
    io::{
        IoBase,
        Region,
        SysMem,
        SysMemBackend, //
    },
    prelude::*,
    sync::aref::ARef, //
};
use core::ops::Deref;

/// A mapping of a shmem object into the address space of the kernel.
///
/// Memory is accessed through the methods of [`Io`](crate::io::Io). User space and devices may
/// access the same memory at the same time: nothing that is read from it can be relied on to stay.
///
/// Dropping it takes the reservation lock of the object and may sleep.
///
/// # Examples
///
/// A ring of 32-bit words in a BO, which the driver keeps mapped. `SIZE` covers the word at the
/// start, which is accessed without a check; the position of the others is known at run time only.
///
/// ```
/// use kernel::{
///     drm::gem::{
///         shmem::{
///             Object,
///             VMapOwned, //
///         },
///         DriverObject, //
///     },
///     io::Io,
///     prelude::*, //
/// };
///
/// struct Ring<T: DriverObject> {
///     memory: VMapOwned<T, 4>,
/// }
///
/// impl<T: DriverObject> Ring<T> {
///     fn new(bo: &Object<T>) -> Result<Self> {
///         Ok(Self { memory: bo.owned_vmap()? })
///     }
///
///     fn push(&self, slot: usize, word: u32) -> Result {
///         let offset = slot.checked_mul(4).and_then(|n| n.checked_add(4)).ok_or(EINVAL)?;
///
///         self.memory.try_write32(word, offset)?;
///         self.memory.write32(u32::try_from(slot)?, 0);
///
///         Ok(())
///     }
/// }
/// ```
///
/// # Invariants
///
/// - `map` is a mapping of `owner`, in system memory, that belongs to `self`.
/// - `map` starts at a multiple of 4, and `size` bytes of it are valid, which is a multiple of 4
///   and not less than `SIZE`.
pub struct VMap<D, R, const SIZE: usize = 0>
where
    D: DriverObject,
    R: Deref<Target = Object<D>>,
{
    map: bindings::iosys_map,
    size: usize,
    owner: R,
}

/// A mapping that borrows the object.
pub type VMapRef<'a, D, const SIZE: usize = 0> = VMap<D, &'a Object<D>, SIZE>;

/// A mapping that holds a reference on the object.
pub type VMapOwned<D, const SIZE: usize = 0> = VMap<D, ARef<Object<D>>, SIZE>;

/// The alignment of a [`Region`], of which its size is a multiple, too.
const REGION_ALIGN: usize = 4;

/// Returns how many bytes of a mapping of `obj` are valid.
fn mapped_size<D: DriverObject>(obj: &Object<D>) -> usize {
    if !obj.is_imported() {
        return obj.size();
    }

    // An exporter vouches for the size of its dma-buf, not for that of our object, which is rounded
    // up to whole pages.
    //
    // SAFETY: The attachment of a valid imported object is valid and keeps its dma-buf alive.
    let size = unsafe { (*(*(*obj.as_raw()).import_attach).dmabuf).size };

    obj.size().min(size) & !(REGION_ALIGN - 1)
}

impl<D, R, const SIZE: usize> VMap<D, R, SIZE>
where
    D: DriverObject,
    R: Deref<Target = Object<D>>,
{
    /// Maps `obj`.
    pub(super) fn new<'a>(obj: &'a Object<D>) -> Result<Self>
    where
        R: From<&'a Object<D>>,
    {
        let size = mapped_size(obj);
        if size < SIZE {
            return Err(ENOSPC);
        }

        let mut map = bindings::iosys_map::default();
        {
            let _guard = Guard::new(obj);

            // SAFETY: `obj` is valid and its reservation lock is held.
            to_result(unsafe {
                bindings::drm_gem_shmem_vmap_locked(obj.as_raw_shmem(), &mut map)
            })?;
        }

        // SAFETY: Both variants of the union are pointers of the same kind.
        let addr = unsafe { map.__bindgen_anon_1.vaddr };

        // I/O memory needs accessors of its own. The alignment can only be wrong if an exporter
        // maps a part of a page.
        if map.is_iomem || addr.align_offset(REGION_ALIGN) != 0 {
            // SAFETY: `map` was made above and is not used after that.
            unsafe { vunmap(obj, map) };

            return Err(EOPNOTSUPP);
        }

        // INVARIANT: All of it was checked above.
        Ok(Self {
            map,
            size,
            owner: obj.into(),
        })
    }

    /// Returns the object that is mapped.
    #[inline]
    pub fn owner(&self) -> &Object<D> {
        &self.owner
    }
}

/// Undoes a mapping of `obj`.
///
/// # Safety
///
/// `map` must be a mapping of `obj` that belongs to the caller, and must not be used after that.
unsafe fn vunmap<D: DriverObject>(obj: &Object<D>, mut map: bindings::iosys_map) {
    let _guard = Guard::new(obj);

    // SAFETY: `obj` is valid and its reservation lock is held. `map` is a mapping of it by the
    // safety requirements.
    unsafe { bindings::drm_gem_shmem_vunmap_locked(obj.as_raw_shmem(), &mut map) };
}

impl<'a, D, R, const SIZE: usize> IoBase<'a> for &'a VMap<D, R, SIZE>
where
    D: DriverObject,
    R: Deref<Target = Object<D>>,
{
    type Backend = SysMemBackend;
    type Target = Region<SIZE>;

    #[inline]
    fn as_view(self) -> SysMem<'a, Region<SIZE>> {
        // SAFETY: By the type invariants the mapping is in system memory.
        let addr = unsafe { self.map.__bindgen_anon_1.vaddr };
        let ptr = Region::ptr_from_raw_parts_mut(addr.cast(), self.size);

        // SAFETY: By the type invariants `addr .. addr + size` is valid and sufficiently aligned
        // until `self`, which is borrowed for `'a`, is dropped.
        unsafe { SysMem::new(ptr) }
    }
}

impl<D, R, const SIZE: usize> Drop for VMap<D, R, SIZE>
where
    D: DriverObject,
    R: Deref<Target = Object<D>>,
{
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants `map` is a mapping of `owner` that belongs to `self`. All
        // views of it have borrowed `self`.
        unsafe { vunmap(&self.owner, self.map) };
    }
}

// SAFETY: The mapping is valid on all CPUs and may be undone by any task, so `VMap` can be sent to
// another task if its reference to the object can.
unsafe impl<D, R, const SIZE: usize> Send for VMap<D, R, SIZE>
where
    D: DriverObject,
    R: Deref<Target = Object<D>> + Send,
{
}

// SAFETY: Memory is accessed with volatile operations through `&VMap`, which may race with each
// other as with those of user space, so `VMap` can be shared if its reference to the object can.
unsafe impl<D, R, const SIZE: usize> Sync for VMap<D, R, SIZE>
where
    D: DriverObject,
    R: Deref<Target = Object<D>> + Sync,
{
}
