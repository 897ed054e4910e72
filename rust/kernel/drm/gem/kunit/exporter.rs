// SPDX-License-Identifier: GPL-2.0

//! An exporter of dma-bufs that records what importers do.

use super::fixture::{
    event,
    DmaBuf,
    Event, //
};
use crate::{
    alloc::flags,
    bindings,
    dma::DmaAddress,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};
use core::cell::UnsafeCell;

/// How the exporter behaves.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(super) enum Mode {
    /// Everything works.
    Normal,
    /// Devices cannot be attached (`EBUSY`).
    NoAttach,
    /// The memory cannot be mapped for DMA (`EFAULT`).
    NoMap,
    /// The memory is I/O memory.
    IoMem,
    /// The memory starts somewhere in the middle.
    Misaligned,
}

static MODE: Atomic<i32> = Atomic::new(Mode::Normal as i32);

/// The number of mappings for the CPU.
static VMAPS: Atomic<i32> = Atomic::new(0);

/// The DMA address of the memory.
pub(super) const DMA_ADDRESS: DmaAddress = 0x1234_0000;

/// The bytes of memory that can be mapped for the CPU.
pub(super) const MEMORY: usize = 4096;

/// The memory of all dma-bufs here.
#[repr(align(4096))]
struct Memory(UnsafeCell<[u8; MEMORY]>);

// SAFETY: The memory is accessed by volatile operations of importers only.
unsafe impl Sync for Memory {}

static BUFFER: Memory = Memory(UnsafeCell::new([0; MEMORY]));

/// Lets the exporter behave like `mode` from now on.
pub(super) fn set_mode(mode: Mode) {
    MODE.store(mode as i32, Relaxed);
}

fn is(mode: Mode) -> bool {
    MODE.load(Relaxed) == mode as i32
}

/// Returns the number of mappings for the CPU.
pub(super) fn vmaps() -> i32 {
    VMAPS.load(Relaxed)
}

extern "C" fn attach(
    _buf: *mut bindings::dma_buf,
    _attach: *mut bindings::dma_buf_attachment,
) -> c_int {
    if is(Mode::NoAttach) {
        return EBUSY.to_errno();
    }
    event(Event::Attached);

    0
}

extern "C" fn detach(_buf: *mut bindings::dma_buf, _attach: *mut bindings::dma_buf_attachment) {
    event(Event::Detached);
}

fn new_sg_table() -> Result<*mut bindings::sg_table> {
    let mut sgt = KBox::new(bindings::sg_table::default(), flags::GFP_KERNEL)?;

    // SAFETY: The table is ours and all zeroes.
    to_result(unsafe { bindings::sg_alloc_table(&mut *sgt, 1, flags::GFP_KERNEL.as_raw()) })?;

    // SAFETY: The table has one entry, which is initialized.
    unsafe {
        (*sgt.sgl).dma_address = DMA_ADDRESS;
        (*sgt.sgl).length = MEMORY as u32;
        #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
        {
            (*sgt.sgl).dma_length = MEMORY as u32;
        }
    }

    Ok(KBox::into_raw(sgt))
}

extern "C" fn map(
    _attach: *mut bindings::dma_buf_attachment,
    _dir: bindings::dma_data_direction,
) -> *mut bindings::sg_table {
    if is(Mode::NoMap) {
        return EFAULT.to_ptr();
    }

    match new_sg_table() {
        Ok(sgt) => {
            event(Event::Mapped);
            sgt
        }
        Err(err) => err.to_ptr(),
    }
}

extern "C" fn unmap(
    _attach: *mut bindings::dma_buf_attachment,
    sgt: *mut bindings::sg_table,
    _dir: bindings::dma_data_direction,
) {
    event(Event::Unmapped);

    // SAFETY: The core passes what `map()` has returned, once.
    unsafe {
        bindings::sg_free_table(sgt);
        drop(KBox::from_raw(sgt));
    }
}

extern "C" fn release(_buf: *mut bindings::dma_buf) {
    event(Event::Released);
}

extern "C" fn vmap(_buf: *mut bindings::dma_buf, map: *mut bindings::iosys_map) -> c_int {
    let addr: *mut c_void = BUFFER.0.get().cast();
    let addr = if is(Mode::Misaligned) {
        addr.wrapping_byte_add(2)
    } else {
        addr
    };

    VMAPS.fetch_add(1, Relaxed);

    // SAFETY: The core passes a valid pointer.
    unsafe {
        *map = bindings::iosys_map {
            is_iomem: is(Mode::IoMem),
            __bindgen_anon_1: bindings::iosys_map__bindgen_ty_1 { vaddr: addr },
        }
    };

    0
}

extern "C" fn vunmap(_buf: *mut bindings::dma_buf, _map: *mut bindings::iosys_map) {
    VMAPS.fetch_sub(1, Relaxed);
}

static OPS: bindings::dma_buf_ops = bindings::dma_buf_ops {
    attach: Some(attach),
    detach: Some(detach),
    pin: None,
    unpin: None,
    map_dma_buf: Some(map),
    unmap_dma_buf: Some(unmap),
    release: Some(release),
    begin_cpu_access: None,
    end_cpu_access: None,
    mmap: None,
    vmap: Some(vmap),
    vunmap: Some(vunmap),
};

/// Exports a dma-buf of `size` bytes, at most [`MEMORY`] if it is to be mapped.
pub(super) fn export(size: usize) -> Result<DmaBuf> {
    set_mode(Mode::Normal);

    let info = bindings::dma_buf_export_info {
        exp_name: c"kunit".as_char_ptr(),
        ops: &OPS,
        size,
        flags: bindings::O_RDWR as c_int,
        // There is nothing private, but the core insists.
        priv_: BUFFER.0.get().cast(),
        ..Default::default()
    };

    // SAFETY: `info` is valid.
    let raw = from_err_ptr(unsafe { bindings::dma_buf_export(&info) })?;

    // SAFETY: The reference is ours.
    unsafe { DmaBuf::from_raw(raw) }
}
