//! The upper-left convex hull of points of cost and quality: what is reachable by mixing, and the areas and savings read off
//! it. Mixing two points by a coin reaches everything on the line between them, so the hull is what a method is worth.

use serde::Serialize;

/// A mean cost per request with the mean quality it buys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Mean cost in USD.
    pub cost_usd: f64,
    /// Mean quality.
    pub quality: f64,
}

/// Points at which an area is sampled.
const N_SAMPLES: usize = 1000;

/// A hull: cost and quality both rise from point to point, and each dollar buys less than the one before.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Hull {
    points: Vec<Point>,
}

impl Hull {
    /// The hull of some points.
    pub fn of(points: impl IntoIterator<Item = Point>) -> Self {
        let mut points: Vec<Point> = points.into_iter().collect();
        points.sort_by(|a, b| a.cost_usd.total_cmp(&b.cost_usd).then(b.quality.total_cmp(&a.quality)));
        let mut hull: Vec<Point> = Vec::new();
        for point in points {
            if hull.last().is_some_and(|last| point.quality <= last.quality) {
                continue;
            }
            while let [.., a, b] = hull.as_slice() {
                let flatter = (b.quality - a.quality) * (point.cost_usd - a.cost_usd)
                    <= (point.quality - a.quality) * (b.cost_usd - a.cost_usd);
                if !flatter {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        Self { points: hull }
    }

    /// Its corners, cheapest first.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The quality that a mean cost buys; the nearest end's outside the hull.
    pub fn quality_at(&self, cost_usd: f64) -> f64 {
        let Some((first, last)) = self.points.first().zip(self.points.last()) else { return f64::NAN };
        if cost_usd <= first.cost_usd {
            return first.quality;
        }
        if cost_usd >= last.cost_usd {
            return last.quality;
        }
        let right = self.points.partition_point(|point| point.cost_usd <= cost_usd);
        let (a, b) = (self.points[right - 1], self.points[right]);
        let slope = (b.quality - a.quality) / (b.cost_usd - a.cost_usd);
        slope * (cost_usd - a.cost_usd) + a.quality
    }

    /// The mean height between two costs: the average improvement in quality, AIQ.
    pub fn mean_height(&self, low: f64, high: f64) -> f64 {
        let step = (high - low) / (crate::grid::number(N_SAMPLES) - 1.0);
        crate::grid::mean((0..N_SAMPLES).map(|index| self.quality_at(low + crate::grid::number(index) * step)))
    }

    /// The least mean cost that reaches a quality; none where nothing does.
    pub fn cost_of(&self, quality: f64) -> Option<f64> {
        // A target computed as a fraction of a mean may miss the mean itself by its last bit.
        let index = self.points.iter().position(|point| point.quality >= quality - 1e-12)?;
        let b = self.points[index];
        let Some(a) = index.checked_sub(1).map(|before| self.points[before]) else { return Some(b.cost_usd) };
        Some(a.cost_usd + (quality - a.quality) * (b.cost_usd - a.cost_usd) / (b.quality - a.quality))
    }

    /// The share of a reference cost that is saved at a quality; none where the quality is never reached, or where the
    /// reference is free and nothing can be saved.
    pub fn saving(&self, quality: f64, reference_cost_usd: f64) -> Option<f64> {
        let cost_usd = self.cost_of(quality)?;
        (reference_cost_usd > 0.0).then(|| 1.0 - cost_usd / reference_cost_usd)
    }
}

#[cfg(test)]
mod tests;
