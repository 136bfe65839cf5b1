//! What does `hop ssh` exit with? The command's status; as with ssh, 255 if hop itself failed.
//!
//! Main function: [`status`].

use crate::chain::ExitStatus;
use crate::shell::ConversationEnd;

/// The exit status of ssh if something other than the command failed.
pub const OWN_FAILURE: u8 = 255;

pub fn status(ended: &ConversationEnd) -> u8 {
    match ended {
        ConversationEnd::Exit(ExitStatus::Code(code)) => (code & 0xff) as u8,
        ConversationEnd::Exit(ExitStatus::Signal(_))
        | ConversationEnd::Unsaid
        | ConversationEnd::Left
        | ConversationEnd::Signal(_)
        | ConversationEnd::Unheard => OWN_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_cut_to_a_byte_as_the_kernel_does() {
        assert_eq!(status(&ConversationEnd::Exit(ExitStatus::Code(7))), 7);
        assert_eq!(status(&ConversationEnd::Exit(ExitStatus::Code(256 + 3))), 3);
        assert_eq!(status(&ConversationEnd::Exit(ExitStatus::Signal("KILL".into()))), 255);
        assert_eq!(status(&ConversationEnd::Unsaid), 255);
    }
}
