//! The front door: the only room that prints, prompts, reads the environment and exits.
