//! Whose files are read? Owner and mode, `~/.ssh/config`, the system's file, relative includes: with homes of our own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hop::config::{ConfigError, ConfigErrorKind, Configuration, Flags, Host, LocalEnv};
use hop::target::HostSpec;
use tempfile::TempDir;

struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Home {
        let home = Home { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(home.path().join(".ssh")).unwrap();
        fs::create_dir_all(home.path().join("etc")).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn local_env(&self) -> LocalEnv {
        LocalEnv {
            home: self.path().to_owned(),
            user: "me".into(),
            uid: rustix::process::getuid().as_raw(),
            system_folder: self.path().join("etc"),
            ..LocalEnv::default()
        }
    }

    fn resolve(&self, flags: Flags) -> Result<Host, ConfigError> {
        let configuration = Configuration::load(flags, self.local_env())?;
        let target = HostSpec { user: None, host: "h".into(), port: None };
        Ok(configuration.resolve(&target)?.pop().expect("a way has an end"))
    }
}

#[test]
fn the_users_file_comes_before_the_systems() {
    let home = Home::new();
    home.write(".ssh/config", "User mine\n", 0o600);
    home.write("etc/ssh_config", "User theirs\nPort 7\n", 0o644);
    let host = home.resolve(Flags::default()).unwrap();
    assert_eq!((host.user.value.as_str(), host.port.value), ("mine", 7));
    assert!(host.port.origin.to_string().ends_with("etc/ssh_config:2"), "{}", host.port.origin);
}

#[test]
fn a_file_that_is_named_is_the_only_one() {
    let home = Home::new();
    home.write(".ssh/config", "User mine\n", 0o600);
    home.write("named", "Port 9\n", 0o666);
    let flags = Flags { config_file: Some(home.path().join("named")), ..Flags::default() };
    let host = home.resolve(flags).unwrap();
    assert_eq!((host.user.value.as_str(), host.port.value), ("me", 9));
}

#[test]
fn no_file_is_no_error() {
    assert_eq!(Home::new().resolve(Flags::default()).unwrap().hostname.value, "h");
}

#[test]
fn relative_includes_stand_beside_the_file_that_names_them() {
    let home = Home::new();
    home.write(".ssh/config", "Include conf.d/* ~/more\n", 0o600);
    home.write(".ssh/conf.d/a", "User a\n", 0o600);
    home.write("more", "HostName more.example\n", 0o600);
    home.write("etc/ssh_config", "Include ssh_config.d/*.conf\n", 0o644);
    home.write("etc/ssh_config.d/x.conf", "Port 11\n", 0o644);
    let host = home.resolve(Flags::default()).unwrap();
    assert_eq!((host.user.value.as_str(), host.hostname.value.as_str(), host.port.value), ("a", "more.example", 11));
}

#[test]
fn the_systems_file_includes_nothing_from_a_home() {
    let home = Home::new();
    home.write("etc/ssh_config", "Include ~/more\n", 0o644);
    assert!(matches!(home.resolve(Flags::default()), Err(ConfigError::BadLines(_))));
}

#[test]
fn files_that_others_can_write_are_refused_and_nothing_in_them_is_run() {
    let marker = |home: &Home| format!("Match exec \"touch {}\"\n  User x\n", home.path().join("ran").display());
    for mode in [0o620, 0o602, 0o666] {
        let home = Home::new();
        home.write(".ssh/config", &marker(&home), mode);
        let error = home.resolve(Flags::default()).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Permissions, "{error}");
        assert!(error.to_string().contains(".ssh/config: bad owner or permissions"), "{error}");
        assert!(!home.path().join("ran").exists());
    }
}

#[test]
fn included_files_are_checked_even_when_the_first_was_named() {
    let home = Home::new();
    let include = format!("Include {}\n", home.path().join("inner").display());
    home.write("named", &include, 0o666);
    home.write("inner", "User x\n", 0o666);
    let flags = Flags { config_file: Some(home.path().join("named")), ..Flags::default() };
    let error = home.resolve(flags).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Permissions, "{error}");
}

#[test]
fn a_file_of_someone_else_is_refused() {
    if !crate::skips::need_root("a file must belong to another user") {
        return;
    }
    let home = Home::new();
    home.write(".ssh/config", "User x\n", 0o644);
    std::os::unix::fs::chown(home.path().join(".ssh/config"), Some(12345), None).unwrap();
    assert_eq!(home.resolve(Flags::default()).unwrap_err().kind(), ConfigErrorKind::Permissions);
}

#[test]
fn a_folder_in_the_files_place_says_nothing() {
    let home = Home::new();
    fs::create_dir(home.path().join(".ssh/config")).unwrap();
    assert!(home.resolve(Flags::default()).is_ok());
}
