//! What does a person read about a finding? What it means, what may have caused it, and what to type. Pure.
//!
//! Main type: [`Explanation`].

/// The command that reloads sshd. It checks first, because an error in the configuration would end sshd on some
/// systems.
pub const RELOAD: &str = "sudo sshd -t && sudo systemctl reload sshd (on Debian and Ubuntu: ssh)";

/// A finding in words, not yet made safe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What it means, a sentence or two.
    pub meaning: String,
    /// Possible causes, the likeliest first.
    pub causes: Vec<Likely>,
}

/// A possible cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely {
    /// What the cause is; empty if it is only known what to do.
    pub what: String,
    /// What to do about it, one line each.
    pub todo: Vec<String>,
}

impl Explanation {
    /// An explanation without causes.
    pub fn of(meaning: impl Into<String>) -> Explanation {
        let meaning = meaning.into();
        // names of hosts keep their case
        let meaning = match meaning.strip_prefix("this machine") {
            Some(rest) => format!("This machine{rest}"),
            None => meaning,
        };
        Explanation { meaning, causes: Vec::new() }
    }

    /// Adds a cause that is less likely than those before it.
    #[must_use]
    pub fn or<T: Into<String>>(mut self, what: impl Into<String>, todo: impl IntoIterator<Item = T>) -> Explanation {
        let likely = Likely { what: what.into(), todo: todo.into_iter().map(Into::into).collect() };
        if !likely.what.is_empty() || !likely.todo.is_empty() {
            self.causes.push(likely);
        }
        self
    }
}
