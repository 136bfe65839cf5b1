//! What is an entry of a listing? [`Look`]: what the listing says, or, where that does not do, what its end says of it. Looks
//! under way are answered together. Follows no link but the entry itself.

use tokio::task::JoinHandle;

use super::pending::Child;
use crate::copy::ends::side::Side;
use crate::copy::error::CopyError;
use crate::copy::name::Name;
use crate::copy::place::{Links, Place};
use crate::sftp::Attributes;

/// An entry whose attributes are known or on their way.
pub struct Look {
    name: Name,
    told: LookOutcome,
}

enum LookOutcome {
    Now(Attributes),
    Later(JoinHandle<Result<Attributes, CopyError>>),
}

impl Look {
    /// What the listing says is all there is to know.
    pub fn known(name: Name, listed: Attributes) -> Look {
        Look { name, told: LookOutcome::Now(listed) }
    }

    /// Asks what the entry at `place` is, or leads to.
    pub fn ask(name: Name, side: &Side, place: Place) -> Look {
        let side = side.clone();
        Look { name, told: LookOutcome::Later(tokio::spawn(async move { side.stat(&place, Links::Follow).await })) }
    }

    /// What it is, or its name and why that cannot be said.
    pub async fn end(self) -> Result<Child, (Name, CopyError)> {
        let Look { name, told } = self;
        let (attributes, links) = match told {
            LookOutcome::Now(attributes) => (attributes, Links::Keep),
            LookOutcome::Later(asked) => match asked.await {
                Ok(Ok(attributes)) => (attributes, Links::Follow),
                Ok(Err(error)) => return Err((name, error)),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            },
        };
        Ok(Child { name, attributes, links })
    }
}
