//! Faults among the steps of a history: of Redis, of the way to it, of clocks and of servers. Who is asked meanwhile is answered
//! as things are, or as they were less than a lease ago, or not at all.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use crate::asked::{Question, Resource};
use crate::history::{Change, change};
use crate::played::{Broken, Play, Played};
use crate::redis::HANG;
use crate::run::ITEMS;
use crate::sent::Answer;

const SERVERS: usize = 3;

/// It refuses connections: its port is none that the system gives away.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// Every connection to Redis asks for its role again within this.
const ROLE_IS_KNOWN: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Redis loses all that it has.
    Flush,
    /// It is killed, and starts again.
    Kill { forgets: bool },
    /// It stands still, for so long by the servers' clocks.
    Stop { ms: u64 },
    /// A server is cut off for so long: its bytes are held, or its connections closed and refused. Another changes something.
    CutOff {
        server: usize,
        is_silent: bool,
        meanwhile: Change,
        ms: u64,
    },
    /// Every connection is closed.
    Disconnect,
    /// A replica takes over, and the connections to its master stay open.
    FailOver,
    /// The clocks of all servers are set.
    SetClocks { by_seconds: i64 },
    /// A server ends, and another takes its place.
    Restart { server: usize },
}

pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    let server = || 0..SERVERS;
    // Before, at and after the end of a lease of a second.
    let ms = || select(vec![0, 300, 700, 999, 1000, 1001, 2500]);
    let cut_off =
        (server(), any::<bool>(), change(), ms()).prop_map(|(server, is_silent, meanwhile, ms)| {
            Fault::CutOff {
                server,
                is_silent,
                meanwhile,
                ms,
            }
        });
    let set = select(vec![-300, -30, -1, 1, 30, 300]);
    prop_oneof![
        6 => cut_off,
        2 => ms().prop_map(|ms| Fault::Stop { ms }),
        2 => any::<bool>().prop_map(|forgets| Fault::Kill { forgets }),
        2 => Just(Fault::Flush),
        2 => Just(Fault::Disconnect),
        1 => Just(Fault::FailOver),
        2 => set.prop_map(|by_seconds| Fault::SetClocks { by_seconds }),
        2 => server().prop_map(|server| Fault::Restart { server }),
    ]
}

/// What a server can know of the latest changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    /// Everything.
    All,
    /// Everything, or what was true less than a lease ago.
    AllOrBefore,
    /// What was true less than a lease ago, and it cannot ask.
    Before,
    /// Nothing: it has not heard of Redis for a lease, and cannot ask.
    Nothing,
}

/// What is asked, with which credential, and what is true of it.
type Truth = (Question, usize, Answer);

impl Play<'_> {
    pub(crate) async fn fault(&mut self, fault: Fault) -> Played {
        self.tally.faults.add(1);
        // What was granted last is cached.
        self.ask_again().await?;
        match fault {
            Fault::Flush => self.flush().await?,
            Fault::Kill { forgets } => self.kill(forgets).await?,
            Fault::Stop { ms } => self.stop(ms).await?,
            Fault::CutOff {
                server,
                is_silent,
                meanwhile,
                ms,
            } => self.cut_off(server, is_silent, &meanwhile, ms).await?,
            Fault::Disconnect => self.grounds.redis().disconnect().await,
            Fault::FailOver => self.fail_over().await,
            Fault::SetClocks { by_seconds } => self.stand.clock.set_by(by_seconds),
            Fault::Restart { server } => self.stand.servers[server] = self.stand.beside(server),
        }
        self.recovered().await?;
        self.ask_again().await?;
        if matches!(fault, Fault::Flush | Fault::Kill { forgets: true }) {
            self.two_sign_in().await?;
            self.ask(ITEMS).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Played {
        let before = self.truths().await?;
        self.grounds.redis().flush().await;
        self.end(|_| true);
        let after = self.truths().await?;
        self.ask_all(&before, &after, |_| Knows::AllOrBefore)
            .await?;
        self.outlast_leases();
        Ok(())
    }

    async fn kill(&mut self, forgets: bool) -> Played {
        let before = self.truths().await?;
        self.grounds.redis().kill();
        let asked = self.ask_all(&before, &before, |_| Knows::Before).await;
        self.grounds.redis().start_again(forgets).await;
        asked?;
        if forgets {
            self.end(|_| true);
        }
        self.recovered().await?;
        let after = self.truths().await?;
        self.ask_all(&before, &after, |_| Knows::AllOrBefore)
            .await?;
        self.outlast_leases();
        Ok(())
    }

    async fn stop(&mut self, ms: u64) -> Played {
        let before = self.truths().await?;
        self.grounds.redis().stop();
        let knows = self.after_ms(ms);
        let asked = self.ask_all(&before, &before, |_| knows).await;
        self.grounds.redis().go_on();
        asked
    }

    /// What a server knows that has not heard of Redis for so long.
    fn after_ms(&self, ms: u64) -> Knows {
        let period = Duration::from_millis(ms);
        self.stand.clock.advance(period);
        if period < self.combination.design.lease.0 {
            Knows::Before
        } else {
            Knows::Nothing
        }
    }

    async fn cut_off(
        &mut self,
        server: usize,
        is_silent: bool,
        meanwhile: &Change,
        ms: u64,
    ) -> Played {
        let before = self.truths().await?;
        let door = &self.stand.doors[server];
        if is_silent {
            door.close(true);
        } else {
            door.lead_to(NOWHERE);
            door.cut();
        }
        let changes = (server + 1) % SERVERS;
        self.change(changes, meanwhile).await?;
        let after = self.truths_of(&before).await?;
        let knows = |at: usize| match at {
            at if at == server => Knows::Before,
            at if at == changes => Knows::All,
            _ => Knows::AllOrBefore,
        };
        self.ask_all(&before, &after, knows).await?;
        let cut_off = self.after_ms(ms);
        let after = self.truths_of(&before).await?;
        let knows = |at: usize| match at {
            at if at == server => cut_off,
            at if at == changes || cut_off == Knows::Nothing => Knows::All,
            _ => Knows::AllOrBefore,
        };
        self.ask_all(&before, &after, knows).await?;
        let door = &self.stand.doors[server];
        door.lead_to(self.grounds.redis().address());
        door.close(false);
        // Longer than it was cut off: what another changed a lease ago is known as soon as it can ask.
        self.outlast_leases();
        Ok(())
    }

    async fn fail_over(&mut self) {
        let old = self.grounds.redis().fail_over().await;
        let next = self.grounds.redis().address();
        for door in &self.stand.doors {
            door.lead_to(next);
        }
        tokio::time::sleep(ROLE_IS_KNOWN).await;
        drop(old);
    }

    /// Waits until every server can ask again, the witness too.
    async fn recovered(&self) -> Played {
        let begun = Instant::now();
        for (at, server) in self.stand.servers.iter().enumerate() {
            while !server.lab.sessions_answer().await {
                if begun.elapsed() > HANG {
                    let wrong = TestCaseError::fail(format!("server {at} does not recover"));
                    return Err(Broken::Promise(wrong));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        self.truths().await.map(drop)
    }

    /// What is true of what was granted last. The witness has heard then of every change that was answered, and says what
    /// Redis has lost: as any server does that asks four times in a lease, by clocks that these ones are ahead of.
    async fn truths(&self) -> Played<Vec<Truth>> {
        self.oracle(0, ITEMS, 0).await?;
        let mut truths = Vec::new();
        for &(question, held) in &self.recent {
            truths.push((question, held, self.oracle(0, question, held).await?));
        }
        Ok(truths)
    }

    /// What is true of the same now.
    async fn truths_of(&self, earlier: &[Truth]) -> Played<Vec<Truth>> {
        let mut truths = Vec::new();
        for &(question, held, _) in earlier {
            truths.push((question, held, self.oracle(0, question, held).await?));
        }
        Ok(truths)
    }

    /// Asks every server at once, so that those that wait for Redis wait together.
    async fn ask_all(
        &mut self,
        before: &[Truth],
        after: &[Truth],
        knows: impl Fn(usize) -> Knows,
    ) -> Played {
        let mut asked = Vec::new();
        for at in 0..self.stand.servers.len() {
            for (was, is) in before.iter().zip(after) {
                let (question, held) = (was.0, was.1);
                let request = question.request(self.kind(), &self.held[held].text);
                let app = self.stand.servers[at].cached.clone();
                let answer = tokio::spawn(async move { Answer::of(&app, request).await });
                asked.push((knows(at), question, held, [&was.2, &is.2], answer));
            }
        }
        for (knows, question, held, truths, answer) in asked {
            let answer = answer.await.unwrap();
            self.judge_among_faults(knows, question, held, truths, &answer)?;
        }
        Ok(())
    }

    fn judge_among_faults(
        &self,
        knows: Knows,
        question: Question,
        held: usize,
        [before, after]: [&Answer; 2],
        answer: &Answer,
    ) -> Played {
        let passes = question.is_granted(answer);
        let said = format!("{answer:?}, of {knows:?}; {before:?} before, {after:?} after");
        if passes && self.stand.now_seconds() >= self.held[held].until_seconds {
            return Err(self.wrong(question, held, &said));
        }
        if answer.status == 503 {
            // Who can ask is answered, if not always in time.
            self.tally.withheld.add(1);
            return Ok(());
        }
        // What an account is made of is read anew, after a grant that may be of before.
        let is_read_anew = matches!(
            question.what,
            Resource::Account | Resource::PasswordThatIsNone | Resource::Devices
        );
        let fits = match knows {
            Knows::All => self.is_same(answer, after),
            Knows::AllOrBefore | Knows::Before => {
                let was_granted = question.is_granted(before);
                let is_either = self.is_same(answer, after) || self.is_same(answer, before);
                is_either || is_read_anew && was_granted
            }
            Knows::Nothing => !passes,
        };
        if !fits {
            return Err(self.wrong(question, held, &said));
        }
        if answer == before && before != after {
            self.tally.as_before.add(1);
        }
        Ok(())
    }
}
