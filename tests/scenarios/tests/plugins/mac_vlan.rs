//! The same block served by a plug-in in C and by one in Rust: the same story for both.

use std::path::Path;

use scenarios::script::{hex, read, vsp_write, write};
use serde_json::{Value, json};

use crate::{INVALID_PARAMETER, SUCCESS, expect_beside, in_c, in_rust, number, plugin};

/// What the operator set, and what a VF says that it uses.
const LINK: u32 = 40;
const USED: u32 = 41;
/// An address of one station, and VLAN 10.
const ADDRESS: [u8; 8] = [2, 3, 4, 5, 6, 0x0B, 10, 0];

#[derive(Clone, Copy)]
enum Ask {
    Set,
    Query,
    Stop,
    Start,
    Renew,
}

struct Plugin<'a> {
    name: &'a str,
    image: &'a str,
}

impl Plugin<'_> {
    fn ask(&self, request: Ask, input: &[u8]) -> Value {
        let code = 0x0022_2000 + 4 * request as u32;
        let output = if matches!(request, Ask::Query) { 16 } else { 0 };
        json!({"do": "plugin", "plugin": self.name, "action": "control", "code": code, "input": hex(input),
            "output": output})
    }

    #[track_caller]
    fn expect(&self, steps: &[(Value, &str)]) -> Vec<Value> {
        expect_beside(&["--plugin", self.image], steps)
    }
}

/// Makes each story a test of both plug-ins.
macro_rules! stories {
    ($($story:ident)+) => {
        mod c {
            $(#[test] fn $story() { super::tell(&super::in_c(), super::$story) })+
        }
        mod rust {
            $(#[test] fn $story() { super::tell(&super::in_rust(), super::$story) })+
        }
    };
}

stories! {
    address_set_by_the_operator_is_announced_and_read
    what_cannot_be_an_address_is_refused
    what_a_vf_uses_is_known_until_it_is_reset
    stop_and_start_under_traffic_loses_no_write
    renewal_under_traffic_loses_and_refuses_no_write
    unload_under_traffic_loses_no_write_and_leaves_nothing
    pf_that_goes_and_comes_is_found_again
    pf_is_removed_under_traffic_and_the_plugin_lets_go
}

fn tell(image: &Path, story: fn(&Plugin<'_>)) {
    let name = image.file_stem().and_then(|name| name.to_str()).expect("UTF-8");
    story(&Plugin { name, image: image.to_str().expect("UTF-8") });
}

fn set(vf: u16, link: [u8; 8]) -> Vec<u8> {
    [&vf.to_le_bytes()[..], &link].concat()
}

fn traffic(action: &str) -> Value {
    json!({"do": "traffic", "action": action})
}

fn begin_traffic() -> Value {
    json!({"do": "traffic", "action": "begin", "vfs": 4, "block": USED})
}

/// Waits until every guest has made some more writes.
fn some_writes() -> Value {
    json!({"do": "traffic", "action": "await", "writes": 20})
}

fn accepted(answer: &Value) -> Vec<u64> {
    let counts = answer["accepted"].as_array().expect("a list").iter();
    counts.map(|count| count.as_u64().expect("a number")).collect()
}

fn address_set_by_the_operator_is_announced_and_read(plugin: &Plugin<'_>) {
    let found = plugin.expect(&[
        (read(1, LINK, 8), SUCCESS),
        (plugin.ask(Ask::Set, &set(1, ADDRESS)), SUCCESS),
        (json!({"do": "wait_invalidate", "vf": 1}), SUCCESS),
        (read(1, LINK, 8), SUCCESS),
        (read(0, LINK, 8), SUCCESS),
        (json!({"do": "reset", "vf": 1}), SUCCESS),
        (read(1, LINK, 8), SUCCESS),
    ]);
    assert_eq!(found[0]["data"], hex(&[0; 8]));
    assert_eq!(found[2]["mask"], format!("{:#018x}", 1_u64 << LINK));
    assert_eq!(found[3]["data"], hex(&ADDRESS));
    assert_eq!(found[4]["data"], hex(&[0; 8]), "another VF");
    assert_eq!(found[6]["data"], hex(&ADDRESS), "the operator's content survives a reset");
}

fn what_cannot_be_an_address_is_refused(plugin: &Plugin<'_>) {
    let found = plugin.expect(&[
        (plugin.ask(Ask::Set, &set(1, [3, 0, 0, 0, 0, 0, 0, 0])), INVALID_PARAMETER),
        (plugin.ask(Ask::Set, &set(1, [2, 0, 0, 0, 0, 0, 0xFF, 0x0F])), INVALID_PARAMETER),
        (plugin.ask(Ask::Set, &[1, 0]), "0xc0000206"),
        (plugin.ask(Ask::Set, &set(9, ADDRESS)), "0xe0bc0013"),
        (read(1, LINK, 8), SUCCESS),
    ]);
    assert_eq!(found[4]["data"], hex(&[0; 8]));
}

fn what_a_vf_uses_is_known_until_it_is_reset(plugin: &Plugin<'_>) {
    let found = plugin.expect(&[
        (write(2, USED, &ADDRESS), SUCCESS),
        (plugin.ask(Ask::Query, &[2, 0]), SUCCESS),
        (json!({"do": "reset", "vf": 2}), SUCCESS),
        (vsp_write(2, USED, &[9; 8]), SUCCESS),
        (plugin.ask(Ask::Query, &[2, 0]), SUCCESS),
    ]);
    assert_eq!(found[1]["data"], [hex(&ADDRESS), hex(&1_u64.to_le_bytes())].concat());
    assert_eq!(found[4]["data"], [hex(&[9; 8]), hex(&1_u64.to_le_bytes())].concat());
}

fn stop_and_start_under_traffic_loses_no_write(plugin: &Plugin<'_>) {
    let found = plugin.expect(&[
        (begin_traffic(), SUCCESS),
        (some_writes(), SUCCESS),
        (plugin.ask(Ask::Query, &[0, 0]), SUCCESS),
        (plugin.ask(Ask::Stop, &[]), SUCCESS),
        (some_writes(), SUCCESS),
        (plugin.ask(Ask::Start, &[]), SUCCESS),
        (some_writes(), SUCCESS),
        (traffic("end"), SUCCESS),
        (plugin.ask(Ask::Query, &[0, 0]), SUCCESS),
    ]);
    let first = number(&found[2], 0, 8);
    assert!(first >= 1, "{found:#?}");
    // Nothing was accepted while nobody served: the last number is that of the last write that was.
    assert_eq!(number(&found[8], 0, 8), accepted(&found[7])[0]);
    assert!(found[7]["statuses"][INVALID_PARAMETER].as_u64().is_some(), "nobody served for a while");
}

fn renewal_under_traffic_loses_and_refuses_no_write(plugin: &Plugin<'_>) {
    let mut steps = vec![(begin_traffic(), SUCCESS)];
    for _ in 0..6 {
        steps.push((some_writes(), SUCCESS));
        steps.push((plugin.ask(Ask::Renew, &[]), SUCCESS));
    }
    steps.push((traffic("end"), SUCCESS));
    let end = steps.len() - 1;
    for vf in 0..4 {
        steps.push((plugin.ask(Ask::Query, &[vf, 0]), SUCCESS));
    }
    let found = plugin.expect(&steps);
    let sent = accepted(&found[end]);
    let statuses = found[end]["statuses"].as_object().expect("statuses");
    assert_eq!(statuses.keys().collect::<Vec<_>>(), [SUCCESS], "no write was refused");
    for (vf, sent) in sent.into_iter().enumerate() {
        let (last, times) = (number(&found[end + 1 + vf], 0, 8), number(&found[end + 1 + vf], 8, 8));
        assert_eq!((last, times), (sent, sent), "VF {vf}: the last write, and all of them, arrived");
    }
}

fn unload_under_traffic_loses_no_write_and_leaves_nothing(plugin: &Plugin<'_>) {
    let found = plugin.expect(&[
        (begin_traffic(), SUCCESS),
        (some_writes(), SUCCESS),
        // Its code and its pool become inaccessible: a later call would end the run.
        (super::plugin(plugin.name, "unload"), SUCCESS),
        (some_writes(), SUCCESS),
        (super::plugin(plugin.name, "load"), SUCCESS),
        (some_writes(), SUCCESS),
        (traffic("end"), SUCCESS),
        (plugin.ask(Ask::Query, &[0, 0]), SUCCESS),
        (super::plugin(plugin.name, "unload"), SUCCESS),
        (vsp_write(0, USED, &ADDRESS), INVALID_PARAMETER),
    ]);
    assert_eq!(number(&found[7], 0, 8), accepted(&found[6])[0]);
}

fn pf_that_goes_and_comes_is_found_again(plugin: &Plugin<'_>) {
    plugin.expect(&[
        (json!({"do": "unload"}), SUCCESS),
        (plugin.ask(Ask::Set, &set(1, ADDRESS)), "0xc00000a3"),
        (json!({"do": "load"}), SUCCESS),
        (plugin.ask(Ask::Set, &set(1, ADDRESS)), SUCCESS),
        (vsp_write(1, USED, &ADDRESS), SUCCESS),
        (json!({"do": "query_remove"}), "0x80000011"),
        (vsp_write(1, USED, &ADDRESS), SUCCESS),
    ]);
}

fn pf_is_removed_under_traffic_and_the_plugin_lets_go(plugin: &Plugin<'_>) {
    plugin.expect(&[
        (begin_traffic(), SUCCESS),
        (some_writes(), SUCCESS),
        (json!({"do": "surprise_remove"}), SUCCESS),
        (some_writes(), SUCCESS),
        (traffic("end"), SUCCESS),
        (json!({"do": "remove"}), SUCCESS),
        (json!({"do": "unload"}), SUCCESS),
        (json!({"do": "load"}), SUCCESS),
        (vsp_write(1, USED, &ADDRESS), SUCCESS),
    ]);
}

/// The two are named differently, so that one script can have both; the second finds its blocks taken and serves nothing.
#[test]
fn two_plugins_for_the_same_blocks_live_beside_each_other() {
    let (c, rust) = (in_c(), in_rust());
    let (c, rust) = (c.to_str().expect("UTF-8"), rust.to_str().expect("UTF-8"));
    expect_beside(
        &["--plugin", c, "--plugin", rust],
        &[
            (vsp_write(0, USED, &ADDRESS), SUCCESS),
            (plugin("mac_vlan_c", "unload"), SUCCESS),
            (vsp_write(0, USED, &ADDRESS), INVALID_PARAMETER),
        ],
    );
}
