//! A TCP proxy that delays, throttles and cuts.
