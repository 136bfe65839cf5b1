//! Bytes and numbers that look random and are the same every time: the one generator of all tests ([`Numbers`], a
//! xorshift after Marsaglia), and file contents made of it ([`noise`]).

/// Numbers that follow from a seed.
pub struct Numbers(u64);

impl Numbers {
    /// Two seeds give two sequences.
    pub fn from(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next one; never zero.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// One below `limit`; 0 where there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// One in each byte.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// `length` bytes that differ everywhere and of which none is zero: a block in the wrong place shows, and so does a hole.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut numbers = Numbers::from(seed);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        let eight = numbers.next();
        // the bytes that are zero, by their highest bits; a one beside a zero may be among them, and stays one
        let zeros = eight.wrapping_sub(ONES) & !eight & (ONES << 7);
        bytes.extend_from_slice(&(eight | (zeros >> 7)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
