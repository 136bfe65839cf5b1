//! How is sftp(1) told what to send? By a batch, in which each character that sftp(1) could interpret has a backslash
//! before it ([`said`]), given as an order of one line ([`batch`], [`puts`]). Pure.

use super::script::BATCH;
use crate::lend::quoted;

/// Most bytes of a path as written in a batch, backslashes included. Lines of older versions of sftp(1) end at 1024
/// bytes.
const LONGEST: usize = 900;

/// The order to send files, named by the numbers of their links, into the folder `staging`, whose name [`said`] can
/// write. A file that cannot be read does not keep the others from being sent.
pub fn puts(number: u64, links: &[u8], staging: &[u8], numbers: &[u64]) -> Vec<u8> {
    let staging = said(staging).unwrap_or_default();
    let line = |link: &u64| {
        let link = link.to_string();
        [b"-put ", links, b"/", link.as_bytes(), b" ", &staging, b"/", link.as_bytes()].concat()
    };
    let lines: Vec<Vec<u8>> = numbers.iter().map(line).collect();
    batch(number, &lines.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The order to run lines of an sftp(1) batch.
pub fn batch(number: u64, lines: &[&[u8]]) -> Vec<u8> {
    let words: Vec<u8> = lines.iter().flat_map(|line| [&b" "[..], &quoted(line)].concat()).collect();
    [format!("{} {number}", BATCH).as_bytes(), &words, b"\n"].concat()
}

/// A path as written in an sftp(1) batch: each character that could mean anything has a backslash before it, which
/// sftp(1)'s word splitting or pattern matching removes again. `None` for a path that no line can hold.
pub fn said(path: &[u8]) -> Option<Vec<u8>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"/._-".contains(&byte);
    let word = path.iter().flat_map(|&byte| if plain(byte) { vec![byte] } else { vec![b'\\', byte] });
    let word: Vec<u8> = word.collect();
    let fits = word.len() <= LONGEST && !word.is_empty() && !path.iter().any(|byte| b"\n\r\0".contains(byte));
    fits.then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_said_so_that_it_is_read_again() {
        assert_eq!(said(b"/a b/it's*").as_deref(), Some(&br"/a\ b/it\'s\*"[..]));
        assert_eq!(said(b"/\xff\"#\\").as_deref(), Some(&b"/\xff\\\"\\#\\\\"[..]));
        assert_eq!((said(b"/a\nb"), said(b"/a\rb"), said(&[b'*'; 600])), (None, None, None));
    }

    #[test]
    fn a_batch_is_one_line() {
        let order = puts(7, b"/tmp/hop.x/links", b"/home/it's", &[1, 2]);
        let words = concat!(
            r"put 7 '-put /tmp/hop.x/links/1 /home/it\'\''s/1'",
            r" '-put /tmp/hop.x/links/2 /home/it\'\''s/2'",
            "\n"
        );
        assert_eq!(String::from_utf8_lossy(&order), words);
    }
}
