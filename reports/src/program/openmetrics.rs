//! A run as time series in OpenMetrics 1.0, with the instants at which they were measured: what Prometheus takes in
//! (`promtool tsdb create-blocks-from openmetrics`), and Grafana shows.

use jiff::Timestamp;

use super::Part;
use crate::run::{Figure, Latency, PERCENTILES, Run};

/// A family of samples, which the format wants side by side.
struct Family {
    name: &'static str,
    help: &'static str,
    samples: String,
}

/// Every slice, or every second of a continuous one, as samples at its end.
///
/// # Errors
/// When the run does not say when it started.
pub fn openmetrics(run: &Run) -> Result<String, jiff::Error> {
    let started: Timestamp = run.started.parse()?;
    let started_ns = started.as_nanosecond();
    let family = |name, help| Family {
        name,
        help,
        samples: String::new(),
    };
    let mut rate = family("authlab_requests_per_second", "Answers as expected.");
    let mut failed = family("authlab_failed_requests", "Failures in the interval.");
    let mut times = [Latency::Response, Latency::Service].map(|latency| match latency {
        Latency::Response => (
            latency,
            family(
                "authlab_response_time_seconds",
                "From the intended start to the last byte; quantile 1 is the maximum.",
            ),
        ),
        Latency::Service => (
            latency,
            family(
                "authlab_service_time_seconds",
                "From sending to the last byte; quantile 1 is the maximum.",
            ),
        ),
    });
    for slice in run.slices.iter().filter(|slice| !slice.was_paused()) {
        let of_load = labels(&[("variant", &slice.variant), ("load", &slice.load)]);
        for part in Part::of(slice) {
            let end_ns = started_ns + i128::from(part.start_ns) + i128::from(part.length_ns);
            let at = seconds(end_ns);
            if let Some(per_second) = part.per_second {
                rate.add(&of_load, per_second, &at);
            }
            failed.add(&of_load, part.failed as f64, &at);
            for (latency, family) in &mut times {
                let measured = part.figures.iter();
                for figure in measured.filter(|it| it.metric == latency.metric() && it.count > 0) {
                    let step = labels(&[("step", &figure.step)]);
                    for (quantile, ns) in quantiles(figure) {
                        let labels = format!("{of_load},{step},quantile=\"{quantile}\"");
                        family.add(&labels, ns as f64 / 1e9, &at);
                    }
                }
            }
        }
    }
    let [(_, response), (_, service)] = times;
    let families = [rate, failed, response, service].map(Family::text);
    Ok(format!("{}# EOF\n", families.concat()))
}

impl Family {
    fn add(&mut self, labels: &str, value: f64, at: &str) {
        let parts = [
            self.name,
            "{",
            labels,
            "} ",
            &value.to_string(),
            " ",
            at,
            "\n",
        ];
        self.samples.extend(parts);
    }

    fn text(self) -> String {
        let Self {
            name,
            help,
            samples,
        } = self;
        if samples.is_empty() {
            return String::new();
        }
        format!("# TYPE {name} gauge\n# HELP {name} {help}\n{samples}")
    }
}

fn quantiles(figure: &Figure) -> impl Iterator<Item = (f64, u64)> {
    let held = PERCENTILES.iter().zip(&figure.percentiles);
    // 99.99 / 100 has no exact place among binary fractions: five digits are those that were meant.
    let share = |percentile: f64| (percentile * 1e3).round() / 1e5;
    held.map(move |(percentile, ns)| (share(*percentile), *ns))
        .chain([(1.0, figure.max)])
}

/// Seconds since 1970, to the millisecond that Prometheus keeps.
fn seconds(ns: i128) -> String {
    let ms = ns.div_euclid(1_000_000);
    format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000))
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| {
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_label_may_hold_is_escaped_and_instants_are_milliseconds() {
        assert_eq!(
            labels(&[("load", "a\"b\\c\nd"), ("step", "é")]),
            r#"load="a\"b\\c\nd",step="é""#
        );
        assert_eq!(seconds(1_796_031_378_481_267_594), "1796031378.481");
        assert_eq!(seconds(1_000_000), "0.001");
    }
}
