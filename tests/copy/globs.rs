//! Which files does a remote pattern mean?

use std::fs;

use hop::copy::{Kind, Options};

use super::ends::{Scene, Way, recursive, tree};

fn scene() -> Option<Scene> {
    let scene = Scene::new(Way::Down)?;
    fs::create_dir_all(scene.from.join("logs/old")).unwrap();
    fs::create_dir_all(scene.from.join("other")).unwrap();
    for name in ["logs/a.gz", "logs/b.gz", "logs/.hidden.gz", "logs/c.txt", "other/d.gz", "with space", "star*"] {
        fs::write(scene.from.join(name), name).unwrap();
    }
    Some(scene)
}

async fn matched(pattern: &str) -> Option<Vec<String>> {
    let scene = scene()?;
    let report = scene.copy(pattern, "", recursive()).await.unwrap();
    assert_eq!(report.failures, 0, "{pattern}: {:?}", report.failed);
    Some(tree(&scene.to).keys().map(|path| path.to_string_lossy().into_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_match_as_in_the_shell() {
    for (pattern, expected) in [
        ("logs/*.gz", &["a.gz", "b.gz"][..]),
        ("logs/[a].gz", &["a.gz"]),
        ("logs/.*.gz", &[".hidden.gz"]),
        ("*/?.gz", &["a.gz", "b.gz", "d.gz"]),
        ("lo*/c.txt", &["c.txt"]),
        ("l*", &["logs", "logs/.hidden.gz", "logs/a.gz", "logs/b.gz", "logs/c.txt", "logs/old"]),
        ("logs/o*", &["old"]),
        // as people learnt to type it for the old protocol
        ("with\\ space", &["with space"]),
        ("with space", &["with space"]),
        // what is there by that name is meant, whatever else it could match
        ("star*", &["star*"]),
    ] {
        let Some(found) = matched(pattern).await else { return };
        assert_eq!(found, expected, "{pattern}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_pattern_starts_at_the_root() {
    let Some(scene) = scene() else { return };
    let pattern = format!("{}/logs/*.txt", scene.from.display());
    scene.copies(&pattern, "", Options::default()).await;
    assert_eq!(tree(&scene.to).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_match_is_an_error_that_names_the_pattern() {
    let Some(scene) = scene() else { return };
    let report = scene.copy("logs/*.none", "", Options::default()).await.unwrap();
    assert_eq!(report.kind(), Some(Kind::RemoteFile));
    let text = report.failed[0].error.to_string();
    assert!(text.contains("logs/*.none") && text.contains("no file matches"), "{text}");
}
