//! Which terminal modes does the protocol have? Pairs of opcode and argument (RFC 4254 §8).
//!
//! Main functions: [`encoded`], the modes a remote terminal starts with; [`raw`], the modes of the local one meanwhile.

use rustix::termios::{ControlModes, InputModes, LocalModes, OutputModes, SpecialCodeIndex, Termios};

/// The argument of a key that is disabled.
const DISABLED: u32 = 255;
const INPUT_SPEED: u8 = 128;
const OUTPUT_SPEED: u8 = 129;

const KEYS: &[(u8, SpecialCodeIndex)] = &[
    (1, SpecialCodeIndex::VINTR),
    (2, SpecialCodeIndex::VQUIT),
    (3, SpecialCodeIndex::VERASE),
    (4, SpecialCodeIndex::VKILL),
    (5, SpecialCodeIndex::VEOF),
    (6, SpecialCodeIndex::VEOL),
    (7, SpecialCodeIndex::VEOL2),
    (8, SpecialCodeIndex::VSTART),
    (9, SpecialCodeIndex::VSTOP),
    (10, SpecialCodeIndex::VSUSP),
    (12, SpecialCodeIndex::VREPRINT),
    (13, SpecialCodeIndex::VWERASE),
    (14, SpecialCodeIndex::VLNEXT),
    (18, SpecialCodeIndex::VDISCARD),
];

const INPUT: &[(u8, InputModes)] = &[
    (30, InputModes::IGNPAR),
    (31, InputModes::PARMRK),
    (32, InputModes::INPCK),
    (33, InputModes::ISTRIP),
    (34, InputModes::INLCR),
    (35, InputModes::IGNCR),
    (36, InputModes::ICRNL),
    (38, InputModes::IXON),
    (39, InputModes::IXANY),
    (40, InputModes::IXOFF),
    (41, InputModes::IMAXBEL),
    (42, InputModes::IUTF8),
];

const LOCAL: &[(u8, LocalModes)] = &[
    (50, LocalModes::ISIG),
    (51, LocalModes::ICANON),
    (53, LocalModes::ECHO),
    (54, LocalModes::ECHOE),
    (55, LocalModes::ECHOK),
    (56, LocalModes::ECHONL),
    (57, LocalModes::NOFLSH),
    (58, LocalModes::TOSTOP),
    (59, LocalModes::IEXTEN),
    (60, LocalModes::ECHOCTL),
    (61, LocalModes::ECHOKE),
    (62, LocalModes::PENDIN),
];

const OUTPUT: &[(u8, OutputModes)] = &[
    (70, OutputModes::OPOST),
    (72, OutputModes::ONLCR),
    (73, OutputModes::OCRNL),
    (74, OutputModes::ONOCR),
    (75, OutputModes::ONLRET),
];

const CONTROL: &[(u8, ControlModes)] =
    &[(90, ControlModes::CS7), (91, ControlModes::CS8), (92, ControlModes::PARENB), (93, ControlModes::PARODD)];

/// The modes of a terminal, speeds first, as OpenSSH's `ttymodes.c` sends them.
pub fn encoded(modes: &Termios) -> Vec<(u8, u32)> {
    let mut all = vec![(OUTPUT_SPEED, modes.output_speed()), (INPUT_SPEED, modes.input_speed())];
    all.extend(KEYS.iter().map(|(code, key)| (*code, key_argument(modes.special_codes[*key]))));
    all.extend(INPUT.iter().map(|(code, mode)| (*code, modes.input_modes.intersects(*mode).into())));
    all.extend(LOCAL.iter().map(|(code, mode)| (*code, modes.local_modes.intersects(*mode).into())));
    all.extend(OUTPUT.iter().map(|(code, mode)| (*code, modes.output_modes.intersects(*mode).into())));
    all.extend(CONTROL.iter().map(|(code, mode)| (*code, modes.control_modes.intersects(*mode).into())));
    all
}

fn key_argument(byte: u8) -> u32 {
    if byte == 0 { DISABLED } else { byte.into() }
}

/// The modes for raw mode: every key goes to the remote side as it is, and nothing is echoed or changed here
/// (`enter_raw_mode` of `sshtty.c`).
pub fn raw(modes: &Termios) -> Termios {
    let mut raw = modes.clone();
    raw.input_modes |= InputModes::IGNPAR;
    raw.input_modes -= InputModes::ISTRIP
        | InputModes::INLCR
        | InputModes::IGNCR
        | InputModes::ICRNL
        | InputModes::IXON
        | InputModes::IXANY
        | InputModes::IXOFF;
    raw.local_modes -= LocalModes::ISIG
        | LocalModes::ICANON
        | LocalModes::ECHO
        | LocalModes::ECHOE
        | LocalModes::ECHOK
        | LocalModes::ECHONL
        | LocalModes::IEXTEN;
    raw.output_modes -= OutputModes::OPOST;
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cooked() -> Termios {
        let pair = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
        rustix::termios::tcgetattr(&pair).unwrap()
    }

    #[test]
    fn a_fresh_terminal_is_encoded_as_ssh_does() {
        let all = encoded(&cooked());
        let of = |wanted: u8| all.iter().find(|(code, _)| *code == wanted).map(|(_, value)| *value);
        assert_eq!(all[0].0, OUTPUT_SPEED);
        assert_eq!((of(1), of(3), of(5)), (Some(3), Some(127), Some(4)));
        assert_eq!((of(36), of(53), of(51), of(70), of(91)), (Some(1), Some(1), Some(1), Some(1), Some(1)));
        assert_eq!((of(6), of(34)), (Some(DISABLED), Some(0)));
    }

    #[test]
    fn raw_leaves_every_key_to_the_other_side() {
        let raw = raw(&cooked());
        assert!(!raw.local_modes.intersects(LocalModes::ISIG | LocalModes::ICANON | LocalModes::ECHO));
        assert!(!raw.input_modes.intersects(InputModes::ICRNL | InputModes::IXON));
        assert!(!raw.output_modes.contains(OutputModes::OPOST));
        assert_eq!(raw.special_codes[SpecialCodeIndex::VMIN], 1);
    }
}
