//! A server that stops answering ends the run: each of its slices would wait for a whole timeout.

use authlab_reports::run::Silent;

use super::ride::Ran;
use super::{Conductor, RunError};
use crate::scenario::Load;

/// Slices in a row, those of warm-ups among them, in which a variant answers nothing.
pub(super) const SILENT_SLICES: usize = 2;

impl Conductor<'_> {
    /// Notes whether the variant answered in a slice; an error when it has not for too long.
    pub(super) fn listen(
        &mut self,
        load: &Load,
        variant: usize,
        ran: &Ran,
    ) -> Result<(), RunError> {
        let heard = &mut self.heard[variant];
        if !ran.taken.is_silent {
            heard.has_answered |= ran.taken.ok > 0;
            heard.silent = 0;
            return Ok(());
        }
        heard.silent += 1;
        if heard.silent < SILENT_SLICES || ran.paused.is_some() {
            return Ok(());
        }
        let slices = heard.silent;
        Err(self.silence(load, variant, slices))
    }

    /// The error that a variant answers nothing. Where neither side of a duel does, that is said of its base.
    pub(super) fn silence(&self, load: &Load, variant: usize, slices: usize) -> RunError {
        let is_duel = self.order.duel.is_some();
        let named = if is_duel && !self.heard[0].has_answered {
            0
        } else {
            variant
        };
        RunError::Silent(Silent {
            variant: self.scenario.variants[named].name.clone(),
            load: load.name.clone(),
            slices,
            timeout_ms: u64::try_from(load.timeout.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// What was heard of a variant so far.
#[derive(Default)]
pub(super) struct Heard {
    /// It has answered a request as its step expects.
    has_answered: bool,
    /// Slices in a row without an answer.
    silent: usize,
}
