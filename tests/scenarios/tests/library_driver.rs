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
    assert_eq!(answers[1]["status"], "0xc000000d");
}
