//! What a user is told when it goes wrong: each cause its own message, naming the hop, the step and the path, and its
//! own exit code. Nothing goes to standard output, and no message is that of another cause.

mod disk;
mod files;
mod keys;
mod keywords;
mod peers;
mod proxy;
mod servers;

use crate::street::{Outcome, Street, run};

/// `hop cp`, which fails with this code, says all of these, and nothing on standard output.
fn refused(street: &Street, words: &[&str], code: i32, says: &[&str]) -> Outcome {
    let ran = run(street.hop("cp").args(words));
    assert_eq!(ran.code, Some(code), "{words:?}: {ran}");
    assert!(ran.stdout.is_empty() && !ran.stderr.contains("panicked"), "{words:?}: {ran}");
    for said in says {
        assert!(ran.stderr.contains(said), "{words:?} does not say `{said}`: {ran}");
    }
    ran
}

/// The trail to a private server.
const TO_ACC: &str = "laptop > acc-bastion > acc-pvt";
