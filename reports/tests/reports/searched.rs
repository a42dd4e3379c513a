//! What a run says of its capacity searches and of the calibration that it carries.

use authlab_reports::{
    ladder, page, render,
    run::calibration::{self, Calibration, Ceiling, Floor, Noise, Pacing},
    run::{Capacity, LimitedBy, Point, Run},
};
use insta::assert_snapshot;

use crate::synthetic::{DESIGNS, written};

/// A run of two searches and with a calibration.
fn searched() -> Run {
    let (_, mut run) = written(tempfile::tempdir().unwrap().path(), &DESIGNS, 2);
    run.capacities = vec![
        capacity("md5", 1_000.0, 21_500.0, LimitedBy::Latency),
        capacity("bcrypt-12", 1.0, 2.3, LimitedBy::Rate),
    ];
    run.calibration = Some(calibration(&run));
    run
}

/// Doubled until beyond `knee`, then halved between; latency grows as in a queue.
fn capacity(variant: &str, from: f64, knee: f64, limited_by: LimitedBy) -> Capacity {
    let doubled = (0..6).map(|n| from * f64::from(1 << n));
    let halved = [0.75, 0.9, 0.97, 1.02, 0.97].map(|share| share * knee);
    let tried = doubled.take_while(|rate| *rate < 2.0 * knee).chain(halved);
    let mut points: Vec<Point> = tried
        .map(|rate| {
            let queue = 1.0 / (1.0 - (rate / knee / 1.04).min(0.999));
            let p50 = 1e9 / knee / 4.0 * queue.sqrt();
            Point {
                offered_per_s: rate,
                achieved_per_s: rate.min(knee),
                p50_ns: p50 as u64,
                p99_ns: (p50 * 3.0 * queue) as u64,
                p999_ns: (p50 * 5.0 * queue) as u64,
                max_ns: (p50 * 9.0 * queue) as u64,
                limited_ns: (p50 * 3.0 * queue) as u64,
                errors: 0.0,
                busy: Some((rate / knee).min(1.0)),
                timer_p99_ns: 4_200,
                confirms: false,
                beyond: (rate > knee).then_some(limited_by),
            }
        })
        .collect();
    if let Some(last) = points.last_mut() {
        last.confirms = true;
    }
    Capacity {
        load: "search".into(),
        variant: variant.into(),
        slo: "p99 < 20ms".into(),
        errors: "< 0.1%".into(),
        rate: Some(0.97 * knee),
        beyond: Some(1.02 * knee),
        limited_by,
        points,
    }
}

pub(crate) fn calibration(run: &Run) -> Calibration {
    let pacing = |rate: f64, p99| Pacing {
        offered_per_s: rate,
        achieved_per_s: rate,
        timer_p50_ns: 400,
        timer_p99_ns: p99,
        service_p50_ns: 11_800,
    };
    let noise = |metric: &str, mad| Noise {
        metric: metric.into(),
        slice_ms: 100,
        blocks: 20,
        mad,
    };
    Calibration {
        format: calibration::FORMAT_VERSION,
        taken: "2026-11-21T20:00:00Z".into(),
        boot: "b007".into(),
        machine: run.machine.clone(),
        tool: run.tool.clone(),
        pacing: vec![pacing(100.0, 9_100), pacing(10_000.0, 4_200)],
        floor: Floor {
            service_p50_ns: 11_400,
            service_p99_ns: 19_800,
            epoll_p50_ns: 8_900,
        },
        ceiling: Ceiling {
            closed_per_s: 88_123.4,
            open_per_s: 79_456.7,
        },
        recording_ns: 61.5,
        noise: vec![noise("p50", 0.009), noise("p99", 0.19)],
        stale: None,
    }
}

fn text_of(run: &Run) -> String {
    render::text(&ladder::document(run))
}

#[test]
fn the_ladder_has_a_line_for_each_search_and_one_for_the_calibration() {
    assert_snapshot!(text_of(&searched()));
}

#[test]
fn the_summary_has_them_too_and_warns_of_a_calibration_that_does_not_hold() {
    let mut run = searched();
    run.calibration.as_mut().unwrap().stale = Some("the machine was started again since".into());
    assert_snapshot!(render::markdown(&ladder::document(&run)));
    let said = "the calibration does not hold: the machine was started again since";
    assert!(text_of(&run).contains(&format!("! {said}\n")));
    assert!(page::render(&run).unwrap().contains(said));
}

#[test]
fn a_search_says_what_its_rate_is_a_limit_of() {
    let found = |rate, beyond, limited_by| {
        let capacity = Capacity {
            rate,
            beyond,
            ..capacity("md5", 100.0, 1_000.0, limited_by)
        };
        capacity.sentence("md5, no cache")
    };
    let within = "within p99 < 20ms and errors < 0.1%";
    for (said, expected) in [
        (
            found(Some(950.0), Some(1_020.0), LimitedBy::Latency),
            format!("950/s {within}; at 1\u{202f}020/s latency left its limit"),
        ),
        (
            found(Some(950.0), None, LimitedBy::Generator),
            format!("at least 950/s {within}; the generator could not send more on time"),
        ),
        (
            found(None, Some(10.0), LimitedBy::Errors),
            format!("no rate {within}: too many requests failed"),
        ),
        (
            found(Some(950.0), None, LimitedBy::Interrupted),
            format!("950/s {within}; the search was cut short"),
        ),
    ] {
        assert_eq!(said, format!("search, md5, no cache: {expected}"));
    }
}

#[test]
fn a_page_draws_every_rate_tried_with_the_limit_and_tables_of_both() {
    let run = searched();
    let page = page::render(&run).unwrap();
    // A copy for eyes: CARGO_TARGET_TMPDIR/searched.html.
    let copy = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("searched.html");
    std::fs::write(copy, &page).unwrap();
    let (_, section) = page.split_once("<h2>Capacity: search</h2>").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    let points: Vec<&Point> = run.capacities.iter().flat_map(|c| &c.points).collect();
    let within = points.iter().filter(|point| point.beyond.is_none()).count();
    assert_eq!(section.matches("<circle").count(), 2 * within);
    assert_eq!(
        section.matches("<th role=\"rowheader\"").count(),
        points.len()
    );
    for said in [
        "p99 &lt; 20ms",
        "beyond: latency",
        "within, confirming",
        "10 ms",
    ] {
        assert!(section.contains(said), "{said}: {section}");
    }
    let (_, calibrated) = page.split_once("What this machine can tell apart").unwrap();
    for said in ["11.4 µs p50", "62 ns a request", "0.90 %", "100 ms"] {
        assert!(calibrated.contains(said), "{said}: {calibrated}");
    }
}

#[test]
fn a_search_in_which_nothing_was_answered_still_has_its_words_and_its_table() {
    let mut run = searched();
    for point in run.capacities.iter_mut().flat_map(|c| &mut c.points) {
        (point.p50_ns, point.p99_ns, point.errors) = (0, 0, 1.0);
    }
    run.capacities[0].points.truncate(1);
    run.capacities[1].points.clear();
    let page = page::render(&run).unwrap();
    let (_, section) = page.split_once("<h2>Capacity: search</h2>").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    assert!(
        !section.contains("<svg") && section.contains("100.0 %"),
        "{section}"
    );
}

#[test]
fn a_run_without_search_and_calibration_says_nothing_of_them() {
    let mut run = searched();
    run.capacities.clear();
    run.calibration = None;
    for text in [
        text_of(&run),
        render::markdown(&ladder::document(&run)),
        page::render(&run).unwrap(),
    ] {
        assert!(
            !text.contains("calibrat") && !text.contains("Capacity: "),
            "{text}"
        );
    }
}
