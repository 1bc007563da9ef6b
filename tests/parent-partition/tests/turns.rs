//! A machine of one processor: who runs when, and what its clock does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use parent_partition::machine::{thread, turn, wait};
use parent_partition::scenario;

/// What threads have done, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("nobody panics with the log").push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics with the log"))
    }
}

#[test]
fn threads_run_one_after_the_other_and_not_before_the_first_one_waits() {
    let verdict = scenario!(|| {
        turn::one_processor();
        let log = Log::default();
        for name in ["first", "second", "third"] {
            let log = log.clone();
            thread::spawn(name, move || {
                log.note(name);
                wait::yield_now();
                log.note(format!("{name} again"));
            })
            .expect("a thread");
        }
        log.note("main");
        turn::let_others_run();
        let order = ["main", "first", "second", "third", "first again", "second again", "third again"];
        assert_eq!(log.take(), order);
    });
    verdict.expect_clean();
}

#[test]
fn a_thread_that_waits_goes_on_when_what_it_waits_for_has_changed() {
    let verdict = scenario!(|| {
        turn::one_processor();
        let (log, open) = (Log::default(), Arc::new(Mutex::new(false)));
        let (waiter_log, waited_for) = (log.clone(), Arc::clone(&open));
        let waiter = thread::spawn("waiter", move || {
            wait::until(None, || waited_for.lock().expect("a leaf").then_some(()));
            waiter_log.note("open");
        })
        .expect("a thread");
        turn::let_others_run();
        assert_eq!(log.take(), [""; 0], "it waits");
        assert!(!waiter.is_finished());
        wait::change(|| *open.lock().expect("a leaf") = true);
        log.note("changed");
        turn::let_others_run();
        assert_eq!(log.take(), ["changed", "open"]);
        assert!(waiter.is_finished());
    });
    verdict.expect_clean();
}

#[test]
fn time_passes_only_when_it_is_told_to_and_wakes_in_order() {
    let verdict = scenario!(|| {
        turn::one_processor();
        let (log, start) = (Log::default(), wait::since_boot());
        for milliseconds in [30, 10, 20, 50] {
            let log = log.clone();
            thread::spawn("sleeper", move || {
                wait::until(Some(Duration::from_millis(milliseconds)), || None::<()>);
                let now = (wait::since_boot() - start).as_millis();
                log.note(format!("{milliseconds} at {now}"));
            })
            .expect("a thread");
        }
        turn::let_others_run();
        std::thread::sleep(Duration::from_millis(15));
        turn::let_others_run();
        assert_eq!(log.take(), [""; 0], "the host's time is not the machine's");
        turn::advance(Duration::from_millis(40));
        assert_eq!(log.take(), ["10 at 10", "20 at 20", "30 at 30"]);
        assert_eq!(wait::since_boot() - start, Duration::from_millis(40));
        turn::advance(Duration::from_millis(10));
        assert_eq!(log.take(), ["50 at 50"]);
    });
    verdict.expect_clean();
}

#[test]
fn joining_a_thread_lets_it_run() {
    let verdict = scenario!(|| {
        turn::one_processor();
        let started = thread::spawn("seven", || 7).expect("a thread");
        assert!(!started.is_finished());
        assert_eq!(started.join(), 7);
    });
    verdict.expect_clean();
}
