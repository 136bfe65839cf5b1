//! How is progress shown in a log? As a line every ten seconds, and one at the end. Only the text is made here;
//! `mod.rs` prints it.

use std::time::Duration;

use super::meter::Reading;
use super::numbers;
use super::numbers::{bytes, duration, files, rate};
use super::summary::Summary;

/// The time between two lines.
pub const EVERY: Duration = Duration::from_secs(10);

/// `12 of 340 files, 1.2 GiB of 3.4 GiB, 85 MiB/s, 0:25 left`.
pub fn progress(reading: &Reading) -> String {
    let more = if reading.walked { "" } else { "+" };
    let mut text = format!(
        "{} of {}{more}, {} of {}{more}, {}",
        reading.files_done,
        files(reading.files_total),
        bytes(reading.bytes_done),
        bytes(reading.bytes_total),
        rate(reading.rate)
    );
    if let Some(left) = reading.left() {
        text += &format!(", {}", numbers::left(left));
    }
    text
}

/// `3 files, 1.2 GiB in 12 s (98 MiB/s)`, and what went wrong.
pub fn summary(summary: &Summary) -> String {
    let speed = summary.bytes as f64 / summary.elapsed.as_secs_f64().max(0.001);
    let mut text = match summary.dry_run {
        true => format!("would copy {}, {}; nothing was written", files(summary.files_done), bytes(summary.bytes)),
        false => format!(
            "{}, {} in {} ({})",
            files(summary.files_done),
            bytes(summary.bytes),
            duration(summary.elapsed),
            rate(speed)
        ),
    };
    if summary.files_failed > 0 {
        text += &format!(", {} failed", summary.files_failed);
    }
    if summary.unchanged > 0 {
        text += &format!(", {} unchanged", summary.unchanged);
    }
    if summary.removed > 0 {
        text += &format!(", {} deleted", summary.removed);
    }
    if summary.skipped > 0 {
        text += &format!(", {} skipped", summary.skipped);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_walk_is_said_to_grow() {
        let reading = Reading {
            bytes_done: 1 << 20,
            bytes_total: 3 << 20,
            files_done: 1,
            files_total: 3,
            walked: false,
            rate: 524_288.0,
        };
        assert_eq!(progress(&reading), "1 of 3 files+, 1.0 MiB of 3.0 MiB+, 512 KiB/s");
        let walked = Reading { walked: true, ..reading };
        assert_eq!(progress(&walked), "1 of 3 files, 1.0 MiB of 3.0 MiB, 512 KiB/s, 4 s left");
    }
}
