// SPDX-License-Identifier: GPL-2.0-only

//! Percentiles by the nearest rank.

/// The smallest of the sorted samples that so many per cent of all do not exceed; none of none.
pub fn nearest_rank<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples: Vec<_> = (1..=199).collect();
        let found = [0, 50, 99, 100].map(|percent| nearest_rank(&samples, percent).unwrap());
        assert_eq!(found, [1, 100, 198, 199]);
        assert_eq!(nearest_rank(&[7], 1), Some(7));
        assert_eq!(nearest_rank::<u8>(&[], 50), None);
    }
}
