//! Runs that somebody else made, with numbers and texts that no run has: one clear line, or a page; never a panic, an endless
//! loop, or more memory than the file is worth.

use std::fs;
use std::path::{Path, PathBuf};

use authlab_reports::{
    compare, duel,
    folder::{self, Recordings},
    ladder, merge, plain, render,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Value, json};
use std::io::Write;

use crate::contest::Contest;
use crate::synthetic::{DESIGNS, written};

/// Everything that is made of a run; whether it was read.
fn rendered(path: &Path) -> Result<String, String> {
    let run = folder::read(path).map_err(|error| error.to_string())?;
    let mut all = render::text(&ladder::document(&run));
    let base = run.variants.first().map_or("", |variant| &variant.name);
    let head = run.variants.last().map_or("", |variant| &variant.name);
    if let Ok(comparison) = compare::within(&run, base, head, &[]) {
        all += &render::text(&comparison.document());
        all += &render::markdown(&comparison.document());
    }
    if let Some(terms) = &run.duel
        && let Ok(duel) = duel::Duel::of(&run, terms)
    {
        all += &render::text(&duel.document(None));
        all += &render::markdown(&duel.document(None));
        all += &duel::junit::render(&duel, None).map_err(|error| error.to_string())?;
    }
    folder::render(path).map_err(|error| error.to_string())?;
    Ok(all)
}

/// The places of the numbers of a value, one of each kind: the items of a list are of one kind.
fn numbers(value: &Value, at: &str, kind: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Number(_) if !found.iter().any(|(_, known)| known == kind) => {
            found.push((at.to_owned(), kind.to_owned()));
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                numbers(item, &format!("{at}/{place}"), &format!("{kind}/*"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                numbers(
                    member,
                    &format!("{at}/{name}"),
                    &format!("{kind}/{name}"),
                    found,
                );
            }
        }
        _ => {}
    }
}

fn write(folder: &Path, run: &Value) {
    fs::write(folder.join("run.json"), serde_json::to_vec(run).unwrap()).unwrap();
}

#[test]
fn whatever_number_a_run_holds_it_is_rendered_or_refused_in_one_line() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, run) = written(parent.path(), &DESIGNS[..2], 2);
    let mut contest = Contest::default().run();
    contest.slices.truncate(16);
    let runs = [
        serde_json::to_value(&run).unwrap(),
        serde_json::to_value(&contest).unwrap(),
    ];
    let (mut tried, mut refused) = (0, 0);
    for run in runs {
        let mut places = Vec::new();
        numbers(&run, "", "", &mut places);
        assert!(places.len() > 20, "{places:?}");
        for (place, _) in places {
            for number in [
                json!(0),
                json!(-1),
                json!(2_147_483_648_u64),
                json!(10_000_000_000_000_000_u64),
                json!(u64::MAX),
                json!(1e-300),
                json!(-1e300),
            ] {
                let mut hostile = run.clone();
                *hostile.pointer_mut(&place).unwrap() = number.clone();
                write(folder.path(), &hostile);
                tried += 1;
                if let Err(said) = rendered(folder.path()) {
                    refused += 1;
                    assert!(
                        !said.contains('\n') && said.len() < 400,
                        "{place} {number}: {said}"
                    );
                }
            }
        }
    }
    println!(
        "numbers of a run: tried {tried}, refused {refused}, rendered {}",
        tried - refused
    );
    assert!(refused > tried / 8);
}

#[test]
fn a_shard_of_two_thousand_million_is_refused_before_anything_counts_to_it() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, run) = written(parent.path(), &DESIGNS[..2], 1);
    for (number, of) in [(0, 2_147_483_648_u64), (0, 1_001), (3, 3), (5, 0)] {
        let mut hostile = serde_json::to_value(&run).unwrap();
        hostile["shard"] =
            json!({ "number": number, "of": of, "start_at": "2026-11-21T23:15:00Z" });
        write(folder.path(), &hostile);
        for partial in [false, true] {
            let shards = [folder.path().to_owned()];
            let said = merge::merge(&shards, parent.path(), Vec::new(), partial)
                .unwrap_err()
                .to_string();
            assert!(
                said.contains(&format!(
                    "shard {number} of {of}, where a load has at most 1000"
                )),
                "{said}"
            );
        }
    }
    for (field, most) in [("users", 10_000_001_u64), ("blocks", 1_000_001)] {
        let mut hostile = serde_json::to_value(&run).unwrap();
        hostile["scenario"]["loads"][0][field] = json!(most);
        write(folder.path(), &hostile);
        let said = folder::read(folder.path()).unwrap_err().to_string();
        assert!(
            said.contains("users and") && said.contains("at most 10000000"),
            "{said}"
        );
    }
}

/// A histogram in V2-deflate, with a header that says what it likes.
fn histogram(length: u32, digits: u32, low: u64, high: u64, counts: &[u8]) -> String {
    let mut plain = Vec::new();
    for word in [0x1c84_9313, length, 0, digits] {
        plain.extend(u32::to_be_bytes(word));
    }
    plain.extend(low.to_be_bytes());
    plain.extend(high.to_be_bytes());
    plain.extend(1_f64.to_be_bytes());
    plain.extend(counts);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&plain).unwrap();
    let packed = packed.finish().unwrap();
    let mut all = u32::to_be_bytes(0x1c84_9314).to_vec();
    all.extend(u32::to_be_bytes(packed.len() as u32));
    all.extend(packed);
    STANDARD.encode(all)
}

#[test]
fn a_histogram_log_that_claims_more_than_it_holds_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, run) = written(parent.path(), &DESIGNS[..1], 1);
    let log: PathBuf = folder.path().join("bcrypt-12.hlog");
    let text = fs::read_to_string(&log).unwrap();
    let first = text.lines().find(|line| line.starts_with("Tag=")).unwrap();
    let (head, _) = first.rsplit_once(',').unwrap();
    let day = 86_400_000_000_000;
    for (encoded, what) in [
        (histogram(u32::MAX, 3, 1, day, &[2]), "shorter than it says"),
        (histogram(1, 5, 1, day, &[2]), "was not measured"),
        (histogram(1, 255, 1, day, &[2]), "was not measured"),
        (histogram(1, 3, 1, u64::MAX, &[2]), "was not measured"),
        (histogram(1, 3, 9, 2, &[2]), "was not measured"),
        (
            histogram(4 << 20, 3, 1, day, &vec![0; 4 << 20]),
            "more than 1 MiB",
        ),
        (STANDARD.encode([0x1c, 0x84, 0x93, 0x04]), "cut short"),
        (STANDARD.encode([0_u8; 64]), "no histogram in V2-deflate"),
        (
            histogram(
                9,
                3,
                1,
                day,
                &[0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xff],
            ),
            "was not measured",
        ),
        (histogram(9, 3, 1, day, &[0xff; 9]), "was not measured"),
        (histogram(2, 3, 1, day, &[0xff, 0xff]), ""),
    ] {
        fs::write(&log, format!("{head},{encoded}\n")).unwrap();
        let mut recordings = Recordings::open(folder.path(), &run).unwrap();
        let said = recordings.of(&run.slices[0]).unwrap_err().to_string();
        assert!(
            said.contains("bcrypt-12.hlog:1: ") && said.contains(what),
            "{said}"
        );
        assert!(!said.contains('\n') && said.len() < 300, "{said}");
    }
    fs::remove_file(&log).unwrap();
    fs::File::create(&log).unwrap().set_len(8 << 30).unwrap();
    let said = Recordings::open(folder.path(), &run)
        .unwrap_err()
        .to_string();
    assert!(said.ends_with("it has more than 1024 MiB"), "{said}");
}

#[test]
fn no_text_of_a_run_reaches_a_terminal_or_a_page_as_more_than_text() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, run) = written(parent.path(), &DESIGNS[..2], 2);
    let mut contest = Contest::default().run();
    contest.slices.truncate(48);
    let hostile = "\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{7f}\u{202e}\u{2066}\u{2028}\r@team #1 <!-- <b>x</b> [a](b) ![c](d) | `e` ```";
    for run in [
        serde_json::to_value(&run).unwrap(),
        serde_json::to_value(&contest).unwrap(),
    ] {
        let mut places = Vec::new();
        texts(&run, "", "", &mut places);
        for (place, kind) in places {
            let mut changed = run.clone();
            let text = changed.pointer_mut(&place).unwrap();
            *text = json!(format!("{}{hostile}", text.as_str().unwrap()));
            write(folder.path(), &changed);
            let Ok(shown) = rendered(folder.path()) else {
                continue;
            };
            let active = |c: char| plain::is_active(c) && c != '\n';
            assert!(
                !shown.contains(active),
                "{kind}: {:?}",
                shown
                    .find(active)
                    .map(|at| shown[at..].chars().take(80).collect::<String>())
            );
            for file in ["summary.md", "index.html"] {
                let page = fs::read_to_string(folder.path().join(file)).unwrap();
                assert!(
                    !page.contains(|c| active(c) && c != '\t'),
                    "{kind} in {file}"
                );
                let obeyed = if file == "index.html" {
                    page.contains("<b>x</b>")
                } else {
                    // In a block of code it is text.
                    Parser::new_ext(&page, Options::all()).any(|event| {
                        matches!(
                            event,
                            Event::Html(_)
                                | Event::InlineHtml(_)
                                | Event::Start(Tag::Link { .. } | Tag::Image { .. })
                        )
                    })
                };
                assert!(!obeyed, "{kind} in {file}");
            }
        }
    }
}

fn texts(value: &Value, at: &str, kind: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(_) if !found.iter().any(|(_, known)| known == kind) => {
            found.push((at.to_owned(), kind.to_owned()));
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                texts(item, &format!("{at}/{place}"), &format!("{kind}/*"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                texts(
                    member,
                    &format!("{at}/{name}"),
                    &format!("{kind}/{name}"),
                    found,
                );
            }
        }
        _ => {}
    }
}

#[test]
fn a_run_folder_is_its_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS[..1], 1);
    let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
