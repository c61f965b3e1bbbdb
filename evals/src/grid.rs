//! Numbers by prompt and model: a row a prompt, a column a model, NaN where there is none.

/// A matrix of prompts by models.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    n_columns: usize,
    cells: Vec<f64>,
}

impl Grid {
    /// A grid of one value.
    pub fn filled(n_rows: usize, n_columns: usize, value: f64) -> Self {
        assert!(n_columns > 0, "a grid has at least one model");
        Self { n_columns, cells: vec![value; n_rows * n_columns] }
    }

    /// A grid from its rows.
    pub fn from_rows(n_columns: usize, rows: impl IntoIterator<Item = Vec<f64>>) -> Self {
        assert!(n_columns > 0, "a grid has at least one model");
        let mut cells = Vec::new();
        for row in rows {
            assert_eq!(row.len(), n_columns, "all rows have a number for each model");
            cells.extend(row);
        }
        Self { n_columns, cells }
    }

    /// How many prompts.
    pub fn n_rows(&self) -> usize {
        self.cells.len() / self.n_columns
    }

    /// How many models.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The numbers of one prompt.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.cells[index * self.n_columns..(index + 1) * self.n_columns]
    }

    /// The numbers of one prompt, to be written.
    pub fn row_mut(&mut self, index: usize) -> &mut [f64] {
        &mut self.cells[index * self.n_columns..(index + 1) * self.n_columns]
    }

    /// All prompts in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.cells.chunks_exact(self.n_columns)
    }

    /// The numbers of one model.
    pub fn column(&self, index: usize) -> impl Iterator<Item = f64> {
        self.cells.iter().skip(index).step_by(self.n_columns).copied()
    }

    /// The mean of each model.
    pub fn column_means(&self) -> Vec<f64> {
        (0..self.n_columns).map(|column| mean(self.column(column))).collect()
    }

    /// All cells, row by row.
    pub fn cells(&self) -> &[f64] {
        &self.cells
    }

    /// The rows at these places, in this order.
    #[must_use]
    pub fn taken(&self, rows: &[usize]) -> Self {
        Self { n_columns: self.n_columns, cells: rows.iter().flat_map(|row| self.row(*row)).copied().collect() }
    }
}

/// The mean; NaN of nothing.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, n) = values.into_iter().fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    sum / n
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "no set of prompts comes near 2^53")]
pub fn number(count: usize) -> f64 {
    count as f64
}
