// SPDX-License-Identifier: GPL-2.0-only

//! How long a call takes, in nanoseconds or in instructions.

use std::arch::x86_64::_rdtsc;
use std::time::Instant;

use struct_ops::percentile::nearest_rank;

/// What a call is measured with.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The kernel's clock.
    Monotonic,
    /// The processor's cycle counter. An emulator that counts instructions
    /// advances it by one with each.
    Instructions,
}

impl Clock {
    /// Measures a call.
    pub fn time<T>(self, call: impl FnOnce() -> T) -> (u64, T) {
        match self {
            Self::Monotonic => {
                let start = Instant::now();
                let result = call();
                (start.elapsed().as_nanos() as u64, result)
            }
            Self::Instructions => {
                // SAFETY: every x86-64 processor has the counter.
                let start = unsafe { _rdtsc() };
                let result = call();
                // SAFETY: as above.
                (unsafe { _rdtsc() } - start, result)
            }
        }
    }
}

/// What the calls of one kind took.
#[derive(Debug, Default)]
pub struct Samples(Vec<u64>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, sample: u64) {
        self.0.push(sample);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The median of samples that are nanoseconds.
    pub fn median_seconds(&self) -> f64 {
        self.percentile(50) / 1e9
    }

    /// The smallest sample that so many per cent of all do not exceed.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        nearest_rank(&sorted, percent).map_or(f64::NAN, |sample| sample as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_need_no_order() {
        let mut samples = Samples::default();
        for sample in (1..=199).rev() {
            samples.push(sample);
        }
        assert_eq!(samples.percentile(99), 198.0);
        assert_eq!(samples.len(), 199);
        assert_eq!(samples.median_seconds(), 1e-7);
    }

    #[test]
    fn no_sample_has_no_percentile() {
        assert!(Samples::default().percentile(50).is_nan());
    }

    #[test]
    fn a_call_takes_time_and_returns() {
        for clock in [Clock::Monotonic, Clock::Instructions] {
            let (took, result) = clock.time(|| {
                std::thread::sleep(std::time::Duration::from_millis(2));
                7
            });
            assert!(took > 1_000_000, "{took}");
            assert_eq!(result, 7);
        }
    }
}
