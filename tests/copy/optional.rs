//! What if a server never answers what a copy can do without? A shell for checksums and further sessions are asked for, and
//! the copy goes on without them.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use hop::copy::{Care, Connector, Opening, Options, Shell};

use super::ends::{Host, Scene, WAYS, Way, content};

/// A host that opens one session and is silent when it is asked for more.
struct OneSession(Host);

impl Connector for OneSession {
    fn alias(&self) -> &str {
        self.0.alias()
    }

    fn trail(&self) -> String {
        self.0.trail()
    }

    fn lane(&self, lane: usize) -> Opening<'_> {
        match lane {
            0 => self.0.lane(lane),
            _ => Box::pin(std::future::pending()),
        }
    }

    fn shell(&self) -> Shell<'_> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_that_are_never_opened_do_not_stop_the_copy() {
    for way in WAYS {
        let Some(mut scene) = Scene::new(way) else { return };
        let quiet = |folder| Some(Arc::new(OneSession(Host::new("quiet", folder, &[])?)));
        let (Some(from), Some(to)) = (quiet(&scene.from), quiet(&scene.to)) else { return };
        if way != Way::Up {
            scene.reach_source_by(from);
        }
        if way != Way::Down {
            scene.reach_destination_by(to);
        }
        let large = content(40 << 20, 5);
        fs::write(scene.from.join("f"), &large).unwrap();
        let care = Care { verify: true, ..Care::default() };
        let options = Options { care, timeout: Some(Duration::from_secs(4)), ..Options::default() };
        scene.copies("f", "f", options).await;
        assert!(fs::read(scene.to.join("f")).unwrap() == large);
    }
}
