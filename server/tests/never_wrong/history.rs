//! What happens to a server: a random history, and the setting that it happens in.

use authlab_server::{
    BindTo, BindingKind, CredentialKind, Design, JwtAlgorithm, PolicyKind, VerifyKind,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::asked::{Nth, Question, Resource, Sender, Shown, Spelling};
use crate::combination::{Combination, Place};
use crate::faults::{Fault, fault};

/// All of it: what proptest draws, and makes smaller where it fails.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) setting: Setting,
    pub(crate) steps: Vec<Step>,
}

/// What a combination leaves open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) binding: BindingKind,
    pub(crate) bind_to: BindTo,
    pub(crate) jwt: JwtAlgorithm,
    /// How many decisions are remembered: so few that some are evicted, or enough.
    pub(crate) capacity: usize,
    /// How many denials are.
    pub(crate) denials: usize,
    /// Requests are counted, and so timed: another way through the server.
    pub(crate) is_counted: bool,
    /// What decides; the built-in policies say what roles and scopes do.
    pub(crate) policy: PolicyKind,
}

/// Who has an account; `Newcomer` has none at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    John,
    Jane,
    Alice,
    Newcomer,
}

/// A password, of those that an account goes through: 0 is the one that it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Password(pub(crate) u8);

/// How long to wait before what goes on meanwhile, in turns of the runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Later(pub(crate) u8);

impl Later {
    const TURNS: u32 = 8;

    pub(crate) async fn come(self) {
        for _ in 0..u32::from(self.0) * Self::TURNS {
            tokio::task::yield_now().await;
        }
    }
}

/// One step. Those that change something have a [`Change`].
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Ask(Question),
    /// The same by several at once.
    AskTogether(Question),
    /// While something is changed, from a moment later on.
    AskMeanwhile(Question, Change, Later),
    /// Whether a credential is active, as another server asks.
    Introspect(Nth),
    Do(Change),
    WaitSeconds(u64),
    Fault(Fault),
}

/// What changes accounts, credentials, keys or the policy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    SignUp(Who),
    /// With a password that may be another than the account's.
    SignIn {
        who: Who,
        password: Option<Password>,
        from: Sender,
        device: u8,
    },
    /// A client signs in for itself.
    SignInClient,
    /// The next tokens of a session, or its end by a refresh token that was used.
    Refresh {
        of: Nth,
        again: bool,
    },
    /// Whoever holds it ends it.
    Revoke {
        of: Nth,
        from: Sender,
    },
    /// A client ends it.
    RevokeByClient(Nth),
    SignOutDevice {
        by: Nth,
        device: u8,
    },
    SignOutEverywhere(Nth),
    NextPassword {
        by: Nth,
        to: Password,
    },
    /// By an administrator's request, or by whoever runs the server.
    GiveRoles {
        who: Who,
        roles: u8,
        by: Option<Nth>,
    },
    Remove {
        who: Who,
        by: Option<Nth>,
    },
    /// On one server, or on each.
    RotateKeys {
        each: bool,
        by: Option<Nth>,
    },
    ReplacePolicy {
        with: u8,
        each: bool,
        by: Option<Nth>,
    },
}

const MOST_STEPS: usize = 26;

/// Among faults, which take longer than other steps.
const MOST_STEPS_AMONG_FAULTS: usize = 12;

/// Histories of a combination.
pub(crate) fn histories(combination: &Combination) -> impl Strategy<Value = History> + use<> {
    let steps = if combination.place == Place::AmongFaults {
        let step = prop_oneof![3 => step(), 1 => fault().prop_map(Step::Fault)];
        vec(step.boxed(), 1..=MOST_STEPS_AMONG_FAULTS)
    } else {
        vec(step().boxed(), 1..=MOST_STEPS)
    };
    let setting = setting(&combination.design);
    (setting, steps).prop_map(|(setting, steps)| History { setting, steps })
}

fn setting(design: &Design) -> impl Strategy<Value = Setting> + use<> {
    let is_bound = design.credential != CredentialKind::Basic;
    let is_signed = design.credential.is_signed() && design.verify == VerifyKind::Local;
    let binding = if is_bound {
        prop_oneof![
            80 => Just(BindingKind::None),
            80 => Just(BindingKind::Sha256),
            20 => Just(BindingKind::Blake3),
            19 => Just(BindingKind::Md5),
            1 => Just(BindingKind::Bcrypt),
        ]
        .boxed()
    } else {
        Just(BindingKind::None).boxed()
    };
    let bind_to = prop_oneof![3 => Just(BindTo::UserAgentAndIp), 1 => Just(BindTo::UserAgent)];
    let jwt = prop_oneof![
        6 => Just(JwtAlgorithm::HS256),
        1 => Just(JwtAlgorithm::ES256),
        1 => Just(JwtAlgorithm::EdDSA),
        1 => Just(JwtAlgorithm::MlDsa44),
    ];
    let capacity = prop_oneof![1..=8_usize, Just(1000)];
    let denials = if is_signed {
        vec![0, 0, 1, 100]
    } else {
        vec![0]
    };
    (
        binding,
        bind_to,
        jwt,
        capacity,
        select(denials),
        any::<bool>(),
        select(vec![PolicyKind::Enforce, PolicyKind::Cedar]),
    )
        .prop_map(
            |(binding, bind_to, jwt, capacity, denials, is_counted, policy)| Setting {
                binding,
                bind_to,
                jwt,
                capacity,
                denials,
                is_counted,
                policy,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => question().prop_map(Step::Ask),
        2 => question().prop_map(Step::AskTogether),
        3 => (question(), change(), (0..12_u8).prop_map(Later))
            .prop_map(|(ask, change, later)| Step::AskMeanwhile(ask, change, later)),
        1 => nth().prop_map(Step::Introspect),
        16 => change().prop_map(Step::Do),
        4 => wait().prop_map(Step::WaitSeconds),
    ]
}

/// Before, at and after the ends of what lives 60 and 600 seconds.
fn wait() -> impl Strategy<Value = u64> {
    select(vec![1, 20, 53, 59, 60, 61, 299, 539, 599, 600])
}

fn question() -> impl Strategy<Value = Question> {
    (resource(), spelling(), sender(), nth(), shown()).prop_map(
        |(what, spelled, from, with, shown)| Question {
            what,
            spelled,
            from,
            with,
            shown,
        },
    )
}

fn nth() -> impl Strategy<Value = Nth> {
    prop_oneof![5 => Just(0), 3 => Just(1), 2 => 2..5_u8].prop_map(Nth)
}

/// A few often, so that some are asked again.
fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![
        8 => Just(Resource::Items),
        3 => Just(Resource::AddItem),
        3 => Just(Resource::Account),
        1 => Just(Resource::ItemsByHead),
        1 => Just(Resource::Todos),
        1 => Just(Resource::SecureData),
        1 => Just(Resource::Devices),
        1 => Just(Resource::PolicyThatIsNone),
        1 => Just(Resource::PasswordThatIsNone),
        1 => Just(Resource::ReadReport),
        1 => Just(Resource::WriteReport),
        1 => Just(Resource::OwnReports),
    ]
}

fn spelling() -> impl Strategy<Value = Spelling> {
    prop_oneof![
        12 => Just(Spelling::Plain),
        2 => Just(Spelling::TrailingSlash),
        2 => (1..3_u8).prop_map(Spelling::Query),
        1 => Just(Spelling::DotSegments),
        1 => Just(Spelling::Encoded),
        1 => Just(Spelling::DoubledSlash),
        1 => Just(Spelling::EncodedSlash),
    ]
}

fn sender() -> impl Strategy<Value = Sender> {
    prop_oneof![
        12 => Just(Sender::Home),
        2 => Just(Sender::HomeOverV6),
        2 => Just(Sender::OtherAddress),
        2 => Just(Sender::OtherAgent),
        1 => Just(Sender::NoAgent),
        1 => Just(Sender::LongAgent),
    ]
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![
        18 => Just(Shown::AsItIs),
        2 => Just(Shown::Forged),
        1 => Just(Shown::Twice),
        1 => Just(Shown::NotAtAll),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        4 => Just(Who::Jane),
        3 => Just(Who::John),
        2 => Just(Who::Newcomer),
        1 => Just(Who::Alice),
    ]
}

fn password() -> impl Strategy<Value = Password> {
    (0..3_u8).prop_map(Password)
}

fn by() -> impl Strategy<Value = Option<Nth>> {
    prop_oneof![Just(None), nth().prop_map(Some)]
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let sign_in = (
        who(),
        prop_oneof![4 => Just(None), 1 => password().prop_map(Some)],
        sender(),
        0..3_u8,
    )
        .prop_map(|(who, password, from, device)| Change::SignIn {
            who,
            password,
            from,
            device,
        });
    prop_oneof![
        8 => sign_in,
        2 => who().prop_map(Change::SignUp),
        1 => Just(Change::SignInClient),
        4 => (nth(), prop::bool::weighted(0.3)).prop_map(|(of, again)| Change::Refresh { of, again }),
        4 => (nth(), sender()).prop_map(|(of, from)| Change::Revoke { of, from }),
        1 => nth().prop_map(Change::RevokeByClient),
        2 => (nth(), 0..3_u8).prop_map(|(by, device)| Change::SignOutDevice { by, device }),
        1 => nth().prop_map(Change::SignOutEverywhere),
        3 => (nth(), password()).prop_map(|(by, to)| Change::NextPassword { by, to }),
        4 => (who(), 0..4_u8, by()).prop_map(|(who, roles, by)| Change::GiveRoles { who, roles, by }),
        2 => (who(), by()).prop_map(|(who, by)| Change::Remove { who, by }),
        2 => (any::<bool>(), by()).prop_map(|(each, by)| Change::RotateKeys { each, by }),
        3 => (0..4_u8, any::<bool>(), by())
            .prop_map(|(with, each, by)| Change::ReplacePolicy { with, each, by }),
    ]
}
