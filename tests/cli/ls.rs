//! Does a word mean to `hop ls` what it means to `hop cp`, and do both say the same when it means nothing?

use crate::street::{ACC_PVT, Outcome, Street, run};

/// What a word stands for, by name, and what is wrong with it.
type Meaning = (Vec<String>, Vec<String>);

fn to_ls(street: &Street, word: &str) -> Meaning {
    let outcome = run(street.hop("ls").arg(format!("acc-pvt:{word}")));
    (outcome.stdout.lines().map(str::to_owned).collect(), errors(&outcome))
}

fn to_cp(street: &Street, word: &str) -> Meaning {
    let outcome = run(street.hop("cp").arg("--dry-run").arg(format!("acc-pvt:{word}")).arg("."));
    let sources = outcome.stdout.lines().map(|line| line.split(" -> ").next().unwrap_or_default().to_owned());
    (sources.collect(), errors(&outcome))
}

/// From the host on: a copy names its source first where that is not the path that failed.
fn errors(outcome: &Outcome) -> Vec<String> {
    let at_host = |line: &str| line.find("acc-pvt: laptop > ").map(|at| line[at..].to_owned());
    outcome.stderr.lines().filter_map(at_host).collect()
}

#[test]
fn a_word_means_to_ls_what_it_means_to_cp() {
    let Some(street) = Street::start() else { return };
    for file in ["logs/a.gz", "logs/b.gz", "logs/.hidden.gz", "with space", "star*", "stars"] {
        street.put(ACC_PVT, file, b"");
    }
    let said = |path: &str, what: &str| vec![format!("acc-pvt: laptop > acc-bastion > acc-pvt: list: {path}: {what}")];
    for (word, names, errors) in [
        ("logs/*.gz", &["logs/a.gz", "logs/b.gz"][..], vec![]),
        ("l*/.*.gz", &["logs/.hidden.gz"], vec![]),
        ("with\\ space", &["with space"], vec![]),
        // what is there by that name is meant, whatever else it could match
        ("star*", &["star*"], vec![]),
        ("logs/*.none", &[], said("logs/*.none", "no file matches this pattern")),
        ("*/none", &[], said("*/none", "no file matches this pattern")),
        ("none", &[], said("none", "no such file or directory")),
    ] {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let meaning = to_ls(&street, word);
        assert_eq!(meaning, (names, errors), "{word}");
        assert_eq!(meaning, to_cp(&street, word), "{word}");
    }
}

#[test]
fn a_home_folder_is_to_ls_what_it_is_to_cp() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "logs/a.gz", b"");
    let user = street.user();
    for word in ["~/logs/*.gz".to_owned(), format!("~{user}/logs/*.gz"), "~nobody-of-that-name/x".to_owned()] {
        let meaning = to_ls(&street, &word);
        assert_eq!(meaning.0.len() + meaning.1.len(), 1, "{word}: {meaning:?}");
        assert_eq!(meaning, to_cp(&street, &word), "{word}");
    }
    if street.own_homes() {
        let there = street.home(ACC_PVT).join("logs/a.gz").display().to_string();
        assert_eq!(to_ls(&street, "~/logs/*.gz"), (vec![there], Vec::new()));
    }
}

#[test]
fn a_word_that_means_nothing_does_not_keep_others_from_being_listed() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "f", b"");
    let outcome = run(street.hop("ls").args(["acc-pvt:none*", "acc-pvt:~nobody-of-that-name/x", "acc-pvt:f"]));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(23), "f\n"), "{outcome}");
    assert_eq!(errors(&outcome).len(), 2, "{outcome}");
}
