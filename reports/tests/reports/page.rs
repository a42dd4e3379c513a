//! The page of a run: what is on it, and that it needs nothing else.

use std::{fs, path::Path};

use authlab_reports::{
    folder, page,
    run::{Attack, CacheUse, Run},
};

use crate::renderings::measured;
use crate::synthetic::{DESIGNS, written};

const LARGEST_PAGE_BYTES: u64 = 1 << 20;

#[test]
fn a_page_is_one_small_file_that_needs_no_network() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS, 6);
    let page = fs::read_to_string(folder.path().join("index.html")).unwrap();
    // A copy for eyes: CARGO_TARGET_TMPDIR/page/index.html.
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&copy).unwrap();
    for name in ["index.html", "ladder.svg", "summary.md", "run.json"] {
        fs::copy(folder.path().join(name), copy.join(name)).unwrap();
    }
    assert!((page.len() as u64) < LARGEST_PAGE_BYTES, "{}", page.len());
    for outside in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let addresses: Vec<&str> = page
        .match_indices("http")
        .map(|(at, _)| &page[at..at + 20])
        .collect();
    assert!(
        addresses
            .iter()
            .all(|address| address.starts_with("http://www.w3.org/20")),
        "{addresses:?}"
    );
}

#[test]
fn a_page_has_every_curve_and_every_stage_and_words_for_those_who_do_not_see_them() {
    let page = page::render(&measured()).unwrap();
    // Three load-steps and the time line, wide and narrow, a curve for each variant.
    assert_eq!(curves(&page).count(), (3 + 1) * 2 * DESIGNS.len());
    // The finding, three load-steps, the time line and the stages.
    assert_eq!(page.matches("role=\"img\"").count(), 2 * (1 + 3 + 1 + 1));
    // Figures of each of them, and what else was found.
    assert_eq!(page.matches("<details>").count(), 3 + 1 + 1);
    assert!(page.contains("data-column=\"binding\""));
}

#[test]
fn stages_are_drawn_as_shares_of_one_axis() {
    let page = page::render(&measured()).unwrap();
    let (_, stages) = page.split_once("time goes: one-user, items").unwrap();
    for said in [
        "\n0 %\n",
        "\n50 %\n",
        "\n100 %\n",
        "\nshare of the server",
        "data-column=\"samples\"",
    ] {
        assert!(stages.contains(said), "{said}: {stages}");
    }
}

#[test]
fn stages_told_under_a_load_of_their_own_are_shown() {
    let mut run = measured();
    for figure in run
        .merged
        .iter_mut()
        .filter(|figure| figure.metric.starts_with("stage-"))
    {
        figure.load = "stages".into();
    }
    assert!(
        page::render(&run)
            .unwrap()
            .contains("time goes: stages, items")
    );
}

/// The elements of variants' lines.
fn curves(page: &str) -> impl Iterator<Item = &str> {
    let elements = page.split("<polyline").skip(1);
    elements
        .filter_map(|element| element.split_once("/>"))
        .map(|(element, _)| element)
        .filter(|element| element.contains("data-variant=\""))
}

#[test]
fn the_largest_published_run_is_a_page_of_less_than_a_megabyte() {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("published");
    let mut rendered = 0;
    for entry in fs::read_dir(published).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("run.json").exists() {
            continue;
        }
        let page = page::render(&folder::read(&folder).unwrap()).unwrap();
        assert!(
            (page.len() as u64) < LARGEST_PAGE_BYTES,
            "{}: {} bytes",
            folder.display(),
            page.len()
        );
        rendered += 1;
    }
    assert!(rendered >= 3, "{rendered}");
}

#[test]
fn what_is_said_of_a_curve_are_as_many_points_as_it_has() {
    let page = page::render(&measured()).unwrap();
    let mut charts = 0;
    for figure in page.split("<figure>").skip(1) {
        let (figure, _) = figure.split_once("</figure>").unwrap();
        let Some((_, data)) = figure.split_once("class=\"points\">") else {
            continue;
        };
        let (data, _) = data.split_once("</script>").unwrap();
        let said: serde_json::Value = serde_json::from_str(data).unwrap();
        for variant in said.as_array().unwrap() {
            let mark = format!("data-variant=\"{}\"", variant["place"]);
            let drawn: Vec<usize> = curves(figure)
                .filter(|element| element.contains(&mark))
                .map(|element| element.split("points=\"").nth(1).unwrap())
                .map(|points| points.trim_end_matches([' ', '"']).split(' ').count())
                .collect();
            let lines = variant["lines"].as_array().unwrap();
            let said: Vec<usize> = lines
                .iter()
                .map(|line| line.as_array().unwrap().len())
                .collect();
            // Once for a page, once for a phone.
            assert_eq!(drawn, [said.clone(), said].concat(), "{}", variant["label"]);
        }
        charts += 1;
    }
    assert_eq!(charts, 4);
    for said in ["50 % · 5", "99.9 % · ", "max · ", "block 5, after "] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn what_a_cache_had_stands_beside_the_ideal_where_that_is_known() {
    let mut run = measured();
    assert!(!page::render(&run).unwrap().contains("What the caches had"));
    for (variant, ideal) in [("md5-article", Some(800)), ("sha256-route", None)] {
        let slices = &mut run.slices;
        let slice = slices.iter_mut().find(|slice| slice.variant == variant);
        slice.unwrap().cache = Some(CacheUse {
            asked: 1_000,
            hits: 750,
            ideal,
        });
    }
    let page = page::render(&run).unwrap();
    let (_, table) = page.split_once("What the caches had</h2>").unwrap();
    for said in [
        "data-column=\"hits\">75.0 %",
        "data-column=\"ideal\">80.0 %",
        "data-column=\"ideal\">–",
    ] {
        assert!(table.contains(said), "{said}");
    }
}

#[test]
fn an_attack_that_was_not_run_leaves_its_cell_open() {
    let mut run = measured();
    let of = |run: &Run, variant: &str| {
        let found = run.slices.iter().position(|slice| slice.variant == variant);
        found.unwrap()
    };
    let (stolen, safe) = (of(&run, "md5-article"), of(&run, "sha256-route"));
    let tried = |passed| Attack { tried: 500, passed };
    run.slices[stolen].attacks = [("theft".to_owned(), tried(500))].into();
    run.slices[safe].attacks = [
        ("theft".to_owned(), tried(0)),
        ("guessing".to_owned(), tried(5)),
    ]
    .into();
    (run.slices[safe].probed, run.slices[stolen].probed) = (9_812, 1_000);
    run.slices[stolen].stale = 65;
    let mut passed = run.merged[0].clone();
    passed.variant = "md5-article".into();
    passed.metric = "stale".into();
    (passed.count, passed.max) = (65, 975_000_000);
    passed.percentiles = vec![400_000_000; 6];
    run.merged.push(passed);
    let page = page::render(&run).unwrap();
    let (_, table) = page.split_once("aria-label=\"Cost and safety\"").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    let cells = |variant: &str| -> Vec<String> {
        let (_, row) = table.split_once(variant).unwrap();
        let (row, _) = row.split_once("</tr>").unwrap();
        let safety = [
            "theft",
            "replay",
            "flood",
            "guessing",
            "stale window",
            "revoke",
        ];
        safety
            .map(|name| {
                let (_, cell) = row.split_once(&format!("data-column=\"{name}\"")).unwrap();
                let (cell, _) = cell.split_once("</td>").unwrap();
                cell.trim_start_matches([' ', '>']).replace('\u{a0}', " ")
            })
            .into()
    };
    assert_eq!(cells("md5, no cache"), ["–"; 6]);
    assert_eq!(
        cells("md5 + article key"),
        [
            "class=\"unsafe\">100.0 % of 500",
            "–",
            "–",
            "–",
            "class=\"unsafe\">975 ms",
            "class=\"unsafe\">6.50 % of 1\u{202f}000"
        ]
    );
    assert_eq!(
        cells("sha256 + route key"),
        [
            "class=\"safe\">0 of 500",
            "–",
            "–",
            "class=\"unsafe\">1.00 % of 500",
            "class=\"safe\">0 s",
            "class=\"safe\">0 of 9\u{202f}812"
        ]
    );
    let (_, strips) = page.split_once("<h2>After a revoke</h2>").unwrap();
    for said in [
        "md5 + article key · 6.50 % (65 of 1\u{202f}000), longest 975 ms",
        "sha256 + route key, epoch · 0 of 9\u{202f}812",
        "data-column=\"p99\">400 ms",
    ] {
        assert!(strips.contains(said), "{said}");
    }
}
