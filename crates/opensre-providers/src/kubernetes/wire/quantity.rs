//! Quantities: `250m`, `512Mi`, `1e3` (page "Quantity" of the Kubernetes API reference).

/// The value of a quantity in its base unit (cores, bytes); `None` for anything else.
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        exponent => 10_f64.powi(exponent.strip_prefix(['e', 'E'])?.parse::<i32>().ok().filter(|e| e.abs() <= 18)?),
    };
    Some(number * factor).filter(|value| value.is_finite() && *value >= 0.0)
}

/// Bytes as people write them: `512 MiB`.
pub fn bytes(value: f64) -> String {
    const UNITS: &[(&str, f64)] =
        &[("TiB", 1_099_511_627_776.0), ("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1024.0)];
    match UNITS.iter().find(|(_, size)| value >= *size) {
        Some((unit, size)) => {
            let scaled = (value / size * 10.0).round() / 10.0;
            format!("{scaled} {unit}")
        }
        None => format!("{value:.0} B"),
    }
}

/// Cores as people write them: `250m`, `1.5`.
pub fn cores(value: f64) -> String {
    if value < 1.0 { format!("{:.0}m", value * 1000.0) } else { format!("{}", (value * 100.0).round() / 100.0) }
}
