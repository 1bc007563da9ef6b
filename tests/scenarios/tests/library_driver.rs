//! An IHV's own driver that links the PF backchannel as a library serves its own block.

use std::env;

use scenarios::command;

#[test]
fn a_driver_that_links_the_library_serves_its_own_handler_and_no_other() {
    let image = env::var("PF_BACKCHANNEL_LIBRARY_IMAGE").expect("run `cargo xtask test`");
    let script = concat!(
        r#"{"do":"read","vf":2,"block":7,"length":4,"id":"its own block"}"#,
        "\n",
        r#"{"do":"read","vf":2,"block":0,"length":128,"id":"a block of the shipped image"}"#,
        "\n",
    );
    let run = command::run_with_input(["run", "-", "--image", &image, "--vfs", "4"], script);
    run.expect_code(command::CLEAN);
    let answers = run.lines();
    assert_eq!(answers[0]["status"], "0x00000000");
    assert_eq!(answers[0]["data"], "02000000");
    assert_eq!(answers[1]["status"], "0x00000000");
    assert_eq!(
        answers[1]["data"],
        "00".repeat(128),
        "nobody serves it here, so it is only stored, and empty"
    );
}

#[test]
fn a_block_that_nobody_claims_is_given_back_to_its_vf_as_far_as_there_is_room() {
    let image = env::var("PF_BACKCHANNEL_LIBRARY_IMAGE").expect("run `cargo xtask test`");
    let script = concat!(
        r#"{"do":"write","vf":1,"block":4000000000,"data":"0a0b0c"}"#,
        "\n",
        r#"{"do":"write","vf":1,"block":100,"data":"01"}"#,
        "\n",
        r#"{"do":"write","vf":1,"block":101,"data":"02"}"#,
        "\n",
        r#"{"do":"write","vf":2,"block":101,"data":"03"}"#,
        "\n",
        r#"{"do":"read","vf":1,"block":4000000000,"length":4}"#,
        "\n",
        r#"{"do":"read","vf":2,"block":4000000000,"length":4}"#,
        "\n",
    );
    let run = command::run_with_input(["run", "-", "--image", &image, "--vfs", "4"], script);
    run.expect_code(command::CLEAN);
    let answers = run.lines();
    let statuses: Vec<_> = answers.iter().take(6).map(|answer| answer["status"].clone()).collect();
    assert_eq!(
        statuses,
        ["0x00000000", "0x00000000", "0xc0000044", "0x00000000", "0x00000000", "0x00000000"],
        "a third block of one VF finds no room; another VF has its own"
    );
    assert_eq!((&answers[4]["data"], &answers[5]["data"]), (&"0a0b0c00".into(), &"00000000".into()));
}
