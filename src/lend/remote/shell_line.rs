//! How does a script pass through any login shell: sh, bash, zsh, fish, csh? Main functions: [`line`], [`quoted`],
//! [`with_variables`].

use std::fmt::Write as _;

/// A line for the login shell, whatever it is, that has `script` run by POSIX sh. No byte of the script has a meaning
/// in any of the shells: all but plain characters are written in octal, and `printf %b` decodes them.
///
/// NUL cannot be passed, and trailing newlines are lost.
pub fn line(script: &[u8]) -> Vec<u8> {
    let mut out = String::from(r#"exec /bin/sh -c 'eval "$(printf %b ""#);
    for &byte in script {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b' ' | b'_' | b'.' | b'/' | b':' | b'=' | b',' | b'@' | b'+' | b'-' => out.push(char::from(byte)),
            _ => write!(out, "\\0{byte:03o}").expect("a string takes all"),
        }
    }
    out.push_str(r#"")"'"#);
    out.into_bytes()
}

/// A word quoted for POSIX sh.
pub fn quoted(word: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for &byte in word {
        match byte {
            b'\'' => out.extend_from_slice(br"'\''"),
            _ => out.push(byte),
        }
    }
    out.push(b'\'');
    out
}

/// A script preceded by assignments to variables.
pub fn with_variables<V: AsRef<[u8]>>(variables: &[(&str, V)], script: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in variables {
        out.extend([name.as_bytes(), b"=", &quoted(value.as_ref()), b"\n"].concat());
    }
    out.extend_from_slice(script.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::process::Command;

    fn printed(script: &[u8]) -> Vec<u8> {
        use std::os::unix::ffi::OsStringExt as _;
        let line = std::ffi::OsString::from_vec(line(script));
        Command::new("/bin/sh").arg("-c").arg(line).output().expect("sh runs").stdout
    }

    #[test]
    fn a_line_has_nothing_that_a_shell_could_act_on() {
        let all: Vec<u8> = (1..=255).collect();
        let line = line(&all);
        let inside = &line[b"exec /bin/sh -c '".len()..line.len() - 1];
        assert!(!inside.iter().any(|byte| b"'!\n`;&|<>*?~#".contains(byte)), "{}", String::from_utf8_lossy(inside));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_byte_arrives(word in vec(1u8..=255, 0..60)) {
            let script = [b"printf %s ".to_vec(), quoted(&word)].concat();
            prop_assert_eq!(printed(&script), word);
        }
    }
}
