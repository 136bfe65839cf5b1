//! A practice street inside the binary: two bastions and two private servers on loopback.
