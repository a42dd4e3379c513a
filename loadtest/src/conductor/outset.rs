//! A run before its first slice.

use authlab_reports::run::{self, Run, Status, Validity};

use super::Order;
use crate::arrivals::trace::Trace;
use crate::scenario::{Load, Scenario};
use crate::{awake, machine};

/// The run before its first slice: marked partial until it is not.
pub(super) fn run(scenario: &Scenario, order: &Order) -> Run {
    let now = jiff::Timestamp::now();
    Run {
        format: run::FORMAT_VERSION,
        id: format!(
            "{}-{}{}",
            now.strftime("%Y%m%dT%H%M%SZ"),
            scenario.name,
            order.shard.map_or(String::new(), |shard| {
                format!("-{}-of-{}", shard.share.number(), shard.share.of())
            })
        ),
        status: Status::Partial("it was still running, or was killed".to_owned()),
        scenario: described(scenario),
        command: order.command.clone(),
        seed: order.seed,
        started: now.to_string(),
        elapsed_s: 0.0,
        tool: order.tool.clone(),
        machine: machine::describe(&order.cores),
        validity: Validity {
            verdict: run::Verdict::Empty,
            reasons: vec!["nothing was measured".to_owned()],
        },
        variants: scenario
            .variants
            .iter()
            .map(|variant| run::Variant {
                name: variant.name.clone(),
                label: variant.label.clone(),
                target: String::new(),
                beside: Vec::new(),
                gives_up: variant.gives_up.clone(),
            })
            .collect(),
        slices: Vec::new(),
        merged: Vec::new(),
        capacities: Vec::new(),
        calibration: order.calibration.clone(),
        shard: order.shard.map(|shard| run::Shard {
            number: shard.share.number(),
            of: shard.share.of(),
            start_at: shard.start_at.to_string(),
        }),
        merged_from: Vec::new(),
        duel: order.duel.clone(),
        awake: order.awake && awake::possible(scenario, &order.cores),
        instructions: order.instructions.clone(),
        silent: None,
    }
}

/// What a run says of its scenario.
pub(crate) fn described(scenario: &Scenario) -> run::Scenario {
    let load = |load: &Load| run::Load {
        name: load.name.clone(),
        users: load.users,
        streams: load.streams,
        open: load.arrivals.are_open(),
        steps: load
            .timed_steps()
            .into_iter()
            .map(|step| scenario.steps[step].name.clone())
            .collect(),
        first: match &load.first_steps()[..] {
            [_] => Vec::new(),
            several => several
                .iter()
                .map(|step| scenario.steps[*step].name.clone())
                .collect(),
        },
        blocks: load.blocks,
        slice_ms: u64::try_from(load.slice.as_millis()).unwrap_or(u64::MAX),
        trace: load.trace().map(Trace::words),
    };
    run::Scenario {
        name: scenario.name.clone(),
        question: scenario.question.clone(),
        profile: scenario.profile.clone(),
        file: scenario.path.clone(),
        baseline: scenario.variants[scenario.baseline].name.clone(),
        loads: scenario.loads.iter().map(load).collect(),
        ladder: scenario.ladder.clone(),
        changes: scenario.changes.clone(),
    }
}
