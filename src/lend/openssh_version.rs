//! Which version of OpenSSH is it, and which features does it have? Main type: [`OpenSshVersion`], pure.

use std::fmt;

/// A version of OpenSSH; the portable release (`p1`) is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenSshVersion(pub u32, pub u32);

/// The first version whose client binds an agent to its session, and whose server supports host-bound logins.
pub const BINDS: OpenSshVersion = OpenSshVersion(8, 9);

/// The first version whose server supports `restrict` in authorized_keys.
pub const RESTRICTS: OpenSshVersion = OpenSshVersion(7, 2);
/// The first version whose server supports `expiry-time`, in its own time zone.
pub const EXPIRES: OpenSshVersion = OpenSshVersion(7, 7);
/// The first version that accepts that time in UTC, with a `Z`.
pub const EXPIRES_IN_UTC: OpenSshVersion = OpenSshVersion(9, 1);

impl OpenSshVersion {
    /// Finds the version in `OpenSSH_9.2p1 Debian-2`, `SSH-2.0-OpenSSH_8.7` or `OpenSSH_for_Windows_8.6p1, LibreSSL`.
    pub fn find(text: &str) -> Option<OpenSshVersion> {
        let rest = text.split_once("OpenSSH_")?.1;
        let rest = rest.strip_prefix("for_Windows_").unwrap_or(rest);
        let (major, rest) = rest.split_once('.')?;
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(OpenSshVersion(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for OpenSshVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenSSH {}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let table = [
            ("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026", Some(OpenSshVersion(9, 2))),
            ("OpenSSH_8.7p1, OpenSSL 3.0.7 1 Nov 2022", Some(OpenSshVersion(8, 7))),
            ("SSH-2.0-OpenSSH_7.4", Some(OpenSshVersion(7, 4))),
            ("SSH-2.0-OpenSSH_10.0p2 Debian-7", Some(OpenSshVersion(10, 0))),
            ("OpenSSH_for_Windows_8.6p1, LibreSSL 3.4.3", Some(OpenSshVersion(8, 6))),
            ("SSH-2.0-dropbear_2022.83", None),
            ("OpenSSH_", None),
            ("", None),
        ];
        for (text, version) in table {
            assert_eq!(OpenSshVersion::find(text), version, "{text}");
        }
    }
}
