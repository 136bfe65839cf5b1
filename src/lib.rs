//! `hop` copies files between machines that can only be reached through bastion hosts, and opens shells there.
//!
//! # The floor plan
//!
//! A copy is a walk through six rooms, each answering one question, in this order:
//!
//! ```text
//!   where?            config   ssh_config text → the hosts to pass through
//!   who are you?      trust    host keys → HostVerified
//!   who am I?         auth     identities and agents → Authenticated
//!   how do I get there? chain  hosts → Session, one hop at a time
//!   how do bytes travel? sftp  a byte stream → reads and writes in flight
//!   what moves, which way, did it arrive whole? copy   sources → destination
//! ```
//!
//! All other rooms serve these. [`cli`] is the front door and the only room that talks to people.
//!
//! # Who may call whom
//!
//! | floor | rooms | may use | only here |
//! | --- | --- | --- | --- |
//! | 0 | [`target`] [`progress`] [`prompt`] [`words`] [`wildcard`] [`argv`] [`private_file`] | – | – |
//! | 1 | [`config`] [`trust`] [`agent`] [`sftp`] [`lock`] (unaware of each other) | floor 0 | reading ssh_config; making `HostVerified`; agent protocol; SFTP packets |
//! | 2 | [`auth`] | agent, config::host, prompt | secrets in memory; making `Authenticated` |
//! | 3 | [`chain`] | floors 0–2 | opening connections and channels; making `Session` |
//! | 4 | [`lend`] [`copy`] [`shell`] [`forward`] | chain, sftp, agent, floor 0; `copy` also lend, lock; `lend` also auth, trust | lending a login; writing users' files; raw terminal; listeners |
//! | 5 | [`error`] [`doctor`] | all below | – |
//! | – | `demo` | nothing of the engine (a test must not share code with what it tests) | SSH server |
//! | 6 | [`cli`] | everything | clap, indicatif, print, environment, exit |
//!
//! The test `tidy` holds these arrows.
//!
//! # The rules
//!
//! - There is exactly one way to a [`chain::Session`], and it holds a [`trust::HostVerified`]. How strict to be is a
//!   property of the resolved host.
//! - No verb knows how many hops are below it.
//! - Upload, download and relay are one function over two `Side`s.
//! - The engine never prints, prompts, formats for a human, reads the environment or decides an exit code. It counts;
//!   the screen reads the counters on its own clock.
//! - A dry run stops after the plan.
//! - Strangers' bytes (file name, banner, status text, stderr) pass `cli/output/safe.rs` before a terminal or a log.
//! - [`progress::Stage`] is one enum for the live progress line and the failing stage in an error; `Route` is one enum
//!   for the plan, the summary, JSON and tests; [`config::Origin`] serves precedence, `-v` and hints.
//!
//! # GLOSSARY
//!
//! Names are those of OpenSSH's manuals and of the RFCs wherever these have one. The house's own words are:
//!
//! | word | what it is |
//! | --- | --- |
//! | room, floor | a folder of `src`; those files of a folder that may use the ones below them, and never back |
//! | way, trail | the hosts from here to a target, connected through as often as needed; their names, for people |
//! | stage | the current step for a host or a file: resolve, dial, verify the host key, authenticate … |
//! | lane | one session at each end of a copy; a copy has several |
//! | side | one end of a copy in one lane: this machine or a host, with the same operations for both |
//! | route | whether the bytes of a copy pass through this machine, or go straight from one host to the other |
//! | obstacle | why the bytes cannot go straight |
//! | plan, walk | the sources and the destination as found, before anything is written; the items to copy |
//! | part, land | the file in which bytes arrive; to give it its final name in one step |
//! | ledger | the result for each file of a copy |
//! | watchdog | the task that ends a connection on which nothing moves |
//! | loan, lent | a login at the destination that a source can make, once, with a key that stays here |
//! | tier | how well a loan is guarded, A to D |
//! | seal, gate | the proof that an order is hop's; the program that a one-time key runs, which checks it |
//! | kept process | a process on a host that ends with hop, and removes what it has made there |
//! | hold | the bytes that wait here for slow readers of tunnels |
//! | finding, gap | something that `hop doctor` found wrong; why two hosts do not reach each other |
//! | face | how progress is shown: bars, lines, or nothing |

// floor 0
pub mod argv;
pub mod private_file;
pub mod progress;
pub mod prompt;
pub mod target;
pub mod wildcard;
pub mod words;

// floor 1: where? · who are you? · the agent protocol · how do bytes travel? · one run at a time
pub mod agent;
pub mod config;
pub mod lock;
pub mod sftp;
pub mod trust;

// floor 2: who am I?
pub mod auth;

// floor 3: how do I get there?
pub mod chain;

// floor 4: a login lent to a host · what moves, which way, did it arrive whole? · shells, tunnels
pub mod copy;
pub mod forward;
pub mod lend;
pub mod shell;

// floor 5
pub mod doctor;
pub mod error;

// the practice street
#[cfg(feature = "demo")]
pub mod demo;

// the front door
pub mod cli;
