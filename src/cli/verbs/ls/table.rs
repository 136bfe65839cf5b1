//! A folder's entries as lines: `ls`'s long form, names only, or JSON. Pure.
//!
//! Main type: [`EntryRow`]. Times are UTC: the host's own zone is not told by SFTP, and ours would mislead.

use crate::sftp::{Attributes, Entry, FileKind};

use crate::cli::output::json::Object;
use crate::cli::output::numbers;
use crate::cli::output::{safe, timestamps};

/// One entry, ready to be shown.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// As it is called in what was listed.
    pub name: Vec<u8>,
    /// What the server told about it.
    pub attributes: Attributes,
    /// Owner and group: names where the server's own long listing gives them, else numbers.
    pub owner: (String, String),
    /// Where a symbolic link points.
    pub link: Option<Vec<u8>>,
}

/// How sizes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeFormat {
    /// In bytes.
    Exact,
    /// As `1.5K`.
    Human,
}

impl EntryRow {
    /// An entry of a listing.
    pub fn of(entry: Entry) -> EntryRow {
        let owner = owner_of(&entry.attributes, &entry.longname);
        EntryRow { name: entry.name, attributes: entry.attributes, owner, link: None }
    }

    /// A path listed by itself, without a line of the server's own.
    pub fn alone(name: Vec<u8>, attributes: Attributes) -> EntryRow {
        EntryRow { name, owner: owner_of(&attributes, b""), attributes, link: None }
    }

    /// A folder that can be listed in its turn.
    pub fn is_folder_below(&self) -> bool {
        self.attributes.kind() == FileKind::Dir && self.name != b"." && self.name != b".."
    }

    /// The long form, with columns as wide as [`widths`] found.
    pub fn long(&self, widths: &Widths, sizes: SizeFormat) -> String {
        let (user, group) = &self.owner;
        let [w_user, w_group, w_size] = widths.0;
        let (mode, size, name) = (mode(&self.attributes), size(&self.attributes, sizes), safe::line(&self.name));
        let time =
            self.attributes.mtime().map_or_else(|| "-".to_owned(), |seconds| timestamps::minute(i64::from(seconds)));
        let link = self.link.as_ref().map(|to| format!(" -> {}", safe::line(to))).unwrap_or_default();
        format!("{mode} {user:w_user$} {group:w_group$} {size:>w_size$} {time:16} {name}{link}")
    }

    /// One JSON object. `HOST` is as typed; `path` is the whole path there.
    pub fn json(&self, host: &str, path: &[u8]) -> Object {
        let permissions = self.attributes.permissions.map(|mode| format!("{:04o}", mode & 0o7777));
        let object = Object::default()
            .text("host", host)
            .name("path", path)
            .with("type", kind_name(self.attributes.kind()))
            .with("size", self.attributes.size)
            .with("mode", permissions)
            .with("uid", self.attributes.owner.map(|(user, _)| user))
            .with("gid", self.attributes.owner.map(|(_, group)| group))
            .with("mtime", self.attributes.mtime());
        match &self.link {
            Some(to) => object.name("target", to),
            None => object.with("target", serde_json::Value::Null),
        }
    }
}

/// How wide the columns owner, group and size are.
#[derive(Debug, Clone, Copy)]
pub struct Widths([usize; 3]);

/// Wide enough for every row.
pub fn widths(rows: impl Iterator<Item = EntryRow>, sizes: SizeFormat) -> Widths {
    let width =
        |row: EntryRow| [row.owner.0.chars().count(), row.owner.1.chars().count(), size(&row.attributes, sizes).len()];
    let wider = |one: [usize; 3], other: [usize; 3]| std::array::from_fn(|column| one[column].max(other[column]));
    Widths(rows.map(width).fold([0; 3], wider))
}

/// What `--json` calls a kind.
fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Dir => "directory",
        FileKind::Symlink => "symlink",
        FileKind::Fifo => "fifo",
        FileKind::Socket => "socket",
        FileKind::Device => "device",
        FileKind::Unknown => "unknown",
    }
}

fn size(attributes: &Attributes, sizes: SizeFormat) -> String {
    match (attributes.size, sizes) {
        (None, _) => "-".to_owned(),
        (Some(size), SizeFormat::Exact) => size.to_string(),
        (Some(size), SizeFormat::Human) => numbers::short(size),
    }
}

/// `-rw-r--r--`, as `ls` writes it.
fn mode(attributes: &Attributes) -> String {
    let letter = match attributes.kind() {
        FileKind::File => '-',
        FileKind::Dir => 'd',
        FileKind::Symlink => 'l',
        FileKind::Fifo => 'p',
        FileKind::Socket => 's',
        FileKind::Device if attributes.permissions.is_some_and(|mode| mode & 0o170_000 == 0o060_000) => 'b',
        FileKind::Device => 'c',
        FileKind::Unknown => '?',
    };
    let Some(bits) = attributes.permissions else { return format!("{letter}?????????") };
    let mut text = String::from(letter);
    for (shift, special, (set, bare)) in [(6, 0o4000, ('s', 'S')), (3, 0o2000, ('s', 'S')), (0, 0o1000, ('t', 'T'))] {
        let class = bits >> shift;
        text.push(if class & 4 != 0 { 'r' } else { '-' });
        text.push(if class & 2 != 0 { 'w' } else { '-' });
        text.push(match (class & 1 != 0, bits & special != 0) {
            (true, true) => set,
            (false, true) => bare,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// OpenSSH's long listing is `MODE LINKS USER GROUP SIZE …`; another server's may be anything.
fn owner_of(attributes: &Attributes, longname: &[u8]) -> (String, String) {
    let text = safe::line(longname);
    let fields: Vec<&str> = text.split_ascii_whitespace().take(5).collect();
    match (fields.as_slice(), attributes.owner) {
        ([mode, links, user, group, size], _)
            if mode.len() >= 10 && links.parse::<u64>().is_ok() | (*links == "?") && size.parse::<u64>().is_ok() =>
        {
            ((*user).to_owned(), (*group).to_owned())
        }
        (_, Some((user, group))) => (user.to_string(), group.to_string()),
        (_, None) => ("-".to_owned(), "-".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &[u8], permissions: u32, size: u64, longname: &[u8]) -> EntryRow {
        let attributes = Attributes {
            size: Some(size),
            owner: Some((1000, 100)),
            permissions: Some(permissions),
            times: Some((0, 1_714_566_840)),
        };
        EntryRow::of(Entry { name: name.to_vec(), longname: longname.to_vec(), attributes })
    }

    #[test]
    fn the_long_form_is_that_of_ls() {
        let rows = [
            row(b"a.csv", 0o100644, 1536, b"-rw-r--r--    ? ec2-user users        1536 May  1 12:34 a.csv"),
            row(b"evil\x1b[2J", 0o104711, 7, b"anything at all"),
            row(b"tmp", 0o041777, 4096, b""),
        ];
        let widths = widths(rows.iter().cloned(), SizeFormat::Exact);
        let lines: Vec<String> = rows.iter().map(|row| row.long(&widths, SizeFormat::Exact)).collect();
        assert_eq!(
            lines,
            [
                "-rw-r--r-- ec2-user users 1536 2024-05-01 12:34 a.csv",
                r"-rws--x--x 1000     100      7 2024-05-01 12:34 evil\x1b[2J",
                "drwxrwxrwt 1000     100   4096 2024-05-01 12:34 tmp",
            ]
        );
        assert!(rows[0].long(&widths, SizeFormat::Human).contains(" 1.5K "));
    }

    #[test]
    fn json_keeps_the_order_of_its_keys_and_the_bytes_of_the_name() {
        let mut link = row(b"l\xff", 0o120777, 3, b"");
        link.link = Some(b"a.csv".to_vec());
        assert_eq!(
            link.json("acc-pvt", b"in/l\xff").to_string(),
            r#"{"host":"acc-pvt","path":"in/l\\xff","path_hex":"696e2f6cff","type":"symlink","size":3,"mode":"0777","uid":1000,"gid":100,"mtime":1714566840,"target":"a.csv"}"#
        );
    }
}
