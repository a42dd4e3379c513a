//! Every cap of the sessions in memory, at once: one subject floods all stores, and the others lose nothing.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::bound::Bound;
use crate::policy::{Role, Roles};
use crate::sessions::{Device, Told};
use crate::users::Profile;

const MOST: usize = 14;
const SHARE: usize = 5;
const SUBJECTS: u32 = 6;
/// The one that has little, and must be able to do everything.
const BYSTANDER: u32 = SUBJECTS;
const DEVICES: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Issue,
    Revoke(usize),
    Begin,
    SignOut(usize),
    BeginRefreshed,
    SignIn,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<(u32, Step)>> {
    // Three in four are subject 0's.
    let subject = (0_u32..4 * SUBJECTS).prop_map(|number| number.saturating_sub(3 * SUBJECTS));
    let step = prop_oneof![
        3 => Just(Step::Issue),
        6 => any::<usize>().prop_map(Step::Revoke),
        4 => Just(Step::Begin),
        1 => any::<usize>().prop_map(Step::SignOut),
        4 => Just(Step::BeginRefreshed),
        3 => Just(Step::SignIn),
        1 => (0_u64..20).prop_map(Step::Wait),
    ];
    prop::collection::vec((subject, step), 1..200)
}

/// The stores, and what was promised of each token.
struct World {
    sessions: MemorySessions,
    seconds: u64,
    next: u128,
    /// Signed tokens that stand, and when they end.
    signed: Vec<(Mark, u64)>,
    /// Signed tokens that were revoked one by one, or with all of their subject, and when they end.
    revoked: Vec<(Mark, u64)>,
    /// Tokens that are looked up, and whether each still stands.
    looked_up: HashMap<TokenId, (Mark, u64, bool)>,
    families: HashMap<TokenId, (u32, u64, refresh::Kept, bool)>,
    devices: HashMap<TokenId, (u32, u64, bool)>,
}

impl World {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds)
    }

    fn mark(&mut self, subject: u32) -> Mark {
        self.next += 1;
        let subject = Subject(subject);
        Mark {
            number: 0,
            id: TokenId::of(self.next),
            subject,
            generation: self.sessions.generation(subject),
        }
    }

    fn issue(&mut self, subject: u32) -> Mark {
        let mark = self.mark(subject);
        self.signed.push((mark, self.seconds + 30));
        mark
    }

    /// The subject all of whose tokens ended with it.
    fn revoke(&mut self, at: usize) -> Option<Subject> {
        let (mark, end) = self.signed.remove(at);
        let until = Timestamp::from_seconds(end);
        let all_of = self
            .sessions
            .revoke(mark.id, mark.subject, until, self.now());
        self.revoked.push((mark, end));
        if let Some(all_of) = all_of {
            let ended = self
                .signed
                .extract_if(.., |(mark, _)| mark.subject == all_of);
            self.revoked.extend(ended);
            for (mark, _, stands) in self.looked_up.values_mut() {
                *stands &= mark.subject != all_of;
            }
        }
        all_of
    }

    fn begin(&mut self, subject: u32) -> Result<TokenId, Denied> {
        let mark = self.mark(subject);
        let end = self.seconds + 40;
        let verified = Verified {
            mark,
            roles: Roles::default(),
            scopes: crate::policy::Scopes::default(),
            narrowed: false,
            not_before: 0,
            expires_at: end,
            bound: Bound::Nobody,
        };
        let standing = Standing {
            verified,
            secret: None,
        };
        if let Some(evicted) = self.sessions.begin(standing, self.now())?
            && let Some((_, _, stands)) = self.looked_up.get_mut(&evicted)
        {
            *stands = false;
        }
        self.looked_up.insert(mark.id, (mark, end, true));
        Ok(mark.id)
    }

    fn begin_refreshed(&mut self, subject: u32) -> Result<TokenId, Denied> {
        let mark = self.mark(subject);
        let end = self.seconds + 50;
        let kept = [subject as u8; 32];
        let session = Refreshed {
            name: subject.to_string().into(),
            bound: Bound::Nobody,
            end: Timestamp::from_seconds(end),
            generation: mark.generation,
            kept,
        };
        let evicted = self
            .sessions
            .begin_refreshed(mark.id, session, self.now())?;
        if let Some((evicted, _)) = evicted
            && let Some((.., stands)) = self.families.get_mut(&evicted)
        {
            *stands = false;
        }
        self.families.insert(mark.id, (subject, end, kept, true));
        Ok(mark.id)
    }

    fn sign_in(&mut self, subject: u32) -> Result<TokenId, Denied> {
        let mark = self.mark(subject);
        let end = self.seconds + 60;
        let device = Device {
            account: subject.to_string().into(),
            name: "device".into(),
            told: Told::Name,
            id: mark.id.number().to_string().into(),
            ip: [127, 0, 0, 1].into(),
            since: self.now(),
            until: Timestamp::from_seconds(end),
            roles: [Role::User].into_iter().collect(),
            scopes: crate::policy::Scopes::default(),
            bound: Bound::Nobody,
            generation: mark.generation,
        };
        let now = self.now();
        let ended = self.sessions.devices_mut().sign_in(
            mark.id,
            device,
            &Profile::default(),
            DEVICES,
            now,
        )?;
        for ended in ended {
            if let Some((.., stands)) = self.devices.get_mut(&ended) {
                *stands = false;
            }
        }
        self.devices.insert(mark.id, (subject, end, true));
        Ok(mark.id)
    }

    fn turns(&self, id: TokenId, kept: &refresh::Kept) -> bool {
        self.sessions.turn(id, kept, *kept, self.now()).is_ok()
    }

    /// Nothing that was revoked, evicted or signed out is granted, and everything else is.
    fn check(&self) -> Result<(), TestCaseError> {
        for (mark, end) in &self.revoked {
            let granted = self.sessions.check(mark).is_ok();
            prop_assert!(!granted || *end <= self.seconds, "revoked: {mark:?}");
        }
        for (mark, _) in &self.signed {
            prop_assert!(self.sessions.check(mark).is_ok(), "signed: {mark:?}");
        }
        for (mark, end, stands) in self.looked_up.values() {
            if *end > self.seconds {
                prop_assert_eq!(self.sessions.stands(mark).is_ok(), *stands, "{:?}", mark);
                prop_assert_eq!(self.sessions.find(mark.id).is_ok(), *stands);
            }
        }
        for (id, (_, end, kept, stands)) in &self.families {
            if *end > self.seconds {
                prop_assert_eq!(self.turns(*id, kept), *stands, "{:?}", id);
            }
        }
        for (id, (subject, end, stands)) in &self.devices {
            if *end > self.seconds {
                let found = self.sessions.devices().find(&subject.to_string(), *id);
                prop_assert_eq!(found.is_ok(), *stands, "{:?}", id);
            }
        }
        let revocations = self.sessions.revoked.read().unwrap().count();
        prop_assert!(revocations <= MOST, "{revocations}");
        prop_assert!(self.sessions.live.read().unwrap().len() <= MOST);
        prop_assert!(self.sessions.refreshed().len() <= MOST);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_subject_at_its_share_takes_nothing_from_another(steps in steps()) {
        let revocations = Revocations::new(MOST, SHARE);
        let mut world = World {
            sessions: MemorySessions::of(MOST, SHARE, revocations),
            seconds: 1_000_000,
            next: 0,
            signed: Vec::new(),
            revoked: Vec::new(),
            looked_up: HashMap::new(),
            families: HashMap::new(),
            devices: HashMap::new(),
        };
        // What the bystander had before.
        let token = world.issue(BYSTANDER);
        let opaque = world.begin(BYSTANDER).unwrap();
        let family = world.begin_refreshed(BYSTANDER).unwrap();
        let device = world.sign_in(BYSTANDER).unwrap();
        let mut waited = 0;
        for (subject, step) in steps {
            match step {
                Step::Issue => drop(world.issue(subject)),
                Step::Revoke(any) => {
                    let own: Vec<usize> = (0..world.signed.len())
                        .filter(|at| world.signed[*at].0.subject == Subject(subject))
                        .collect();
                    if !own.is_empty() {
                        let all_of = world.revoke(own[any % own.len()]);
                        prop_assert!(all_of != Some(Subject(BYSTANDER)));
                    }
                }
                Step::Begin => prop_assert!(world.begin(subject).is_ok()),
                Step::SignOut(any) => {
                    let own: Vec<TokenId> = world.looked_up.values()
                        .filter(|(mark, ..)| mark.subject == Subject(subject))
                        .map(|(mark, ..)| mark.id)
                        .collect();
                    if !own.is_empty() {
                        let id = own[any % own.len()];
                        world.sessions.end(id);
                        world.looked_up.get_mut(&id).unwrap().2 = false;
                    }
                }
                Step::BeginRefreshed => prop_assert!(world.begin_refreshed(subject).is_ok()),
                Step::SignIn => prop_assert!(world.sign_in(subject).is_ok()),
                // The bystander's own must not end by their time.
                Step::Wait(seconds) if waited + seconds < 25 => {
                    waited += seconds;
                    world.seconds += seconds;
                    let now = world.seconds;
                    world.signed.retain(|(_, end)| *end > now);
                }
                Step::Wait(_) => {}
            }
            world.check()?;
        }
        prop_assert!(world.sessions.check(&token).is_ok());
        prop_assert!(world.looked_up[&opaque].2 && world.families[&family].3 && world.devices[&device].2);
        // And it does everything still.
        prop_assert!(world.begin(BYSTANDER).is_ok());
        prop_assert!(world.begin_refreshed(BYSTANDER).is_ok());
        prop_assert!(world.sign_in(BYSTANDER).is_ok());
        let at = world.signed.iter().position(|(mark, _)| *mark == token).unwrap();
        prop_assert!(world.revoke(at) != Some(Subject(BYSTANDER)));
        world.check()?;
    }
}
