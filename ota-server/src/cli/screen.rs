//! What commands print.

use std::io::Write;

use serde_json::Value;

/// A line. A reader that has gone is no error.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A value, indented.
pub fn json(value: &Value) {
    line(&format!("{value:#}"));
}

/// Rows, in columns as wide as they need.
pub fn table<const N: usize>(rows: &[[String; N]]) {
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(cells.join("  ").trim_end());
    }
}
