//! A few that stand for many: a small set of points that is spread as all of them are (kernel herding). Each next one is where the
//! crowd is thickest and the chosen are thinnest.

use evals::grid::{mean, number};

/// Points that the crowd is known by, at most; more would only tell the same again.
const MAX_CROWD: usize = 2_000;

/// Points that the usual distance is taken from.
const N_YARDSTICKS: usize = 200;

/// The places of `n` points that together are spread as all are, the most typical first.
pub(crate) fn representatives(points: &[Vec<f64>], n: usize) -> Vec<usize> {
    let crowd = evenly(points, MAX_CROWD);
    // Points at the usual distance are alike by 1/e.
    let usual = usual_distance(&evenly(points, N_YARDSTICKS));
    let likeness = |a: &[f64], b: &[f64]| (-distance(a, b) / usual).exp();
    let thickness: Vec<f64> =
        points.iter().map(|point| mean(crowd.iter().map(|other| likeness(point, other)))).collect();
    let mut like_chosen = vec![0.0; points.len()];
    let mut open = vec![true; points.len()];
    let mut chosen = Vec::new();
    for turn in 0..n.min(points.len()) {
        let lack = |at: usize| thickness[at] - like_chosen[at] / number(turn + 1);
        let candidates = (0..points.len()).filter(|at| open[*at]).map(|at| (at, lack(at)));
        let Some((best, _)) = candidates.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))) else { break };
        open[best] = false;
        chosen.push(best);
        like_chosen.iter_mut().zip(points).for_each(|(sum, point)| *sum += likeness(point, &points[best]));
    }
    chosen
}

/// Some of a list, evenly.
fn evenly<T>(list: &[T], most: usize) -> Vec<&T> {
    list.iter().step_by(list.len().div_ceil(most).max(1)).collect()
}

/// The median of the squared distances; one where all points are the same.
fn usual_distance(points: &[&Vec<f64>]) -> f64 {
    let others = |at: usize| points[at + 1..].iter().map(move |other| distance(points[at], other));
    let mut distances: Vec<f64> = (0..points.len()).flat_map(others).filter(|distance| *distance > 0.0).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(1.0)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    //! Crowds whose make-up is known.

    use super::representatives;

    /// Two crowds, nine times as many in the first, and one stray.
    fn points() -> Vec<Vec<f64>> {
        let spot = |at: usize| {
            let jitter = f64::from(u32::try_from(at * 7919 % 101).unwrap()) / 1_000.0;
            if at % 10 == 3 { vec![10.0 + jitter, 0.0] } else { vec![jitter, 1.0] }
        };
        (0..500).map(spot).chain([vec![1_000.0, -1_000.0]]).collect()
    }

    #[test]
    fn the_few_are_made_up_as_the_many_are() {
        let points = points();
        let few = representatives(&points, 20);
        assert_eq!(few.len(), 20);
        let in_the_second = few.iter().filter(|at| points[**at][0] > 5.0 && points[**at][0] < 100.0).count();
        assert_eq!(in_the_second, 2, "{few:?}");
        assert!(!few.contains(&500), "a stray stands for nobody: {few:?}");
        let mut once = few.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), 20);
    }

    #[test]
    fn the_first_of_more_are_the_fewer() {
        let points = points();
        assert_eq!(representatives(&points, 20)[..5], representatives(&points, 5));
    }

    #[test]
    fn any_number_is_taken_of_any_points() {
        assert_eq!(representatives(&[], 3), Vec::<usize>::new());
        assert_eq!(representatives(&[vec![1.0]], 3), [0]);
        let same = vec![vec![2.0, 2.0]; 4];
        assert_eq!(representatives(&same, 9), [0, 1, 2, 3]);
        assert_eq!(representatives(&same, 0), Vec::<usize>::new());
    }
}
