//! How a number behaves over time: a level with noise and a daily wave, and what happens to it around the onset.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

use super::offset::Offset;
use crate::random::Random;

/// The course of a value. In YAML a plain number is a constant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// The usual value, in the unit of what it describes.
    pub level: f64,
    /// Standard deviation of the noise, as a fraction of the current level.
    pub noise: f64,
    /// Amplitude of a daily wave as a fraction of the level.
    pub wave: f64,
    /// When the daily wave is highest, as an offset from the onset (any day's peak will do); 15:00 UTC without.
    pub peak: Option<Offset>,
    /// The value never falls below this.
    pub minimum: Option<f64>,
    /// The value never rises above this.
    pub maximum: Option<f64>,
    /// The value is a whole number (connections, pods).
    pub whole: bool,
    /// What happens to the level, in order of time.
    pub changes: Vec<Change>,
}

/// One change of a level.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When it begins.
    pub at: Offset,
    /// The new level. Either this or `times`.
    #[serde(default)]
    pub to: Option<f64>,
    /// The new level as a multiple of the level before.
    #[serde(default)]
    pub times: Option<f64>,
    /// How long the change takes: a ramp. Without it the change is a step.
    #[serde(default)]
    pub over: Option<Offset>,
    /// How long the new level is held before the old one returns at once: a spike. Without it the change stays.
    #[serde(default, rename = "for")]
    pub hold: Option<Offset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileMap {
    level: f64,
    #[serde(default)]
    noise: f64,
    #[serde(default)]
    wave: f64,
    #[serde(default)]
    peak: Option<Offset>,
    #[serde(default)]
    minimum: Option<f64>,
    #[serde(default)]
    maximum: Option<f64>,
    #[serde(default)]
    whole: bool,
    #[serde(default)]
    changes: Vec<Change>,
}

impl Profile {
    /// A value that never changes.
    pub fn constant(level: f64) -> Self {
        Self { level, ..Self::default() }
    }

    /// The same course without the incident, and `scale` times as high.
    pub(crate) fn calm(&self, scale: f64) -> Self {
        Self { level: self.level * scale, changes: Vec::new(), ..self.clone() }
    }

    /// The level at `offset` milliseconds from the onset, without wave and noise.
    pub(crate) fn level_at(&self, offset: i64) -> f64 {
        let mut level = self.level;
        for change in &self.changes {
            let start = change.at.milliseconds();
            if offset < start {
                break;
            }
            let target = change.to.unwrap_or_else(|| level * change.times.unwrap_or(1.0));
            let over = change.over.map_or(0, Offset::milliseconds);
            let since = offset - start;
            if since < over {
                level += (target - level) * since as f64 / over as f64;
            } else if change.hold.is_none_or(|hold| since < over + hold.milliseconds()) {
                level = target;
            }
        }
        level
    }

    /// The value at a moment. `offset` is in milliseconds from the onset, `unix` in milliseconds of the Unix epoch;
    /// `seed` belongs to the series.
    pub(crate) fn value_at(&self, offset: i64, unix: i64, seed: u64) -> f64 {
        let mut value = self.level_at(offset);
        if self.wave != 0.0 {
            const DAY: i64 = 86_400_000;
            const AFTERNOON: i64 = 15 * 3_600_000;
            let since_peak = self.peak.map_or(unix - AFTERNOON, |peak| offset - peak.milliseconds());
            let phase = since_peak.rem_euclid(DAY) as f64 / DAY as f64;
            value *= 1.0 + self.wave * (phase * std::f64::consts::TAU).cos();
        }
        if self.noise != 0.0 {
            value *= 1.0 + self.noise * Random::keyed(seed, unix.unsigned_abs()).normal();
        }
        if let Some(minimum) = self.minimum {
            value = value.max(minimum);
        }
        if let Some(maximum) = self.maximum {
            value = value.min(maximum);
        }
        if self.whole {
            value = value.round();
        }
        value
    }

    /// What is wrong with it, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        let numbers = [Some(self.level), Some(self.noise), Some(self.wave), self.minimum, self.maximum];
        if numbers.iter().flatten().any(|number| !number.is_finite()) {
            return Some("a number is not finite".into());
        }
        for pair in self.changes.windows(2) {
            if pair[1].at < pair[0].at {
                return Some(format!("the change at {} stands after the one at {}", pair[1].at, pair[0].at));
            }
        }
        for change in &self.changes {
            if change.to.is_some() == change.times.is_some() {
                return Some(format!("the change at {} needs either `to` or `times`", change.at));
            }
            let lengths = [change.over, change.hold];
            if lengths.iter().flatten().any(|length| *length < Offset::ZERO) {
                return Some(format!("the change at {} has a negative length", change.at));
            }
        }
        None
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ProfileVisitor;

        impl<'de> Visitor<'de> for ProfileVisitor {
            type Value = Profile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number, or a map with `level` and optional noise, wave, peak, minimum, maximum, whole, changes",
                )
            }

            fn visit_f64<E: de::Error>(self, level: f64) -> Result<Profile, E> {
                Ok(Profile::constant(level))
            }

            fn visit_i64<E: de::Error>(self, level: i64) -> Result<Profile, E> {
                Ok(Profile::constant(level as f64))
            }

            fn visit_u64<E: de::Error>(self, level: u64) -> Result<Profile, E> {
                Ok(Profile::constant(level as f64))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Profile, A::Error> {
                let map = ProfileMap::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Profile {
                    level: map.level,
                    noise: map.noise,
                    wave: map.wave,
                    peak: map.peak,
                    minimum: map.minimum,
                    maximum: map.maximum,
                    whole: map.whole,
                    changes: map.changes,
                })
            }
        }

        deserializer.deserialize_any(ProfileVisitor)
    }
}
