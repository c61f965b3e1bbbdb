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
        for root in &self.roots {
            let leaf = self.leaf(*root as usize, row);
            let values = &self.leaves[leaf * self.n_values..][..self.n_values];
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += i32::from(*value);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a few hundred trees times 127")]
        let mean = |sum: i32| sum as f32 / self.roots.len() as f32;
        sums.iter().zip(&self.steps).map(|(sum, step)| mean(*sum) * step).collect()
    }

    fn leaf(&self, root: usize, row: &[f32]) -> usize {
        let mut at = root;
        loop {
            let node = self.nodes[at];
            if node.column == LEAF {
                return node.right as usize;
            }
            at += if row[usize::from(node.column)] <= node.threshold { 1 } else { node.right as usize };
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
