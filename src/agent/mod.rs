//! The ssh-agent protocol (PROTOCOL.agent, draft-ietf-sshm-ssh-agent).
