//! Every published run in every form that it is read in: byte for byte what it was when a change began.
//!
//! `golden.txt` holds a digest of each form. Where one differs, what is rendered now lies in `golden/` of the target's
//! `tmp` folder, to be compared with what the parent commit renders there (`GOLDEN=keep` writes all of them);
//! `GOLDEN=accept` takes the new digests over.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use authlab_reports::duel::{Duel, benchmark, junit};
use authlab_reports::page::site::{self, Entry};
use authlab_reports::run::{Run, Terms};
use authlab_reports::{compare, finding, folder, page, render};
use sha2::{Digest as _, Sha256};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/golden.txt");

/// What a run is called beside the form of what is rendered of it.
type Renders = BTreeMap<String, String>;

#[test]
fn published_runs_are_rendered_as_before() {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("published");
    let mut folders: Vec<PathBuf> = fs::read_dir(&published)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("run.json").exists())
        .collect();
    folders.sort();
    assert!(folders.len() >= 9, "{folders:?}");
    let runs: Vec<(String, Run)> = folders
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, folder::read(path).unwrap())
        })
        .collect();
    let mut renders = Renders::new();
    for (name, run) in &runs {
        of_run(name, run, &mut renders);
    }
    of_site(&runs, &mut renders);
    let mut digests = String::new();
    for (name, render) in &renders {
        let digest: String = Sha256::digest(render.as_bytes())[..12]
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let _ = writeln!(digests, "{digest} {name}");
    }
    let wanted = std::env::var("GOLDEN").unwrap_or_default();
    if wanted == "accept" {
        fs::write(GOLDEN, &digests).unwrap();
    }
    let golden = fs::read_to_string(GOLDEN).unwrap();
    let others: Vec<&str> = digests
        .lines()
        .filter(|line| !golden.lines().any(|other| other == *line))
        .collect();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    for (name, render) in &renders {
        if wanted == "keep"
            || others
                .iter()
                .any(|line| line.ends_with(&format!(" {name}")))
        {
            let path = kept.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, render).unwrap();
        }
    }
    assert!(
        digests == golden,
        "rendered otherwise (see {}): {others:#?}",
        kept.display()
    );
}

/// Without the digits that another processor's logarithm may give otherwise: a number of ten significant ones.
fn rounded(json: &str) -> String {
    fn round(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Array(values) => values.iter_mut().for_each(round),
            serde_json::Value::Object(members) => members.values_mut().for_each(round),
            serde_json::Value::Number(number) if number.is_f64() => {
                *value = format!("{:.9e}", number.as_f64().unwrap()).into();
            }
            _ => {}
        }
    }
    let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
    // A library of the server's may have maps keep the order in which they are read.
    value.sort_all_objects();
    round(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

fn of_run(name: &str, run: &Run, renders: &mut Renders) {
    let mut add = |form: &str, text: String| {
        let is_json = Path::new(form)
            .extension()
            .is_some_and(|kind| kind == "json");
        let text = if is_json { rounded(&text) } else { text };
        let earlier = renders.insert(format!("{name}/{form}"), text);
        assert_eq!(earlier, None, "{name} {form}");
    };
    add("run.txt", render::text(&finding::document(run)));
    add("summary.md", render::markdown(&finding::document(run)));
    add("index.html", page::render(run).unwrap());
    if let Some(picture) = page::picture(run).unwrap() {
        add("ladder.svg", picture);
    }
    let base = run.scenario.baseline.as_str();
    for variant in &run.variants {
        let head = variant.name.as_str();
        if head == base {
            continue;
        }
        let comparison = compare::within(run, base, head, &[]).unwrap();
        add(
            &format!("{head}.compare.txt"),
            render::text(&comparison.document()),
        );
        add(
            &format!("{head}.compare.md"),
            render::markdown(&comparison.document()),
        );
        add(&format!("{head}.compare.json"), comparison.json().unwrap());
        let replay = Some("run.json");
        let Ok(duel) = Duel::of(run, &Terms::of(run, base, head)) else {
            continue;
        };
        add(
            &format!("{head}.duel.txt"),
            render::text(&duel.document(replay)),
        );
        add(
            &format!("{head}.duel.md"),
            render::markdown(&duel.document(replay)),
        );
        add(&format!("{head}.duel.json"), duel.json().unwrap());
        add(
            &format!("{head}.duel.xml"),
            junit::render(&duel, replay).unwrap(),
        );
        add(
            &format!("{head}.benchmark.json"),
            benchmark::render(&duel).unwrap(),
        );
    }
}

/// The lab's site, and two runs beside each other.
fn of_site(runs: &[(String, Run)], renders: &mut Renders) {
    let entries: Vec<Entry> = runs
        .iter()
        .map(|(name, run)| Entry::of(run, format!("{name}/index.html")))
        .collect();
    let missing = ["another".to_owned()];
    let ran: Vec<_> = runs
        .iter()
        .map(|(name, run)| (name.as_str(), &run.machine))
        .collect();
    renders.insert(
        "site.html".into(),
        site::render(&entries, &missing, &ran, None, "authlab lab"),
    );
    let (first, last) = (&runs[0].1, &runs[runs.len() - 1].1);
    let comparison = compare::between(first, last, &[]);
    renders.insert(
        "between.compare.md".into(),
        render::markdown(&comparison.document()),
    );
}
