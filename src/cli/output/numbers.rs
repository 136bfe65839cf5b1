//! How are numbers written for people? Bytes, rates, durations. Units are powers of 1024.

use std::time::Duration;

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// `0 B`, `999 B`, `1.5 KiB`, `23 MiB`: three digits at most before the unit changes, one decimal below ten.
pub fn bytes(count: u64) -> String {
    let (value, unit) = scaled(count as f64);
    match unit {
        0 => format!("{count} B"),
        _ if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A size as `ls -h` writes it: `999`, `1.5K`, `23M`.
pub fn short(count: u64) -> String {
    let (value, unit) = scaled(count as f64);
    match unit {
        0 => count.to_string(),
        _ if value < 9.95 => format!("{value:.1}{}", &UNITS[unit][..1]),
        _ => format!("{value:.0}{}", &UNITS[unit][..1]),
    }
}

/// A rate in bytes per second: `85 MiB/s`.
pub fn rate(bytes_a_second: f64) -> String {
    format!("{}/s", bytes(bytes_a_second.max(0.0) as u64))
}

/// `0.04 s`, `4.2 s`, `12 s`, `3:07`, `1:02:03`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{:.2} s", time.as_secs_f32()),
        1..10 => format!("{:.1} s", time.as_secs_f32()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// A remaining time, in whole seconds: `1 s left`, `3:07 left`.
pub fn left(time: Duration) -> String {
    let seconds = (time.as_secs_f64().ceil() as u64).max(1);
    match seconds {
        1..60 => format!("{seconds} s left"),
        _ => format!("{} left", duration(Duration::from_secs(seconds))),
    }
}

/// `1 file`, `12 files`.
pub fn files(count: u64) -> String {
    format!("{count} {}", if count == 1 { "file" } else { "files" })
}

/// The value below 1000 and the index of its unit.
fn scaled(mut value: f64) -> (f64, usize) {
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    (value, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_three_digits() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10 * 1024, "10 KiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "16 EiB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
        assert_eq!((short(512).as_str(), short(1536).as_str(), short(23 << 20).as_str()), ("512", "1.5K", "23M"));
    }

    #[test]
    fn durations_grow_into_clock_times() {
        let text = |seconds| duration(Duration::from_secs_f64(seconds));
        assert_eq!([text(0.042), text(4.2), text(12.9)], ["0.04 s", "4.2 s", "12 s"]);
        assert_eq!([text(187.0), text(3723.0)], ["3:07", "1:02:03"]);
        let left = |seconds| left(Duration::from_secs_f64(seconds));
        assert_eq!([left(0.0), left(4.1), left(186.5)], ["1 s left", "5 s left", "3:07 left"]);
    }
}
