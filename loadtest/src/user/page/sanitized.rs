//! The value of an `<input>` as its type lets it be (WHATWG HTML §4.10.5.1, "value sanitization").

use jiff::civil::{Date, Time};

use super::document::Document;

/// The value that a page gives an `<input>`, after the sanitization of its type.
pub(super) fn sanitized(document: &Document, input: usize) -> String {
    let value = document.attribute(input, "value").unwrap_or_default();
    let kind = document.attribute(input, "type").unwrap_or_default();
    let valid = |is_valid: bool| if is_valid { value } else { "" }.to_owned();
    match kind.to_ascii_lowercase().as_str() {
        "hidden" => value.to_owned(),
        "email" if document.has(input, "multiple") => {
            let value = one_line(value);
            let addresses: Vec<&str> = value.split(',').map(trimmed).collect();
            addresses.join(",")
        }
        "url" | "email" => trimmed(&one_line(value)).to_owned(),
        "number" => valid(number(value).is_some()),
        "range" => range(document, input, value),
        "color" => color(value),
        "date" => valid(date(value)),
        "month" => valid(date(&format!("{value}-01"))),
        "week" => valid(week(value)),
        "time" => valid(time(value)),
        "datetime-local" => date_time(value),
        _ => one_line(value),
    }
}

fn one_line(value: &str) -> String {
    value.replace(['\n', '\r'], "")
}

fn trimmed(value: &str) -> &str {
    value.trim_matches(|c: char| c.is_ascii_whitespace())
}

/// A "valid floating-point number".
fn number(value: &str) -> Option<f64> {
    let (digits, exponent) = match value.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (value, None),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    let is_mantissa = match digits.split_once('.') {
        Some((whole, fraction)) => (whole.is_empty() || are_digits(whole)) && are_digits(fraction),
        None => are_digits(digits),
    };
    let is_exponent =
        exponent.is_none_or(|text| are_digits(text.strip_prefix(['-', '+']).unwrap_or(text)));
    let number: f64 = (is_mantissa && is_exponent).then(|| value.parse().ok())??;
    number.is_finite().then_some(number)
}

fn range(document: &Document, input: usize, value: &str) -> String {
    let attribute = |name| document.attribute(input, name).and_then(number);
    let (min, max) = (
        attribute("min").unwrap_or(0.0),
        attribute("max").unwrap_or(100.0),
    );
    let middle = if max < min {
        min
    } else {
        min + (max - min) / 2.0
    };
    let given = number(value);
    let mut chosen = given.unwrap_or(middle);
    // A maximum below the minimum is none.
    chosen = chosen.min(max.max(min)).max(min);
    if !document.is(input, "step", "any") {
        let step = attribute("step").filter(|step| *step > 0.0).unwrap_or(1.0);
        let base = attribute("min").or(given).unwrap_or(0.0);
        let steps = (chosen - base) / step;
        let mut nearest = base + (steps + 0.5).floor() * step;
        if nearest > max.max(min) {
            nearest -= step;
        }
        if (nearest - chosen).abs() > f64::EPSILON * chosen.abs().max(1.0) {
            chosen = nearest;
        }
    }
    match given {
        Some(given) if given.to_bits() == chosen.to_bits() => value.to_owned(),
        _ => chosen.to_string(),
    }
}

/// A "simple color", in lower case. Named colors are left out.
fn color(value: &str) -> String {
    let digits = value.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        value.to_ascii_lowercase()
    } else {
        "#000000".to_owned()
    }
}

/// A "valid date string" of a year of four digits.
fn date(value: &str) -> bool {
    parts(value, &[4, 2, 2]).is_some_and(|parts| {
        let (Ok(month), Ok(day)) = (i8::try_from(parts[1]), i8::try_from(parts[2])) else {
            return false;
        };
        parts[0] > 0 && Date::new(parts[0], month, day).is_ok()
    })
}

/// The numbers of a text of so many digits each, with a dash between them.
fn parts(value: &str, lengths: &[usize]) -> Option<Vec<i16>> {
    let parts: Vec<&str> = value.split('-').collect();
    let are_digits = |(part, length): (&&str, &usize)| {
        part.len() == *length && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_form = parts.len() == lengths.len() && parts.iter().zip(lengths).all(are_digits);
    is_form.then(|| parts.iter().map(|part| part.parse().ok()).collect())?
}

fn week(value: &str) -> bool {
    let Some((year, week)) = value.split_once("-W") else {
        return false;
    };
    let (Some(year), Some(week)) = (parts(year, &[4]), parts(week, &[2])) else {
        return false;
    };
    // The 28th of December is always in the last week of its year (ISO 8601).
    let last = Date::new(year[0], 12, 28).map(|day| i16::from(day.iso_week_date().week()));
    year[0] > 0 && last.is_ok_and(|last| (1..=last).contains(&week[0]))
}

/// A "valid time string": `HH:MM`, `HH:MM:SS` or with a fraction of one to three digits.
fn time(value: &str) -> bool {
    let (clock, fraction) = match value.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (value, None),
    };
    let fields: Vec<&str> = clock.split(':').collect();
    let is_field = |field: &&str| field.len() == 2 && field.bytes().all(|b| b.is_ascii_digit());
    if !(2..=3).contains(&fields.len()) || !fields.iter().all(is_field) {
        return false;
    }
    let is_fraction = fraction.is_none_or(|text| {
        fields.len() == 3
            && (1..=3).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit())
    });
    let number = |place: usize| fields.get(place).map_or(Some(0), |text| text.parse().ok());
    let (Some(hour), Some(minute), Some(second)) = (number(0), number(1), number(2)) else {
        return false;
    };
    // Sixty seconds, a leap second, are no valid time of HTML.
    is_fraction && second < 60 && Time::new(hour, minute, second, 0).is_ok()
}

/// A "valid normalized local date and time string": the shortest one.
fn date_time(value: &str) -> String {
    let Some((day, clock)) = value.split_once(['T', ' ']) else {
        return String::new();
    };
    if !date(day) || !time(clock) {
        return String::new();
    }
    let mut clock = clock;
    if let Some((whole, fraction)) = clock.split_once('.')
        && fraction.trim_end_matches('0').is_empty()
    {
        clock = whole;
    }
    if clock.len() == "HH:MM:SS".len() {
        clock = clock.strip_suffix(":00").unwrap_or(clock);
    }
    format!("{day}T{clock}")
}
