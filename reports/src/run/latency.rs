//! Which time of a request is its latency: decided here, for every table, chart and verdict.

use serde::Serialize;

use super::{Figure, Load, LoadStep, Run, Slice};

/// A time of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Latency {
    /// Response time: from the intended start, corrected for coordinated omission. It holds the wait
    /// for a server that is behind.
    Response,
    /// Service time: from when the request was sent.
    Service,
}

impl Latency {
    /// What stands first. With the open model it is the response time, which users feel; with the
    /// closed model a request is intended when it is sent, and the service time leaves out what the
    /// generator takes.
    #[must_use]
    pub fn first(open: bool) -> Self {
        if open { Self::Response } else { Self::Service }
    }

    /// The metric of its figures.
    #[must_use]
    pub fn metric(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Response => "response time",
            Self::Service => "service time",
        }
    }
}

impl Load {
    /// The latency that stands first.
    #[must_use]
    pub fn latency(&self) -> Latency {
        Latency::first(self.open)
    }
}

impl Run {
    /// The load of that name.
    #[must_use]
    pub fn load(&self, name: &str) -> Option<&Load> {
        self.scenario.loads.iter().find(|load| load.name == name)
    }

    /// The latency that stands first under a load; that of closed users for a load that is not there.
    #[must_use]
    pub fn latency_of(&self, load: &str) -> Latency {
        self.load(load).map_or(Latency::Service, Load::latency)
    }

    /// The merged figure of the latency that stands first.
    #[must_use]
    pub fn latency(&self, variant: &str, at: &LoadStep) -> Option<&Figure> {
        self.figure(variant, at, self.latency_of(&at.load).metric())
    }

    /// The merged figure of the service time where that stands second, under the open model.
    #[must_use]
    pub fn second_latency(&self, variant: &str, at: &LoadStep) -> Option<&Figure> {
        let is_second = self.latency_of(&at.load) == Latency::Response;
        is_second
            .then(|| self.figure(variant, at, Latency::Service.metric()))
            .flatten()
    }
}

impl Slice {
    /// The figure of a step's latency that stands first: a slice that has planned arrivals is open.
    #[must_use]
    pub fn latency(&self, step: &str) -> Option<&Figure> {
        self.figure(step, Latency::first(self.planned.is_some()).metric())
    }
}
