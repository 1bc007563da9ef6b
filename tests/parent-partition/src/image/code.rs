//! Where the simulator's own code lies, so that a pointer to it can be told from garbage.

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::sync::OnceLock;

/// Whether `address` is code of this program (or of a library it is linked with).
pub(crate) fn is_simulator(address: usize) -> bool {
    CODE.get_or_init(find_code).iter().any(|range| range.contains(&address))
}

fn find_code() -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    // SAFETY: `visit` has the signature asked for, and `data` is the vector it expects, alive over the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), std::ptr::from_mut(&mut ranges).cast()) };
    ranges
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _size: usize, data: *mut c_void) -> c_int {
    // SAFETY: the loader passes a valid description for the time of this call.
    let info = unsafe { &*info };
    // SAFETY: `data` is the vector passed by `find_code`.
    let ranges = unsafe { &mut *data.cast::<Vec<Range<usize>>>() };
    for index in 0..usize::from(info.dlpi_phnum) {
        // SAFETY: there are `dlpi_phnum` headers.
        let header = unsafe { &*info.dlpi_phdr.add(index) };
        if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0 {
            let start = (info.dlpi_addr + header.p_vaddr) as usize;
            ranges.push(start..start + header.p_memsz as usize);
        }
    }
    0
}

static CODE: OnceLock<Vec<Range<usize>>> = OnceLock::new();
