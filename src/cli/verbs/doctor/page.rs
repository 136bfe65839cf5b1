//! How are findings shown to a person? As a table for each host, then what the first failure means and what to type.
//! Pure; the caller makes the lines safe when it prints them.
//!
//! Main functions: [`rows`], [`summary`], [`advice`].

use std::time::Duration;

use crate::doctor::{Check, Outcome, Row};
use crate::progress::Stage;

use super::explanation::Explanation;

/// The most characters in a line if the terminal's width is not known; commands are never broken.
pub const WIDTH: usize = 100;

/// A table: one line for each row, with the host whenever it changes.
pub fn rows(rows: &[Row]) -> Vec<String> {
    let about = rows.iter().map(|row| row.about.chars().count()).max().unwrap_or(0).min(70);
    let mut lines = Vec::new();
    let mut host = "";
    for row in rows {
        if row.host != host {
            host = &row.host;
            lines.push(host.to_owned());
        }
        let time = row.time.map(took).unwrap_or_default();
        let padding = " ".repeat(about.saturating_sub(row.about.chars().count()));
        lines.push(
            format!("  {} {:15} {}{padding}  {time}", mark(&row.outcome), name(row.check), row.about)
                .trim_end()
                .to_owned(),
        );
    }
    lines
}

/// One line for a host without failures.
pub fn summary(trail: &str, rows: &[Row]) -> String {
    let time: Duration = rows.iter().filter_map(|row| row.time).sum();
    let checks: Vec<&str> = rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Good))
        .map(|row| name(row.check))
        .filter(|name| ["sftp", "shell"].contains(name))
        .collect();
    format!("  ok   {trail}: login, {} ({})", checks.join(", "), took(time))
}

/// The meaning, then the causes, each with what to type.
pub fn advice(explanation: &Explanation, width: usize) -> Vec<String> {
    let mut lines = wrapped(&explanation.meaning, Indent { first: "", others: "" }, width);
    let several = explanation.causes.len() > 1;
    if several {
        lines.push("Likely, in this order:".to_owned());
    }
    for (index, cause) in explanation.causes.iter().enumerate() {
        let number = if several { format!("  {}. ", index + 1) } else { "  ".to_owned() };
        match cause.what.is_empty() {
            true => lines.push("What to do:".to_owned()),
            false => lines.extend(wrapped(&cause.what, Indent { first: &number, others: "     " }, width)),
        }
        lines.extend(cause.todo.iter().map(|line| format!("       {line}")));
    }
    lines
}

/// The name of a check, also in JSON.
pub fn name(check: Check) -> &'static str {
    match check {
        Check::Stage(Stage::Resolve) => "resolve",
        Check::Stage(Stage::Dial) => "dial",
        Check::Stage(Stage::Greet) => "greet",
        Check::Stage(Stage::VerifyHost) => "host key",
        Check::Stage(Stage::Authenticate) => "authenticate",
        Check::Stage(Stage::StartSftp) => "sftp",
        Check::Stage(_) => "session",
        Check::Shell => "shell",
        Check::Disk => "disk",
        Check::Clock => "clock",
        Check::Agent => "agent",
        Check::Tools => "tools",
        Check::Reach => "reach",
        Check::Link => "line",
        Check::Route => "route",
    }
}

fn mark(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "ok  ",
        Outcome::Remark(_) => "note",
        Outcome::Failed(_) => "FAIL",
    }
}

fn took(time: Duration) -> String {
    match time.as_millis() {
        0 => "<1 ms".to_owned(),
        ms @ 1..1000 => format!("{ms} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// The text before the words of the first line, and before those of the other lines.
struct Indent<'a> {
    first: &'a str,
    others: &'a str,
}

/// The text wrapped into lines.
fn wrapped(text: &str, indent: Indent<'_>, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = indent.first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + word.chars().count() >= width {
            lines.push(std::mem::replace(&mut line, indent.others.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}
