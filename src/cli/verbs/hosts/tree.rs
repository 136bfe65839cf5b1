//! How is a configuration drawn? As bastions with the hosts behind each. Pure.
//!
//! Main function: [`drawn`].

/// A host and its place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The names on the way from this machine to the host, which is itself the last.
    pub way: Vec<String>,
    /// The text beside it: user and address, and the key.
    pub notes: Vec<String>,
}

/// One line for each host, in the given order, each below the host it is reached through.
pub fn drawn(leaves: &[Leaf]) -> Vec<String> {
    let mut rows = vec![("this machine".to_owned(), &[][..])];
    branches(leaves, &[], "", &mut rows);
    let notes = [0, 1].map(|column| rows.iter().filter_map(|row| row.1.get(column)).map(|note| wide(note)).max());
    let name = rows.iter().map(|row| wide(&row.0)).max().unwrap_or(0);
    let columns = Columns { name, notes };
    rows.iter().map(|(name, notes)| columns.line(name, notes)).collect()
}

fn branches<'a>(leaves: &'a [Leaf], below: &[String], margin: &str, rows: &mut Vec<(String, &'a [String])>) {
    let here = |leaf: &&Leaf| leaf.way.len() == below.len() + 1 && leaf.way.starts_with(below);
    let mut children = leaves.iter().filter(here).peekable();
    while let Some(leaf) = children.next() {
        let (branch, rest) = if children.peek().is_some() { ("├── ", "│   ") } else { ("└── ", "    ") };
        let name = leaf.way.last().map_or("", String::as_str);
        rows.push((format!("{margin}{branch}{name}"), &leaf.notes));
        branches(leaves, &leaf.way, &format!("{margin}{rest}"), rows);
    }
}

/// How wide the columns are, in characters.
struct Columns {
    name: usize,
    notes: [Option<usize>; 2],
}

impl Columns {
    fn line(&self, name: &str, notes: &[String]) -> String {
        let mut line = padded(name, self.name);
        for (index, note) in notes.iter().enumerate() {
            let width = self.notes.get(index).copied().flatten().unwrap_or(0);
            line.push_str("  ");
            line.push_str(&padded(note, width));
        }
        line.trim_end().to_owned()
    }
}

fn wide(text: &str) -> usize {
    text.chars().count()
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(wide(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_hang_below_the_bastions_that_lead_to_them() {
        let leaf = |way: &str, note: &str| Leaf {
            way: way.split(' ').map(str::to_owned).collect(),
            notes: vec![note.to_owned(), "key".to_owned()],
        };
        let leaves = [leaf("a", "x@1"), leaf("a b", "yy@22"), leaf("a b c", "z"), leaf("a d", "z"), leaf("e", "z")];
        assert_eq!(
            drawn(&leaves),
            [
                "this machine",
                "├── a          x@1    key",
                "│   ├── b      yy@22  key",
                "│   │   └── c  z      key",
                "│   └── d      z      key",
                "└── e          z      key",
            ]
        );
    }
}
