//! Judging: what is never granted, by whatever cache, and where the cached answer may be another.

use authlab_server::{BindTo, BindingKind, CacheKind, CredentialKind};
use proptest::test_runner::TestCaseError;

use crate::asked::{Question, Resource, Sender, Shown};
use crate::played::{Broken, Held, Play, Played};
use crate::sent::Answer;

/// How many of the latest grants are asked again after a change.
const RECENT: usize = 2;

impl Play<'_> {
    /// Compares what a cached server answered with what it does without its cache.
    pub(crate) async fn judge(
        &mut self,
        at: usize,
        question: Question,
        held: usize,
        cached: &Answer,
        oracle: &Answer,
    ) -> Played {
        let (credential, now) = (&self.held[held], self.stand.now_seconds());
        let has_ended = self.has_ended(credential);
        let (passes, may) = (question.is_granted(cached), question.is_granted(oracle));
        if has_ended && may {
            return Err(self.wrong(question, held, "what has ended is granted without a cache"));
        }
        if now >= credential.until_seconds && passes {
            return Err(self.wrong(question, held, "it is granted beyond its end"));
        }
        if passes && question.shown != Shown::AsItIs {
            return Err(self.wrong(question, held, "it is granted without its credential"));
        }
        let is_thief = !self.is_bound_to(credential, question.from);
        if passes && is_thief && !self.combination.is_articles() {
            return Err(self.wrong(
                question,
                held,
                "it is granted to another than it is bound to",
            ));
        }
        if !self.is_same(cached, oracle) {
            let said = format!("{cached:?}, uncached {oracle:?}");
            if !self.may_differ(at, question, held, cached, oracle).await? {
                return Err(self.wrong(question, held, &said));
            }
            if is_thief && passes {
                self.tally.thieves.add(1);
            } else {
                self.tally.stale.add(1);
            }
        }
        self.heard(question, held, oracle);
        if may {
            self.tally.granted.add(1);
        } else {
            self.tally.refused.add(1);
            self.tally.ended.add(u64::from(has_ended));
        }
        Ok(())
    }

    /// Of a refusal that may itself be remembered, the reason may be the one that there was when it was first refused.
    pub(crate) fn is_same(&self, cached: &Answer, oracle: &Answer) -> bool {
        let both_refuse = cached.status == 401 && oracle.status == 401;
        if self.setting.denials > 0 && both_refuse {
            return cached.field("error") == oracle.field("error");
        }
        cached == oracle
    }

    /// Whether the cached answer is one that the combination may still give.
    async fn may_differ(
        &self,
        at: usize,
        question: Question,
        held: usize,
        cached: &Answer,
        oracle: &Answer,
    ) -> Played<bool> {
        let (credential, now) = (&self.held[held], self.stand.now_seconds());
        let by_token = self.combination.design.cache == CacheKind::Token;
        // What is remembered of a central server's answer may be too little by now; otherwise a cache refuses nothing.
        let says_less = by_token && self.combination.place.is_central() && cached.status == 403;
        if question.is_granted(oracle) && !question.is_granted(cached) && !says_less {
            return Ok(false);
        }
        let seen = self.granted.seen(question, &credential.text);
        // Of a token that is verified here, revocation, sender and policy are looked after on each request: other keys alone
        // may go unseen.
        let may_be_old = self.combination.place.is_central() || self.rotated_within();
        // An account's document is read anew, beside a grant that is not; it may be gone.
        let says_more = question.what == Resource::Account
            && self.combination.design.credential == CredentialKind::SessionJwt;
        let lasts = seen.iter().any(|seen| {
            seen.may_last(self.promise, now, self.changed_at)
                && if by_token {
                    may_be_old
                } else {
                    says_more || question.is_granted(cached) && seen.answer == *cached
                }
        });
        if lasts || !self.combination.is_articles() {
            return Ok(lasts);
        }
        // The article's hole: whoever it is bound to may, as things are now. What is listed is read anew, whoever asks.
        for seen in seen {
            let was_granted = seen.question.is_granted(&seen.answer);
            if was_granted && self.oracle(at, seen.question, held).await? == *cached {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a token that was signed by the keys of before may still be taken for good.
    fn rotated_within(&self) -> bool {
        let (now, at) = (self.stand.now_seconds(), self.rotated_at);
        at.is_some() && self.promise.lasts(now, at, at)
    }

    /// Whether it is over: somebody was told so, or its password is no longer the account's.
    fn has_ended(&self, held: &Held) -> bool {
        let is_known = |(who, password)| self.accounts.get(&who) == Some(&password);
        let shown = held.who.zip(held.password);
        held.has_ended || shown.is_some_and(|shown| !is_known(shown))
    }

    fn is_bound_to(&self, held: &Held, from: Sender) -> bool {
        if self.setting.binding == BindingKind::None
            || self.combination.design.credential == CredentialKind::Basic
        {
            return true;
        }
        let same_address = from.ip().to_canonical() == held.from.ip().to_canonical();
        let same_agent = from.user_agent() == held.from.user_agent();
        same_agent && (same_address || self.setting.bind_to == BindTo::UserAgent)
    }

    /// What the server says without its cache: a grant of it may be remembered with one, and is asked again.
    pub(crate) fn heard(&mut self, question: Question, held: usize, oracle: &Answer) {
        let may = question.is_granted(oracle);
        if may || self.combination.design.cache == CacheKind::Token {
            let (text, now) = (&self.held[held].text, self.stand.now_seconds());
            self.granted.note(question, text, oracle, now);
        }
        if may {
            self.recent.retain(|known| *known != (question, held));
            self.recent.push((question, held));
            if self.recent.len() > RECENT {
                self.recent.remove(0);
            }
        }
    }

    pub(crate) fn wrong(&self, question: Question, held: usize, what: &str) -> Broken {
        let Held {
            who, from, device, ..
        } = &self.held[held];
        let has_ended = self.has_ended(&self.held[held]);
        let whose = who.map_or("a client's".to_owned(), |who| format!("{who:?}'s"));
        Broken::Promise(TestCaseError::fail(format!(
            "{question:?} with credential no. {held} ({whose}, from {from:?}, device {device}, ended: {has_ended}): {what}"
        )))
    }
}
