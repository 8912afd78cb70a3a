//! Log line templates: text with placeholders that are filled with random, repeatable values.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::labels::Labels;
use crate::random::Random;

/// A parsed template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Int(i64, i64),
    Float(f64, f64),
    Hex(usize),
    Uuid,
    Ip,
    Pick(Vec<String>),
    Label(String),
    Time,
    Trace,
    FailedTrace,
}

/// What placeholders can refer to.
pub(crate) struct Context<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) time: Timestamp,
    /// Id of a trace of that moment, and of one that failed.
    pub(crate) trace: Option<&'a str>,
    pub(crate) failed_trace: Option<&'a str>,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if start > 0 {
                pieces.push(Piece::Text(rest[..start].to_owned()));
            }
            let inner = &rest[start + 2..];
            let end = inner.find('}').ok_or_else(|| "a placeholder `${` has no `}`".to_owned())?;
            pieces.push(Piece::parse(&inner[..end])?);
            rest = &inner[end + 1..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    pub(crate) fn fill(&self, context: &Context<'_>, random: &mut Random) -> String {
        let mut line = String::with_capacity(96);
        for piece in &self.pieces {
            piece.write(&mut line, context, random);
        }
        line
    }
}

impl Piece {
    fn parse(text: &str) -> Result<Self, String> {
        let (kind, argument) = text.split_once(':').unwrap_or((text, ""));
        let range = || argument.split_once("..").ok_or_else(|| format!("`${{{text}}}` needs a range like 1..9"));
        let bad = || format!("`${{{text}}}` has a bad number");
        match kind {
            "int" => {
                let (low, high) = range()?;
                let (low, high) = (low.parse().map_err(|_| bad())?, high.parse().map_err(|_| bad())?);
                if low > high {
                    return Err(format!("`${{{text}}}` ends before it begins"));
                }
                Ok(Self::Int(low, high))
            }
            "float" => {
                let (low, high) = range()?;
                Ok(Self::Float(low.parse().map_err(|_| bad())?, high.parse().map_err(|_| bad())?))
            }
            "hex" => match argument.parse() {
                Ok(length @ 1..=64) => Ok(Self::Hex(length)),
                _ => Err(format!("`${{{text}}}` needs a length from 1 to 64")),
            },
            "uuid" => Ok(Self::Uuid),
            "ip" => Ok(Self::Ip),
            "pick" if !argument.is_empty() => Ok(Self::Pick(argument.split('|').map(str::to_owned).collect())),
            "label" if !argument.is_empty() => Ok(Self::Label(argument.to_owned())),
            "time" => Ok(Self::Time),
            "trace" if argument == "failed" => Ok(Self::FailedTrace),
            "trace" => Ok(Self::Trace),
            _ => Err(format!(
                "`${{{text}}}` is not a placeholder; there are int, float, hex, uuid, ip, pick, label, time, trace"
            )),
        }
    }

    fn write(&self, line: &mut String, context: &Context<'_>, random: &mut Random) {
        // Writing to a `String` cannot fail.
        let _ = match self {
            Self::Text(text) => {
                line.push_str(text);
                Ok(())
            }
            Self::Int(low, high) => {
                let width = high.abs_diff(*low).saturating_add(1);
                write!(line, "{}", low.saturating_add_unsigned(random.below(width)))
            }
            Self::Float(low, high) => write!(line, "{:.3}", low + (high - low) * random.unit()),
            Self::Hex(length) => {
                for _ in 0..*length {
                    line.push(char::from(b"0123456789abcdef"[random.below(16) as usize]));
                }
                Ok(())
            }
            Self::Uuid => {
                let (high, low) = (random.next_u64(), random.next_u64());
                write!(
                    line,
                    "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                    high >> 32,
                    (high >> 16) & 0xffff,
                    high & 0xfff,
                    0x8000 | ((low >> 48) & 0x3fff),
                    low & 0xffff_ffff_ffff
                )
            }
            Self::Ip => write!(line, "10.{}.{}.{}", random.below(64), random.below(256), 1 + random.below(254)),
            Self::Pick(choices) => {
                line.push_str(&choices[random.below(choices.len() as u64) as usize]);
                Ok(())
            }
            Self::Label(name) => {
                line.push_str(context.labels.value(name));
                Ok(())
            }
            Self::Time => write!(line, "{:.3}", context.time),
            Self::Trace => {
                line.push_str(context.trace.unwrap_or("00000000000000000000000000000000"));
                Ok(())
            }
            Self::FailedTrace => {
                let id = context.failed_trace.or(context.trace);
                line.push_str(id.unwrap_or("00000000000000000000000000000000"));
                Ok(())
            }
        };
    }
}
