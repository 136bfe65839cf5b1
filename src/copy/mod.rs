//! What moves, which way, did it arrive whole? A job becomes a plan, the plan becomes files.
