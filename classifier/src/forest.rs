//! A forest of randomised trees: a feature row falls through every tree, and the leaves it lands in are averaged. The steps
//! of single trees vanish in the average of many.

/// One node. Its left child follows it; its right child is `right` nodes further.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The column that is asked, or [`LEAF`].
    pub column: u16,
    /// At most this goes left.
    pub threshold: f32,
    /// How far the right child is; for a leaf, which row of the leaves.
    pub right: u32,
}

/// In place of a column: the node is a leaf.
pub const LEAF: u16 = u16::MAX;

/// How many trees are walked at once.
const ABREAST: usize = 8;

/// Trees and the values of their leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    /// All nodes, tree after tree.
    pub nodes: Vec<Node>,
    /// Where each tree begins.
    pub roots: Vec<u32>,
    /// How many numbers a leaf holds.
    pub n_values: usize,
    /// The numbers of each leaf, as steps of `step`.
    pub leaves: Vec<i8>,
    /// What one step is worth, number by number.
    pub steps: Vec<f32>,
}

impl Forest {
    /// The average of the leaves that the row falls into.
    pub fn values(&self, row: &[f32]) -> Vec<f32> {
        let mut sums = vec![0_i32; self.n_values];
        let (groups, rest) = self.roots.as_chunks::<ABREAST>();
        let mut add = |leaf: usize| {
            let values = &self.leaves[leaf * self.n_values..][..self.n_values];
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += i32::from(*value));
        };
        groups.iter().for_each(|roots| self.leaves_of(*roots, row).into_iter().for_each(&mut add));
        rest.iter().for_each(|root| self.leaves_of([*root], row).into_iter().for_each(&mut add));
        #[expect(clippy::cast_precision_loss, reason = "a few hundred trees times 127")]
        let mean = |sum: i32| sum as f32 / self.roots.len() as f32;
        sums.iter().zip(&self.steps).map(|(sum, step)| mean(*sum) * step).collect()
    }

    /// The leaves that the row falls into from these roots. The trees are walked abreast: while one waits for its next node to come
    /// from memory, the others go on.
    fn leaves_of<const N: usize>(&self, roots: [u32; N], row: &[f32]) -> [usize; N] {
        let mut at = roots.map(|root| root as usize);
        loop {
            let mut walking = false;
            for at in &mut at {
                let node = self.nodes[*at];
                if node.column != LEAF {
                    let left = row[usize::from(node.column)] <= node.threshold;
                    *at += if left { 1 } else { node.right as usize };
                    walking = true;
                }
            }
            if !walking {
                return at.map(|at| self.nodes[at].right as usize);
            }
        }
    }

    /// Checks what a walk relies on: children and leaves exist, every walk ends, columns are in the row.
    pub(crate) fn check(&self, n_columns: usize) -> Result<(), String> {
        let n_leaves = self.leaves.len() / self.n_values.max(1);
        if self.n_values == 0 || self.leaves.len() != n_leaves * self.n_values || self.steps.len() != self.n_values {
            return Err(format!(
                "{} leaf numbers and {} steps for {} a leaf",
                self.leaves.len(),
                self.steps.len(),
                self.n_values
            ));
        }
        if self.roots.is_empty() || self.roots.iter().any(|root| *root as usize >= self.nodes.len()) {
            return Err("a tree without a root".to_owned());
        }
        if self.steps.iter().any(|step| !step.is_finite()) {
            return Err("a step that is no number".to_owned());
        }
        for (at, node) in self.nodes.iter().enumerate() {
            let right = node.right as usize;
            let sound = match node.column {
                LEAF => right < n_leaves,
                // Children lie behind their parent, so no walk can turn in a circle.
                column => {
                    usize::from(column) < n_columns
                        && right >= 2
                        && at + right < self.nodes.len()
                        && node.threshold.is_finite()
                }
            };
            if !sound {
                return Err(format!("node {at} asks column {} of {n_columns} or leads outside", node.column));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! Walks by hand.

    use super::{Forest, LEAF, Node};

    /// Trees of different depths. Each asks column 0 again and again; the value of the row's leaf is how often it went right. The
    /// thresholds are whole numbers, as the rows are: a row that stands on one goes left.
    fn forest(depths: &[u32]) -> Forest {
        let mut forest =
            Forest { nodes: Vec::new(), roots: Vec::new(), n_values: 1, leaves: (0..=100).collect(), steps: vec![1.0] };
        for depth in depths {
            forest.roots.push(u32::try_from(forest.nodes.len()).unwrap());
            for level in 0..*depth {
                let threshold = f32::from(u16::try_from(level).unwrap());
                forest.nodes.push(Node { column: 0, threshold, right: 2 });
                forest.nodes.push(Node { column: LEAF, threshold: 0.0, right: level });
            }
            forest.nodes.push(Node { column: LEAF, threshold: 0.0, right: *depth });
        }
        forest
    }

    #[test]
    fn any_number_of_trees_of_any_depth_is_walked_to_its_leaves() {
        let depths = [3, 0, 7, 1, 12, 2, 2, 5, 9, 0, 4, 6, 30, 1, 8, 3, 3];
        for n in 1..=depths.len() {
            let forest = forest(&depths[..n]);
            assert_eq!(forest.check(1), Ok(()));
            for value in [0_u8, 1, 4, 50] {
                let right: u32 = depths[..n].iter().map(|depth| u32::from(value).min(*depth)).sum();
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let expected = right as f32 / n as f32;
                assert_eq!(forest.values(&[f32::from(value)]), [expected], "{n} trees, {value}");
            }
        }
    }

    #[test]
    fn a_forest_that_leads_outside_is_refused() {
        let sound = forest(&[2]);
        let broken = |change: &dyn Fn(&mut Forest)| {
            let mut forest = sound.clone();
            change(&mut forest);
            forest.check(1).unwrap_err()
        };
        assert!(broken(&|forest| forest.nodes[0].right = 99).contains("node 0"));
        assert!(broken(&|forest| forest.nodes[0].right = 0).contains("node 0"), "a circle");
        assert!(broken(&|forest| forest.nodes[0].column = 1).contains("column 1 of 1"));
        assert!(broken(&|forest| forest.nodes[1].right = 101).contains("node 1"));
        assert!(broken(&|forest| forest.roots[0] = 99).contains("without a root"));
        assert!(broken(&|forest| forest.steps[0] = f32::NAN).contains("no number"));
        assert!(broken(&|forest| forest.n_values = 2).contains("steps for 2 a leaf"));
    }
}
