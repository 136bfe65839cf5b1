//! Is each row of the matrix of faults shown? A row whose test is renamed or goes is noticed here; one whose test did not
//! run, or did not pass, by `tests/rows` at the end of the run.

use std::fs;
use std::path::Path;

use super::invariants::note;
use super::matrix::{OF_ONE, Row};
use super::matrix_of_many::OF_MANY;

/// Rows of the whole matrix; F32 and F43 are none.
const ALL: usize = 43;

fn rows() -> impl Iterator<Item = &'static Row> {
    OF_ONE.iter().chain(OF_MANY)
}

#[test]
fn the_rows_of_the_matrix_are_shown() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut missing = Vec::new();
    for (row, shown_by) in rows() {
        for place in *shown_by {
            let (file, test) = place.split_once("::").expect("file::test");
            let text = fs::read_to_string(tests.join(file)).unwrap_or_default();
            if !text.contains(&format!("fn {test}(")) {
                missing.push(format!("{row}: {place}"));
            }
        }
    }
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
    assert_eq!(rows().count(), ALL, "rows that nothing shows");
    // whether they ran, and passed, is known at the end of the run: `tests/rows`
    for (row, shown_by) in rows() {
        for place in *shown_by {
            note(&format!(
                "row {} {}",
                row.split(' ').next().unwrap_or(row),
                place.replace(".rs", "").replace('/', "::")
            ));
        }
    }
}
