//! Dates of cookies (RFC 6265 §5.1.1): a parser of its own, which accepts more than any format of dates.

use jiff::civil::DateTime;

const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// Seconds since 1970, in UTC; none where the algorithm fails.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(|byte| is_delimiter(*byte)) {
        if time.is_none() {
            time = time_of(token);
            if time.is_some() {
                continue;
            }
        }
        if day.is_none() {
            day = number(token, 1, 2);
            if day.is_some() {
                continue;
            }
        }
        if month.is_none() {
            let of_name =
                |name: &&[u8]| token.get(..3).is_some_and(|t| t.eq_ignore_ascii_case(name));
            month = MONTHS.iter().position(of_name);
            if month.is_some() {
                continue;
            }
        }
        if year.is_none() {
            year = number(token, 2, 4);
        }
    }
    let (hour, minute, second) = time?;
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if year < 1601 {
        return None;
    }
    let month = i8::try_from(month? + 1).ok()?;
    let day = i8::try_from(day?).ok()?;
    let field = |value: i16| i8::try_from(value).ok();
    // It fails for hours over 23, minutes and seconds over 59, and for a day that its month lacks.
    let date = DateTime::new(
        year,
        month,
        day,
        field(hour)?,
        field(minute)?,
        field(second)?,
        0,
    );
    let since = date
        .ok()?
        .duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    Some(since.as_secs())
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e)
}

/// The number that a token begins with, of so many digits and no more.
fn number(token: &[u8], least: usize, most: usize) -> Option<i16> {
    let digits = token
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !(least..=most).contains(&digits) {
        return None;
    }
    str::from_utf8(&token[..digits]).ok()?.parse().ok()
}

/// Three fields of one or two digits with colons between them; what follows the last digit does not matter.
fn time_of(token: &[u8]) -> Option<(i16, i16, i16)> {
    let mut fields = token.splitn(3, |byte| *byte == b':');
    let mut whole = || {
        let field = fields.next()?;
        let is_whole = field.iter().all(u8::is_ascii_digit);
        is_whole.then(|| number(field, 1, 2))?
    };
    let (hour, minute) = (whole()?, whole()?);
    Some((hour, minute, number(fields.next()?, 1, 2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06 08:49:37.
    const RFC: Option<i64> = Some(784_111_777);

    #[test]
    fn dates_are_read_by_the_algorithm_of_rfc_6265() {
        let cases: &[(&str, Option<i64>)] = &[
            // The three formats of RFC 9110 §5.6.7.
            ("Sun, 06 Nov 1994 08:49:37 GMT", RFC),
            ("Sunday, 06-Nov-94 08:49:37 GMT", RFC),
            ("Sun Nov  6 08:49:37 1994", RFC),
            // Zones are not read: every date is in UTC.
            ("Sun, 06 Nov 1994 08:49:37 UTC", RFC),
            ("Sun, 06 Nov 1994 08:49:37 +0000", RFC),
            ("Sun, 06 Nov 1994 08:49:37 -0800", RFC),
            ("Sun, 06 Nov 1994 08:49:37", RFC),
            // Digits, case, commas, order and delimiters.
            ("6 Nov 1994 8:49:37", RFC),
            ("sun, 06 nov 1994 08:49:37 gmt", RFC),
            ("SUN 06 NOVEMBER 1994 08:49:37", RFC),
            ("1994 Nov 06 08:49:37", RFC),
            ("08:49:37 6 94 Nov", RFC),
            ("06/Nov/1994;08:49:37", RFC),
            ("06-nov-1994[08:49:37]", RFC),
            ("\t06\tNov\t1994\t08:49:37\t", RFC),
            ("garbage 06 Nov 1994 08:49:37 garbage", RFC),
            // A token begins with what it is; another one that fits comes too late.
            ("06th Nov 1994 08:49:37.123Z", RFC),
            ("06 Nov 1994 08:49:37 7 Dec 2000 09:00:00", RFC),
            ("06 Nov 1994ad 08:49:37", RFC),
            ("06é Nov 1994 08:49:37", RFC),
            // Years of two digits.
            ("06 Nov 69 08:49:37", Some(3_150_953_377)),
            ("06 Nov 70 08:49:37", Some(26_729_377)),
            ("01 Jan 00 00:00:00", Some(946_684_800)),
            ("01 Jan 1970 00:00:00", Some(0)),
            ("01 Jan 1601 00:00:00", Some(-11_644_473_600)),
            ("31 Dec 9999 23:59:59", Some(253_402_300_799)),
            ("29 Feb 2024 12:00:00", Some(1_709_208_000)),
            // What fails.
            ("", None),
            ("Sun, 06 Nov 1994", None),
            ("Nov 1994 08:49:37", None),
            ("06 1994 08:49:37", None),
            ("06 Nov 08:49:37", None),
            ("31 Dec 1600 23:59:59", None),
            ("06 Nov 199 08:49:37", None),
            ("06 Nov 19945 08:49:37", None),
            ("00 Nov 1994 08:49:37", None),
            ("32 Nov 1994 08:49:37", None),
            ("31 Nov 1994 08:49:37", None),
            ("29 Feb 2023 12:00:00", None),
            ("006 Nov 1994 08:49:37", None),
            ("06 Nov 1994 24:00:00", None),
            ("06 Nov 1994 08:60:37", None),
            ("06 Nov 1994 08:49:60", None),
            ("06 Nov 1994 08:49", None),
            ("06 Nov 1994 008:49:37", None),
            ("06 Nov 1994 08:49:377", None),
            ("06 No 1994 08:49:37", None),
            ("0", None),
            ("-1", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text.as_bytes()), *seconds, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_octets_panic(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
            let _ = parse(&text);
        }

        #[test]
        fn a_date_is_read_whatever_order_its_tokens_have(
            second in 0i64..253_402_207_200,
            order in proptest::sample::subsequence(vec![0usize, 1, 2, 3], 4).prop_shuffle(),
        ) {
            let date = jiff::Timestamp::from_second(second).unwrap();
            let tokens = ["%d", "%b", "%Y", "%H:%M:%S"].map(|form| date.strftime(form).to_string());
            let text: Vec<&str> = order.iter().map(|token| tokens[*token].as_str()).collect();
            proptest::prop_assert_eq!(parse(text.join(" ").as_bytes()), Some(second));
        }
    }
    use proptest::strategy::Strategy as _;
}
