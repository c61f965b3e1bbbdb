//! Seeded randomness: the Mersenne Twister, drawn from as numpy's `RandomState` draws. Chosen for one reason: whoever checks
//! our intervals with an independent script in that language gets the same resamples, and so the same interval.

const N: usize = 624;
const M: usize = 397;

/// A seeded generator.
pub struct Dice {
    state: [u32; N],
    next: usize,
}

impl Dice {
    /// The generator of this seed: MT19937 by Matsumoto and Nishimura, with their initialisation of 2002.
    pub fn new(seed: u32) -> Self {
        let mut state = [0; N];
        state[0] = seed;
        for index in 1..N {
            let last: u32 = state[index - 1];
            let index_u32 = u32::try_from(index).expect("an index below 624 fits");
            state[index] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(index_u32);
        }
        Self { state, next: N }
    }

    fn roll(&mut self) -> u32 {
        if self.next == N {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for index in 0..N {
            let y = (self.state[index] & 0x8000_0000) | (self.state[(index + 1) % N] & 0x7fff_ffff);
            let flip = if y & 1 == 0 { 0 } else { 0x9908_b0df };
            self.state[index] = self.state[(index + M) % N] ^ (y >> 1) ^ flip;
        }
        self.next = 0;
    }

    /// A number in [0, 1) with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (self.roll() >> 5, self.roll() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// A number in 0..n, by rejection under the smallest mask that covers it. `n` of 0 or 1 gives 0 without a draw.
    pub fn below(&mut self, n: u32) -> u32 {
        if n < 2 {
            return 0;
        }
        let most = n - 1;
        let mask = u32::MAX >> most.leading_zeros();
        loop {
            let drawn = self.roll() & mask;
            if drawn <= most {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests;
