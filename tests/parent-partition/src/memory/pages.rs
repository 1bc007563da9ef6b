//! Pages of address space: reserved, opened, closed for good.

use std::ptr::{null_mut, with_exposed_provenance_mut};

/// Size of a page.
pub const PAGE: usize = 4096;

/// Reserves `size` bytes of inaccessible address space, rounded up to pages.
///
/// # Panics
///
/// When the host has no address space left.
pub fn reserve(size: usize) -> usize {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping at an address the host chooses touches nothing that exists.
    let base = unsafe { libc::mmap(null_mut(), size.next_multiple_of(PAGE), libc::PROT_NONE, flags, -1, 0) };
    assert_ne!(base, libc::MAP_FAILED, "reserving {size:#x} bytes: {}", std::io::Error::last_os_error());
    base.expose_provenance()
}

/// Makes reserved pages readable and writable; new ones are zero.
pub fn open(start: usize, size: usize) {
    protect(start, size, libc::PROT_READ | libc::PROT_WRITE);
}

/// Makes pages readable only.
pub fn make_read_only(start: usize, size: usize) {
    protect(start, size, libc::PROT_READ);
}

/// Makes pages readable and executable.
pub fn make_executable(start: usize, size: usize) {
    protect(start, size, libc::PROT_READ | libc::PROT_EXEC);
}

/// Makes pages of code writable too, for breakpoints that come and go.
pub fn make_changeable_code(start: usize, size: usize) {
    protect(start, size, libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC);
}

/// Makes pages inaccessible and gives their memory back; the address space stays reserved.
pub fn close(start: usize, size: usize) {
    protect(start, size, libc::PROT_NONE);
    // SAFETY: the pages are the simulator's own mapping and inaccessible; dropping their content is the aim.
    let result = unsafe {
        libc::madvise(with_exposed_provenance_mut(start), size.next_multiple_of(PAGE), libc::MADV_DONTNEED)
    };
    assert_eq!(result, 0, "madvise: {}", std::io::Error::last_os_error());
}

/// Gives address space back.
pub fn release(start: usize, size: usize) {
    // SAFETY: the callers own the range and know nobody refers to it any more.
    let result = unsafe { libc::munmap(with_exposed_provenance_mut(start), size.next_multiple_of(PAGE)) };
    assert_eq!(result, 0, "munmap: {}", std::io::Error::last_os_error());
}

fn protect(start: usize, size: usize, protection: libc::c_int) {
    let size = size.next_multiple_of(PAGE);
    // SAFETY: the range is a mapping of the simulator's own; taking access away from code that still uses it
    // faults there and is reported, never silently wrong.
    let result = unsafe { libc::mprotect(with_exposed_provenance_mut(start), size, protection) };
    assert_eq!(result, 0, "mprotect {start:#x}: {}", std::io::Error::last_os_error());
}
