//! WDFDPC: a callback at DISPATCH_LEVEL.

use std::fmt;
use std::sync::Arc;

use super::attributes::ExecutionLevel;
use super::callback;
use super::driver_memory;
use super::handle::{self, Handle, Kind};
use super::kernel;
use super::loader;
use super::object::{self, Object};
use super::status::{self, Status};
use super::table::{Routine, routines};
use super::verify;
use super::work_item;
use crate::sys;

/// A DPC.
pub(super) struct Dpc {
    object: Arc<Object>,
    parent: Arc<Object>,
    function: usize,
    dpc: kernel::Dpc,
}

impl Kind for Dpc {
    const NAME: &'static str = "WDFDPC";

    fn object(&self) -> &Arc<Object> {
        &self.object
    }
}

impl fmt::Debug for Dpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

/// The routines of this file.
pub(super) fn routines() -> impl IntoIterator<Item = Routine> {
    routines![WdfDpcCreate, WdfDpcEnqueue, WdfDpcCancel, WdfDpcGetParentObject]
}

/// Makes a DPC below a device. No execution level may be asked for. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDpcCreate(globals: usize, config: usize, attributes: usize, out: usize) -> Status {
    let binding = loader::binding(globals);
    verify::required(config, "Config");
    verify::required(out, "Dpc");
    driver_memory::write(out, 0_usize);
    let config: sys::WDF_DPC_CONFIG = driver_memory::read(config);
    if config.Size as usize != size_of::<sys::WDF_DPC_CONFIG>() {
        return status::INFO_LENGTH_MISMATCH;
    }
    let function = callback::address(&config.EvtDpcFunc);
    verify::required(function, "Config->EvtDpcFunc");
    let (attributes, parent, _) = match work_item::place(attributes) {
        Ok(placed) => placed,
        Err(status) => return status,
    };
    if attributes.execution_level != ExecutionLevel::Inherit {
        return status::WDF_EXECUTION_LEVEL_INVALID;
    }
    let made = object::create(&binding, &attributes, Some(&parent), |object| Dpc {
        dpc: kernel::Dpc::new(run, object.handle),
        object,
        parent: parent.clone(),
        function,
    });
    match made {
        Ok(dpc) => {
            let for_disposal = Arc::downgrade(&dpc);
            dpc.object.when_disposed(move || {
                if let Some(dpc) = for_disposal.upgrade() {
                    dpc.dpc.cancel();
                    kernel::flush_dpcs();
                }
            });
            driver_memory::write(out, dpc.object.handle);
            status::SUCCESS
        }
        Err(status) => status,
    }
}

/// Queues the DPC; FALSE when it is queued already. Any IRQL.
extern "win64" fn WdfDpcEnqueue(globals: usize, dpc: Handle) -> u8 {
    loader::binding(globals);
    u8::from(handle::of::<Dpc>(dpc).dpc.enqueue())
}

/// Takes the DPC back; TRUE when it was queued. With `wait` also waits for a running callback, at PASSIVE_LEVEL.
extern "win64" fn WdfDpcCancel(globals: usize, dpc: Handle, wait: u8) -> u8 {
    loader::binding(globals);
    let dpc = handle::of::<Dpc>(dpc);
    if wait != 0 {
        verify::passive_level();
    }
    let cancelled = dpc.dpc.cancel();
    if wait != 0 {
        kernel::flush_dpcs();
    }
    u8::from(cancelled)
}

/// Returns the parent. IRQL <= DISPATCH_LEVEL.
extern "win64" fn WdfDpcGetParentObject(globals: usize, dpc: Handle) -> Handle {
    loader::binding(globals);
    handle::of::<Dpc>(dpc).parent.handle
}

/// DPC routine: calls EvtDpcFunc.
extern "win64" fn run(_dpc: usize, dpc: usize, _first: usize, _second: usize) {
    if let Ok(dpc) = handle::try_of::<Dpc>(dpc) {
        callback::call(dpc.function, &[dpc.object.handle as u64]);
    }
}
