//! ProFTPD's mod_sftp: the server of web hosts. It gives no shell, and forwards nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::make::{Make, Part, Times, daemon, owner, path, printed, script};
use super::scenario;
use crate::street::Server;

const MAKE: Make = Make {
    needs: &["sbin/proftpd", "lib/proftpd/mod_sftp.so"],
    launch,
    settings: &[],
    part: Part::GoesOn,
    times: Times::Kept,
};

/// As Debian's package has it, where that matters for SFTP: files may be replaced.
const CONFIG: &str = "
ServerType standalone
ServerName here
LoadModule mod_sftp.c
SocketBindTight on
UseIPv6 off
UseReverseDNS off
RequireValidShell off
RootLogin on
AuthOrder mod_auth_file.c
ScoreboardFile none
WtmpLog off
TransferLog none
DelayEngine off
AllowOverwrite on
SFTPEngine on
SFTPAuthMethods publickey
";

fn launch(server: &Server) -> Vec<String> {
    let words = daemon(server, &["proftpd", "--nodaemon", "--config", &path(server, "proftpd.conf")]);
    let listed = fs::read_to_string(server.file("authorized_keys")).expect("authorized keys");
    let keys = listed.lines().map(|line| printed("ssh-keygen", &["-e", "-f", &script(server, "one.pub", line)]));
    fs::write(server.file("proftpd.keys"), keys.collect::<Vec<_>>().concat()).expect("write its keys");
    let (name, home) = (server.user(), server.home.display());
    let (user, group) = owner(server);
    private(server, "proftpd.users", &format!("{name}:x:{user}:{group}::{home}:/bin/sh\n"));
    private(server, "proftpd.groups", &format!("{name}:x:{group}:\n"));
    let named = |key: &str, name: &str| format!("{key} {}\n", path(server, name));
    let config = [
        format!("DefaultAddress {}\nPort {}\n", server.listens.ip(), server.listens.port()),
        "User nobody\nGroup nogroup\n".to_owned(),
        named("AuthUserFile", "proftpd.users"),
        named("AuthGroupFile", "proftpd.groups"),
        named("PidFile", "proftpd.pid"),
        named("SystemLog", "proftpd.log"),
        named("SFTPLog", "log"),
        named("SFTPHostKey", "host_ed25519"),
        format!("SFTPAuthorizedUserKeys file:{}\n", path(server, "proftpd.keys")),
    ];
    fs::write(server.file("proftpd.conf"), CONFIG.to_owned() + &config.concat()).expect("write its configuration");
    words
}

fn private(server: &Server, name: &str, text: &str) {
    let file = script(server, name, text);
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("set a mode");
}

#[test]
fn serves() {
    scenario::serves(&MAKE);
}
