// SPDX-License-Identifier: GPL-2.0-only

//! How a table looks that is printed as a whole.

use std::ops::Range;

use comfy_table::{CellAlignment, Row, Table, presets};

/// Lays rows out below the names of the columns. Each column is as wide as it has to be, and
/// those of numbers are aligned on the right.
pub fn text(names: &[&str], numbers: Range<usize>, rows: impl Iterator<Item: Into<Row>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(names).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
        if numbers.contains(&column.index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
