// SPDX-License-Identifier: GPL-2.0-only

//! Lines at the end of a terminal that are drawn again and again, on standard error. They are
//! there only if standard output is a terminal, too.
//!
//! The cursor is below them between two drawings, and is never hidden: whatever ends the program,
//! the terminal is left as a shell wants it. A terminal that cannot be written to, as one that has
//! hung up, is left alone from then on.

use std::fmt::Display;
use std::io::{self, IsTerminal};

use console::Term;
use struct_ops::output::{self, Unprinted};

/// What a bar is made of, by eighths of a character.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The lines.
pub struct Live {
    /// The terminal; none if they are not shown.
    term: Option<Term>,
    /// How many lines are drawn.
    drawn: usize,
}

impl Live {
    /// Begins without a line.
    pub fn new() -> Self {
        let term = Term::buffered_stderr();
        // What goes from standard output through a pipe to the same terminal would fall among them.
        let shown = term.is_term() && io::stdout().is_terminal() && !console::is_dumb();
        Self { term: shown.then_some(term), drawn: 0 }
    }

    /// Whether they are shown.
    pub fn is_shown(&self) -> bool {
        self.term.is_some()
    }

    /// Draws text in place of what was drawn before. Its first line is its heading.
    pub fn draw(&mut self, text: &str) {
        if text.is_empty() && self.drawn == 0 {
            return;
        }
        if let Some(term) = &self.term {
            match redraw(term, self.drawn, text) {
                Ok(drawn) => self.drawn = drawn,
                Err(_) => self.term = None,
            }
        }
    }

    /// Takes the lines away, and prints one on standard output, where they were.
    ///
    /// # Errors
    ///
    /// Those of [`output::say`].
    pub fn say(&mut self, line: impl Display) -> Result<(), Unprinted> {
        self.draw("");
        output::say(line, "")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.draw("");
    }
}

/// Draws text in place of so many lines, by one write. Returns how many there are then.
fn redraw(term: &Term, drawn: usize, text: &str) -> io::Result<usize> {
    let (height, width) = term.size();
    let heading = term.style().bold();
    term.move_cursor_up(drawn)?;
    let mut count = 0;
    // What has left the screen at its top cannot be drawn again.
    for line in text.lines().take(usize::from(height).saturating_sub(1)) {
        let line = console::truncate_str(line, width.into(), "…");
        term.clear_line()?;
        if count == 0 {
            term.write_line(&heading.apply_to(line).to_string())?;
        } else {
            term.write_line(&line)?;
        }
        count += 1;
    }
    term.clear_to_end_of_screen()?;
    term.flush()?;
    Ok(count)
}

/// A bar that is so long, in characters, when the share is one.
pub fn bar(share: f64, length: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * length as f64 * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if eighths % 8 != 0 {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Seek};

    #[test]
    fn a_bar_has_the_length_of_its_share() {
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(1.0 / 32.0, 4), "▏");
        assert_eq!(bar(0.625, 4), "██▌");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(7.0, 2), "██");
        assert_eq!(bar(f64::NAN, 2), "");
    }

    /// A terminal that is a file.
    fn terminal(file: &File) -> Term {
        Term::read_write_pair(file.try_clone().unwrap(), file.try_clone().unwrap())
    }

    #[test]
    fn what_is_drawn_takes_the_place_of_what_was() {
        let mut file = tempfile::tempfile().unwrap();
        let term = terminal(&file);
        assert_eq!(redraw(&term, 0, "HEAD\none\n").unwrap(), 2);
        assert_eq!(redraw(&term, 2, "HEAD").unwrap(), 1);
        assert_eq!(redraw(&term, 1, &"x\n".repeat(99)).unwrap(), 23, "a screen has 24 lines");
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        let (line, rest) = ("\r\x1b[2K", "\r\x1b[0J");
        let text = text.replace("\x1b[1m", "").replace("\x1b[0m", "");
        let start =
            format!("{line}HEAD\n{line}one\n{rest}\x1b[2A{line}HEAD\n{rest}\x1b[1A{line}x\n");
        assert!(text.starts_with(&start), "{text:?}");
    }

    #[test]
    fn a_terminal_that_cannot_be_written_to_is_left_alone() {
        let full = File::options().read(true).write(true).open("/dev/full").unwrap();
        let mut live = Live { term: Some(terminal(&full)), drawn: 0 };
        live.draw("HEAD");
        assert!(!live.is_shown());
    }
}
