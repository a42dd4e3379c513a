//! A history, played: each request is asked of the cached server and of the same without its cache.

use std::collections::HashMap;

use authlab_server::{BindTo, BindingKind, CacheKind, CredentialKind, FreshnessKind, VerifyKind};
use proptest::test_runner::TestCaseError;

use crate::asked::{Answer, Nth, Question, Resource, Sender, Shown, shown, with_body};
use crate::combination::{CACHE_TTL, Combination};
use crate::history::{Change, History, Later, Password, Setting, Step, Who};
use crate::promise::{Granted, Promise};
use crate::stand::{Grounds, Stand};
use crate::tally::Tally;

/// A store that did not answer, or an answer that is wrong.
pub(crate) enum Broken {
    Off,
    Promise(TestCaseError),
}

pub(crate) type Played<T = ()> = Result<T, Broken>;

/// A history under way.
pub(crate) struct Play<'a> {
    pub(crate) combination: &'a Combination,
    pub(crate) promise: Promise,
    pub(crate) setting: Setting,
    pub(crate) stand: Stand,
    pub(crate) tally: &'a Tally,
    /// Every credential that was had, the latest last.
    pub(crate) held: Vec<Held>,
    /// The refresh tokens of each session, the current one last.
    pub(crate) sessions: Vec<Vec<String>>,
    pub(crate) accounts: HashMap<Who, Password>,
    pub(crate) granted: Granted,
    rotated_at: Option<u64>,
    /// What was granted last: it is asked again after each change.
    recent: Vec<(Question, usize)>,
}

/// A credential that somebody has.
pub(crate) struct Held {
    pub(crate) text: String,
    /// A client's is nobody's.
    pub(crate) who: Option<Who>,
    /// Who signed in for it.
    pub(crate) from: Sender,
    pub(crate) until_seconds: u64,
    pub(crate) session: Option<usize>,
    pub(crate) device: u8,
    /// The one that it is made of, where it is one.
    pub(crate) password: Option<Password>,
    /// Somebody was told that it is over.
    pub(crate) has_ended: bool,
}

/// How many of the latest grants are asked again after a change.
const RECENT: usize = 2;

/// How often a server is asked whose store does not answer in time.
const MOST_TRIES: usize = 20;

/// Plays a history to its end.
pub(crate) async fn play(
    grounds: &Grounds,
    combination: &Combination,
    history: &History,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let stand = Stand::open(grounds, combination, &history.setting).await;
    let mut play = Play {
        combination,
        promise: Promise::of(combination),
        setting: history.setting,
        stand,
        tally,
        held: Vec::new(),
        sessions: Vec::new(),
        accounts: HashMap::new(),
        granted: Granted::nothing(combination),
        rotated_at: None,
        recent: Vec::new(),
    };
    tally.histories.add(1);
    match play.through(&history.steps).await {
        Ok(()) => {}
        Err(Broken::Off) => tally.broken_off.add(1),
        Err(Broken::Promise(wrong)) => return Err(wrong),
    }
    play.count().await;
    Ok(())
}

impl Play<'_> {
    /// An administrator and a user have signed in from home; then come the steps.
    async fn through(&mut self, steps: &[Step]) -> Played {
        for who in [Who::John, Who::Jane, Who::Alice] {
            self.accounts.insert(who, Password(0));
        }
        for who in [Who::John, Who::Jane] {
            self.sign_in(0, who, Password(0), Sender::Home, 0).await?;
        }
        for (i, step) in steps.iter().enumerate() {
            let at = i % self.stand.servers.len();
            match step {
                Step::Ask(question) => self.ask(*question).await?,
                Step::AskTogether(question) => self.ask_together(at, *question).await?,
                Step::AskMeanwhile(question, change, later) => {
                    self.ask_meanwhile(at, *question, change, *later).await?;
                }
                Step::Introspect(of) => self.introspect(*of).await?,
                Step::Do(change) => {
                    self.change(at, change).await?;
                    self.ask_again().await?;
                }
                Step::WaitSeconds(seconds) => {
                    let period = std::time::Duration::from_secs(*seconds);
                    self.stand.clock.advance(period);
                    self.ask_again().await?;
                }
            }
        }
        Ok(())
    }

    /// The place of a credential among those that were had.
    pub(crate) fn nth(&self, Nth(nth): Nth) -> Option<usize> {
        let held = self.held.len();
        (held > 0).then(|| held - 1 - usize::from(nth) % held)
    }

    async fn ask(&mut self, question: Question) -> Played {
        match self.nth(question.with) {
            Some(held) => self.ask_with(question, held).await,
            None => Ok(()),
        }
    }

    async fn ask_again(&mut self) -> Played {
        for (question, held) in self.recent.clone() {
            self.ask_with(question, held).await?;
        }
        Ok(())
    }

    /// Each server is asked before and after the same without its cache.
    async fn ask_with(&mut self, question: Question, held: usize) -> Played {
        for at in 0..self.stand.servers.len() {
            let first = self.cached(at, question, held).await?;
            let oracle = self.oracle(at, question, held).await?;
            let again = self.cached(at, question, held).await?;
            for cached in [first, again] {
                self.judge(at, question, held, &cached, &oracle).await?;
            }
        }
        Ok(())
    }

    /// Several who ask the same at once are answered as one who asks alone.
    async fn ask_together(&mut self, at: usize, question: Question) -> Played {
        let Some(held) = self.nth(question.with) else {
            return Ok(());
        };
        let ask = || self.cached(at, question, held);
        let (first, second, third) = tokio::join!(ask(), ask(), ask());
        let answers = [first?, second?, third?];
        let oracle = self.oracle(at, question, held).await?;
        for cached in answers {
            self.judge(at, question, held, &cached, &oracle).await?;
        }
        Ok(())
    }

    /// Who asks while something is changed is answered as before it or as after it, and whoever comes later as after it.
    async fn ask_meanwhile(
        &mut self,
        at: usize,
        question: Question,
        change: &Change,
        later: Later,
    ) -> Played {
        let Some(held) = self.nth(question.with) else {
            return self.change(at, change).await;
        };
        let before = self.oracle(at, question, held).await?;
        self.heard(question, held, &before);
        let app = self.stand.servers[at].cached.clone();
        let text = self.held[held].text.clone();
        let request = question.request(self.combination.design.credential, &text);
        let (answer, changed) = tokio::join!(Answer::of(&app, request), async {
            later.come().await;
            self.change(at, change).await
        });
        changed?;
        let after = self.oracle(at, question, held).await?;
        let fits = [before.status, after.status, 503].contains(&answer.status);
        if self.promise == Promise::Equal && !self.combination.is_articles() && !fits {
            return Err(self.wrong(
                question,
                held,
                &format!("{answer:?} meanwhile, {before:?} before, {after:?} after"),
            ));
        }
        self.ask_with(question, held).await?;
        self.ask_again().await
    }

    /// What another server is told of a credential is never remembered.
    async fn introspect(&mut self, of: Nth) -> Played {
        let is_told = matches!(
            self.combination.design.credential,
            CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
        );
        let (Some(held), true) = (self.nth(of), is_told) else {
            return Ok(());
        };
        if self.combination.design.verify == VerifyKind::Introspect {
            return Ok(());
        }
        for server in &self.stand.servers {
            let ask = || self.by_client("/oauth/introspect", held);
            let cached = Answer::of(&server.cached, ask()).await;
            let oracle = Answer::of(&server.oracle, ask()).await;
            if cached != oracle {
                return Err(Broken::Promise(TestCaseError::fail(format!(
                    "introspection: {cached:?}, uncached {oracle:?}"
                ))));
            }
        }
        Ok(())
    }

    pub(crate) fn by_client(
        &self,
        path: &str,
        held: usize,
    ) -> (
        hyper::Request<http_body_util::Full<hyper::body::Bytes>>,
        std::net::IpAddr,
    ) {
        let form = format!("token={}", self.held[held].text);
        client(path, &form)
    }

    async fn cached(&self, at: usize, question: Question, held: usize) -> Played<Answer> {
        self.answered(&self.stand.servers[at].cached, question, held)
            .await
    }

    pub(crate) async fn oracle(
        &self,
        at: usize,
        question: Question,
        held: usize,
    ) -> Played<Answer> {
        self.answered(&self.stand.servers[at].oracle, question, held)
            .await
    }

    async fn answered(
        &self,
        app: &authlab_server::App,
        question: Question,
        held: usize,
    ) -> Played<Answer> {
        let (kind, text) = (self.combination.design.credential, &self.held[held].text);
        for _ in 0..MOST_TRIES {
            let answer = Answer::of(app, question.request(kind, text)).await;
            if answer.status != 503 {
                return Ok(answer);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Err(Broken::Off)
    }
}

/// Judging.
impl Play<'_> {
    async fn judge(
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
            if !self.may_differ(at, question, held, cached).await? {
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
    fn is_same(&self, cached: &Answer, oracle: &Answer) -> bool {
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
    ) -> Played<bool> {
        let (credential, now) = (&self.held[held], self.stand.now_seconds());
        let seen = self.granted.seen(question, &credential.text);
        let by_token = self.combination.design.cache == CacheKind::Token;
        // Revocations, senders and the policy are looked after on each request, and so is what a central server
        // was asked.
        let rotated = self.combination.place.is_central() || self.rotated_within();
        // It is read beside its sessions on each request.
        let says_more = question.what == Resource::Account
            && self.combination.design.credential == CredentialKind::SessionJwt;
        let lasts = seen.iter().any(|seen| {
            seen.may_last(self.promise, now)
                && if by_token {
                    rotated
                } else {
                    question.is_granted(cached) && (says_more || seen.answer == *cached)
                }
        });
        if lasts || !self.combination.is_articles() {
            return Ok(lasts);
        }
        // The article's hole: whoever it is bound to may, as things are now.
        for seen in seen {
            if seen.answer == *cached && self.oracle(at, seen.question, held).await? == *cached {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a token that was signed by the keys of before may still be taken for good.
    fn rotated_within(&self) -> bool {
        let now = self.stand.now_seconds();
        self.rotated_at.is_some_and(|at| match self.promise {
            Promise::Equal => false,
            Promise::Within(cap) => now - at < cap.as_secs(),
            Promise::UntilEnd => true,
        })
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

/// What a change means for what comes after it.
impl Play<'_> {
    /// A change that its server answered ends these credentials.
    pub(crate) fn end(&mut self, ends: impl Fn(&Held) -> bool) {
        for held in &mut self.held {
            held.has_ended |= ends(held) && held.password.is_none();
        }
    }

    pub(crate) fn rotated(&mut self) {
        self.rotated_at = Some(self.stand.now_seconds());
    }

    /// Whether what is changed at the servers that are asked is to be seen at once, though what a central server changes
    /// by itself is not.
    pub(crate) fn sees_its_own(&self) -> bool {
        self.combination.place.is_central()
            && self.combination.design.freshness == FreshnessKind::Epoch
    }

    async fn count(&self) {
        for server in &self.stand.servers {
            self.tally.evictions.add(server.lab.cache_evictions());
            if self.setting.is_counted {
                let request = with_body(hyper::Request::get("/metrics"), "");
                let told = Answer::of(&server.cached, (request, Sender::Home.ip())).await;
                let hits = told.body.lines().find_map(|line| {
                    let count = line.strip_prefix("authlab_cache_hits_total ")?;
                    count.parse::<u64>().ok()
                });
                self.tally.hits.add(hits.unwrap());
            }
        }
    }
}

/// A request of the demo client.
pub(crate) fn client(
    path: &str,
    form: &str,
) -> (
    hyper::Request<http_body_util::Full<hyper::body::Bytes>>,
    std::net::IpAddr,
) {
    let builder = shown(
        hyper::Request::post(path),
        CredentialKind::Basic,
        // demo-client:demo-secret
        "ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=",
    );
    let builder = builder.header("content-type", "application/x-www-form-urlencoded");
    let builder = Sender::Home.named(builder);
    let body = http_body_util::Full::new(form.to_owned().into());
    (builder.body(body).unwrap(), Sender::Home.ip())
}

const _: () = assert!(CACHE_TTL.as_secs() == 60, "histories wait around it");
