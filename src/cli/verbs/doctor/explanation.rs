//! What does a person read about a finding? What it means, what may have caused it, and what to type. Pure.
//!
//! Main type: [`Explanation`].

/// A configuration with a fault would end sshd on some systems.
pub const RELOAD: &str = "sudo sshd -t && sudo systemctl reload sshd (on Debian and Ubuntu: ssh)";

/// A finding in words, not yet made safe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What it means, a sentence or two.
    pub meaning: String,
    /// What may have caused it, the likeliest first.
    pub causes: Vec<Likely>,
}

/// A possible cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likely {
    /// What it is; empty where only what to do is known.
    pub what: String,
    /// What to do about it, a line each.
    pub todo: Vec<String>,
}

impl Explanation {
    /// Without causes.
    pub fn of(meaning: impl Into<String>) -> Explanation {
        let meaning = meaning.into();
        // names of hosts stay as they are
        let meaning = match meaning.strip_prefix("this machine") {
            Some(rest) => format!("This machine{rest}"),
            None => meaning,
        };
        Explanation { meaning, causes: Vec::new() }
    }

    /// One more cause, less likely than those before it.
    #[must_use]
    pub fn or<T: Into<String>>(mut self, what: impl Into<String>, todo: impl IntoIterator<Item = T>) -> Explanation {
        let likely = Likely { what: what.into(), todo: todo.into_iter().map(Into::into).collect() };
        if !likely.what.is_empty() || !likely.todo.is_empty() {
            self.causes.push(likely);
        }
        self
    }
}
