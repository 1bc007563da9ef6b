//! Mitigated registers of VFs, for a driver that supplies ranges of them.
//!
//! An image without ranges contains nothing of this: the rest of the driver knows it by [`Surface`] alone, and only
//! [`Handlers::with_mitigation`](crate::Handlers::with_mitigation) refers to the one implementation.

use core::fmt;

use backchannel::{
    Mitigated, MitigatedRange, Mitigation, NtStatus, PnpState, Register, Sink, Source,
    abi::pcivirt::{
        IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT, IOCTL_SRIOV_QUERY_MITIGATED_RANGES,
        SRIOV_MITIGATED_RANGE_COUNT_OUTPUT, SRIOV_MITIGATED_RANGES_INPUT, SRIOV_MITIGATED_RANGES_OUTPUT,
    },
};

use crate::{
    device::Device,
    pf::{Engine, Pf, Serving},
    sriov,
    storage::Reference,
    wdf::{
        irp::{File, InterfaceQuery},
        request::Request,
    },
};

/// What a driver supplies, and what then belongs to the PF's surface.
#[derive(Clone, Copy)]
pub(crate) struct Supplied {
    by: &'static dyn Mitigation,
    pub(crate) surface: &'static dyn Surface,
}

/// The part of a PF's surface that is there with mitigated ranges only.
pub(crate) trait Surface: Sync {
    /// Answers a question for the routine that mitigated registers are accessed by.
    fn answer(&self, query: &InterfaceQuery, pf: &Reference<Pf>) -> Option<Reference<Pf>>;

    /// Serves a request about mitigated ranges. Up to `DISPATCH_LEVEL`.
    fn serve(&self, pf: &Pf, by: Supplied, request: Request, code: u32);

    /// Brings memory for the requests of so many VFs. At `PASSIVE_LEVEL`.
    fn make_room(&self, pf: &Pf, vfs: u16) -> Result<(), NtStatus>;

    /// Completes requests of VFs whose ranges have changed. Up to `DISPATCH_LEVEL`.
    fn tell(&self, pf: &Pf);

    /// A waiting request was cancelled.
    fn forget(&self, pf: &Pf, request: &Request);

    /// Completes every request that waits, or those of a file. Up to `DISPATCH_LEVEL`.
    fn cancel(&self, pf: &Pf, of: Option<File>);
}

impl Supplied {
    /// Takes what a driver supplies.
    pub(crate) const fn new(by: &'static dyn Mitigation) -> Self {
        Self { by, surface: &Whole }
    }

    /// The ranges, and how large registers of VFs are.
    fn of(self, pf: &Pf) -> Mitigated<'static> {
        let sizes = pf.hardware.enter().map(|hardware| hardware.probed_bars().sizes());
        Mitigated::new(self.by, sizes)
    }
}

impl fmt::Debug for Supplied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supplied").finish_non_exhaustive()
    }
}

struct Whole;

impl Surface for Whole {
    fn answer(&self, query: &InterfaceQuery, pf: &Reference<Pf>) -> Option<Reference<Pf>> {
        sriov::answer_mitigable(query, pf)
    }

    fn serve(&self, pf: &Pf, by: Supplied, request: Request, code: u32) {
        let Some(Serving { engine, .. }) = pf.serving() else {
            return request.complete(NtStatus::DEVICE_NOT_READY);
        };
        match code {
            IOCTL_SRIOV_QUERY_MITIGATED_RANGE_COUNT => request.reply(|vf| {
                engine
                    .mitigated_range_counts(&by.of(pf), vf)
                    .map(|counts| SRIOV_MITIGATED_RANGE_COUNT_OUTPUT { RangeCount: counts })
            }),
            IOCTL_SRIOV_QUERY_MITIGATED_RANGES => give_ranges(engine, &by.of(pf), request),
            _ => wait_for_update(pf, request),
        }
    }

    fn make_room(&self, pf: &Pf, vfs: u16) -> Result<(), NtStatus> {
        pf.range_updates.make_room(vfs)
    }

    fn tell(&self, pf: &Pf) {
        let Some(Serving { engine, .. }) = pf.serving() else { return };
        engine.begin_range_updates();
        let take = |vf| engine.index(vf).is_some_and(|vf| engine.take_range_update(vf));
        let put_back = |vf| engine.index(vf).into_iter().for_each(|vf| engine.update_mitigated_ranges(vf));
        pf.range_updates.tell(take, put_back);
    }

    fn forget(&self, pf: &Pf, request: &Request) {
        pf.range_updates.forget(request);
    }

    fn cancel(&self, pf: &Pf, of: Option<File>) {
        pf.range_updates.cancel(of);
    }
}

/// Reads a mitigated register of a VF, or writes it.
pub(crate) fn access_register(
    pf: &Pf,
    vf: u16,
    reads: bool,
    at: Register,
    buffer: &mut (impl Source + Sink),
) -> NtStatus {
    let (Some(by), Some(serving)) = (pf.mitigation, pf.serving()) else { return NtStatus::NOT_SUPPORTED };
    let (by, kernel) = (by.of(pf), serving.kernel());
    let status = if reads {
        serving.engine.read_register(&by, vf, at, buffer, &kernel)
    } else {
        serving.engine.write_register(&by, vf, at, buffer, &kernel)
    };
    pf.tell_invalidations();
    status
}

/// SPEC: the page calls the output one structure; the sender has asked for the count, and gets an array of so many.
fn give_ranges(engine: &Engine, by: &Mitigated<'_>, request: Request) {
    let mut count = 0_usize;
    let input = request.input::<SRIOV_MITIGATED_RANGES_INPUT>().and_then(|input| {
        let count_one = &mut |_| count = count.saturating_add(1);
        engine.mitigated_ranges(by, input.VfIndex, input.BarNumber, count_one).map(|()| input)
    });
    match input {
        Err(status) => request.complete(status),
        Ok(input) => request.answer_each(count, |give| {
            engine.mitigated_ranges(by, input.VfIndex, input.BarNumber, &mut |range| give(described(range)))
        }),
    }
}

fn described(range: MitigatedRange) -> SRIOV_MITIGATED_RANGES_OUTPUT {
    SRIOV_MITIGATED_RANGES_OUTPUT {
        BasePageNumber: range.first_page,
        PageCount: range.pages,
        InterceptReads: range.reads.into(),
        InterceptWrites: range.writes.into(),
        Padding: [0; 2],
    }
}

/// SPEC: the page calls this an update by the sender; the header says that it waits until the driver asks for one, for the VF
/// of its input.
fn wait_for_update(pf: &Pf, request: Request) {
    let vf = match request.has_room_for::<u16>().and_then(|()| request.input::<u16>()) {
        Ok(vf) => vf,
        Err(status) => return request.complete(status),
    };
    let is_removed = || pf.conversation.state() == PnpState::Removed;
    if is_removed() {
        return request.complete(NtStatus::DEVICE_NOT_READY);
    }
    pf.range_updates.park::<Device>(request, vf);
    // INVARIANT: who ends the conversation completes what waits afterwards, so one of the two sees the request.
    if is_removed() {
        pf.range_updates.cancel(None);
    }
    Whole.tell(pf);
}
