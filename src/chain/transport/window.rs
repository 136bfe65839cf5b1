//! How many bytes may a server have on the way to us on one channel (RFC 4254 §5.2)?
//!
//! Main type: [`Flow`]. Memory: what waits here for its reader is at most [`Flow::held`] bytes a channel.

/// Bytes a server may send on one channel before we have taken them in: the bandwidth-delay product of 1 Gbit/s at 64 ms.
pub const WINDOW: u32 = 8 * 1024 * 1024;
/// A window that nobody ever fills.
const WIDE: u32 = 1 << 30;

/// Who holds a session's server back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The windows of its channels, so many bytes each.
    Windows(u32),
    /// Something else: TCP for the first hop, and for the sessions inside its channels, their own windows.
    Wide,
}

impl Flow {
    /// The window of each channel.
    pub fn window(self) -> u32 {
        match self {
            Flow::Windows(window) => window,
            Flow::Wide => WIDE,
        }
    }

    /// Bytes of a channel that may wait for their reader here.
    pub fn held(self) -> u32 {
        self.window().min(WINDOW)
    }
}
