//! What a command answers: aligned columns for people, one JSON document for scripts.

use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};

/// Spaces between two columns.
const GAP: usize = 2;

/// One command's answer, in both forms.
pub(crate) struct Answer {
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Answer {
    /// Writes one of the forms to standard output. A reader that has gone, as `head` does, is no failure.
    pub(crate) fn print(&self, json: bool) -> io::Result<()> {
        let text = if json { format!("{:#}", self.json) } else { self.text.trim_end().to_owned() };
        match writeln!(io::stdout().lock(), "{text}") {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}

/// Rows below a header, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let header = header.map(str::to_owned);
    aligned(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}

/// A name and a value on each line.
pub(crate) fn fields(fields: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let rows: Vec<_> = fields.into_iter().map(|(name, value)| [name.to_owned(), value]).collect();
    aligned(&rows)
}

fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| printable(cell))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let line = row.iter().zip(widths).fold(String::new(), |mut line, (cell, width)| {
            // Writing to a string can't fail.
            let _ = write!(line, "{cell:<width$}{:GAP$}", "");
            line
        });
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `cell` without what a terminal obeys. User agents and addresses are chosen by strangers, and an escape sequence in
/// one could rewrite what an administrator sees, as could a character that turns the direction of writing.
fn printable(cell: &str) -> String {
    let obeyed = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    cell.chars().map(|c| if obeyed(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// `-` for what is not there, so that columns stay countable.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1", "web", "body"], ["22", "größer", "cookie"]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(["ID", "NAME", "DELIVERY"], rows),
            "ID  NAME    DELIVERY\n1   web     body\n22  größer  cookie\n"
        );
    }

    #[test]
    fn fields_stand_below_each_other() {
        let text = fields([("id", "1".to_owned()), ("created", "today".to_owned()), ("note", String::new())]);
        assert_eq!(text, "id       1\ncreated  today\nnote\n");
    }

    #[test]
    fn a_terminal_is_not_steered_by_what_is_stored() {
        let text = fields([("agent", "\u{1b}[2Jcurl\n\u{202e}x\u{9b}".to_owned())]);
        assert_eq!(text, "agent  \u{fffd}[2Jcurl\u{fffd}\u{fffd}x\u{fffd}\n");
    }
}
