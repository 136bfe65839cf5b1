//! F40: another local user swaps what is copied for links, over and over, while root copies it. What only root may read does
//! not go, whatever was swapped when; what is found to be something else is a failure of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use hop::copy::{CopyError, Kind, Mirror, Options, Report, Symlinks, Unchanged};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::copy::ends::{Scene, Way, tree};
use crate::meanwhile::Meanwhile;
use crate::skips::need_root;

const SECRET: &[u8] = b"only root may read this";

/// Nobody.
const OTHER: u32 = 65534;

/// Copies for each thing that is swapped.
const ROUNDS: usize = 25;

const FILES: usize = 40;

/// Two names change places for as long as what is returned lives.
fn swapper(one: PathBuf, other: PathBuf) -> Meanwhile {
    Meanwhile::does(move || {
        renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).expect("they change places");
    })
}

/// A tree of another user's, and a folder of root's with files of the same names.
fn furnish(scene: &Scene) {
    let (tree, secret) = (scene.from.join("t"), scene.from.join("secret"));
    fs::create_dir_all(tree.join("d")).unwrap();
    fs::create_dir_all(secret.join("d")).unwrap();
    fs::create_dir(scene.from.join("outside")).unwrap();
    for number in 0..FILES {
        let name = format!("d/{number}");
        fs::write(tree.join(&name), "his own").unwrap();
        fs::write(secret.join(&name), SECRET).unwrap();
        chown(tree.join(name), Some(OTHER), Some(OTHER)).unwrap();
    }
    fs::write(tree.join("f"), "his own").unwrap();
    fs::write(secret.join("f"), SECRET).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o700)).unwrap();
    for path in ["t", "t/d", "t/f", "outside"] {
        chown(scene.from.join(path), Some(OTHER), Some(OTHER)).unwrap();
    }
}

fn is_free_of_secrets(to: &Path, what: &str) {
    for (path, content) in tree(to) {
        let is_link = content.starts_with(b"link to ");
        assert!(is_link || !content.windows(SECRET.len()).any(|bytes| bytes == SECRET), "{what}: {}", path.display());
    }
}

/// What arrived was his own, and what did not had changed or gone.
fn only_changed(copied: Result<Report, CopyError>) {
    let failed = match copied {
        Ok(report) => report.failed.into_iter().map(|failure| failure.error).collect(),
        Err(error) => vec![error],
    };
    for error in failed {
        // a link as such cannot be synced
        assert!(matches!(error.kind(), Kind::SourceChanged | Kind::LocalFile | Kind::Usage), "{error}");
    }
}

/// Copies again and again while `what` is swapped for a link to root's own.
async fn swapped(what: &str, options: &Options) {
    let Some(scene) = Scene::new(Way::Up) else { return };
    furnish(&scene);
    let link = scene.from.join("outside/link");
    symlink(scene.from.join("secret").join(what.strip_prefix("t").unwrap().trim_start_matches('/')), &link).unwrap();
    let swapper = swapper(scene.from.join(what), link);
    let mut arrived = 0;
    for round in 0..ROUNDS {
        swapper.goes_on();
        let to = scene.to.join(round.to_string());
        fs::create_dir(&to).unwrap();
        let copied = scene.copy("t", &round.to_string(), options.clone()).await;
        arrived += copied.as_ref().map_or(0, |report| report.files);
        only_changed(copied);
        is_free_of_secrets(&to, what);
        fs::remove_dir_all(&to).unwrap();
    }
    assert!(arrived > 0, "{what}: nothing has ever arrived");
}

fn kept(symlinks: Symlinks) -> [Options; 2] {
    let copy = Options { recursive: true, symlinks, ..Options::default() };
    let mirror = Some(Mirror { delete: Some(1000) });
    [copy.clone(), Options { preserve: true, unchanged: Unchanged::SizeAndTime, mirror, ..copy }]
}

#[tokio::test(flavor = "multi_thread")]
async fn f40_a_source_that_is_swapped_for_a_link_is_not_followed() {
    if !need_root("a file that only root may read is copied by root, or not") {
        return;
    }
    for what in ["t/f", "t/d", "t"] {
        for options in kept(Symlinks::Keep).into_iter().chain(kept(Symlinks::Skip)) {
            swapped(what, &options).await;
        }
    }
}

/// Links are followed where they are found, as scp does, and what lies behind them arrives; among them those in folders
/// behind links, and in more folders than are held open.
#[tokio::test(flavor = "multi_thread")]
async fn links_that_are_found_are_followed() {
    let Some(scene) = Scene::new(Way::Up) else { return };
    let far = scene.from.join("far");
    fs::create_dir_all(far.join("deep")).unwrap();
    fs::write(far.join("deep/f"), "behind a link").unwrap();
    let ends: Vec<_> = (0..40).map(|number| format!("t{number}")).collect();
    for name in &ends {
        let folder = scene.from.join(name);
        fs::create_dir_all(folder.join("own")).unwrap();
        fs::write(folder.join("own/f"), name).unwrap();
        symlink("../../far", folder.join("own/link")).unwrap();
        symlink("../../far/deep/f", folder.join("own/file")).unwrap();
    }
    symlink("deep", far.join("again")).unwrap();
    let sources = ends.iter().map(|name| scene.source(name)).collect();
    let options = Options { recursive: true, ..Options::default() };
    let report = crate::copy::ends::whole(scene.copy_ends(sources, scene.destination(""), options).await);
    assert_eq!(report.files, 40 * 4);
    for name in &ends {
        let to = scene.to.join(name).join("own");
        assert_eq!(fs::read_to_string(to.join("f")).unwrap(), *name);
        for path in ["file", "link/deep/f", "link/again/f"] {
            assert_eq!(fs::read_to_string(to.join(path)).unwrap(), "behind a link", "{path}");
        }
    }
}
