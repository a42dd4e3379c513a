//! How a number is written: three significant digits, a unit, thin spaces between thousands.

use crate::order_statistics::Interval;

/// Between thousands: narrow, and no place to break a line.
pub const THIN_SPACE: char = '\u{202f}';
/// For something that was not measured.
pub const NOT_MEASURED: &str = "–";

const SIGNIFICANT_DIGITS: i32 = 3;

/// A time in nanoseconds: `58.3 µs`, `402 ms`, `−3.10 µs`.
#[must_use]
pub fn duration(ns: f64) -> String {
    // Rounded first, so that 999 999 ns is 1.00 ms and not 1 000 µs.
    let size = rounded(ns.abs());
    let (divisor, unit) = match size {
        size if size < 1e3 => return format!("{}{size:.0} ns", sign(ns, size.round())),
        size if size < 1e6 => (1e3, "µs"),
        size if size < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{}{} {unit}", sign(ns, size), number(size / divisor))
}

/// A time on an axis, without digits that say nothing: `100 µs`, `1 ms`.
#[must_use]
pub fn tick(ns: f64) -> String {
    let text = duration(ns);
    match text.split_once(' ') {
        Some((value, unit)) if value.contains('.') => {
            format!(
                "{} {unit}",
                value.trim_end_matches('0').trim_end_matches('.')
            )
        }
        _ => text,
    }
}

/// Three significant digits: `0.0123`, `1.23`, `12.3`, `123`, `1 230`.
#[must_use]
pub fn number(value: f64) -> String {
    let size = rounded(value.abs());
    if size >= 100.0 {
        return format!("{}{}", sign(value, size), grouped(size as u64));
    }
    let decimals = if size > 0.0 {
        (SIGNIFICANT_DIGITS - 1 - magnitude(size)).clamp(0, 6)
    } else {
        0
    };
    format!("{}{size:.*}", sign(value, size), decimals as usize)
}

/// A count, whole: `9 812`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(THIN_SPACE);
        }
        text.push(digit);
    }
    text
}

/// How many times: `6 930×`.
#[must_use]
pub fn times(ratio: f64) -> String {
    format!("{}×", number(ratio))
}

/// A share of 1 as a percentage. One short of the whole never reads as the whole: `99.99 %`.
#[must_use]
pub fn share(part: f64) -> String {
    let percent = part * 100.0;
    let text = match percent.abs() {
        size if (99.0..100.0).contains(&size) => format!("{:.2}", (size * 100.0).floor() / 100.0),
        size if size >= 10.0 => format!("{size:.1}"),
        size if size >= 0.005 => format!("{size:.2}"),
        // Never 0 for what is not: a change that makes a millionth of the whole still makes it.
        size if size >= 1e-6 => format!("{size:.*}", (1 - magnitude(size)) as usize),
        _ => "0".to_owned(),
    };
    format!(
        "{}{text} %",
        if percent < 0.0 && text != "0" {
            "−"
        } else {
            ""
        }
    )
}

/// A change of a ratio from 1, with its sign: `+14.0 %`, `−0.40 %`.
#[must_use]
pub fn change(ratio: f64) -> String {
    let text = share(ratio - 1.0);
    if ratio > 1.0 && text != share(0.0) {
        format!("+{text}")
    } else {
        text
    }
}

/// An effect, with its sign and as many digits as anyone acts on: `+0.7 %`, `−14 %`.
#[must_use]
pub fn effect(change: f64) -> String {
    format!("{} %", hundredths(change))
}

/// A difference with its sign, in the words of what it is a difference of: `+120 ns`, `−3.10 µs`, `0 ns`.
pub fn signed(difference: f64, written: impl Fn(f64) -> String) -> String {
    let text = written(difference.abs());
    match difference {
        difference if text == written(0.0) || difference == 0.0 => text,
        difference if difference < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

/// Both ends of an effect's interval: `−0.4 … +1.9 %`.
#[must_use]
pub fn effects(low: f64, high: f64) -> String {
    format!("{} … {} %", hundredths(low), hundredths(high))
}

/// A difference of two shares, in percentage points: `+0.5 points`.
#[must_use]
pub fn points(difference: f64) -> String {
    format!("{} points", hundredths(difference))
}

/// Both ends of such a difference's interval: `0 … +0.7 points`.
#[must_use]
pub fn points_between(low: f64, high: f64) -> String {
    format!("{} … {} points", hundredths(low), hundredths(high))
}

/// A signed part of 1 in hundredths: one digit after the point, none from 10 on, two below 0.1;
/// nobody acts on less.
fn hundredths(part: f64) -> String {
    let size = part.abs() * 100.0;
    let tenths = (size * 10.0).round();
    let text = match size {
        size if !size.is_finite() => return NOT_MEASURED.to_owned(),
        // One short of the whole never reads as the whole.
        size if (99.0..100.0).contains(&size) => format!("{:.2}", (size * 100.0).floor() / 100.0),
        size if tenths >= 100.0 => grouped(size.round() as u64),
        size if tenths >= 1.0 => format!("{size:.1}"),
        size if size >= 0.005 => format!("{size:.2}"),
        _ => return "0".to_owned(),
    };
    format!("{}{text}", if part < 0.0 { "−" } else { "+" })
}

/// Two ends: `2.10 µs … 3.40 µs`.
pub fn range(low: f64, high: f64, written: impl Fn(f64) -> String) -> String {
    format!("{} … {}", written(low), written(high))
}

/// An interval, with what it covers where that is less than 95 %; empty when there is none.
pub(crate) fn interval(interval: Option<Interval>, written: impl Fn(f64) -> String) -> String {
    let Some(interval) = interval else {
        return String::new();
    };
    let covers = if interval.is_thin() {
        format!(" ({})", share(interval.coverage))
    } else {
        String::new()
    };
    range(interval.low, interval.high, written) + &covers
}

/// A length of a run: `38s`, `4m10s`, `2h05m`.
#[must_use]
pub fn elapsed(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

/// Bytes: `1.20 kB`, `48.0 MB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    let size = rounded(bytes.abs());
    let (divisor, unit) = match size {
        size if size < 1e3 => (1.0, "B"),
        size if size < 1e6 => (1e3, "kB"),
        size if size < 1e9 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    format!("{} {unit}", number(bytes / divisor))
}

/// Memory: `7.8 GiB`.
#[must_use]
pub fn memory(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// A percentile's name: `p50`, `p99.9`.
#[must_use]
pub fn percentile(percentile: f64) -> String {
    format!("p{percentile}")
}

fn rounded(size: f64) -> f64 {
    if size == 0.0 || !size.is_finite() {
        return 0.0;
    }
    let unit = 10_f64.powi(magnitude(size) - SIGNIFICANT_DIGITS + 1);
    (size / unit).round() * unit
}

/// The power of ten of the first digit.
fn magnitude(size: f64) -> i32 {
    size.log10().floor() as i32
}

fn sign(value: f64, shown: f64) -> &'static str {
    if value < 0.0 && shown > 0.0 {
        "−"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_the_unit_that_fits() {
        let cases: [(f64, &str); 12] = [
            (0.0, "0 ns"),
            (0.4, "0 ns"),
            (51.0, "51 ns"),
            (999.6, "1.00 µs"),
            (1_660.0, "1.66 µs"),
            (58_300.0, "58.3 µs"),
            (999_999.0, "1.00 ms"),
            (4_100_000.0, "4.10 ms"),
            (402_123_456.0, "402 ms"),
            (1_234_000_000.0, "1.23 s"),
            (-3_100.0, "−3.10 µs"),
            (-0.2, "0 ns"),
        ];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn numbers_have_three_digits_and_thin_spaces() {
        let cases: [(f64, &str); 9] = [
            (0.0, "0"),
            (0.012_34, "0.0123"),
            (1.0, "1.00"),
            (9.999, "10.0"),
            (38.24, "38.2"),
            (99.96, "100"),
            (6_931.0, "6\u{202f}930"),
            (402_123.0, "402\u{202f}000"),
            (-7_310_000.0, "−7\u{202f}310\u{202f}000"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(grouped(1_000_000), "1\u{202f}000\u{202f}000");
    }

    #[test]
    fn a_share_short_of_the_whole_never_reads_as_the_whole() {
        assert_eq!(share(0.999_999), "99.99 %");
        assert_eq!(share(1.0), "100.0 %");
        assert_eq!(share(0.5), "50.0 %");
        assert_eq!(share(0.012_3), "1.23 %");
        assert_eq!(share(-0.000_1), "−0.01 %");
        assert_eq!(share(0.000_007_24), "0.00072 %");
        assert_eq!(share(0.0), "0 %");
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!(change(1.14), "+14.0 %");
        assert_eq!(change(0.996), "−0.40 %");
        assert_eq!(change(1.004), "+0.40 %");
        assert_eq!(change(1.0), "0 %");
    }

    #[test]
    fn effects_have_a_digit_where_it_is_acted_on() {
        for (change, text) in [
            (0.007, "+0.7 %"),
            (-0.139_9, "−14 %"),
            (0.099_6, "+10 %"),
            (0.000_2, "+0.02 %"),
            (0.000_001, "0 %"),
            (0.0, "0 %"),
            (-0.996, "−99.60 %"),
            (98.9, "+9\u{202f}890 %"),
            (f64::INFINITY, "– %"),
        ] {
            assert_eq!(effect(change), text);
        }
        assert_eq!(effects(-0.004, 0.019), "−0.4 … +1.9 %");
        assert_eq!(points(0.005), "+0.5 points");
        assert_eq!(points_between(0.0, 0.007), "0 … +0.7 points");
    }

    #[test]
    fn elapsed_times_are_short() {
        assert_eq!(
            (elapsed(38.2), elapsed(250.0), elapsed(7_500.0)),
            ("38s".into(), "4m10s".into(), "2h05m".into())
        );
    }
}
