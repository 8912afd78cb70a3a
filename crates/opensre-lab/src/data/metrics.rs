//! Series and samples, generated from the metrics of a backend.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clock::Clock;
use super::labels::{Labels, NAME, multiply};
use crate::random::{Random, seed};
use crate::scenario::{Backend, Metric, MetricKind, Offset, Points, Profile, Series as SeriesSpec};

/// Prometheus' default buckets, in seconds.
const DEFAULT_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The NaN that marks the end of a series ("staleness marker").
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// One sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Milliseconds of the Unix epoch.
    pub(crate) time: i64,
    pub(crate) value: f64,
}

impl Sample {
    fn stale(time: i64) -> Self {
        Self { time, value: f64::from_bits(STALE_BITS) }
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.value.to_bits() == STALE_BITS
    }
}

/// A series with its samples, oldest first.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Arc<Labels>,
    /// The labels without the name, as the result of a function has them.
    pub(crate) bare: Arc<Labels>,
    pub(crate) samples: Vec<Sample>,
}

impl Series {
    fn new(labels: Labels, samples: Vec<Sample>) -> Self {
        let bare = Arc::new(labels.without(&[NAME]));
        Self { labels: Arc::new(labels), bare, samples }
    }

    /// The samples from `start` to `end`, both included.
    pub(crate) fn between(&self, start: i64, end: i64) -> &[Sample] {
        let from = self.samples.partition_point(|sample| sample.time < start);
        let to = self.samples.partition_point(|sample| sample.time <= end);
        &self.samples[from..to.max(from)]
    }
}

/// What `/api/v1/metadata` says about a metric.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub(crate) kind: &'static str,
    pub(crate) help: String,
}

/// All series of a backend.
#[derive(Debug, Default)]
pub(crate) struct MetricStore {
    by_name: BTreeMap<String, Vec<Arc<Series>>>,
    pub(crate) metadata: BTreeMap<String, Metadata>,
}

impl MetricStore {
    /// Generates the metrics of a backend. `root` names the scenario and the backend, for the seeds.
    pub(crate) fn generate(backend: &Backend, root: &str, clock: &Clock, interval: Offset) -> Self {
        let mut store = Self::default();
        for metric in &backend.metrics {
            let help = metric.help.clone();
            let kind = match metric.kind {
                MetricKind::Gauge => "gauge",
                MetricKind::Counter => "counter",
                MetricKind::Histogram => "histogram",
            };
            store.metadata.insert(metric.name.value.clone(), Metadata { kind, help });
            for spec in &metric.series {
                for labels in multiply(&spec.labels, &backend.labels) {
                    let generator = Generator::new(root, metric, spec, labels, clock, interval);
                    for series in generator.series() {
                        store.insert(series);
                    }
                }
            }
        }
        store
    }

    fn insert(&mut self, series: Series) {
        let name = series.labels.value(NAME).to_owned();
        self.by_name.entry(name).or_default().push(Arc::new(series));
    }

    /// All series, or those of one metric.
    pub(crate) fn series(&self, name: Option<&str>) -> Box<dyn Iterator<Item = &Arc<Series>> + '_> {
        match name {
            Some(name) => Box::new(self.by_name.get(name).into_iter().flatten()),
            None => Box::new(self.by_name.values().flatten()),
        }
    }
}

/// Makes the series of one entry with one set of labels.
struct Generator<'a> {
    metric: &'a Metric,
    spec: &'a SeriesSpec,
    labels: Labels,
    clock: &'a Clock,
    interval: i64,
    seed: u64,
    phase: i64,
}

impl<'a> Generator<'a> {
    fn new(
        root: &str,
        metric: &'a Metric,
        spec: &'a SeriesSpec,
        labels: Labels,
        clock: &'a Clock,
        interval: Offset,
    ) -> Self {
        let fingerprint = format!("{:x}", labels.fingerprint());
        let interval = interval.milliseconds();
        // All series of a backend are scraped at the same moment: enough for one target, and easier to reason about.
        let phase = (seed(&[root, "scrape"]) % interval.unsigned_abs()).cast_signed();
        let seed = seed(&[root, &metric.name.value, &fingerprint]);
        Self { metric, spec, labels, clock, interval, seed, phase }
    }

    fn series(&self) -> Vec<Series> {
        let name = &self.metric.name.value;
        if let Some(points) = &self.spec.points {
            return vec![Series::new(self.labels.clone().with(NAME, name), self.points(points))];
        }
        match (self.metric.kind, &self.spec.value, &self.spec.rate) {
            (MetricKind::Histogram, _, Some(rate)) => self.histogram(rate),
            (_, Some(value), _) => {
                let samples = self.times().map(|time| Sample { time, value: self.at(value, time) }).collect();
                vec![self.finish(name, samples)]
            }
            (_, None, Some(rate)) => {
                // Seconds are counted in fractions, everything else in whole numbers.
                let whole = !name.contains("seconds");
                let samples = self.counter(rate, |_| 1.0, whole);
                vec![self.finish(name, samples)]
            }
            (_, None, None) => Vec::new(),
        }
    }

    fn at(&self, profile: &Profile, time: i64) -> f64 {
        profile.value_at(self.clock.offset(time), time, self.seed)
    }

    fn points(&self, points: &Points) -> Vec<Sample> {
        let start = self.clock.at(points.start);
        let step = points.step.milliseconds();
        let times = (0..).map(|index: i64| start + index * step);
        times.zip(&points.values).filter_map(|(time, value)| Some(Sample { time, value: (*value)? })).collect()
    }

    /// Scrape times within the life of the series.
    fn times(&self) -> impl Iterator<Item = i64> {
        let first = self.spec.from.map_or(self.clock.start, |from| self.clock.at(from).max(self.clock.start));
        let last = self.spec.until.map_or(self.clock.now, |until| self.clock.at(until).min(self.clock.now));
        let start = first + (self.phase - first).rem_euclid(self.interval);
        let interval = self.interval;
        (0..).map(move |index| start + index * interval).take_while(move |time| *time <= last)
    }

    /// Ends the series with a staleness marker if it ends before the present.
    fn finish(&self, name: &str, mut samples: Vec<Sample>) -> Series {
        if let (Some(_), Some(last)) = (self.spec.until, samples.last()) {
            let next = last.time + self.interval;
            if next <= self.clock.now {
                samples.push(Sample::stale(next));
            }
        }
        Series::new(self.labels.clone().with(NAME, name), samples)
    }

    /// A counter that rises by `rate` times `share` per second.
    fn counter(&self, rate: &Profile, share: impl Fn(i64) -> f64, whole: bool) -> Vec<Sample> {
        let mut resets: Vec<i64> = self.spec.resets.iter().map(|at| self.clock.at(*at)).collect();
        resets.sort_unstable();
        let mut resets = resets.into_iter().peekable();
        let mut before: Option<i64> = None;
        let mut total = 0.0;
        let mut samples = Vec::new();
        for time in self.times() {
            let increase = self.at(rate, time).max(0.0) * share(time);
            match before {
                // The process has been up for some days already, unless it is born within the scenario.
                None if self.spec.from.is_none() => {
                    let days = 1.0 + 9.0 * Random::new(self.seed).unit();
                    total = rate.level.max(0.0) * share(self.clock.start) * 86_400.0 * days;
                }
                None => {}
                Some(before) => total += increase * (time - before) as f64 / 1000.0,
            }
            while resets.next_if(|reset| *reset <= time).is_some() {
                total = increase * self.interval as f64 / 2000.0;
            }
            before = Some(time);
            samples.push(Sample { time, value: if whole { total.floor() } else { total } });
        }
        samples
    }

    fn histogram(&self, rate: &Profile) -> Vec<Series> {
        let name = &self.metric.name.value;
        let Some(median) = &self.spec.median else {
            return Vec::new();
        };
        let shape = self.spec.shape.unwrap_or(4.0);
        let median_at = |time| self.at(median, time).max(1e-9);
        let bounds = self.metric.buckets.as_deref().unwrap_or(&DEFAULT_BUCKETS);
        let mut series = Vec::with_capacity(bounds.len() + 3);
        for bound in bounds {
            // The share of a log-logistic distribution that lies at or below the bound.
            let share = |time| 1.0 / (1.0 + (bound / median_at(time)).powf(-shape));
            let samples = self.counter(rate, share, true);
            series.push(self.bucket(&format!("{bound}"), samples));
        }
        let all = self.counter(rate, |_| 1.0, true);
        series.push(self.bucket("+Inf", all.clone()));
        series.push(self.finish(&format!("{name}_count"), all));
        let angle = std::f64::consts::PI / shape;
        let mean = |time| median_at(time) * angle / angle.sin();
        series.push(self.finish(&format!("{name}_sum"), self.counter(rate, mean, false)));
        series
    }

    fn bucket(&self, bound: &str, samples: Vec<Sample>) -> Series {
        let series = self.finish(&format!("{}_bucket", self.metric.name.value), samples);
        Series::new((*series.labels).clone().with("le", bound), series.samples)
    }
}
