//! Does the SFTP server do what its requests say, and stay in its folder?

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use hop::demo::Vpc;

use super::guest::{Guest, succeeded};

#[test]
fn every_request_of_the_sftp_client_has_its_effect() {
    let Some(guest) = Guest::new() else { return };
    let home = guest.street.home(Vpc::Acc);
    fs::write(guest.path("a"), "a").unwrap();
    fs::write(guest.path("b"), "new").unwrap();
    succeeded(&guest.sftp(
        "acc-pvt",
        "mkdir d\ncd d\nput a\nput b\nrename b a\nchmod 640 a\nln -s a link\nmkdir gone\nrmdir gone\nput b c\nrm c\n",
    ));
    assert_eq!(fs::read_to_string(home.join("d/a")).unwrap(), "new", "posix-rename replaces");
    assert_eq!(fs::metadata(home.join("d/a")).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(fs::read_link(home.join("d/link")).unwrap().to_str(), Some("a"));
    let mut left: Vec<_> = fs::read_dir(home.join("d")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a", "link"]);
}

#[test]
fn times_and_modes_are_kept() {
    let Some(guest) = Guest::new() else { return };
    fs::write(guest.path("old"), "x").unwrap();
    fs::set_permissions(guest.path("old"), fs::Permissions::from_mode(0o751)).unwrap();
    let year_2001 = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(guest.path("old")).unwrap().set_modified(year_2001).unwrap();
    succeeded(&guest.sftp("acc-pvt", "put -p old\nget -p old back\n"));
    for path in [guest.street.home(Vpc::Acc).join("old"), guest.path("back")] {
        let found = fs::metadata(&path).unwrap();
        assert_eq!((found.mtime(), found.mode() & 0o7777), (1_000_000_000, 0o751), "{}", path.display());
    }
}

#[test]
fn a_listing_names_the_user_and_the_virtual_home() {
    let Some(guest) = Guest::new() else { return };
    let output = guest.sftp("acc-pvt", "pwd\nls -la\n");
    succeeded(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Remote working directory: /home/ec2-user\n"), "{text}");
    let line = text.lines().find(|line| line.ends_with(" customers.csv")).unwrap();
    assert!(line.starts_with("-rw") && line.contains("ec2-user ec2-user"), "{line}");
    for dots in [" .", " .."] {
        assert!(text.lines().any(|line| line.starts_with('d') && line.ends_with(dots)), "{text}");
    }
}

#[test]
fn a_folder_of_many_files_is_listed_whole() {
    let Some(guest) = Guest::new() else { return };
    let folder = guest.street.home(Vpc::Dell).join("many");
    fs::create_dir(&folder).unwrap();
    for number in 0..450 {
        fs::write(folder.join(format!("{number:03}")), "").unwrap();
    }
    let output = guest.sftp("dell-pvt", "ls -1 many\n");
    succeeded(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    let listed: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("many/")).collect();
    assert_eq!(listed, (0..450).map(|number| format!("{number:03}")).collect::<Vec<_>>());
}

#[test]
fn no_path_leads_out_of_the_servers_folder() {
    let Some(guest) = Guest::new() else { return };
    let secret = guest.street.folder().join("acc.pem");
    let home = guest.street.home(Vpc::Acc);
    symlink(&secret, home.join("absolute")).unwrap();
    symlink("../../../acc.pem", home.join("relative")).unwrap();
    let climbs = ["../../../acc.pem", "/../acc.pem", "absolute", "relative", secret.to_str().unwrap()];
    for path in climbs {
        let output = guest.sftp("acc-pvt", &format!("get {path} stolen\n"));
        assert!(!output.status.success(), "{path}");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains("not found") || words.contains("No such file"), "{path}: {words}");
        assert!(!guest.path("stolen").exists(), "{path}");
    }
}
