//! Open loads compared: what a step felt in each, and what a request cost the server.

use crate::quantity;
use crate::run::{Load, LoadStep, Run};
use crate::section::summary;

/// A sentence for each open load that makes the ladder's step, where there are several: a quiet one and a storm.
pub(super) fn sentences(run: &Run) -> Vec<String> {
    let loads = loads(run);
    if loads.len() < 2 {
        return Vec::new();
    }
    let step = &run.scenario.ladder.latency.step;
    let said = loads.iter().filter_map(|load| sentence(run, load, step));
    said.collect()
}

/// The open loads whose journeys begin with the ladder's step.
pub(super) fn loads(run: &Run) -> Vec<&Load> {
    let step = &run.scenario.ladder.latency.step;
    let loads = run.scenario.loads.iter();
    loads
        .filter(|load| load.open && load.steps.contains(step))
        // What follows another request of its journey has waited for that one, and for nothing else.
        .filter(|load| load.first.is_empty() || load.first.contains(step))
        .collect()
}

fn sentence(run: &Run, load: &Load, step: &str) -> Option<String> {
    let at = LoadStep {
        load: load.name.clone(),
        step: step.to_owned(),
    };
    let parts: Vec<String> = run
        .variants
        .iter()
        .filter_map(|variant| {
            let figure = run.latency(&variant.name, &at)?;
            let cpu = summary::cpu_ns(run, &load.name, &variant.name);
            let cpu = cpu.map_or_else(String::new, |cpu| {
                format!(
                    ", {} of server CPU a request",
                    quantity::duration(cpu.median)
                )
            });
            let p99 = quantity::duration(figure.at(99.0) as f64);
            // Without the send delay of the generator, and without the wait for a free user.
            let service = run.second_latency(&variant.name, &at);
            let service_time = service.map_or_else(String::new, |figure| {
                format!(
                    " ({} service time)",
                    quantity::duration(figure.at(99.0) as f64)
                )
            });
            let of = load.latency().label();
            Some(format!("{} {p99} {of}{service_time}{cpu}", variant.label))
        })
        .collect();
    (!parts.is_empty()).then(|| format!("p99 of {step} under {}: {}", load.name, parts.join("; ")))
}
