//! A wrong driver, and what the judge must say of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use parent_partition::judge::Rule;
use scenarios::c_driver::{self, Model};
use scenarios::command::{self, CLEAN, RULE_BROKEN, Run};
use scenarios::framework;
use serde_json::{Value, json};

/// One wrong driver below `tests/wrong-drivers`.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// What kind of driver it is.
    pub(crate) kind: Kind,
    /// Its file's name, without the ending.
    pub(crate) name: &'static str,
    /// The rule it breaks.
    pub(crate) rule: Rule,
    /// The routine it calls when it breaks it; empty when it calls none.
    pub(crate) call: &'static str,
    /// Its function to blame; empty where the rule is broken by no code of it.
    pub(crate) at: &'static str,
    /// What is said on a framework image.
    pub(crate) on_an_image: OnAnImage,
}

/// What a run on a framework image says of a wrong driver.
#[derive(Debug)]
pub(crate) enum OnAnImage {
    /// The same as on the simulated framework: the kernel says it, and of the driver.
    Same,
    /// The framework breaks the rule where the driver's function has called it; the report's detail begins so.
    Called(Rule, &'static str),
    /// The framework breaks the rule when the driver's function is over.
    Later(Rule, &'static str),
    /// No rule is broken, and the request that the driver has from its device ends so.
    RequestEnds(&'static str),
    /// It cannot be told, for this reason.
    Skipped(&'static str),
}

/// What a driver is written against, which is the name of its folder, and how it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The kernel alone; run by `exercise`.
    Wdm,
    /// The framework; run by `exercise`.
    Kmdf,
    /// The framework, as the driver of a physical function; run by a script in which a guest writes and reads.
    Pf,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 3] = [Self::Wdm, Self::Kmdf, Self::Pf];

    /// The folder below `tests/wrong-drivers`.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Wdm => "wdm",
            Self::Kmdf => "kmdf",
            Self::Pf => "pf",
        }
    }

    /// Compiles the driver `name` and runs it.
    pub(crate) fn run(self, name: &str) -> Run {
        let source = format!("tests/wrong-drivers/{}/{name}.c", self.folder());
        let model = match self {
            Self::Wdm => Model::Wdm,
            Self::Kmdf | Self::Pf => Model::Kmdf,
        };
        let image = c_driver::compile(model, &source, definition(&source).as_deref());
        match self {
            Self::Wdm | Self::Kmdf => {
                command::run([OsStr::new("exercise"), "--json".as_ref(), image.as_ref()])
            }
            Self::Pf => {
                let arguments = [OsStr::new("run"), "-".as_ref(), "--image".as_ref(), image.as_ref()];
                command::run_with_input(arguments, SCRIPT)
            }
        }
    }
}

impl Wrong {
    /// The source below `tests/wrong-drivers`.
    pub(crate) fn file(&self) -> String {
        format!("{}/{}.c", self.kind.folder(), self.name)
    }

    /// Runs it and panics unless the judge finds exactly this.
    #[track_caller]
    pub(crate) fn is_caught(&self) {
        if self.kind == Kind::Wdm && framework::skipped_on_an_image("a WDM driver is bound to no framework") {
            return;
        }
        match self.on_an_image {
            _ if framework::image().is_none() => {}
            OnAnImage::Same => {}
            OnAnImage::Skipped(reason) => {
                assert!(framework::skipped_on_an_image(reason));
                return;
            }
            OnAnImage::Called(rule, detail) => return self.is_caught_by_the_framework(rule, detail, true),
            OnAnImage::Later(rule, detail) => return self.is_caught_by_the_framework(rule, detail, false),
            OnAnImage::RequestEnds(status) => {
                let run = self.kind.run(self.name);
                run.expect_code(CLEAN);
                let ended = run.lines().into_iter().find(|line| line["step"] == "device-control");
                assert_eq!(ended.map(|line| line["status"].clone()), Some(status.into()), "{run}");
                return;
            }
        }
        let run = self.kind.run(self.name);
        run.expect_code(RULE_BROKEN);
        let report = run.broken_rule();
        let at = if self.at.is_empty() { Value::Null } else { self.at.into() };
        let found = [&report["rule"], &report["call"], &report["at"]];
        assert_eq!(found, [&self.rule.name().into(), &self.call.into(), &at], "rule, call, at\n{run}");
        assert_eq!(report["image"], format!("{}.sys", self.name), "{run}");
    }

    /// Runs it and panics unless the framework image breaks the rule, called by the driver's function or not.
    #[track_caller]
    fn is_caught_by_the_framework(&self, rule: Rule, detail: &str, is_called: bool) {
        let run = self.kind.run(self.name);
        run.expect_code(RULE_BROKEN);
        let report = run.broken_rule();
        assert_eq!([&report["rule"], &report["in"]], [rule.name(), "framework"], "{run}");
        assert!(report["detail"].as_str().is_some_and(|text| text.starts_with(detail)), "{detail:?}\n{run}");
        if is_called {
            let caller = json!({ "image": format!("{}.sys", self.name), "at": self.at });
            assert_eq!(report["caller"], caller, "{run}");
        }
    }
}

/// The names that a driver imports besides the kernel's, where it has some.
fn definition(source: &str) -> Option<PathBuf> {
    let path = Path::new(source).with_extension("def");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&path).is_file().then_some(path)
}

/// A write that ends at the end of its page, and a read.
const SCRIPT: &str = r#"{"do":"write","vf":0,"block":5,"data":"01020304"}
{"do":"read","vf":0,"block":5,"length":64}
"#;

/// Makes the table of a group of wrong drivers, and a test of each.
///
/// `sentence: Kind "name" breaks Rule calling "routine" in "function";`, and where a framework image says it otherwise,
/// `on an image ...` before the semicolon.
macro_rules! wrong_drivers {
    ($($sentence:ident: $kind:ident $name:literal breaks $rule:ident calling $call:literal in $at:literal
        $(on an image $on_an_image:expr)?;)+) => {
        pub(crate) const DRIVERS: &[crate::wrong::Wrong] = &[$(crate::wrong::Wrong {
            kind: crate::wrong::Kind::$kind,
            name: $name,
            rule: parent_partition::judge::Rule::$rule,
            call: $call,
            at: $at,
            on_an_image: crate::wrong::on_an_image!($($on_an_image)?),
        }),+];

        $(
            #[test]
            fn $sentence() {
                let is_this = |wrong: &&crate::wrong::Wrong| {
                    wrong.name == $name && wrong.kind == crate::wrong::Kind::$kind
                };
                DRIVERS.iter().find(is_this).expect("the table is made of the same lines").is_caught();
            }
        )+
    };
}
pub(crate) use wrong_drivers;

/// What a line of the table says of framework images; where it says nothing, they are like the simulated framework.
macro_rules! on_an_image {
    () => {
        crate::wrong::OnAnImage::Same
    };
    ($on_an_image:expr) => {
        $on_an_image
    };
}
pub(crate) use on_an_image;
