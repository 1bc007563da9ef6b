//! WDFMEMORY: a buffer with a handle.

use std::sync::{Arc, Mutex, PoisonError};

use super::attributes::Attributes;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::kernel;
use super::loader::{self, Binding};
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use crate::judge::{self, Rule};

/// A buffer.
#[derive(Debug)]
pub(super) struct Memory {
    /// The common part.
    pub(super) object: Arc<Object>,
    /// Where its bytes are and how many.
    place: Mutex<(usize, usize)>,
    /// Whether the buffer is not the framework's to free.
    preallocated: bool,
}

impl Kind for Memory {
    const NAME: &'static str = "WDFMEMORY";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl Memory {
    /// Makes a memory object over a buffer of somebody else's.
    pub(super) fn over(
        binding: &Arc<Binding>,
        attributes: &Attributes,
        parent: Option<&Arc<Object>>,
        (buffer, size): (usize, usize),
    ) -> Result<Arc<Self>, Status> {
        object::create(binding, attributes, parent, |object| Self {
            object,
            place: Mutex::new((buffer, size)),
            preallocated: true,
        })
    }

    /// Address and size of the buffer.
    pub(super) fn place(&self) -> (usize, usize) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn allocated(
        binding: &Arc<Binding>,
        attributes: &Attributes,
        pool_flags: u64,
        tag: u32,
        size: usize,
    ) -> Result<Arc<Self>, Status> {
        let buffer = kernel::allocate_with(pool_flags, size, tag).ok_or(status::INSUFFICIENT_RESOURCES)?;
        let parent = binding.driver().map(|driver| driver.object.clone());
        let made = object::create(binding, attributes, parent.as_ref(), |object| Self {
            object,
            place: Mutex::new((buffer, size)),
            preallocated: false,
        });
        match made {
            Ok(memory) => {
                memory.object.when_destroyed(move || kernel::free(buffer));
                Ok(memory)
            }
            Err(status) => {
                kernel::free(buffer);
                Err(status)
            }
        }
    }
}

/// Makes a memory object of a size in non-paged pool, for other routines that return one.
pub(super) fn allocate(
    binding: &Arc<Binding>,
    attributes: &Attributes,
    size: usize,
) -> Result<Arc<Memory>, Status> {
    Memory::allocated(binding, attributes, POOL_FLAG_NON_PAGED, default_tag(), size)
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![
        WdfMemoryCreate,
        WdfMemoryCreatePreallocated,
        WdfMemoryGetBuffer,
        WdfMemoryAssignBuffer,
        WdfMemoryCopyToBuffer,
        WdfMemoryCopyFromBuffer,
    ]
}

/// Takes pool memory with a handle. STATUS_INVALID_PARAMETER for no bytes (trace `misuse-memory-zero-verifier`). IRQL <=
/// DISPATCH_LEVEL.
extern "win64" fn WdfMemoryCreate(
    globals: usize,
    attributes: usize,
    pool_type: u32,
    tag: u32,
    size: usize,
    out: usize,
    buffer: usize,
) -> Status {
    let binding = loader::binding(globals);
    verify::required(out, "Memory");
    driver_memory::write(out, 0_usize);
    verify::up_to_dispatch_level();
    if size == 0 {
        return status::INVALID_PARAMETER;
    }
    let pool_flags = match pool_type {
        POOL_NON_PAGED | POOL_NON_PAGED_NX => POOL_FLAG_NON_PAGED,
        POOL_PAGED => POOL_FLAG_PAGED,
        other => judge::violation(Rule::NotServed, format_args!("the pool type {other} is not served")),
    };
    let tag = if tag == 0 { default_tag() } else { tag };
    let made = Attributes::read(attributes)
        .and_then(|attributes| Memory::allocated(&binding, &attributes, pool_flags, tag, size));
    match made {
        Ok(memory) => {
            driver_memory::write(out, memory.object.handle);
            driver_memory::write_optional(buffer, memory.place().0);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Makes a memory object over the driver's own buffer. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfMemoryCreatePreallocated(
    globals: usize,
    attributes: usize,
    buffer: usize,
    size: usize,
    out: usize,
) -> Status {
    let binding = loader::binding(globals);
    verify::required(buffer, "Buffer");
    verify::required(out, "Memory");
    if size == 0 {
        return status::INVALID_PARAMETER;
    }
    let parent = binding.driver().map(|driver| driver.object.clone());
    let made = Attributes::read(attributes)
        .and_then(|attributes| Memory::over(&binding, &attributes, parent.as_ref(), (buffer, size)));
    match made {
        Ok(memory) => {
            driver_memory::write(out, memory.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Returns address and size of the buffer. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfMemoryGetBuffer(globals: usize, memory: Handle, size: usize) -> usize {
    loader::binding(globals);
    let (buffer, bytes) = handle::of::<Memory>(memory).place();
    driver_memory::write_optional(size, bytes);
    buffer
}

/// Puts another buffer behind a memory object of WdfMemoryCreatePreallocated. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfMemoryAssignBuffer(
    globals: usize,
    memory: Handle,
    buffer: usize,
    size: usize,
) -> Status {
    loader::binding(globals);
    let memory = handle::of::<Memory>(memory);
    verify::required(buffer, "Buffer");
    if size == 0 || !memory.preallocated {
        return status::INVALID_PARAMETER;
    }
    *memory.place.lock().unwrap_or_else(PoisonError::into_inner) = (buffer, size);
    status::SUCCESS
}

/// Copies out of the buffer. STATUS_BUFFER_TOO_SMALL past its end. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfMemoryCopyToBuffer(
    globals: usize,
    memory: Handle,
    offset: usize,
    buffer: usize,
    size: usize,
) -> Status {
    copy(globals, memory, offset, buffer, size, |inside| driver_memory::copy(inside, buffer, size))
}

/// Copies into the buffer. STATUS_BUFFER_TOO_SMALL past its end. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfMemoryCopyFromBuffer(
    globals: usize,
    memory: Handle,
    offset: usize,
    buffer: usize,
    size: usize,
) -> Status {
    copy(globals, memory, offset, buffer, size, |inside| driver_memory::copy(buffer, inside, size))
}

fn copy(
    globals: usize,
    memory: Handle,
    offset: usize,
    buffer: usize,
    size: usize,
    run: impl FnOnce(usize),
) -> Status {
    loader::binding(globals);
    let (start, bytes) = handle::of::<Memory>(memory).place();
    verify::required(buffer, "Buffer");
    if size == 0 {
        return status::INVALID_PARAMETER;
    }
    if offset.checked_add(size).is_none_or(|end| end > bytes) {
        return status::BUFFER_TOO_SMALL;
    }
    run(start + offset);
    status::SUCCESS
}

fn default_tag() -> u32 {
    u32::from_le_bytes(*b"FxMe")
}

const POOL_FLAG_NON_PAGED: u64 = 0x40;
const POOL_FLAG_PAGED: u64 = 0x100;
const POOL_NON_PAGED: u32 = 0;
const POOL_PAGED: u32 = 1;
const POOL_NON_PAGED_NX: u32 = 512;
