//! The colours of pictures, light and dark.
//!
//! Plotters writes a colour into each element. Each keeps it, for viewers without CSS, and gets a
//! class by which CSS gives it the colour of the reader's scheme. What belongs to a variant is drawn in
//! a colour that is its place's number, and gets that number too, by which a page finds it.

use std::fmt::Write;

use plotters::style::RGBColor;

/// A colour in the light scheme and in the dark one.
pub(crate) struct Colour {
    class: &'static str,
    light: (u8, u8, u8),
    dark: (u8, u8, u8),
}

/// Behind a picture that stands alone: pages in the other scheme than the reader's exist.
pub(crate) const PAPER: Colour = Colour {
    class: "paper",
    light: (0xff, 0xff, 0xff),
    dark: (0x0d, 0x11, 0x17),
};
/// Text and axes.
pub(crate) const INK: Colour = Colour {
    class: "ink",
    light: (0x44, 0x4c, 0x56),
    dark: (0xad, 0xb6, 0xc0),
};
/// Lines of the grid.
pub(crate) const GRID: Colour = Colour {
    class: "grid",
    light: (0xe2, 0xe6, 0xea),
    dark: (0x2c, 0x33, 0x3b),
};

/// The dots of a finding: no variant's colour.
const DOT: Colour = Colour {
    class: "dot",
    light: (0x09, 0x69, 0xda),
    dark: (0x58, 0xa6, 0xff),
};
/// What should have been refused was refused.
pub(crate) const SAFE: Colour = Colour {
    class: "safe",
    light: (0x0a, 0x6b, 0x3d),
    dark: (0x56, 0xd3, 0x64),
};
/// It passed.
pub(crate) const UNSAFE: Colour = Colour {
    class: "unsafe",
    light: (0xb4, 0x23, 0x18),
    dark: (0xff, 0x7b, 0x72),
};

/// One a variant, in the order that keeps neighbours apart, also for people who confuse red and green.
const SERIES: [Colour; 8] = [
    Colour {
        class: "c1",
        light: (0xd1, 0x45, 0x2b),
        dark: (0xff, 0x7b, 0x63),
    },
    Colour {
        class: "c2",
        light: (0x1f, 0x6f, 0xc4),
        dark: (0x5a, 0xa9, 0xff),
    },
    Colour {
        class: "c3",
        light: (0xb8, 0x7a, 0x00),
        dark: (0xe8, 0xb3, 0x39),
    },
    Colour {
        class: "c4",
        light: (0x00, 0x86, 0x6b),
        dark: (0x35, 0xc7, 0xa4),
    },
    Colour {
        class: "c5",
        light: (0x8a, 0x4f, 0xc7),
        dark: (0xb8, 0x8c, 0xf2),
    },
    Colour {
        class: "c6",
        light: (0x50, 0x5a, 0x66),
        dark: (0x98, 0xa3, 0xb0),
    },
    Colour {
        class: "c7",
        light: (0xc2, 0x3b, 0x83),
        dark: (0xf2, 0x7c, 0xb8),
    },
    Colour {
        class: "c8",
        light: (0x4d, 0x7c, 0x0f),
        dark: (0x9b, 0xcf, 0x53),
    },
];

/// Every other line is dashed: where two lie on each other, both are seen.
const DASHES: &str = ".s-c2,.s-c6{stroke-dasharray:7 3}.s-c4,.s-c8{stroke-dasharray:2 2}";

/// Where colours begin again, other dashes do.
const DASHES_AGAIN: &str = ".again-1{stroke-dasharray:12 4}.again-2{stroke-dasharray:10 3 2 3}";

/// The classes of a variant's line or area, `property` being `s` or `f`.
pub(crate) fn classes(property: char, place: usize) -> String {
    let class = series(place).class;
    match place / SERIES.len() {
        0 => format!("{property}-{class}"),
        1 => format!("{property}-{class} again-1"),
        _ => format!("{property}-{class} again-2"),
    }
}

/// The colour of the variant or stage in that place; after eight they begin again.
pub(crate) fn series(place: usize) -> &'static Colour {
    &SERIES[place % SERIES.len()]
}

/// Red of a place's number; no colour above has it.
const NUMBERED: u8 = 0xfe;

/// What the variant in that place is drawn in, until [`classed`] gives it its colour.
pub(crate) fn variant(place: usize) -> RGBColor {
    RGBColor(NUMBERED, (place >> 8) as u8, place as u8)
}

impl Colour {
    pub(crate) fn rgb(&self) -> RGBColor {
        RGBColor(self.light.0, self.light.1, self.light.2)
    }

    pub(crate) fn class(&self) -> &'static str {
        self.class
    }
}

/// The picture with a class for every colour, its fixed size left to the page.
pub(crate) fn classed(svg: &str) -> String {
    all().fold(numbered(svg), |svg, colour| {
        let hex = hex(colour.light).to_uppercase();
        let class = colour.class;
        svg.replace(
            &format!("stroke=\"{hex}\""),
            &format!("stroke=\"{hex}\" class=\"s-{class}\""),
        )
        .replace(
            &format!("fill=\"{hex}\""),
            &format!("fill=\"{hex}\" class=\"f-{class}\""),
        )
    })
}

/// What was drawn in places' numbers, in their colours and with their numbers.
fn numbered(svg: &str) -> String {
    let mut parts = svg.split("=\"#FE");
    let mut classed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..5).filter(|part| part.ends_with('"'));
        let place = digits.and_then(|digits| usize::from_str_radix(&digits[..4], 16).ok());
        let Some(place) = place else {
            classed.push_str("=\"#FE");
            classed.push_str(part);
            continue;
        };
        let property = if classed.ends_with("stroke") {
            's'
        } else {
            'f'
        };
        let _ = write!(
            classed,
            "=\"{}\" class=\"{}\" data-variant=\"{place}\"{}",
            hex(series(place).light),
            classes(property, place),
            &part[5..]
        );
    }
    classed
}

/// The style sheet that gives pictures the colours of the reader's scheme.
#[must_use]
pub(crate) fn style() -> String {
    let rules = |pick: fn(&Colour) -> (u8, u8, u8)| {
        all().fold(String::new(), |mut rules, colour| {
            let (class, hex) = (colour.class, hex(pick(colour)));
            let _ = write!(rules, ".s-{class}{{stroke:{hex}}}.f-{class}{{fill:{hex}}}");
            rules
        })
    };
    let (light, dark) = (rules(|colour| colour.light), rules(|colour| colour.dark));
    format!(
        "{light}{DASHES}{DASHES_AGAIN}\n@media screen and (prefers-color-scheme:dark){{{dark}}}\n"
    )
}

fn all() -> impl Iterator<Item = &'static Colour> {
    [&PAPER, &INK, &GRID, &DOT, &SAFE, &UNSAFE]
        .into_iter()
        .chain(&SERIES)
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
