//! How many bytes may a server have in flight to us on one channel (RFC 4254 §5.2)?
//!
//! Main type: [`FlowControl`]. Memory: at most [`FlowControl::held`] bytes per channel wait here for their reader.

/// The number of bytes that a server may send on one channel before we have read them: the bandwidth-delay product of 1
/// Gbit/s at 64 ms.
pub const WINDOW: u32 = 8 * 1024 * 1024;
/// A window that no server ever fills, in bytes.
const WIDE: u32 = 1 << 30;

/// What keeps a server from sending more than is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowControl {
    /// The windows of its channels, of this many bytes each.
    Windows(u32),
    /// Something other than windows: TCP for the first hop; for sessions inside its channels, their own windows.
    Wide,
}

impl FlowControl {
    /// The window of each channel, in bytes.
    pub fn window(self) -> u32 {
        match self {
            FlowControl::Windows(window) => window,
            FlowControl::Wide => WIDE,
        }
    }

    /// The most bytes of a channel that wait here for their reader.
    pub fn held(self) -> u32 {
        self.window().min(WINDOW)
    }
}
