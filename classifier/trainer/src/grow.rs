//! Grows a forest: extremely randomised trees. Every node asks some random columns, each at one random threshold, and keeps
//! the question that explains most. Each tree leaves some groups of prompts out, and says of them what it would have forecast.

use classifier::forest::{Forest, LEAF, Node};
use pulp::Arch;

use crate::dice::Dice;

/// How a forest grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Growth {
    pub(crate) n_trees: usize,
    /// A leaf holds at least this many prompts.
    pub(crate) min_leaf: usize,
    /// The share of the columns that a node asks.
    pub(crate) share_of_columns: f32,
    /// The share of the groups that a tree does not see.
    pub(crate) left_out: f32,
}

/// What trees learn from: columns of features, and rows of targets with a weight each.
pub(crate) struct Sample<'a> {
    /// Column after column, each of `n_rows` numbers.
    pub(crate) columns: &'a [f32],
    pub(crate) n_rows: usize,
    /// Row after row, each of `n_targets` numbers.
    pub(crate) targets: &'a [f32],
    pub(crate) n_targets: usize,
    pub(crate) weights: &'a [f32],
    /// Near-duplicates have the same group.
    pub(crate) groups: &'a [u64],
}

/// Numbers that are summed side by side: one wide register.
const LANES: usize = 8;

/// Targets a tree has room for in its sums; the weight takes the last place.
pub(crate) const MAX_TARGETS: usize = LANES - 1;

/// Where the weights are summed.
const WEIGHT: usize = LANES - 1;

/// A tree with leaves as they were averaged.
struct Tree {
    nodes: Vec<Node>,
    leaves: Vec<[f32; MAX_TARGETS]>,
}

/// A forest, and what the trees that never saw a prompt say of it.
pub(crate) struct Grown {
    pub(crate) forest: Forest,
    /// Row after row of the sample, each of `n_targets` numbers; zeros for rows outside, and for those that every tree saw.
    pub(crate) unseen: Vec<f32>,
    /// How many trees never saw each row of the sample; none for rows outside.
    pub(crate) n_unseen: Vec<f32>,
}

/// Grows a forest on the given rows of the sample. Each tree leaves some groups out, so that every prompt has trees that never
/// saw it: what those say of it is what a forest says of a new prompt.
pub(crate) fn grow(sample: &Sample<'_>, rows: &[u32], growth: &Growth, seed: u64, step_done: &dyn Fn()) -> Grown {
    let n = sample.n_targets;
    let mut unseen = vec![0.0_f32; sample.n_rows * n];
    let mut n_unseen = vec![0.0_f32; sample.n_rows];
    let mut trees = Vec::with_capacity(growth.n_trees);
    for tree in 0..growth.n_trees {
        let salt = Dice::new(seed, u64::MAX - tree as u64).bits();
        let leaves_out = |row: u32| Dice::new(salt, sample.groups[row as usize]).unit() < growth.left_out;
        let (out, mut kept): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| leaves_out(**row));
        let start = Tree { nodes: Vec::new(), leaves: Vec::new() };
        let dice = Dice::new(seed, 1 + tree as u64);
        let grown =
            Grower { sample, growth, dice, tree: start, cells: Vec::new(), values: Vec::new() }.grown(&mut kept);
        for row in out {
            let leaf = grown.leaf(sample, row);
            n_unseen[row as usize] += 1.0;
            unseen[row as usize * n..][..n].iter_mut().zip(leaf).for_each(|(sum, value)| *sum += value);
        }
        trees.push(grown);
        step_done();
    }
    for (sums, count) in unseen.chunks_exact_mut(n).zip(&n_unseen) {
        sums.iter_mut().for_each(|sum| *sum /= count.max(1.0));
    }
    Grown { forest: quantised(&trees, n), unseen, n_unseen }
}

impl Tree {
    fn leaf(&self, sample: &Sample<'_>, row: u32) -> &[f32; MAX_TARGETS] {
        let mut at = 0;
        loop {
            let node = self.nodes[at];
            if node.column == LEAF {
                return &self.leaves[node.right as usize];
            }
            let value = sample.columns[usize::from(node.column) * sample.n_rows + row as usize];
            at += if value <= node.threshold { 1 } else { node.right as usize };
        }
    }
}

struct Grower<'a> {
    sample: &'a Sample<'a>,
    growth: &'a Growth,
    dice: Dice,
    tree: Tree,
    /// Of the node at work: weighted targets, and one column.
    cells: Vec<Sums>,
    values: Vec<f32>,
}

/// Weighted sums over rows: of the targets, and of the weights.
type Sums = [f32; LANES];

impl Grower<'_> {
    fn grown(mut self, rows: &mut [u32]) -> Tree {
        self.node(rows);
        self.tree
    }

    fn sums(&self, rows: &[u32]) -> Sums {
        let mut sums = [0.0; LANES];
        for row in rows {
            let cell = self.cell(*row);
            (0..LANES).for_each(|lane| sums[lane] += cell[lane]);
        }
        sums
    }

    fn cell(&self, row: u32) -> Sums {
        let n = self.sample.n_targets;
        let weight = self.sample.weights[row as usize];
        let mut cell = [0.0; LANES];
        for (onto, target) in cell.iter_mut().zip(&self.sample.targets[row as usize * n..][..n]) {
            *onto = weight * target;
        }
        cell[WEIGHT] = weight;
        cell
    }

    fn node(&mut self, rows: &mut [u32]) {
        // Summed anew at every node: what is left of a large sum after many subtractions is rounding.
        let sums = &self.sums(rows);
        let question = if rows.len() < 2 * self.growth.min_leaf { None } else { self.question(rows, sums) };
        let Some((column, threshold)) = question else {
            let leaf = u32::try_from(self.tree.leaves.len()).unwrap_or(u32::MAX);
            self.tree.nodes.push(Node { column: LEAF, threshold: 0.0, right: leaf });
            let weight = sums[WEIGHT].max(f32::MIN_POSITIVE);
            self.tree.leaves.push(std::array::from_fn(|k| sums[k] / weight));
            return;
        };
        let values = &self.sample.columns[column * self.sample.n_rows..][..self.sample.n_rows];
        let mut middle = 0;
        for at in 0..rows.len() {
            if values[rows[at] as usize] <= threshold {
                rows.swap(middle, at);
                middle += 1;
            }
        }
        let here = self.tree.nodes.len();
        let column = u16::try_from(column).unwrap_or(LEAF);
        self.tree.nodes.push(Node { column, threshold, right: 0 });
        let (left, right) = rows.split_at_mut(middle);
        self.node(left);
        let skip = u32::try_from(self.tree.nodes.len() - here).unwrap_or(u32::MAX);
        self.tree.nodes[here].right = skip;
        self.node(right);
    }

    /// The best of the random questions: its column and its threshold.
    fn question(&mut self, rows: &[u32], sums: &Sums) -> Option<(usize, f32)> {
        self.gather(rows);
        let n_rows = self.sample.n_rows;
        let n_columns = self.sample.columns.len() / n_rows;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "small"
        )]
        let n_asked = ((n_columns as f32 * self.growth.share_of_columns) as usize).max(1);
        let mut best = None;
        let mut best_score = score(sums) * (1.0 + 1e-6);
        for _ in 0..n_asked {
            let column = self.dice.below(n_columns);
            let draw = self.dice.unit();
            let values = &self.sample.columns[column * n_rows..][..n_rows];
            self.values.clear();
            self.values.extend(rows.iter().map(|row| values[*row as usize]));
            let (low, high) = range(&self.values);
            if low >= high {
                continue;
            }
            let threshold = half(low + draw * (high - low));
            let n_left = self.values.iter().filter(|value| **value <= threshold).count();
            if n_left < self.growth.min_leaf || rows.len() - n_left < self.growth.min_leaf {
                continue;
            }
            let left = sums_up_to(threshold, &self.values, &self.cells);
            let right: Sums = std::array::from_fn(|k| sums[k] - left[k]);
            let found = score(&left) + score(&right);
            if found > best_score {
                best_score = found;
                best = Some((column, threshold));
            }
        }
        best
    }

    /// The weighted targets of these rows, side by side: they are summed once for every column asked.
    fn gather(&mut self, rows: &[u32]) {
        let mut cells = std::mem::take(&mut self.cells);
        cells.clear();
        cells.extend(rows.iter().map(|row| self.cell(*row)));
        self.cells = cells;
    }
}

fn range(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)))
}

/// The sums of those whose value is at most the threshold.
fn sums_up_to(threshold: f32, values: &[f32], cells: &[Sums]) -> Sums {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut sums = [0.0; LANES];
            for (value, cell) in values.iter().zip(cells) {
                let goes = f32::from(u8::from(*value <= threshold));
                for lane in 0..LANES {
                    sums[lane] += goes * cell[lane];
                }
            }
            sums
        },
    )
}

/// How much of the squares a mean explains.
fn score(sums: &Sums) -> f32 {
    sums[..MAX_TARGETS].iter().map(|sum| sum * sum).sum::<f32>() / sums[WEIGHT].max(f32::MIN_POSITIVE)
}

/// Thresholds are kept in two bytes: the upper half of a float. Rounded here, so that training asks what serving will.
fn half(threshold: f32) -> f32 {
    f32::from_bits(threshold.to_bits() & 0xffff_0000)
}

/// One forest, its leaves in steps of a 127th of the largest value.
fn quantised(trees: &[Tree], n_values: usize) -> Forest {
    let largest = |k: usize| trees.iter().flat_map(|tree| &tree.leaves).map(|leaf| leaf[k].abs()).fold(0.0, f32::max);
    let steps: Vec<f32> = (0..n_values).map(|k| largest(k).max(f32::MIN_POSITIVE) / 127.0).collect();
    let mut forest = Forest { nodes: Vec::new(), roots: Vec::new(), n_values, leaves: Vec::new(), steps };
    for tree in trees {
        let first_leaf = u32::try_from(forest.leaves.len() / n_values).unwrap_or(u32::MAX);
        forest.roots.push(u32::try_from(forest.nodes.len()).unwrap_or(u32::MAX));
        forest.nodes.extend(tree.nodes.iter().map(|node| match node.column {
            LEAF => Node { right: node.right + first_leaf, ..*node },
            _ => *node,
        }));
        for leaf in &tree.leaves {
            #[expect(clippy::cast_possible_truncation, reason = "between -127 and 127")]
            forest.leaves.extend(leaf.iter().zip(&forest.steps).map(|(value, step)| (value / step).round() as i8));
        }
    }
    forest
}
