//! What people do without a direct copy: carry the key of the destination to the source, and start scp there.

use std::time::Duration;

use crate::ground::Ground;
use crate::measure::Taken;
use crate::street::{ACC_PVT, DELL_PVT};

/// A source that has been given the key.
pub struct Hand {
    scp: String,
    to: String,
}

impl Hand {
    /// `None` on a street that is not ours: nobody's key is carried there.
    pub fn give(ground: &Ground) -> Option<Hand> {
        let Ground::Street(street) = ground else { return None };
        let key = std::fs::read(street.laptop().join("dell.pem")).expect("the key");
        let known = std::fs::read(street.known_hosts()).expect("the known hosts");
        street.put(ACC_PVT, "hand/dell.pem", &key);
        street.put(ACC_PVT, "hand/known_hosts", &known);
        ground.on(ACC_PVT, "chmod 600 hand/dell.pem");
        let address = street.server(DELL_PVT).address;
        let scp = format!(
            "scp -q -F /dev/null -i hand/dell.pem -o UserKnownHostsFile=hand/known_hosts -P {} -r",
            address.port()
        );
        Some(Hand { scp, to: format!("{}@{}:", street.user(), address.ip()) })
    }

    /// Runs scp there; how long it took by the source's own clock, without the way there.
    pub fn scp(&self, ground: &Ground, name: &str) -> Taken {
        let Hand { scp, to } = self;
        let line = format!("s=$(date +%s%N); {scp} {name} {to} && e=$(date +%s%N) && echo $((e - s))");
        let nanoseconds = ground.on(ACC_PVT, &line).parse().expect("nanoseconds");
        Taken { time: Duration::from_nanos(nanoseconds), memory: 0 }
    }
}
