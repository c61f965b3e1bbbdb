//! Sums the training prompts up by some dozens of places: k-means on the encoder's numbers, from a seed.

use classifier::unlikeness::Places;

use crate::dice::Dice;

/// Rounds of assigning and averaging: places hardly move after ten.
const ROUNDS: usize = 12;

/// Prompts that places are found from, at most.
const MAX_SAMPLE: usize = 8_000;

/// The places of these embeddings, and the usual distance to the nearest.
pub(crate) fn places(embeddings: &[&[f32]], n_places: usize, seed: u64) -> Places {
    let mut dice = Dice::new(seed, 77);
    let mut order: Vec<usize> = (0..embeddings.len()).collect();
    dice.shuffle(&mut order);
    let sample: Vec<&[f32]> = order.iter().take(MAX_SAMPLE).map(|at| embeddings[*at]).collect();
    let width = sample.first().map_or(0, |row| row.len());
    let mut centres: Vec<f32> = sample.iter().take(n_places.max(1)).flat_map(|row| row.iter().copied()).collect();
    for _ in 0..ROUNDS {
        let mut sums = vec![0.0_f32; centres.len()];
        let mut counts = vec![0.0_f32; centres.len() / width.max(1)];
        for row in &sample {
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
    let mut distances: Vec<f32> = sample.iter().map(|row| places.distance(row)).collect();
    distances.sort_by(f32::total_cmp);
    places.usual = distances.get(distances.len() / 2).copied().unwrap_or(1.0).max(1e-6);
    places
}

fn nearest(centres: &[f32], row: &[f32]) -> usize {
    let square = |centre: &[f32]| centre.iter().zip(row).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let squares = centres.chunks_exact(row.len()).map(square).enumerate();
    squares.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at)
}
