//! One scenario, played in this process.

use std::ffi::{CStr, c_char};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{debugger, host, line, stage};
use crate::command::BAD_ARGUMENTS;
use crate::image::{self, Exports, Image};
use crate::judge::{self, Rule};
use crate::machine::{self, thread, turn};
use crate::wdfldr::choice;
use crate::{kmdf, nt, pnp, wdfldr};

/// Plays the scenario of a probe and writes its trace; returns the exit code.
///
/// The ending of a scenario's name says what else is on: `-verifier` the framework's verifier, `-enhanced` that and
/// its checks around callbacks.
pub fn play(image: &Path, scenario: &str) -> u8 {
    pnp::boot();
    turn::one_processor();
    let base = ["-verifier", "-enhanced"].iter().find_map(|ending| scenario.strip_suffix(ending));
    let enhanced = scenario.ends_with("-enhanced");
    // The kernel of the recordings judged none of these.
    [Rule::CriticalRegion, Rule::IrpPending, Rule::SpinLock].into_iter().for_each(judge::tolerate);
    if choice::framework().is_some() {
        // What the image makes of these mistakes is its own finding.
        let own = [Rule::ReturnedIrql, Rule::Irql, Rule::WaitAboveApc, Rule::CancelRoutine];
        own.into_iter().for_each(judge::tolerate);
        wdfldr::stay();
        nt::system::verify_drivers(base.is_some());
        nt::debug::attach(debugger::DEBUGGER);
    } else if !enhanced {
        [Rule::ReturnedIrql, Rule::Irql].into_iter().for_each(judge::tolerate);
    }
    kmdf::set_verifier(base.is_some());
    kmdf::go_on_after_findings(|rule, text| {
        let (rule, irql) = (rule.name(), line::irql_member());
        line::write(format_args!(r#""break":true,{irql},"rule":"{rule}","text":{}"#, json!(text)));
    });
    nt::watch::install(|call| {
        let number = call.number.map_or_else(String::new, |(what, number)| format!(r#","{what}":{number}"#));
        line::write(format_args!(r#""nt":"{}"{number}"#, call.routine));
    });
    let exports = Exports::new(nt::exports().into_iter().chain(wdfldr::exports()).chain(host::exports()));
    let loaded = match image::load(image, &exports) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{} {error}", image.display());
            return BAD_ARGUMENTS;
        }
    };
    let Some(play) = find(loaded, base.unwrap_or(scenario)) else {
        eprintln!("{} has no scenario {scenario}", image.display());
        return BAD_ARGUMENTS;
    };
    stage::set_image(loaded, enhanced);
    let driver = image.file_stem().unwrap_or_default().to_string_lossy();
    line::write(format_args!(r#""scenario":"{scenario}","driver":"{driver}","verifier":{}"#, base.is_some()));
    let player = thread::spawn("scenario", move || {
        line::carry_out_stimuli();
        machine::call(play, &[]);
    });
    let player = player.unwrap_or_else(|error| panic!("no thread for a scenario: {error}"));
    // This thread goes on when no other can.
    turn::let_others_run();
    if !player.is_finished() {
        turn::advance(LONGEST);
    }
    match player.is_finished() {
        true => line::write(r#""end":true"#),
        false => line::write(r#""stuck":"every thread waits: the last stimulus never ends""#),
    }
    0
}

/// The function that plays a scenario, from the probe's table.
fn find(image: &Image, scenario: &str) -> Option<usize> {
    let mut row: *const Row = std::ptr::with_exposed_provenance(image.exported("Scenarios")?);
    loop {
        // SAFETY: the table ends with a row whose name is NULL; names end with zero.
        let (name, play) = unsafe {
            if (*row).name.is_null() {
                return None;
            }
            (CStr::from_ptr((*row).name), (*row).play)
        };
        if name.to_bytes() == scenario.as_bytes() {
            return Some(play);
        }
        // SAFETY: the row is not the last one.
        row = unsafe { row.add(1) };
    }
}

/// How long a wait that may end by time alone is followed, on the machine's clock.
const LONGEST: Duration = Duration::from_secs(14 * 60);

/// A row of the table that each probe exports.
#[repr(C)]
struct Row {
    name: *const c_char,
    play: usize,
}
