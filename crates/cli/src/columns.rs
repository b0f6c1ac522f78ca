//! Text in columns.

/// Rows as lines, each column as wide as its widest cell, two spaces between, nothing behind the last.
pub fn table(indent: &str, rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        let mut line = indent.to_owned();
        for (column, cell) in row.iter().enumerate() {
            line += &format!("{cell:<width$}  ", width = width(column));
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Seconds to the millisecond, without idle zeros: nothing is rounded away, because a promise is held against it.
pub fn seconds(value: f64) -> String {
    format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned() + " s"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_to_the_millisecond() {
        let rows = [(0.0, "0 s"), (120.0, "120 s"), (2.25, "2.25 s"), (300.04, "300.04 s"), (0.0004, "0 s")];
        for (value, expected) in rows {
            assert_eq!(seconds(value), expected);
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_text() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows = [row(&["a", "größer", ""]), row(&["longer", "b", "c"])];
        assert_eq!(table("> ", &rows), "> a       größer\n> longer  b       c\n");
    }
}
