//! Times in a scenario: durations such as `90s` or `1h30m`, and offsets from the onset such as `-4m`.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A signed distance from the onset, or (where the format asks for a duration) a length of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    milliseconds: i64,
}

impl Offset {
    /// The onset itself.
    pub const ZERO: Self = Self { milliseconds: 0 };

    /// An offset of that many milliseconds; negative is before the onset.
    pub const fn from_milliseconds(milliseconds: i64) -> Self {
        Self { milliseconds }
    }

    /// An offset of that many seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_milliseconds(seconds * 1000)
    }

    /// Milliseconds, negative before the onset.
    pub const fn milliseconds(self) -> i64 {
        self.milliseconds
    }

    /// The length as a [`std::time::Duration`]; zero when negative.
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.milliseconds).unwrap_or(0))
    }

    /// Reads `-4m`, `+90s`, `1h30m`, `250ms`, `1d` or `0`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let hint = || format!("`{text}` is not a time; write it like 90s, -4m, 1h30m or 250ms");
        let trimmed = text.trim();
        let (sign, mut rest) = match trimmed.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(hint());
        }
        let mut total: i64 = 0;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number: i64 = rest[..digits].parse().map_err(|_| hint())?;
            rest = &rest[digits..];
            let unit = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
            let factor = match &rest[..unit] {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(hint()),
            };
            rest = &rest[unit..];
            total = number
                .checked_mul(factor)
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= MAXIMUM)
                .ok_or_else(|| format!("`{text}` is longer than ten years"))?;
        }
        Ok(Self::from_milliseconds(sign * total))
    }
}

/// Ten years; anything longer is a slip of the pen, and would overflow the arithmetic on time stamps.
const MAXIMUM: i64 = 10 * 366 * 86_400_000;

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.milliseconds < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.milliseconds.unsigned_abs();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OffsetVisitor;

        impl Visitor<'_> for OffsetVisitor {
            type Value = Offset;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 90s, -4m or 1h30m")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Offset, E> {
                Offset::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(OffsetVisitor)
    }
}
