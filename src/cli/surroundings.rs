//! Who runs this, and where: the password database, the environment, the machine's name.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::config::Surroundings;

/// This process's own.
pub fn of_this_process(variables: HashMap<String, OsString>) -> Surroundings {
    let uid = rustix::process::getuid().as_raw();
    let names = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Surroundings {
        home: dirs::home_dir().unwrap_or_else(|| PathBuf::from("/")),
        user: user_name(uid, &names, &variables),
        uid,
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        env: variables,
        system_folder: PathBuf::from("/etc/ssh"),
    }
}

/// What a user number is called here; the number itself where nobody has it.
pub fn user_of(uid: u32) -> String {
    let names = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_name(uid, &names, &HashMap::new())
}

/// From the password file; users of a directory service are not in it, so the variables of the login come next.
fn user_name(uid: u32, passwd: &str, variables: &HashMap<String, OsString>) -> String {
    let listed = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| name.to_owned())
    });
    let variable = |name: &str| variables.get(name).and_then(|name| name.to_str()).filter(|name| !name.is_empty());
    listed.or_else(|| variable("LOGNAME").or_else(|| variable("USER")).map(str::to_owned)).unwrap_or(uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_file_comes_before_the_environment() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nec2-user:x:1000:1000::/home/ec2-user:/bin/sh\n";
        let variables = HashMap::from([("USER".to_owned(), OsString::from("mallory"))]);
        assert_eq!(user_name(1000, passwd, &variables), "ec2-user");
        assert_eq!(user_name(1001, passwd, &variables), "mallory");
        assert_eq!(user_name(1001, passwd, &HashMap::new()), "1001");
    }
}
