//! Stands for shared memory under Miri: a block of the heap, which nobody else can
//! open and whose pages cannot be protected.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;

use shared_memory::ShmemError;

use super::{Access, PAGE};

/// A block of the heap with a name.
pub struct Mapping {
    name: String,
    start: *mut u8,
    layout: Layout,
}

impl Mapping {
    pub fn as_ptr(&self) -> *mut u8 {
        self.start
    }

    pub fn len(&self) -> usize {
        self.layout.size()
    }

    pub fn get_os_id(&self) -> &str {
        &self.name
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `create` allocated it by this layout, and whoever borrows from a
        // region is gone when it is dropped.
        unsafe { dealloc(self.start, self.layout) }
    }
}

pub fn create(name: &str, bytes: usize) -> Result<Mapping, ShmemError> {
    let layout = Layout::from_size_align(bytes, PAGE).map_err(|_| ShmemError::MapSizeZero)?;
    if bytes == 0 {
        return Err(ShmemError::MapSizeZero);
    }
    // SAFETY: the layout is not empty.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        handle_alloc_error(layout);
    }
    Ok(Mapping { name: name.to_owned(), start, layout })
}

pub fn open(_: &str) -> Result<Mapping, ShmemError> {
    Err(ShmemError::NoLinkOrOsId)
}

pub struct Claim;

pub fn claim(_: &str) -> Option<Claim> {
    Some(Claim)
}

pub fn forget_name(_: &str) {}

pub fn remove_leftovers() -> usize {
    0
}

/// # Safety
/// None is needed: it does nothing.
pub unsafe fn protect(_: *mut u8, _: usize, _: Access) -> io::Result<()> {
    Ok(())
}

/// # Safety
/// None is needed: it does nothing.
pub unsafe fn populate(_: *mut u8, _: usize, _: Access) -> io::Result<()> {
    Ok(())
}

/// # Safety
/// None is needed: it does nothing.
pub unsafe fn lock(_: *mut u8, _: usize) -> bool {
    true
}
