//! The store's JSON text: reading it with positions, and writing it as the store is written.
//!
//! Written form: two-space indent, everything but printable ASCII escaped (`\uXXXX`, surrogate pairs), final newline.
//! What Python's `json.dump(value, file, indent=2)` writes, so that two programs can share the file.
//!
//! Numbers survive a rewrite. [`serde_json::Value`] cannot hold each of them exactly (`123456789012345678901234`,
//! `1e400`, thirty decimals), so those that it cannot hold travel as texts behind a [`MARK`] while the document is
//! edited, and are written back digit for digit.

use std::io;

use opensre_model::record::Document;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter, Serializer};
use serde_json::{Number, Value as Json};

use crate::error::Malformed;

/// Stands before a number's digits. U+FDD0 is a noncharacter: no text that means something begins with it.
const MARK: &str = "\u{FDD0}number:";

/// Deepest nesting that is read: the limit of `serde_json`, which keeps every recursion over a document shallow.
const DEPTH_LIMIT: usize = 127;

/// Reads a store for reading only. A number that is too large becomes its digits as text (what a text field wants, and
/// what a number field reports); one with too many decimals the nearest number.
///
/// ```
/// let document = opensre_store::text::read(br#"{"version": 2, "integrations": []}"#).unwrap();
/// assert!(document.list().is_empty());
/// let error = opensre_store::text::read(b"{\n  broken").unwrap_err();
/// assert_eq!(error.to_string(), "the file is not valid JSON at line 2, column 3");
/// ```
pub fn read(bytes: &[u8]) -> Result<Document, Malformed> {
    let (mut document, numbers) = parse(bytes)?;
    if numbers == Numbers::Marked {
        unmark(&mut document);
    }
    Ok(Document::from_json(document)?)
}

/// A store's text, opened for a change: the pure middle of [`Store::edit`](crate::Store::edit).
///
/// Numbers that JSON values cannot hold exactly are opaque texts in the document; they are written back digit for
/// digit.
#[derive(Debug, Clone)]
pub struct StoreText {
    /// The document to change.
    pub document: Document,
    numbers: Numbers,
}

impl StoreText {
    /// A store that is not there yet.
    pub fn empty() -> Self {
        Self { document: Document::empty(), numbers: Numbers::Marked }
    }

    /// Reads a store for a change.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (document, numbers) = parse(bytes)?;
        match Document::from_json(document) {
            Ok(document) => Ok(Self { document, numbers }),
            // What is said about a number must not call it a text.
            Err(error) => Err(read(bytes).err().unwrap_or(error.into())),
        }
    }

    /// The text to write. `None` when it could not be read back, because the change has nested values too deeply, say:
    /// such a text must not be written.
    pub fn write(self) -> Option<Vec<u8>> {
        let text = write(&self.document.into_json(), self.numbers).ok()?;
        let (again, numbers) = parse(&text).ok()?;
        write(&again, numbers).is_ok_and(|again| again == text).then_some(text)
    }
}

/// Whether the numbers that a [`Json`] cannot hold are marked texts in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// They are.
    Marked,
    /// They are not: the file has the mark in a text of its own, which must not be taken for a number.
    Rounded,
}

fn parse(bytes: &[u8]) -> Result<(Json, Numbers), Malformed> {
    let text = decode(bytes)?;
    check_depth(text)?;
    if text.contains('\u{FDD0}') || text.to_ascii_lowercase().contains("\\ufdd0") {
        let document = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        return Ok((document, Numbers::Rounded));
    }
    let marked = mark_numbers(text);
    let document = serde_json::from_str(&marked).map_err(|error| {
        // Marks shift columns: ask again without them, for the position in the file itself.
        syntax(&serde_json::from_str::<Json>(text).err().unwrap_or(error))
    })?;
    Ok((document, Numbers::Marked))
}

fn unmark(value: &mut Json) {
    match value {
        Json::String(text) => {
            if let Some(digits) = marked(text) {
                *value = match digits.parse::<Number>() {
                    Ok(number) if digits.contains(['.', 'e', 'E']) => Json::Number(number),
                    _ => Json::String(digits.to_owned()),
                };
            }
        }
        Json::Array(items) => items.iter_mut().for_each(unmark),
        Json::Object(map) => map.values_mut().for_each(unmark),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// The text of a document, as the store is written.
fn write(document: &Json, numbers: Numbers) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let formatter = StoreFormatter { pretty: PrettyFormatter::with_indent(b"  "), quote: Quote::Inside, numbers };
    document.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = position_after(&bytes[..error.valid_up_to()]);
        Malformed::Encoding { line, column }
    })?;
    // Some editors begin a file with a byte-order mark.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.trim().is_empty() { Err(Malformed::Empty) } else { Ok(text) }
}

fn syntax(error: &serde_json::Error) -> Malformed {
    Malformed::Syntax { line: error.line(), column: error.column() }
}

/// Line and column, both from 1, of what follows these bytes.
fn position_after(before: &[u8]) -> (usize, usize) {
    before.split(|byte| *byte == b'\n').fold((0, 0), |(line, _), text| (line + 1, text.len() + 1))
}

/// Walks over the bytes of a JSON text outside its strings.
fn outside_strings(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let (mut inside, mut escaped) = (false, false);
    text.bytes().enumerate().filter(move |(_, byte)| {
        if inside {
            if escaped {
                escaped = false;
            } else if *byte == b'\\' {
                escaped = true;
            } else if *byte == b'"' {
                inside = false;
            }
            return false;
        }
        inside = *byte == b'"';
        !inside
    })
}

fn check_depth(text: &str) -> Result<(), Malformed> {
    let mut depth = 0_usize;
    for (position, byte) in outside_strings(text) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth > DEPTH_LIMIT {
            let (line, column) = position_after(&text.as_bytes()[..position]);
            return Err(Malformed::TooDeep { limit: DEPTH_LIMIT, line, column });
        }
    }
    Ok(())
}

/// The same JSON text with each number that cannot be held exactly as a marked string.
fn mark_numbers(text: &str) -> String {
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let mut marked = String::with_capacity(text.len());
    let mut copied = 0;
    let mut number: Option<(usize, usize)> = None;
    let finish = |number: Option<(usize, usize)>, marked: &mut String, copied: &mut usize| {
        let Some((start, end)) = number else { return };
        let literal = &text[start..end];
        if is_number(literal) && !is_held_exactly(literal) {
            marked.push_str(&text[*copied..start]);
            marked.push('"');
            marked.push_str(MARK);
            marked.push_str(literal);
            marked.push('"');
            *copied = end;
        }
    };
    for (position, byte) in outside_strings(text) {
        number = match number {
            Some((start, end)) if is_part(byte) && position == end => Some((start, position + 1)),
            before => {
                finish(before, &mut marked, &mut copied);
                (byte.is_ascii_digit() || byte == b'-').then_some((position, position + 1))
            }
        };
    }
    finish(number, &mut marked, &mut copied);
    marked.push_str(&text[copied..]);
    marked
}

/// Whether a text is a number in JSON's grammar, of any size.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Whether a number that is written again has the value that it had: `1.10` has as `1.1`, 2⁷⁰ has not.
fn is_held_exactly(literal: &str) -> bool {
    literal.parse::<Number>().is_ok_and(|number| {
        let decimal = decimal(literal);
        decimal.is_some() && decimal == self::decimal(&number.to_string())
    })
}

/// A number as sign, digits without zeros at either end, and exponent of the last digit. `None` when the exponent is
/// out of any range.
fn decimal(literal: &str) -> Option<(bool, String, i64)> {
    let (negative, text) = literal.strip_prefix('-').map_or((false, literal), |text| (true, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse::<i32>().ok()?;
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((negative, String::new(), 0));
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let exponent = i64::from(exponent) - i64::try_from(fraction.len()).ok()? + i64::try_from(trailing).ok()?;
    Some((negative, significant.to_owned(), exponent))
}

/// The digits of a marked number.
fn marked(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|digits| is_number(digits))
}

/// Where the writer stands in a string: its opening quote waits, because a marked number has none.
enum Quote {
    Pending,
    Inside,
    Number,
}

struct StoreFormatter {
    pretty: PrettyFormatter<'static>,
    quote: Quote,
    numbers: Numbers,
}

impl StoreFormatter {
    fn open<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if matches!(self.quote, Quote::Pending) {
            writer.write_all(b"\"")?;
            self.quote = Quote::Inside;
        }
        Ok(())
    }
}

impl Formatter for StoreFormatter {
    fn begin_string<W: io::Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.quote = Quote::Pending;
        Ok(())
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if self.numbers == Numbers::Marked
            && matches!(self.quote, Quote::Pending)
            && let Some(digits) = marked(fragment)
        {
            self.quote = Quote::Number;
            return writer.write_all(digits.as_bytes());
        }
        self.open(writer)?;
        let mut units = [0; 2];
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                writer.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W: io::Write + ?Sized>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.open(writer)?;
        self.pretty.write_char_escape(writer, escape)
    }

    fn end_string<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer)?;
        if matches!(self.quote, Quote::Number) { Ok(()) } else { writer.write_all(b"\"") }
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_array(writer)
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_array_value(writer, first)
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }
}
