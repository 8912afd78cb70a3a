//! What the back ends hold: metrics, logs and traces, described compactly.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::offset::Offset;
use super::profile::Profile;

/// A pool of data that servers answer from. A Prometheus reads its metrics, a Loki its logs, a Tempo its traces.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// Name of another backend whose data this one has too, but without any `changes`: the same system on a calm day.
    #[serde(default)]
    pub like: Option<String>,
    /// With `like`: factor for every rate (requests, log lines, traces); gauges keep their level.
    #[serde(default)]
    pub scale: Option<f64>,
    /// Labels put on every series and stream, and resource attributes put on every span. They win over the label of
    /// the same name in the data.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Metrics, for Prometheus.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Log streams, for Loki.
    #[serde(default)]
    pub logs: Vec<LogStream>,
    /// Kinds of traces, for Tempo.
    #[serde(default)]
    pub traces: Vec<TraceKind>,
}

/// One metric family.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The name as exported; for a histogram without `_bucket`, `_sum` and `_count`.
    pub name: Spanned<String>,
    /// What `/api/v1/metadata` says, and for histograms how it is generated.
    #[serde(rename = "type")]
    pub kind: MetricKind,
    /// The help text.
    #[serde(default)]
    pub help: String,
    /// Upper bounds of a histogram's buckets in its unit, ascending, without `+Inf`.
    #[serde(default)]
    pub buckets: Option<Vec<f64>>,
    /// The series.
    pub series: Vec<Series>,
}

/// The type of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// A value that goes up and down.
    Gauge,
    /// A value that only rises, except when its process restarts.
    Counter,
    /// A classic histogram: `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// One or several series (labels with lists of values are multiplied out).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Labels without the name.
    #[serde(default)]
    pub labels: BTreeMap<String, LabelValue>,
    /// The value itself: for gauges, and for counters that should be given as they stand.
    #[serde(default)]
    pub value: Option<Profile>,
    /// Increase per second: for counters. Observations per second: for histograms.
    #[serde(default)]
    pub rate: Option<Profile>,
    /// For histograms: the median of what is observed, in the metric's unit.
    #[serde(default)]
    pub median: Option<Profile>,
    /// For histograms: how narrow the distribution is (the exponent of a log-logistic one). 4 when absent.
    #[serde(default)]
    pub shape: Option<f64>,
    /// The exact samples instead of a profile.
    #[serde(default)]
    pub points: Option<Points>,
    /// The series begins here (a new pod).
    #[serde(default)]
    pub from: Option<Offset>,
    /// The series ends here with a staleness marker (a pod that went away).
    #[serde(default)]
    pub until: Option<Offset>,
    /// The counter or histogram starts again at zero at these moments (restarts).
    #[serde(default)]
    pub resets: Vec<Offset>,
}

/// Exact samples at regular distance; `null` leaves a sample out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// Offset of the first one.
    pub start: Offset,
    /// Distance between two.
    pub step: Offset,
    /// The values.
    pub values: Vec<Option<f64>>,
}

/// A label's value, or several for as many series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelValue {
    /// One value.
    One(String),
    /// A series for each of them.
    Each(Vec<String>),
}

impl LabelValue {
    pub(crate) fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }
}

impl<'de> Deserialize<'de> for LabelValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelValueVisitor;

        impl<'de> Visitor<'de> for LabelValueVisitor {
            type Value = LabelValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label value (in quotes if it has a decimal point) or a list of label values")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<LabelValue, E> {
                Ok(LabelValue::One(text.to_owned()))
            }

            // Authors write `status: 200` without quotes; label values are text all the same.
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<LabelValue, E> {
                Ok(LabelValue::One(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<LabelValue, E> {
                Ok(LabelValue::One(number.to_string()))
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<LabelValue, E> {
                Ok(LabelValue::One(flag.to_string()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<LabelValue, A::Error> {
                let mut values = Vec::new();
                while let Some(item) = items.next_element::<LabelValue>()? {
                    match item {
                        LabelValue::One(value) => values.push(value),
                        LabelValue::Each(_) => return Err(de::Error::custom("a list in a list of label values")),
                    }
                }
                Ok(LabelValue::Each(values))
            }
        }

        deserializer.deserialize_any(LabelValueVisitor)
    }
}

/// One or several log streams.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogStream {
    /// Stream labels; lists are multiplied out, and the lines are spread over the streams.
    pub labels: BTreeMap<String, LabelValue>,
    /// What is written.
    pub lines: Vec<LogLine>,
}

/// A kind of line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// The text with placeholders: `${int:1..9}`, `${float:0.1..2.5}`, `${hex:16}`, `${uuid}`, `${ip}`,
    /// `${pick:a|b}`, `${label:NAME}`, `${time}` (RFC 3339), `${trace}` (the id of a trace of that moment).
    pub template: Spanned<String>,
    /// Lines per minute over all streams of the entry.
    pub per_minute: Profile,
}

/// A kind of trace: its root span and how often it happens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceKind {
    /// Traces per minute.
    pub per_minute: Profile,
    /// The root span.
    pub root: Span,
}

/// A span and those below it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// `service.name` of the resource.
    pub service: String,
    /// Span name, for example `GET /cart`.
    pub name: String,
    /// Span kind.
    #[serde(default)]
    pub kind: SpanKind,
    /// Seconds spent in the span itself; its children's time is added.
    pub seconds: Profile,
    /// Span attributes.
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    /// Further resource attributes.
    #[serde(default)]
    pub resource: BTreeMap<String, Value>,
    /// How the span fails, and how often.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// Spans below, one after the other.
    #[serde(default)]
    pub children: Vec<Span>,
}

/// OpenTelemetry span kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// `SPAN_KIND_INTERNAL`
    #[default]
    Internal,
    /// `SPAN_KIND_SERVER`
    Server,
    /// `SPAN_KIND_CLIENT`
    Client,
    /// `SPAN_KIND_PRODUCER`
    Producer,
    /// `SPAN_KIND_CONSUMER`
    Consumer,
}

/// How a span fails.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Share of the spans that fail, 0 to 1. A span whose child failed always fails, unless `absorbs` is set.
    #[serde(default)]
    pub ratio: Profile,
    /// The status message.
    #[serde(default)]
    pub message: String,
    /// Attributes that a failed span has instead of, or besides, its usual ones.
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    /// Recorded as an `exception` event.
    #[serde(default)]
    pub exception: Option<Exception>,
    /// Failures of children do not make this span fail.
    #[serde(default)]
    pub absorbs: bool,
}

/// An exception as OpenTelemetry's semantic conventions record it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// `exception.type`
    #[serde(rename = "type")]
    pub kind: String,
    /// `exception.message`
    pub message: String,
    /// `exception.stacktrace`
    #[serde(default)]
    pub stacktrace: String,
}

impl Backend {
    /// This backend with what `like` brings in.
    pub(crate) fn over(&self, base: &Backend) -> Backend {
        let scale = self.scale.unwrap_or(1.0);
        let mut merged = self.clone();
        merged.metrics = base.metrics.iter().map(|metric| metric.calm(scale)).chain(self.metrics.clone()).collect();
        merged.logs = base.logs.iter().map(|stream| stream.calm(scale)).chain(self.logs.clone()).collect();
        merged.traces = base.traces.iter().map(|kind| kind.calm(scale)).chain(self.traces.clone()).collect();
        for (name, value) in &base.labels {
            merged.labels.entry(name.clone()).or_insert_with(|| value.clone());
        }
        merged
    }
}

impl Metric {
    fn calm(&self, scale: f64) -> Self {
        let series = self.series.iter().map(|series| Series {
            value: series.value.as_ref().map(|value| value.calm(1.0)),
            rate: series.rate.as_ref().map(|rate| rate.calm(scale)),
            median: series.median.as_ref().map(|median| median.calm(1.0)),
            resets: Vec::new(),
            ..series.clone()
        });
        // A series that only exists because of the incident (a replacement pod) has no place on a calm day, and one
        // that ends because of it goes on.
        let series =
            series.filter(|series| series.from.is_none()).map(|series| Series { until: None, ..series }).collect();
        Self { series, ..self.clone() }
    }
}

impl LogStream {
    fn calm(&self, scale: f64) -> Self {
        let lines = self.lines.iter().map(|line| LogLine { per_minute: line.per_minute.calm(scale), ..line.clone() });
        Self { lines: lines.collect(), ..self.clone() }
    }
}

impl TraceKind {
    fn calm(&self, scale: f64) -> Self {
        Self { per_minute: self.per_minute.calm(scale), root: self.root.calm() }
    }
}

impl Span {
    fn calm(&self) -> Self {
        Self {
            seconds: self.seconds.calm(1.0),
            failure: self.failure.as_ref().map(|failure| Failure { ratio: failure.ratio.calm(1.0), ..failure.clone() }),
            children: self.children.iter().map(Self::calm).collect(),
            ..self.clone()
        }
    }
}
