//! A line that is being typed, with the keys that a shell has. Pure: keys in, text and cursor out.
//!
//! Our own, since `inquire` (0.9) types the letter of every Ctrl key that it does not know: Ctrl-U at a hidden question
//! would not clear a mistyped secret but add a `u` to it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// Nothing that can be seen.
    Nothing,
    /// The text, or where the cursor stands.
    Moved,
    /// Enter.
    Submit,
    /// Esc, or the end of input on an empty line.
    Back,
    /// Ctrl-C.
    Leave,
    /// Tab.
    Complete,
    /// One suggestion further.
    Down,
    /// One suggestion back.
    Up,
}

/// A line of text and the cursor in it.
#[derive(Clone, Default)]
pub(super) struct Line {
    text: Vec<char>,
    cursor: usize,
}

impl Line {
    /// A line with the cursor behind its text.
    pub(super) fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        Self { cursor: text.len(), text }
    }

    pub(super) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// What stands before the cursor.
    pub(super) fn before(&self) -> String {
        self.text[..self.cursor].iter().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Inserts a text at the cursor. A line has no line breaks, and no other control characters.
    pub(super) fn insert(&mut self, text: &str) {
        let text = text.trim_matches(['\r', '\n']);
        for character in text.chars() {
            let character = if matches!(character, '\r' | '\n' | '\t') { ' ' } else { character };
            if !character.is_control() {
                self.text.insert(self.cursor, character);
                self.cursor += 1;
            }
        }
    }

    /// Does what a key says.
    pub(super) fn key(&mut self, key: KeyEvent) -> Did {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('c') if control => Did::Leave,
            KeyCode::Char('d') if control && self.text.is_empty() => Did::Back,
            KeyCode::Char('g') if control => Did::Back,
            KeyCode::Char('j' | 'm') if control => Did::Submit,
            KeyCode::Char('i') if control => Did::Complete,
            KeyCode::Char('n') if control => Did::Down,
            KeyCode::Char('p') if control => Did::Up,
            KeyCode::Enter => Did::Submit,
            KeyCode::Esc => Did::Back,
            KeyCode::Tab => Did::Complete,
            KeyCode::Down => Did::Down,
            KeyCode::Up => Did::Up,
            _ => self.edit(key.code, control, alt),
        }
    }

    fn edit(&mut self, code: KeyCode, control: bool, alt: bool) -> Did {
        let end = self.text.len();
        match code {
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = end,
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = end,
            KeyCode::Left if control || alt => self.cursor = self.word_before(),
            KeyCode::Right if control || alt => self.cursor = self.word_after(),
            KeyCode::Char('b') if alt => self.cursor = self.word_before(),
            KeyCode::Char('f') if alt => self.cursor = self.word_after(),
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(end),
            KeyCode::Char('b') if control => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Char('f') if control => self.cursor = (self.cursor + 1).min(end),
            KeyCode::Char('u') if control => self.cut(0, self.cursor),
            KeyCode::Char('k') if control => self.cut(self.cursor, end),
            KeyCode::Char('w') if control => self.cut(self.word_before(), self.cursor),
            KeyCode::Backspace if alt => self.cut(self.word_before(), self.cursor),
            KeyCode::Backspace => self.cut(self.cursor.saturating_sub(1), self.cursor),
            KeyCode::Char('h') if control => self.cut(self.cursor.saturating_sub(1), self.cursor),
            KeyCode::Delete => self.cut(self.cursor, (self.cursor + 1).min(end)),
            KeyCode::Char('d') if control => self.cut(self.cursor, (self.cursor + 1).min(end)),
            // Every other key with Ctrl or Alt does nothing; above all it types no letter.
            KeyCode::Char(character) if !control && !alt => self.insert(&character.to_string()),
            _ => return Did::Nothing,
        }
        Did::Moved
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.cursor = from;
    }

    /// Where the word before the cursor begins; words have white space or commas between.
    fn word_before(&self) -> usize {
        let is_gap = |at: usize| self.text[at].is_whitespace() || self.text[at] == ',';
        let mut at = self.cursor;
        while at > 0 && is_gap(at - 1) {
            at -= 1;
        }
        while at > 0 && !is_gap(at - 1) {
            at -= 1;
        }
        at
    }

    /// Where the word after the cursor ends.
    fn word_after(&self) -> usize {
        let is_gap = |at: usize| self.text[at].is_whitespace() || self.text[at] == ',';
        let mut at = self.cursor;
        while at < self.text.len() && is_gap(at) {
            at += 1;
        }
        while at < self.text.len() && !is_gap(at) {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use proptest::prelude::*;

    use super::{Did, Line};

    fn typed(line: &mut Line, text: &str) {
        for character in text.chars() {
            line.key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE));
        }
    }

    fn control(line: &mut Line, character: char) -> Did {
        line.key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL))
    }

    #[test]
    fn the_keys_of_a_shell_work() {
        let mut line = Line::new("one two");
        control(&mut line, 'w');
        assert_eq!(line.text(), "one ");
        control(&mut line, 'a');
        typed(&mut line, "x");
        assert_eq!(line.text(), "xone ");
        control(&mut line, 'k');
        assert_eq!(line.text(), "x");
        control(&mut line, 'e');
        control(&mut line, 'u');
        assert!(line.is_empty());
        assert_eq!(control(&mut line, 'd'), Did::Back, "the end of input on an empty line");
    }

    #[test]
    fn a_pasted_line_break_is_none_of_the_text() {
        let mut line = Line::default();
        line.insert("token\r\n");
        assert_eq!(line.text(), "token");
        line.insert("a\nb\u{1b}[31m");
        assert_eq!(line.text(), "tokena b[31m");
    }

    proptest! {
        #[test]
        fn no_control_key_ever_types_its_letter(text in "[a-z ,]{0,12}", keys in "[a-z]{1,8}") {
            let mut line = Line::new(&text);
            for key in keys.chars() {
                control(&mut line, key);
            }
            prop_assert!(line.text().len() <= text.len());
            prop_assert!(line.text().chars().all(|character| text.contains(character)));
        }

        #[test]
        fn the_cursor_stays_in_the_line(text in "\\PC{0,20}", keys in proptest::collection::vec(0..8_u8, 0..30)) {
            let mut line = Line::new(&text);
            for key in keys {
                let (code, modifiers) = match key {
                    0 => (KeyCode::Left, KeyModifiers::NONE),
                    1 => (KeyCode::Right, KeyModifiers::CONTROL),
                    2 => (KeyCode::Backspace, KeyModifiers::NONE),
                    3 => (KeyCode::Delete, KeyModifiers::NONE),
                    4 => (KeyCode::Char('w'), KeyModifiers::CONTROL),
                    5 => (KeyCode::Char('é'), KeyModifiers::NONE),
                    6 => (KeyCode::Home, KeyModifiers::NONE),
                    _ => (KeyCode::Left, KeyModifiers::ALT),
                };
                line.key(KeyEvent::new(code, modifiers));
                prop_assert!(line.before().chars().count() <= line.text().chars().count());
            }
        }
    }
}
