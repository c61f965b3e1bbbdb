//! Sums the training prompts up by some dozens of places: k-means on the encoder's numbers, from a seed.

use classifier::unlikeness::Places;

use crate::dice::Dice;

/// Rounds of assigning and averaging: places hardly move after ten.
const ROUNDS: usize = 12;

/// Prompts that places are found from, at most.
const MAX_SAMPLE: usize = 8_000;

/// Embeddings for each place, at least: a place of its own for every prompt would be near to no other.
const MIN_IN_PLACE: usize = 8;

/// One in so many is kept back, to tell how far from its place a prompt usually is that no place was made from.
const KEPT_BACK: usize = 5;

/// The places of these embeddings, at most so many, and the usual distance to the nearest.
pub(crate) fn places(embeddings: &[&[f32]], n_places: usize, seed: u64) -> Places {
    let mut dice = Dice::new(seed, 77);
    let mut order: Vec<usize> = (0..embeddings.len()).collect();
    dice.shuffle(&mut order);
    let sample: Vec<&[f32]> = order.iter().take(MAX_SAMPLE).map(|at| embeddings[*at]).collect();
    let (kept_back, learned_from) = sample.split_at(sample.len() / KEPT_BACK);
    let width = sample.first().map_or(0, |row| row.len());
    let n_places = n_places.min(learned_from.len() / MIN_IN_PLACE).max(1);
    let mut centres: Vec<f32> = learned_from.iter().take(n_places).flat_map(|row| row.iter().copied()).collect();
    for _ in 0..ROUNDS {
        let mut sums = vec![0.0_f32; centres.len()];
        let mut counts = vec![0.0_f32; centres.len() / width.max(1)];
        for row in learned_from {
            let nearest = nearest(&centres, row);
            counts[nearest] += 1.0;
            sums[nearest * width..][..width].iter_mut().zip(*row).for_each(|(sum, value)| *sum += value);
        }
        for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            for k in at * width..(at + 1) * width {
                centres[k] = sums[k] / count;
            }
        }
    }
    let mut places = Places { centres, usual: 1.0 };
    let mut distances: Vec<f32> = kept_back.iter().map(|row| places.distance(row)).collect();
    distances.sort_by(f32::total_cmp);
    places.usual = distances.get(distances.len() / 2).copied().unwrap_or(1.0).max(1e-6);
    places
}

fn nearest(centres: &[f32], row: &[f32]) -> usize {
    let square = |centre: &[f32]| centre.iter().zip(row).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let squares = centres.chunks_exact(row.len()).map(square).enumerate();
    squares.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    //! What is usual is told by prompts that no place was made from, however few there are.

    use super::places;
    use crate::dice::Dice;

    /// Points around two middles.
    fn points(n: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut dice = Dice::new(seed, 1);
        let near = |at: usize, dice: &mut Dice| (0..8).map(|_| (at % 2 * 10) as f32 + dice.unit()).collect();
        (0..n).map(|at| near(at, &mut dice)).collect()
    }

    #[test]
    fn of_few_prompts_others_of_their_kind_are_not_unlike_them() {
        for n in [1, 5, 40, 60, 400] {
            let (known, new) = (points(n, 1), points(100, 2));
            let rows: Vec<&[f32]> = known.iter().map(Vec::as_slice).collect();
            let places = places(&rows, 64, 3);
            assert!(places.centres.len() <= 8 * n.div_ceil(8), "{n}: a place is of several");
            let mean = new.iter().map(|row| places.distance(row)).sum::<f32>() / 100.0;
            assert!(n < 40 || (0.5..1.6).contains(&mean), "{n}: {mean}");
            assert!(places.usual > 1e-6, "{n}: {}", places.usual);
        }
    }
}
