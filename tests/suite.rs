//! Everything that proves `hop`, in one binary. Each module is one question.
