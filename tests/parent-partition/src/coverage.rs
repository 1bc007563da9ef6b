//! Which source lines of an image are reached: one-shot breakpoints at the lines that its PDB records.
//!
//! ```text
//!   begin: PDB ──► FOLDER/sites            where breakpoints go, for which image
//!   any number of runs with PF_COVERAGE=FOLDER, at the same time if they like:
//!          image loaded ──► int3 at each site ──► first arrival restores the byte ──► FOLDER/<process>-<n>.hits
//!   report: sites + hits + reasons ──► lines reached, unreached and why
//! ```
//!
//! The hits are a file that is mapped, so that a run which a broken rule ends is counted up to there.

pub mod lines;
pub mod reasons;
pub mod report;

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::ptr::{null_mut, with_exposed_provenance_mut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::image::Image;
use crate::memory::pages;

/// Names the folder of a measurement, for every run that takes part.
pub const FOLDER_VARIABLE: &str = "PF_COVERAGE";

/// What a measurement is of: an image, and the offsets in it where lines begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sites {
    /// The image's path, absolute.
    pub image: PathBuf,
    /// Offsets in the image, ascending.
    pub offsets: Vec<u32>,
}

impl Sites {
    /// Begins a measurement of an image in a folder, which is made, or emptied of an earlier one.
    ///
    /// # Errors
    /// The image's PDB cannot be read, or the folder not be written.
    pub fn begin(image: &Path, folder: &Path) -> io::Result<Self> {
        let image = image.canonicalize()?;
        let lines = lines::of_image(&image).map_err(io::Error::other)?;
        let sites = Self { image, offsets: lines.into_keys().collect() };
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == HITS) {
                fs::remove_file(path)?;
            }
        }
        let mut text = format!("{}\n", sites.image.display());
        for offset in &sites.offsets {
            writeln!(text, "{offset:x}").expect("a string takes everything");
        }
        fs::write(folder.join(SITES), text)?;
        Ok(sites)
    }

    /// The measurement that was begun in a folder.
    ///
    /// # Errors
    /// There is none.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let path = folder.join(SITES);
        let text = fs::read_to_string(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        let mut lines = text.lines();
        let image = PathBuf::from(lines.next().unwrap_or_default());
        let offsets = lines.map(|line| u32::from_str_radix(line, 16)).collect::<Result<_, _>>();
        Ok(Self { image, offsets: offsets.map_err(io::Error::other)? })
    }
}

/// Breakpoints in one load of the image.
struct Placed {
    base: usize,
    size: usize,
    offsets: &'static [u32],
    /// What lay where the breakpoints are.
    bytes: Vec<u8>,
    /// A byte a site in the mapped file.
    hits: usize,
    older: AtomicPtr<Placed>,
}

/// Places the breakpoints in an image that was just mapped, if it is what is measured in this process.
pub(crate) fn place(image: &'static Image) {
    let Some((sites, folder)) = measured() else { return };
    if Path::new(image.path()).canonicalize().ok().as_deref() != Some(&sites.image) {
        return;
    }
    for section in image.sections().iter().filter(|section| section.is_executable()) {
        pages::make_changeable_code(section.start(), section.size());
    }
    let mut bytes = Vec::with_capacity(sites.offsets.len());
    for offset in &sites.offsets {
        let place: *mut u8 = with_exposed_provenance_mut(image.base() + *offset as usize);
        assert!(image.is_executable(place.addr()), "{} is not the image of {SITES}", image.path());
        // SAFETY: the byte lies in a mapped section of code, which can be written now and does not run yet.
        bytes.push(unsafe { place.read() });
        // SAFETY: as above.
        unsafe { place.write(BREAKPOINT) };
    }
    let hits = map_hits(folder, sites.offsets.len()).expect("the measurement's folder can be written");
    let placed = Box::leak(Box::new(Placed {
        base: image.base(),
        size: image.size(),
        offsets: &sites.offsets,
        bytes,
        hits,
        older: AtomicPtr::new(NEWEST.load(Ordering::Acquire)),
    }));
    NEWEST.store(placed, Ordering::Release);
}

/// Takes a breakpoint away that stopped before `after`; the address to go on at. `None` if it is none of ours.
///
/// Async-signal-safe. Threads that stop at the same one all go on.
pub(crate) fn resume(after: usize) -> Option<usize> {
    let at = after.wrapping_sub(1);
    let mut link = &NEWEST;
    // SAFETY: a link is null or points to what `place` leaked.
    while let Some(placed) = unsafe { link.load(Ordering::Acquire).as_ref() } {
        if (placed.base..placed.base + placed.size).contains(&at) {
            let site = placed.offsets.binary_search(&((at - placed.base) as u32)).ok()?;
            // SAFETY: the byte lies in code that can be changed, of an image that just ran it.
            unsafe { with_exposed_provenance_mut::<u8>(at).write_volatile(placed.bytes[site]) };
            // SAFETY: the mapping has a byte a site and is never taken away.
            unsafe { with_exposed_provenance_mut::<u8>(placed.hits + site).write_volatile(1) };
            return Some(at);
        }
        link = &placed.older;
    }
    None
}

fn measured() -> Option<&'static (Sites, PathBuf)> {
    static MEASURED: OnceLock<Option<(Sites, PathBuf)>> = OnceLock::new();
    let read = || {
        let folder = PathBuf::from(std::env::var_os(FOLDER_VARIABLE)?);
        let sites = Sites::of(&folder).unwrap_or_else(|error| panic!("{FOLDER_VARIABLE}: {error}"));
        Some((sites, folder))
    };
    MEASURED.get_or_init(read).as_ref()
}

/// A new file of hits, mapped: its address.
fn map_hits(folder: &Path, sites: usize) -> io::Result<usize> {
    let file = new_file(folder)?;
    file.set_len(sites as u64)?;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address the host chooses touches nothing that exists.
    let base = unsafe { libc::mmap(null_mut(), sites.max(1), access, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if base == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(base.expose_provenance()) }
}

fn new_file(folder: &Path) -> io::Result<File> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}.{HITS}", std::process::id()));
        match OpenOptions::new().read(true).write(true).create_new(true).open(path) {
            // An earlier process had this one's number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened,
        }
    }
}

/// `int3`.
const BREAKPOINT: u8 = 0xCC;
const SITES: &str = "sites";
const HITS: &str = "hits";
static NEWEST: AtomicPtr<Placed> = AtomicPtr::new(null_mut());
