//! Where a cached server may answer otherwise than the same without its cache, and for how long.

use std::collections::HashMap;
use std::time::Duration;

use authlab_server::{CacheKey, CacheKind, CacheStore, FreshnessKind};

use crate::asked::{Question, Resource, Sender, Spelling};
use crate::combination::{CACHE_TTL, Combination};
use crate::sent::Answer;

/// What a combination promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nowhere and never.
    Equal,
    /// What was granted may be granted that much longer.
    Within(Duration),
    /// The same, counted from the change that ended it.
    WithinOfChange(Duration),
    /// What was granted may be granted until the token's end.
    UntilEnd,
}

impl Promise {
    pub(crate) fn of(combination: &Combination) -> Self {
        let design = &combination.design;
        let is_shared = matches!(design.cache_store, CacheStore::Redis | CacheStore::Tiered);
        let is_unseen = combination.place.is_central() && !is_shared;
        match design.freshness {
            FreshnessKind::Epoch | FreshnessKind::Denylist if !is_unseen => Self::Equal,
            FreshnessKind::Epoch | FreshnessKind::Denylist | FreshnessKind::Ttl => {
                Self::Within(CACHE_TTL)
            }
            FreshnessKind::StatusList => Self::WithinOfChange(CACHE_TTL),
            FreshnessKind::Exp => Self::UntilEnd,
        }
    }
}

impl Promise {
    /// Whether what was so until a change may still be so: `seen_at` is when it was seen last, `changed_at` when anything was
    /// changed last.
    pub(crate) fn lasts(
        self,
        now_seconds: u64,
        seen_at: Option<u64>,
        changed_at: Option<u64>,
    ) -> bool {
        let is_within = |cap: Duration, since: Option<u64>| {
            since.is_some_and(|since| now_seconds - since < cap.as_secs())
        };
        match self {
            Self::Equal => false,
            Self::Within(cap) => is_within(cap, seen_at),
            Self::WithinOfChange(cap) => is_within(cap, changed_at),
            Self::UntilEnd => true,
        }
    }
}

/// What an entry of the cache is about: requests that are the same by this may share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Subject {
    credential: String,
    place: Option<(Resource, Option<Spelling>)>,
    sender: Option<Sender>,
}

/// An answer that the uncached server gave.
pub(crate) struct Seen {
    at_seconds: u64,
    pub(crate) question: Question,
    pub(crate) answer: Answer,
}

/// What the uncached server granted so far; of a cache of tokens, which it took for good.
pub(crate) struct Granted {
    cache: CacheKind,
    key: CacheKey,
    is_told: bool,
    seen: HashMap<Subject, Vec<Seen>>,
}

impl Granted {
    pub(crate) fn nothing(combination: &Combination) -> Self {
        Self {
            cache: combination.design.cache,
            key: combination.design.cache_key,
            is_told: combination.place.is_central(),
            seen: HashMap::new(),
        }
    }

    /// What was granted for the same entry.
    pub(crate) fn seen(&self, question: Question, credential: &str) -> &[Seen] {
        let subject = self.subject(question, credential);
        self.seen.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// The uncached server answered so.
    pub(crate) fn note(
        &mut self,
        question: Question,
        credential: &str,
        answer: &Answer,
        now_seconds: u64,
    ) {
        let counts = match self.cache {
            CacheKind::Token => answer.status != 401,
            _ => true,
        };
        if !counts {
            return;
        }
        let subject = self.subject(question, credential);
        let seen = self.seen.entry(subject).or_default();
        seen.retain(|seen| seen.answer != *answer || seen.question != question);
        seen.push(Seen {
            at_seconds: now_seconds,
            question,
            answer: answer.clone(),
        });
    }

    /// What was granted to this credential may be granted no longer.
    pub(crate) fn forget(&mut self, credential: &str) {
        self.seen
            .retain(|subject, _| subject.credential != credential);
    }

    /// Nor anything else.
    pub(crate) fn forget_all(&mut self) {
        self.seen.clear();
    }

    fn subject(&self, question: Question, credential: &str) -> Subject {
        let sender = Some(question.from.one_form());
        let (place, sender) = match (self.cache, self.key) {
            (CacheKind::Token, _) => (None, sender.filter(|_| self.is_told)),
            (_, CacheKey::Route) => (Some((question.what, None)), sender),
            (_, CacheKey::Sender) => (
                Some((question.what, Some(question.spelled.one_form()))),
                sender,
            ),
            (_, CacheKey::Article) => (
                Some((question.what, Some(question.spelled.one_form()))),
                None,
            ),
        };
        Subject {
            credential: question.text(credential),
            place,
            sender,
        }
    }
}

impl Seen {
    /// Whether an entry that was written then may still be used.
    pub(crate) fn may_last(
        &self,
        promise: Promise,
        now_seconds: u64,
        changed_at: Option<u64>,
    ) -> bool {
        promise.lasts(now_seconds, Some(self.at_seconds), changed_at)
    }
}
