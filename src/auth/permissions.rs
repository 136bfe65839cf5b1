//! May this private key be used at all? As with ssh (`authfile.c`, `sshkey_perm_ok`), the open file is checked, and
//! only if it belongs to the caller: whoever owns another file has to guard it.

use std::fs::File;

use super::error::KeyProblem;

/// The mode bits that give anybody but the owner access.
const OTHERS: u32 = 0o077;

/// Refuses an open key file that belongs to the caller and that others may read, write or execute.
pub(super) fn check(file: &File) -> Result<(), KeyProblem> {
    let stat = rustix::fs::fstat(file).map_err(|error| KeyProblem::Unreadable(error.to_string()))?;
    judge(stat.st_uid, rustix::process::getuid().as_raw(), stat.st_mode)
}

fn judge(owner: u32, caller: u32, mode: u32) -> Result<(), KeyProblem> {
    match owner == caller && mode & OTHERS != 0 {
        true => Err(KeyProblem::TooOpen(mode & 0o7777)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_callers_own_open_files_are_refused() {
        for (owner, mode, verdict) in [
            (7, 0o100600, Ok(())),
            (7, 0o100400, Ok(())),
            (7, 0o100700, Ok(())),
            (7, 0o100644, Err(KeyProblem::TooOpen(0o644))),
            (7, 0o100620, Err(KeyProblem::TooOpen(0o620))),
            (7, 0o100601, Err(KeyProblem::TooOpen(0o601))),
            (0, 0o100644, Ok(())),
        ] {
            assert_eq!(judge(owner, 7, mode), verdict, "owner {owner}, mode {mode:o}");
        }
    }
}
