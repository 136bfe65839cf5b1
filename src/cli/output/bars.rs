//! How do bars show progress on a terminal? There is one for each large file in progress, and a total. Nothing is drawn
//! for the first 250 ms, so that short runs stay quiet; then at most 15 frames a second, by the caller of
//! [`Bars::tick`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::safe;
use crate::progress::{Counters, Event};

use super::meter::{Meter, Reading};
use super::numbers;
use super::numbers::{bytes, duration, files, rate};

const QUIET: Duration = Duration::from_millis(250);
const FRAME: Duration = Duration::from_millis(67);
/// The size in bytes from which a file gets a bar: smaller ones are done before it could be read.
const LARGE: u64 = 16 << 20;
/// The most bars, so that they fit on a small terminal beside the total.
const MOST: usize = 8;
const NAME_WIDTH: usize = 30;
const BAR_WIDTH: usize = 20;

/// The bars of one run.
pub struct Bars {
    multi: MultiProgress,
    target: Option<ProgressDrawTarget>,
    total: ProgressBar,
    large: BTreeMap<u64, Large>,
    last_name: String,
    stage: String,
    started: Instant,
    next_frame: Instant,
}

/// A large file in progress.
struct Large {
    name: String,
    size: u64,
    done: Arc<AtomicU64>,
    bar: Option<ProgressBar>,
}

impl Bars {
    /// Bars on standard error.
    pub fn on_stderr() -> Bars {
        Bars::on(ProgressDrawTarget::stderr_with_hz(15), Instant::now())
    }

    fn on(target: ProgressDrawTarget, now: Instant) -> Bars {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let total = multi.add(line());
        let next_frame = now + QUIET;
        let target = Some(target);
        let (large, last_name, stage) = Default::default();
        Bars { multi, target, total, large, last_name, stage, started: now, next_frame }
    }

    /// Takes an event into account.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Stage { hop, stage } => self.stage = safe::line(format!("{hop}: {stage}")),
            Event::FileStarted { id, path, size, done } => {
                self.last_name = safe::elide(&safe::line(path), NAME_WIDTH);
                if *size >= LARGE {
                    let large = Large { name: self.last_name.clone(), size: *size, done: done.clone(), bar: None };
                    self.large.insert(*id, large);
                }
            }
            Event::FileDone { id, .. } | Event::FileFailed { id: Some(id), .. } => self.remove(*id),
            _ => {}
        }
    }

    /// The time until the next frame has to be drawn.
    pub fn until_next_frame(&self, now: Instant) -> Duration {
        self.next_frame.saturating_duration_since(now)
    }

    /// Draws a frame if one is due.
    pub fn tick(&mut self, now: Instant, counters: &Counters, meter: &mut Meter) {
        if now < self.next_frame {
            return;
        }
        self.next_frame = now + FRAME;
        if let Some(target) = self.target.take() {
            self.multi.set_draw_target(target);
        }
        let reading = meter.read(counters, now);
        let alone = reading.files_total <= 1;
        if !alone {
            self.draw_files();
        }
        let bar = bar(reading.bytes_done, reading.bytes_total);
        self.total.set_message(match reading.files_total {
            0 => format!("{} {}", self.stage, duration(now - self.started)),
            _ => format!("{bar} {}", total_text(&reading, alone.then_some(&self.last_name))),
        });
    }

    /// Runs `print` with the bars removed meanwhile.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.multi.suspend(print)
    }

    /// Removes the bars from the screen until the next frame.
    pub fn clear(&mut self) {
        let _ = self.multi.clear(); // a terminal that went away shows nothing anyway
    }

    fn draw_files(&mut self) {
        let mut shown = self.large.values().filter(|large| large.bar.is_some()).count();
        for large in self.large.values_mut() {
            let done = large.done.load(Ordering::Relaxed);
            if large.bar.is_none() && shown < MOST && done < large.size {
                shown += 1;
                large.bar = Some(self.multi.insert_before(&self.total, line()));
            }
            if let Some(bar) = &large.bar {
                bar.set_message(file_text(large, done));
            }
        }
    }

    fn remove(&mut self, id: u64) {
        if let Some(bar) = self.large.remove(&id).and_then(|large| large.bar) {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
    }
}

/// A line that is drawn only if its text changes: the settings of a bar in indicatif would draw it each time.
fn line() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").expect("the template is well formed");
    ProgressBar::no_length().with_style(style)
}

/// The drawn bar: `━━━━━╸──────────────`.
fn bar(done: u64, total: u64) -> String {
    let share = done.min(total) as f64 / total.max(1) as f64;
    let full = (share * BAR_WIDTH as f64) as usize;
    let head = if full < BAR_WIDTH && done > 0 { "╸" } else { "" };
    format!("{}{head}{}", "━".repeat(full), "─".repeat(BAR_WIDTH - full - usize::from(!head.is_empty())))
}

fn file_text(large: &Large, done: u64) -> String {
    let (bar, name) = (bar(done, large.size), &large.name);
    format!("{bar} {name:NAME_WIDTH$} {} of {}", bytes(done), bytes(large.size))
}

/// The text beside the total: the name if there is only one file, otherwise the count.
fn total_text(reading: &Reading, name: Option<&String>) -> String {
    let more = if reading.walked { "" } else { "+" };
    let what = match name {
        Some(name) => name.clone(),
        None => format!("{} of {}{more}", reading.files_done, files(reading.files_total)),
    };
    let left = reading.left().map(|left| format!("  {}", numbers::left(left))).unwrap_or_default();
    let (done, total) = (bytes(reading.bytes_done), bytes(reading.bytes_total));
    format!("{what}  {done} of {total}{more}  {}{left}", rate(reading.rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::Mutex;

    /// A terminal that only records what was written.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<Vec<String>>>);

    impl indicatif::TermLike for Paper {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push(text.trim_end().to_owned());
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn counters(files: u64, total: u64, done: u64) -> Counters {
        let counters = Counters::default();
        Counters::add(&counters.files_total, files);
        Counters::add(&counters.bytes_total, total);
        Counters::add(&counters.bytes_done, done);
        counters.walked.store(true, Ordering::Relaxed);
        counters
    }

    fn started(id: u64, path: &[u8], size: u64, done: u64) -> Event {
        Event::FileStarted { id, path: path.to_vec(), size, done: Arc::new(AtomicU64::new(done)) }
    }

    fn drawn(paper: &Paper) -> String {
        paper.0.lock().unwrap().join("\n")
    }

    #[test]
    fn short_runs_stay_quiet() {
        let (paper, now) = (Paper::default(), Instant::now());
        let mut bars = Bars::on(ProgressDrawTarget::term_like(Box::new(paper.clone())), now);
        bars.tick(now + Duration::from_millis(249), &counters(1, 10, 5), &mut Meter::new(now));
        assert_eq!(drawn(&paper), "");
        bars.tick(now + Duration::from_millis(250), &counters(1, 10, 5), &mut Meter::new(now));
        assert!(drawn(&paper).contains("5 B of 10 B"), "{:?}", drawn(&paper));
    }

    #[test]
    fn each_large_file_has_a_bar_and_its_name_is_harmless() {
        let (paper, now) = (Paper::default(), Instant::now());
        let mut bars = Bars::on(ProgressDrawTarget::term_like(Box::new(paper.clone())), now);
        bars.event(&started(1, b"evil\x1b[2Jname.iso", LARGE, 1 << 20));
        bars.event(&started(2, b"small.txt", 3, 0));
        let (counters, mut meter) = (counters(2, LARGE + 3, 1 << 20), Meter::new(now));
        for frame in 0..20 {
            bars.tick(now + QUIET + FRAME * frame, &counters, &mut meter);
            std::thread::sleep(Duration::from_millis(5));
        }
        let text = drawn(&paper);
        assert!(text.contains(r"evil\x1b[2Jname.iso") && text.contains("1.0 MiB of 16 MiB"), "{text}");
        assert!(text.contains("0 of 2 files") && !text.contains("small.txt"), "{text}");
    }

    #[test]
    fn a_bar_is_always_as_wide() {
        let bars = [(0, 100), (1, 100), (50, 100), (100, 100), (7, 0), (u64::MAX, u64::MAX)];
        for (done, total) in bars {
            assert_eq!(bar(done, total).chars().count(), BAR_WIDTH, "{done} of {total}");
        }
        assert_eq!(bar(50, 100), "━━━━━━━━━━╸─────────");
    }

    #[test]
    fn a_single_file_is_named_beside_the_total() {
        let reading = Reading {
            bytes_done: 1 << 20,
            bytes_total: 3 << 20,
            files_done: 0,
            files_total: 1,
            walked: true,
            rate: 0.0,
        };
        assert_eq!(total_text(&reading, Some(&"a.iso".to_owned())), "a.iso  1.0 MiB of 3.0 MiB  0 B/s");
        let reading = Reading { walked: false, files_total: 7, rate: 1048576.0, ..reading };
        assert_eq!(total_text(&reading, None), "0 of 7 files+  1.0 MiB of 3.0 MiB+  1.0 MiB/s");
    }
}
