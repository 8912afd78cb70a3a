//! Robust statistics against values computed with numpy 2 and scipy 1 (calls in the comments).

use opensre_investigation::signals::statistics::{
    kendall_tau, mad, median, poisson_z, quantile, theil_sen, welch_scan,
};
use proptest::prelude::*;

const SAMPLE: &[f64] = &[3.1, 2.9, 3.0, 3.4, 2.7, 3.3, 9.9, 3.05, 2.95, 3.2];

fn near(found: Option<f64>, wanted: f64) {
    let found = found.expect("a value");
    assert!((found - wanted).abs() < 1e-9, "{found} instead of {wanted}");
}

#[test]
fn quantiles_are_numpys() {
    near(median(SAMPLE), 3.075); // np.median(x)
    near(quantile(SAMPLE, 0.95), 6.974_999_999_999_993); // np.quantile(x, .95)
    near(quantile(SAMPLE, 0.05), 2.79);
    near(quantile(SAMPLE, 0.37), 3.016_499_999_999_999_7);
    near(mad(SAMPLE), 0.150_000_000_000_000_13); // scipy.stats.median_abs_deviation(x)
}

#[test]
fn slopes_and_ranks_are_scipys() {
    let values = [1.0, 2.1, 2.9, 4.2, 5.0, 5.8, 30.0, 8.1, 9.2, 9.8, 11.1, 12.0];
    let line: Vec<(f64, f64)> = values.iter().enumerate().map(|(x, y)| (x as f64, *y)).collect();
    near(theil_sen(&line), 1.0); // scipy.stats.theilslopes(y, t)[0]
    near(kendall_tau(&[1.0, 3.0, 2.0, 4.0, 5.0, 7.0, 6.0, 8.0]), 0.857_142_857_142_857_1); // scipy.stats.kendalltau
}

#[test]
fn the_change_point_is_where_welchs_t_is_greatest() {
    // max over i of scipy.stats.ttest_ind(x[i:], x[:i], equal_var=False)
    let values = [10.2, 9.8, 10.1, 9.9, 10.3, 10.0, 9.7, 14.9, 15.2, 15.1, 14.8, 15.3];
    let found = welch_scan(&values, 2).expect("a change");
    assert_eq!(found.index, 7);
    assert!((found.t - 40.952_310_106_473_476).abs() < 1e-6, "{}", found.t);
    assert!((found.before - 10.0).abs() < 1e-9 && (found.after - 15.06).abs() < 1e-9);
}

#[test]
fn counts_are_compared_as_poisson_counts() {
    assert!((poisson_z(30, 600.0, 20, 3600.0) - 6.792_877_653_393_081).abs() < 1e-9);
    assert!(poisson_z(1, 60.0, 1, 60.0).abs() < 1e-12);
    assert!(poisson_z(5, 0.0, 1, 60.0).abs() < 1e-12, "no length, no statement");
}

#[test]
fn too_few_values_say_nothing() {
    assert_eq!(median(&[]), None);
    assert_eq!(mad(&[]), None);
    assert_eq!(kendall_tau(&[1.0]), None);
    assert_eq!(theil_sen(&[(0.0, 1.0)]), None);
    assert_eq!(welch_scan(&[1.0, 2.0, 3.0], 2), None);
    assert_eq!(welch_scan(&[4.0; 50], 2), None, "a constant has no change");
}

proptest! {
    #[test]
    fn the_median_ignores_a_third_of_nonsense(
        values in proptest::collection::vec(9.0..11.0f64, 20..60),
        nonsense in proptest::collection::vec(-1e9..1e9f64, 0..9),
    ) {
        let mut all = values.clone();
        all.extend(&nonsense);
        let found = median(&all).expect("values");
        prop_assert!((9.0..=11.0).contains(&found));
    }

    #[test]
    fn a_clear_step_is_found_where_it_is(
        before in 12usize..60, after in 12usize..60, level in -1e6..1e6f64, seed in any::<u64>(),
    ) {
        let mut dice = crate::world::Dice::new(seed);
        let mut values: Vec<f64> = (0..before).map(|_| level + dice.unit()).collect();
        values.extend((0..after).map(|_| level + 20.0 + dice.unit()));
        let found = welch_scan(&values, 3).expect("a change");
        prop_assert!(found.index.abs_diff(before) <= 1, "{} instead of {before}", found.index);
        prop_assert!(found.t > 10.0);
    }

    #[test]
    fn every_function_is_total(values in proptest::collection::vec(-1e12..1e12f64, 0..40), q in -1.0..2.0f64) {
        let line: Vec<(f64, f64)> = values.iter().enumerate().map(|(x, y)| ((x / 3) as f64, *y)).collect();
        for found in [median(&values), mad(&values), quantile(&values, q), kendall_tau(&values), theil_sen(&line)] {
            prop_assert!(found.is_none_or(f64::is_finite));
        }
        prop_assert!(welch_scan(&values, 2).is_none_or(|found| found.t.is_finite()));
    }
}
