//! Who runs hop, and on which machine? From the password database, the environment, and the machine's name.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::config::LocalEnv;

/// A variable that names another home folder than the password database's; as with ssh, `HOME` does not.
const HOME: &str = "HOP_HOME";

/// The values for this process.
pub fn of_this_process(variables: HashMap<String, OsString>) -> LocalEnv {
    let uid = rustix::process::getuid().as_raw();
    LocalEnv {
        home: home(&variables),
        user: user_name(uid, listed(uid, &passwd()).map(|entry| entry.0), &variables),
        uid,
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        env: variables,
        system_folder: PathBuf::from("/etc/ssh"),
    }
}

/// The name of a user id; the number itself if no user has it.
pub fn user_of(uid: u32) -> String {
    user_name(uid, listed(uid, &passwd()).map(|entry| entry.0), &HashMap::new())
}

/// The home folder of the user who runs hop. As with ssh it comes from the password file, so that cron, `sudo` and a
/// terminal find the same one. Users of a directory service are not in that file: for them the variables of the login
/// count.
pub fn home(variables: &HashMap<String, OsString>) -> PathBuf {
    let named = variables.get(HOME).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let uid = rustix::process::getuid().as_raw();
    let listed = || listed(uid, &passwd()).map(|entry| entry.1);
    named.or_else(listed).or_else(dirs::home_dir).unwrap_or_else(|| PathBuf::from("/"))
}

/// The folder in which the runs on this machine keep their locks.
pub fn locks(variables: &HashMap<String, OsString>) -> PathBuf {
    let named = variables.get("HOP_LOCKS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    named.unwrap_or_else(|| home(variables).join(".local/state/hop/locks"))
}

fn passwd() -> String {
    String::from_utf8_lossy(&std::fs::read("/etc/passwd").unwrap_or_default()).into_owned()
}

/// The name and home folder of a user in the password file (passwd(5)).
fn listed(uid: u32, passwd: &str) -> Option<(String, PathBuf)> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_user = fields.get(2)?.parse() == Ok(uid);
        is_user.then(|| Some(((*fields.first()?).to_owned(), PathBuf::from(fields.get(5)?))))?
    })
}

/// The user's name from the password file, or else from the variables of the login.
fn user_name(uid: u32, listed: Option<String>, variables: &HashMap<String, OsString>) -> String {
    let variable = |name: &str| variables.get(name).and_then(|name| name.to_str()).filter(|name| !name.is_empty());
    listed.or_else(|| variable("LOGNAME").or_else(|| variable("USER")).map(str::to_owned)).unwrap_or(uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbroken\nec2-user:x:1000:1000::/home/ec2-user:/bin/sh\n";

    #[test]
    fn the_password_file_comes_before_the_environment() {
        let variables = HashMap::from([("USER".to_owned(), OsString::from("mallory"))]);
        let name = |uid, variables| user_name(uid, listed(uid, PASSWD).map(|entry| entry.0), variables);
        assert_eq!(name(1000, &variables), "ec2-user");
        assert_eq!(name(1001, &variables), "mallory");
        assert_eq!(name(1001, &HashMap::new()), "1001");
        assert_eq!(listed(0, PASSWD), Some(("root".to_owned(), "/root".into())));
    }

    #[test]
    fn a_home_folder_is_not_taken_from_home() {
        let variables = |name: &str| HashMap::from([(name.to_owned(), OsString::from("/elsewhere"))]);
        assert_eq!(home(&variables("HOP_HOME")), PathBuf::from("/elsewhere"));
        assert_ne!(home(&variables("HOME")), PathBuf::from("/elsewhere"));
    }
}
