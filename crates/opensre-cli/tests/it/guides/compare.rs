//! Whether what is printed is what the page shows, apart from what differs from run to run.

use std::sync::LazyLock;

use regex::Regex;
use snapbox::filter::NormalizeToExpected;
use snapbox::{Data, IntoData};

/// How exactly a page shows its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exactness {
    /// To the letter, but for ports, times of calls, made-up record ids and placeholders.
    Exact,
    /// But for all numbers and the bars that draw them.
    ButForNumbers,
}

/// What is printed, in the words of the page wherever they fit: its placeholders stay.
pub(super) fn fitted(printed: &str, shown: &str, exactness: Exactness) -> String {
    let comparable = |text: &str| text.split_inclusive('\n').map(|line| steady(line, exactness)).collect::<String>();
    let (actual, expected) = (comparable(printed), comparable(shown));
    let fitted = NormalizeToExpected::new().redact().normalize(actual.clone().into_data().raw(), &text(&expected));
    let fitted = fitted.render().unwrap_or_default();
    // Back to lines as they were written: those of the page first, then those that were printed.
    let mut page: Vec<(&str, &str)> = expected.lines().zip(shown.lines()).collect();
    let mut run: Vec<(&str, &str)> = actual.lines().zip(printed.lines()).collect();
    let mut take = |line: &str| {
        for lines in [&mut page, &mut run] {
            if let Some(found) = lines.iter().position(|(comparable, _)| *comparable == line) {
                return lines.remove(found).1.to_owned();
            }
        }
        line.to_owned()
    };
    fitted.lines().map(|line| take(line) + "\n").collect()
}

/// What differs, line by line.
pub(super) fn difference(shown: &str, printed: &str) -> String {
    let mut difference = String::new();
    let (name, other): (&dyn std::fmt::Display, &dyn std::fmt::Display) = (&"the page", &"the program");
    let palette = snapbox::report::Palette::plain();
    snapbox::report::write_diff(&mut difference, &text(shown), &text(printed), Some(name), Some(other), palette)
        .expect("written to memory");
    difference
}

fn text(text: &str) -> Data {
    Data::text(text).raw()
}

/// A line without what differs from run to run.
fn steady(line: &str, exactness: Exactness) -> String {
    static PORT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"127\.0\.0\.\d+:\d+").expect("a good expression"));
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b\d+(\.\d+)? (ms|s)\b( in all)?").expect("a good expression"));
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+(\.\d+)?|[▁-█]").expect("a good expression"));
    static RECORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b([a-z_]+)-[0-9a-f]{8}\b").expect("a good expression"));
    let line = PORT.replace_all(line, "127.0.0.1:40000");
    let line = RECORD.replace_all(&line, "$1-00000000");
    match exactness {
        Exactness::Exact if line.contains(" calls in ") => TIME.replace_all(&line, "0 ms").into_owned(),
        Exactness::Exact => line.into_owned(),
        Exactness::ButForNumbers => NUMBER.replace_all(&line, "0").into_owned(),
    }
}

#[test]
fn what_fits_stays_as_the_page_has_it() {
    let shown = "from http://127.0.0.1:1234\nfirst [..] line\n...\nlast\n";
    let printed = "from http://127.0.0.1:9\nfirst odd line\nx\ny\nlast\n";
    assert_eq!(fitted(printed, shown, Exactness::Exact), shown);
    assert_eq!(fitted("other\n", shown, Exactness::Exact), "other\n");
    assert_ne!(fitted("from http://127.0.0.1:9\nsecond\n", shown, Exactness::Exact), shown);
    assert_eq!(fitted("took 15\n", "took 7\n", Exactness::ButForNumbers), "took 7\n");
}
