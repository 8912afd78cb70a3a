//! A series as one line of characters.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const PLAIN: [char; 8] = ['_', '.', '-', '~', '=', '+', '*', '#'];

/// The values as bars between their least and greatest, at most `width` of them (each then stands for the greatest
/// of its neighbours, so that a spike is not lost). Empty for no values; a flat line for equal ones.
pub fn sparkline(values: &[f64], width: usize, unicode: bool) -> String {
    let bars = if unicode { BARS } else { PLAIN };
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if values.is_empty() || width == 0 {
        return String::new();
    }
    let columns = values.len().min(width);
    let columns: Vec<f64> = (0..columns)
        .map(|column| {
            let from = column * values.len() / columns;
            let to = ((column + 1) * values.len() / columns).max(from + 1);
            values[from..to].iter().copied().fold(f64::NEG_INFINITY, f64::max)
        })
        .collect();
    let low = columns.iter().copied().fold(f64::INFINITY, f64::min);
    let high = columns.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = high - low;
    let flat = span <= f64::EPSILON * high.abs().max(1.0);
    let level = |value: f64| if flat { 0 } else { (((value - low) / span) * 7.0).round().clamp(0.0, 7.0) as usize };
    columns.into_iter().map(|value| bars[level(value)]).collect()
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn rises_from_the_least_to_the_greatest() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 7.0], 10, true), "▁▂▃█");
        assert_eq!(sparkline(&[5.0, 5.0, 5.0], 10, true), "▁▁▁");
        assert_eq!(sparkline(&[], 10, true), "");
    }

    #[test]
    fn a_spike_survives_being_squeezed() {
        let mut values = vec![0.0; 600];
        values[301] = 9.0;
        assert!(sparkline(&values, 20, false).contains('#'));
    }
}
