//! A net fitted: its prompts as pupils, their features made alike in size, and the word pieces that they have.

use classifier::abilities::{Link, Usual};
use classifier::feature_layer::standardised;
use classifier::heads::View;
use classifier::matrix::Matrix;

use super::Fitted;
use crate::dataset::Lesson;
use crate::footing::footing;
use crate::learn::{Classroom, Course, Pupil, Start, learn};
use crate::material::Material;
use crate::say::Say;

/// A net view. `table` holds a row for each word piece to start from.
pub(crate) fn fit_net(
    material: &Material<'_>,
    table: Option<&Start<'_>>,
    course: &Course,
    seed: u64,
    step_done: &dyn Fn(),
) -> Fitted {
    let dataset = material.dataset;
    let lessons = material.rows.iter().map(|row| &dataset.prompts[*row as usize]);
    let (centre, inverse_spread) = spread(lessons.clone().map(|lesson| lesson.reading.row.values()));
    let alike = |values: &[f32]| -> Vec<f32> {
        let scales = centre.iter().zip(&inverse_spread);
        values.iter().zip(scales).map(|(value, (centre, scale))| standardised(*value, *centre, *scale)).collect()
    };
    let features: Vec<Vec<f32>> = lessons.clone().map(|lesson| alike(lesson.reading.row.values())).collect();
    let answers: Vec<Vec<(u16, f32)>> = lessons
        .clone()
        .map(|lesson| lesson.answers.iter().map(|answer| (answer.model, answer.quality)).collect())
        .collect();
    let vocabulary = Vocabulary::of(material);
    let places = |lesson: &Lesson| if course.reads { vocabulary.places(&lesson.reading.pieces) } else { Vec::new() };
    let pieces: Vec<Vec<u32>> = lessons.clone().map(places).collect();
    let small = table.filter(|_| course.reads).map(|start| vocabulary.taken(start));
    let seen = features.iter().zip(&answers).zip(&pieces);
    let pupils: Vec<Pupil<'_>> = lessons
        .zip(material.rows)
        .zip(seen)
        .map(|((lesson, row), ((features, answers), pieces))| {
            let weight = material.weights[*row as usize];
            Pupil { pieces, features, answers, weight, dataset: lesson.dataset }
        })
        .collect();
    let biases: Vec<f32> =
        footing(dataset, &material.qualities(), Link::Logit).into_iter().map(|value| value as f32).collect();
    let room = Classroom {
        pupils: &pupils,
        start: table.zip(small.as_ref()).map(|(start, small)| Start { width: start.width, table: small }),
        centre: &centre,
        inverse_spread: &inverse_spread,
        biases: &biases,
        n_datasets: dataset.datasets.len(),
    };
    let mut learned = learn(&room, course, seed, step_done);
    if let (Some(reader), Some(start)) = (&mut learned.net.reader, table) {
        vocabulary.put_back(reader, start);
    }
    let (rows, n) = (learned.abilities.rows, learned.abilities.n);
    let usual = Usual::of_rows(&rows.chunks_exact(n).zip(Say::OfTheMost.of(material)).collect::<Vec<_>>());
    Fitted::new(material, View::Net(Box::new(learned.net)), rows, usual)
}

/// Mean and one over the deviation of every number in these rows.
pub(crate) fn spread<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone) -> (Vec<f32>, Vec<f32>) {
    let width = rows.clone().next().map_or(0, <[f32]>::len);
    let n = rows.len().max(1) as f64;
    let mut sums = vec![(0.0_f64, 0.0_f64); width];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row) {
            sum.0 += f64::from(*value);
            sum.1 += f64::from(*value) * f64::from(*value);
        }
    }
    let centre = sums.iter().map(|(sum, _)| (sum / n) as f32).collect();
    let inverse = sums.iter().map(|(sum, squares)| {
        let variance = squares / n - (sum / n) * (sum / n);
        // A column that never changes says nothing; it must not be blown up when it once does.
        if variance > 1e-8 { (1.0 / variance.sqrt()) as f32 } else { 0.0 }
    });
    (centre, inverse.collect())
}

/// The word pieces that occur: only their rows are trained, the others stay as they were distilled.
struct Vocabulary {
    used: Vec<u32>,
}

impl Vocabulary {
    fn of(material: &Material<'_>) -> Self {
        let mut used: Vec<u32> = material
            .rows
            .iter()
            .flat_map(|row| &material.dataset.prompts[*row as usize].reading.pieces)
            .copied()
            .collect();
        used.sort_unstable();
        used.dedup();
        Self { used }
    }

    fn places(&self, pieces: &[u32]) -> Vec<u32> {
        let place = |piece: &u32| self.used.binary_search(piece).ok().and_then(|place| u32::try_from(place).ok());
        pieces.iter().filter_map(place).collect()
    }

    fn taken(&self, start: &Start<'_>) -> Vec<f32> {
        self.used
            .iter()
            .flat_map(|piece| start.table[*piece as usize * start.width..][..start.width].iter().copied())
            .collect()
    }

    fn put_back(&self, reader: &mut classifier::net::Reader, start: &Start<'_>) {
        let mut table = Matrix::of(start.table, start.width);
        let learned = reader.table.steps.chunks_exact(start.width).zip(&reader.table.scales);
        for (piece, (row, scale)) in self.used.iter().zip(learned) {
            table.steps[*piece as usize * start.width..][..start.width].copy_from_slice(row);
            table.scales[*piece as usize] = *scale;
        }
        reader.table = table;
    }
}
