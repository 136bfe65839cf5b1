//! File names are bytes: blanks, quotes, newlines, leading dashes, and what is no UTF-8.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use super::{cp, same, silently, tree};
use crate::street::{ACC_PVT, DELL_PVT, Street};

/// All of them can be names on Linux.
pub fn odd_names() -> Vec<OsString> {
    let long = [b'n'; 255];
    let names: [&[u8]; 18] = [
        b"with blank",
        b" leading and trailing ",
        b"it's",
        b"say \"hi\"",
        b"new\nline",
        b"tab\tand\\backslash",
        b"-dash",
        b"--help",
        b"$HOME `id` $(id);id&&id|id>x",
        b"star*question?[x]{a,b}",
        b"~",
        b"a:b",
        b"#comment",
        b"\xff\xfe\x80",
        b"caf\xe9",
        "gr\u{fc}\u{df}e \u{1f980} \u{202e}".as_bytes(),
        b"\x1b[31mred\x07",
        &long,
    ];
    names.iter().map(|name| OsString::from_vec(name.to_vec())).collect()
}

#[test]
fn each_odd_name_alone_goes_up_across_and_down() {
    let Some(street) = Street::start() else { return };
    let address = |host: &str, name: &OsString| {
        // a name that could be a pattern is typed as the shell types it: escaped
        let mut typed: Vec<u8> = format!("{host}:./").into_bytes();
        for byte in name.as_encoded_bytes() {
            typed.extend(if b"*?[]{}\\".contains(byte) { vec![b'\\', *byte] } else { vec![*byte] });
        }
        OsString::from_vec(typed)
    };
    for (index, name) in odd_names().iter().enumerate() {
        let content = format!("content of {index}");
        let here = [b"./".as_slice(), name.as_encoded_bytes()].concat();
        street.put_here(name, content.as_bytes());
        silently(cp(&street, [OsString::from_vec(here), "acc-pvt:".into()]));
        silently(cp(&street, ["-3".into(), address("acc-pvt", name), "dell-pvt:".into()]));
        fs::remove_file(street.laptop().join(name)).expect("remove ours");
        silently(cp(&street, [address("dell-pvt", name), ".".into()]));
        for place in [street.home(ACC_PVT), street.home(DELL_PVT), street.laptop()] {
            assert_eq!(fs::read(place.join(name)).expect("it is there"), content.as_bytes(), "{name:?}");
        }
    }
}

#[test]
fn a_tree_of_odd_names_goes_up_and_comes_down() {
    let Some(street) = Street::start() else { return };
    for name in odd_names() {
        let folder = street.laptop().join("tree").join(&name);
        fs::create_dir_all(&folder).expect("make a folder");
        fs::write(folder.join(&name), name.as_encoded_bytes()).expect("make a file");
    }
    silently(cp(&street, ["-r", "tree", "acc-pvt:"]));
    silently(cp(&street, ["-r", "acc-pvt:tree", "back"]));
    let ours = tree(&street.laptop().join("tree"));
    assert_eq!(ours.len(), 2 * odd_names().len());
    same(&ours, &tree(&street.home(ACC_PVT).join("tree")));
    same(&ours, &tree(&street.laptop().join("back")));
}
