//! How is a person asked during a login? By keyboard-interactive (RFC 4256), with as many prompts and rounds as the
//! server wants within bounds, and by password (RFC 4252 §8).
//!
//! Text in a server's prompts is hostile: before anybody is asked it is bounded, and control characters are removed, in
//! one place ([`harmless`]). The question names user and host, so that a server cannot pass its prompt off as somebody
//! else's.

use russh::client::{AuthResult, Handler, KeyboardInteractiveAuthResponse as Response, Prompt as Asked};
use zeroize::Zeroizing;

use super::error::AuthError;
use super::keyring::Opener;
use super::login::{LoginAttempt, ServerAnswer};
use crate::progress::Event;

/// The most rounds of one keyboard-interactive attempt.
const MAX_ROUNDS: usize = 32;
/// The most prompts of one round.
const MAX_PROMPTS: usize = 16;
/// The most characters shown of an instruction.
const MAX_INSTRUCTION: usize = 4096;
/// The most characters shown of a name or a prompt.
const MAX_PROMPT: usize = 512;

impl<H: Handler> LoginAttempt<'_, H> {
    /// Makes one keyboard-interactive attempt; `None` if no further one is possible.
    pub(super) async fn keyboard_interactive(&mut self) -> Result<Option<ServerAnswer>, AuthError> {
        let first = self.keyboard.interactive == 0;
        let spent = self.keyboard.interactive >= *self.host.number_of_password_prompts;
        if spent || !self.may_ask() || (!first && !self.keyboard.info_seen) {
            return Ok(None);
        }
        self.keyboard.interactive += 1;
        self.tried.push("keyboard-interactive".into());
        let devices = self.host.kbd_interactive_devices.as_ref().map(|devices| devices.value.clone());
        let start = self.handle.authenticate_keyboard_interactive_start(self.host.user.value.as_str(), devices);
        let mut response = self.answer_timeout.wait(start).await;
        for _ in 0..MAX_ROUNDS {
            match self.respond_to(response).await? {
                KeyboardRound::Over(answer) => {
                    self.needed_a_person |=
                        matches!(answer, ServerAnswer::Success | ServerAnswer::Failure { partial: true, .. });
                    self.note("keyboard-interactive".into(), &answer, None);
                    return Ok(Some(answer));
                }
                KeyboardRound::Answered(answers) => {
                    let respond = self.handle.authenticate_keyboard_interactive_respond(answers);
                    response = self.answer_timeout.wait(respond).await;
                }
            }
        }
        Err(AuthError::Peer(format!("keyboard-interactive does not end after {MAX_ROUNDS} rounds")))
    }

    async fn respond_to(
        &mut self,
        response: Option<Result<Response, russh::Error>>,
    ) -> Result<KeyboardRound, AuthError> {
        let answer = match response {
            Some(Ok(Response::InfoRequest { name, instructions, prompts })) => {
                self.keyboard.info_seen = true;
                return self.ask(&name, &instructions, &prompts).await.map(KeyboardRound::Answered);
            }
            Some(Ok(Response::Success)) => Some(Ok(AuthResult::Success)),
            Some(Ok(Response::Failure { remaining_methods, partial_success })) => {
                Some(Ok(AuthResult::Failure { remaining_methods, partial_success }))
            }
            Some(Err(error)) => Some(Err(error)),
            None => None,
        };
        self.answered("keyboard-interactive", answer).map(KeyboardRound::Over)
    }

    /// Asks the person the questions of one round.
    async fn ask(&self, name: &str, instructions: &str, prompts: &[Asked]) -> Result<Vec<String>, AuthError> {
        if prompts.len() > MAX_PROMPTS {
            return Err(AuthError::Peer(format!("{} prompts at once", prompts.len())));
        }
        let mut heading = heading(name, instructions);
        if prompts.is_empty() && !heading.is_empty() {
            self.keyring.tell(Event::Banner { hop: self.host.alias.clone(), text: heading.clone() });
        }
        let mut answers = Vec::with_capacity(prompts.len());
        for asked in prompts {
            let whom = format!("({}@{}) ", self.host.user.value, self.host.alias);
            let question = std::mem::take(&mut heading) + &whom + &harmless(&asked.prompt, MAX_PROMPT);
            answers.push(match asked.echo {
                true => self.keyring.answer(question).await?,
                false => self.keyring.secret(question).await?.to_string(),
            });
        }
        Ok(answers)
    }

    /// Makes one password attempt; `None` if no further one is possible.
    pub(super) async fn password(&mut self) -> Result<Option<ServerAnswer>, AuthError> {
        if self.keyboard.password >= *self.host.number_of_password_prompts || !self.may_ask() {
            return Ok(None);
        }
        let again = if self.keyboard.password > 0 { "Permission denied, please try again.\n" } else { "" };
        self.keyboard.password += 1;
        let question = format!("{again}{}@{}'s password: ", self.host.user.value, self.host.alias);
        let password = self.keyring.secret(question).await?;
        self.send_password(password).await.map(Some)
    }

    /// Sends a password, and remembers it if the server wants nothing more.
    pub(super) async fn send_password(&mut self, password: Zeroizing<String>) -> Result<ServerAnswer, AuthError> {
        self.tried.push("password".into());
        let sent = self.handle.authenticate_password(self.host.user.value.as_str(), password.as_str());
        let answer = self.answer_timeout.wait(sent).await;
        if answer.is_none() {
            // a server that wants the password changed asks for it (RFC 4252 §8), but russh does not pass that on
            return Err(self.late("password (has it expired?)"));
        }
        let answer = self.answered("password", answer)?;
        self.note("password".into(), &answer, Some(Opener::Password(password)));
        Ok(answer)
    }
}

enum KeyboardRound {
    Answered(Vec<String>),
    Over(ServerAnswer),
}

/// The name and the instruction of a round, each on its own lines.
fn heading(name: &str, instructions: &str) -> String {
    let texts = [harmless(name, MAX_PROMPT), harmless(instructions, MAX_INSTRUCTION)];
    texts.iter().map(|text| text.trim_end()).filter(|text| !text.is_empty()).map(|text| format!("{text}\n")).collect()
}

/// A server's text without characters that move the cursor or reverse the direction of writing, at most `limit`
/// characters. Line feeds and tabs stay.
fn harmless(text: &str, limit: usize) -> String {
    text.chars().filter(|character| is_harmless(*character)).take(limit).collect()
}

fn is_harmless(character: char) -> bool {
    match character {
        '\n' | '\t' => true,
        // bidirectional controls, invisible characters, line and paragraph separators, tags
        '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => false,
        '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' => false,
        other => !other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prompt_cannot_draw() {
        let evil = "\x1b]0;title\x07\x1b[2J\u{9b}31mPass\u{202e}drow\u{200b}:\r\0 ";
        assert_eq!(harmless(evil, 99), "]0;title[2J31mPassdrow: ");
        assert_eq!(harmless("code\n\tfor you: é", 99), "code\n\tfor you: é");
        assert_eq!(harmless(&"x".repeat(1_000_000), 512).len(), 512);
    }

    #[test]
    fn heading_has_its_own_lines() {
        assert_eq!(heading("", ""), "");
        assert_eq!(heading("Duo", "1. push\n2. phone\n\n"), "Duo\n1. push\n2. phone\n");
    }

    proptest! {
        #[test]
        fn nothing_but_text_is_left(text in any::<String>(), limit in 0usize..64) {
            let shown = harmless(&text, limit);
            prop_assert!(shown.chars().count() <= limit);
            prop_assert!(shown.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
            prop_assert_eq!(harmless(&shown, limit), shown);
        }
    }
}
