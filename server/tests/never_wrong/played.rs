//! A history, played: each request is asked of the cached server and of the same without its cache.

use std::collections::HashMap;
use std::time::Duration;

use authlab_server::{App, CredentialKind, FreshnessKind, VerifyKind};
use proptest::test_runner::TestCaseError;

use crate::asked::{Nth, Question, Sender};
use crate::changed::done;
use crate::combination::Combination;
use crate::history::{Change, History, Later, Password, Setting, Step, Who};
use crate::promise::{Granted, Promise};
use crate::sent::{Answer, Sent, client, with_body};
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
    pub(crate) grounds: &'a Grounds,
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
    pub(crate) rotated_at: Option<u64>,
    /// When anything was changed last.
    pub(crate) changed_at: Option<u64>,
    /// What was granted last: it is asked again after each change.
    pub(crate) recent: Vec<(Question, usize)>,
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
        grounds,
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
        changed_at: None,
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
        self.two_sign_in().await?;
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
                    self.outlast_leases();
                    self.ask_again().await?;
                }
                Step::WaitSeconds(seconds) => {
                    let period = Duration::from_secs(*seconds);
                    self.stand.clock.advance(period);
                    self.ask_again().await?;
                }
                Step::Fault(fault) => self.fault(*fault).await?,
            }
        }
        Ok(())
    }

    pub(crate) async fn two_sign_in(&mut self) -> Played {
        for who in [Who::John, Who::Jane] {
            if let Some(password) = self.accounts.get(&who).copied() {
                self.sign_in(0, who, password, Sender::Home, 0).await?;
            }
        }
        Ok(())
    }

    /// What one server changed another knows a lease later, and not always sooner.
    pub(crate) fn outlast_leases(&self) {
        if self.combination.place.is_over_redis() {
            self.stand.clock.advance(self.combination.design.lease.0);
        }
    }

    /// The place of a credential among those that were had.
    pub(crate) fn nth(&self, Nth(nth): Nth) -> Option<usize> {
        let held = self.held.len();
        (held > 0).then(|| held - 1 - usize::from(nth) % held)
    }

    pub(crate) async fn ask(&mut self, question: Question) -> Played {
        match self.nth(question.with) {
            Some(held) => self.ask_with(question, held).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn ask_again(&mut self) -> Played {
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
        // The server that changes it, or another.
        let asked = (at + usize::from(later.0)) % self.stand.servers.len();
        let before = self.oracle(asked, question, held).await?;
        self.heard(question, held, &before);
        let app = self.stand.servers[asked].cached.clone();
        let text = self.held[held].text.clone();
        let request = question.request(self.combination.design.credential, &text);
        let (answer, changed) = tokio::join!(Answer::of(&app, request), async {
            later.come().await;
            self.change(at, change).await
        });
        changed?;
        self.outlast_leases();
        let after = self.oracle(asked, question, held).await?;
        let fits = [before.status, after.status, 503].contains(&answer.status);
        if self.promise == Promise::Equal && !self.combination.is_articles() && !fits {
            let said = format!("{answer:?} meanwhile, {before:?} before, {after:?} after");
            return Err(self.wrong(question, held, &said));
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
            if cached != oracle && done(&cached).and(done(&oracle)).is_ok() {
                let wrong = format!("introspection: {cached:?}, uncached {oracle:?}");
                return Err(Broken::Promise(TestCaseError::fail(wrong)));
            }
        }
        Ok(())
    }

    pub(crate) fn by_client(&self, path: &str, held: usize) -> Sent {
        client(path, &format!("token={}", self.held[held].text))
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

    async fn answered(&self, app: &App, question: Question, held: usize) -> Played<Answer> {
        let (kind, text) = (self.combination.design.credential, &self.held[held].text);
        for _ in 0..MOST_TRIES {
            let answer = Answer::of(app, question.request(kind, text)).await;
            if answer.status != 503 {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(Broken::Off)
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
