//! Why a call to Redis had no answer, by kind, and what is done about each kind: this is the one table. Whatever the kind, a
//! call without an answer grants nothing: its request gets 503.

use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

use crate::cause;

/// Why a call was not answered.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The server said so, or the connection to it was lost.
    Told(RedisError),
    /// Nothing was said within so many milliseconds.
    Late(u128),
    /// No TLS with the server, and why.
    Tls(Arc<str>),
    /// What answers there is no master, but this.
    Role(Arc<str>),
    /// No master is known, and why.
    NoMaster(Arc<str>),
}

/// What is done about a kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remedy {
    /// Whether another connection takes the place of this one; at sentinels, the master is asked for again.
    pub(super) replace: bool,
    pub(super) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Send the call again, a few times.
    Again,
    /// Send the call again after a pause, as long as its request may wait.
    Wait,
    /// 503 at once.
    Refuse,
}

/// Why a call was not answered, for the log and for the check at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) cause: String,
    /// Whether it stays until somebody changes the configuration: a wrong password, database, permission, or kind of server.
    pub(super) stays: bool,
}

macro_rules! kinds {
    ($( $(#[doc = $about:literal])+ $Kind:ident: $replace:ident, $then:ident, $stays:ident; )+) => {
        /// The kinds of trouble.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind { $( $(#[doc = $about])+ $Kind, )+ }

        impl Kind {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$( Self::$Kind, )+];

            pub(super) const fn remedy(self) -> Remedy {
                match self { $( Self::$Kind => Remedy { replace: kinds!($replace), then: Then::$then }, )+ }
            }

            /// Whether it stays until somebody changes the configuration.
            const fn stays(self) -> bool {
                match self { $( Self::$Kind => kinds!($stays), )+ }
            }
        }
    };
    (replace) => { true };
    (keep) => { false };
    (stays) => { true };
    (passes) => { false };
}

// The connection, the call, and whether a server that starts is to end.
kinds! {
    /// The connection was lost, or none was to be had.
    Lost: replace, Again, passes;
    /// No answer: the other end may be gone.
    Late: replace, Refuse, passes;
    /// READONLY: it was the master.
    ReadOnly: replace, Again, passes;
    /// A replica, which may not have heard of the latest revocation.
    Replica: replace, Again, passes;
    /// MASTERDOWN: a replica whose master is away.
    MasterDown: replace, Wait, passes;
    /// Neither sentinels nor nodes name a master.
    NoMaster: replace, Again, passes;
    /// MOVED: the slot is another node's.
    Moved: replace, Again, passes;
    /// ASK: what is asked for has moved to another node, and the slot will.
    Asked: keep, Wait, passes;
    /// CLUSTERDOWN: nodes are missing.
    ClusterDown: replace, Wait, passes;
    /// LOADING: it has just started.
    Loading: keep, Wait, passes;
    /// TRYAGAIN: slots of a cluster are moved.
    TryAgain: keep, Wait, passes;
    /// BUSY, UNKILLABLE: a script of another client runs.
    Busy: keep, Wait, passes;
    /// NOSCRIPT, although the script was loaded a moment ago.
    NoScript: keep, Again, passes;
    /// Too many clients.
    Crowded: replace, Wait, passes;
    /// OOM: no memory, and nothing that may be evicted.
    Full: keep, Refuse, passes;
    /// NOREPLICAS: `min-replicas-to-write` is not met.
    NoReplicas: keep, Refuse, passes;
    /// MISCONF: it cannot persist.
    NotPersisted: keep, Refuse, passes;
    /// CROSSSLOT: what is asked for together is in two slots.
    CrossSlot: keep, Refuse, stays;
    /// NOAUTH, WRONGPASS: the password may have been changed meanwhile.
    NotSignedIn: replace, Again, stays;
    /// NOPERM, DENIED: a permission is missing.
    NotPermitted: keep, Refuse, stays;
    /// No Redis at all.
    Foreign: replace, Again, stays;
    /// A sentinel in the place of a server.
    Sentinel: replace, Refuse, stays;
    /// No certificate that is believed, or no TLS.
    Tls: replace, Refuse, stays;
    /// A key of another type.
    WrongType: keep, Refuse, stays;
    /// Anything else that a server refuses.
    Refused: replace, Refuse, stays;
    /// Anything else.
    Other: keep, Refuse, passes;
}

pub(super) const CLUSTER: &str =
    "is a node of a Redis Cluster, whose address is redis-cluster://HOST:PORT";

impl Trouble {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Late(_) => Kind::Late,
            Self::Tls(_) => Kind::Tls,
            Self::Role(role) if &**role == "sentinel" => Kind::Sentinel,
            Self::Role(_) => Kind::Replica,
            Self::NoMaster(_) => Kind::NoMaster,
            Self::Told(error) => kind_of(error),
        }
    }

    /// What is told of it; `in_cluster`, if the address is one of a cluster.
    pub(super) fn failure(&self, in_cluster: bool) -> Failure {
        let kind = self.kind();
        let is_node = matches!(
            kind,
            Kind::Moved | Kind::Asked | Kind::ClusterDown | Kind::CrossSlot
        );
        let is_astray = is_node && !in_cluster;
        let cause = match (kind, self) {
            _ if is_astray => CLUSTER.to_owned(),
            (Kind::NotSignedIn, Self::Told(error)) if code_of(error).0 == "WRONGPASS" => {
                "refuses the name or the password".to_owned()
            }
            (Kind::Foreign, _) => {
                "what answers there does not speak the protocol of Redis".to_owned()
            }
            (Kind::Sentinel, _) => {
                "is a sentinel, whose address is redis-sentinel://HOST:PORT/MASTER".to_owned()
            }
            (_, Self::Role(role)) => {
                format!("is a {role}, and only a master knows of every revocation")
            }
            (_, Self::Late(waited)) => format!("no answer within {waited} ms"),
            (_, Self::Tls(why)) => format!("no TLS with the server: {why}"),
            (_, Self::NoMaster(why)) => why.to_string(),
            (_, Self::Told(error)) => said(error),
        };
        Failure {
            cause: cause::plain(&cause),
            stays: kind.stays() || is_astray,
        }
    }
}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        Self::Told(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Told(error.into())
    }
}

fn kind_of(error: &RedisError) -> Kind {
    if error.is_timeout() {
        return Kind::Late;
    }
    let (code, detail) = code_of(error);
    match &*code {
        "READONLY" => Kind::ReadOnly,
        "MASTERDOWN" => Kind::MasterDown,
        "LOADING" => Kind::Loading,
        "TRYAGAIN" => Kind::TryAgain,
        "BUSY" | "UNKILLABLE" => Kind::Busy,
        "NOSCRIPT" => Kind::NoScript,
        "OOM" => Kind::Full,
        "NOREPLICAS" => Kind::NoReplicas,
        "MISCONF" => Kind::NotPersisted,
        "MOVED" => Kind::Moved,
        "ASK" => Kind::Asked,
        "CLUSTERDOWN" => Kind::ClusterDown,
        "CROSSSLOT" => Kind::CrossSlot,
        "NOAUTH" | "WRONGPASS" => Kind::NotSignedIn,
        "NOPERM" | "DENIED" => Kind::NotPermitted,
        "WRONGTYPE" => Kind::WrongType,
        "ERR" if detail.contains("max number of clients") => Kind::Crowded,
        "ERR" => Kind::Refused,
        "" => match error.kind() {
            ErrorKind::Io => Kind::Lost,
            ErrorKind::Parse => Kind::Foreign,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    }
}

/// The word by which a server begins its refusal, and the rest of it; no word where it was no server that refused.
fn code_of(error: &RedisError) -> (String, String) {
    let Some(first) = (error.clone().into_server_errors()).and_then(|all| all.first().cloned())
    else {
        return Default::default();
    };
    let detail = first.1.details().unwrap_or_default();
    // Up to Redis 6 a script's error has its own code, and names that of its command.
    let of_command = detail.split_once(": -").and_then(|(_, command)| {
        let code = command.split(' ').next()?;
        let is_code = code.len() > 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        is_code.then_some(code)
    });
    let code = Some(first.1.code()).filter(|code| *code != "ERR");
    let code = code.or(of_command).unwrap_or("ERR");
    (code.to_owned(), detail.to_owned())
}

fn said(error: &RedisError) -> String {
    match code_of(error) {
        (code, _) if code.is_empty() => error.to_string(),
        (code, detail) if code == "ERR" => detail,
        (code, detail) => format!("{code} {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Trouble {
        let text = format!("-{line}\r\n");
        let value = redis::parse_redis_value(text.as_bytes()).unwrap();
        Trouble::Told(value.extract_error().unwrap_err())
    }

    #[test]
    fn every_answer_that_is_none_has_its_kind() {
        let script = "ERR Error running script (call to f_6b1b): @user_script:4: @user_script: 4: -OOM command not allowed";
        for (line, kind) in [
            (
                "READONLY You can't write against a read only replica.",
                Kind::ReadOnly,
            ),
            ("MASTERDOWN Link with MASTER is down", Kind::MasterDown),
            (
                "LOADING Redis is loading the dataset in memory",
                Kind::Loading,
            ),
            (
                "TRYAGAIN Multiple keys request during rehashing of slot",
                Kind::TryAgain,
            ),
            ("BUSY Redis is busy running a script.", Kind::Busy),
            (
                "UNKILLABLE Sorry the script already executed write commands",
                Kind::Busy,
            ),
            (
                "NOSCRIPT No matching script. Please use EVAL.",
                Kind::NoScript,
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                Kind::Full,
            ),
            (script, Kind::Full),
            (
                "NOREPLICAS Not enough good replicas to write.",
                Kind::NoReplicas,
            ),
            (
                "MISCONF Redis is configured to save RDB snapshots",
                Kind::NotPersisted,
            ),
            ("MOVED 3999 127.0.0.1:6381", Kind::Moved),
            ("ASK 3999 127.0.0.1:6381", Kind::Asked),
            (
                "CROSSSLOT Keys in request don't hash to the same slot",
                Kind::CrossSlot,
            ),
            ("CLUSTERDOWN The cluster is down", Kind::ClusterDown),
            ("NOAUTH Authentication required.", Kind::NotSignedIn),
            (
                "WRONGPASS invalid username-password pair",
                Kind::NotSignedIn,
            ),
            (
                "NOPERM this user has no permissions to run the 'get' command",
                Kind::NotPermitted,
            ),
            (
                "DENIED Redis is running in protected mode",
                Kind::NotPermitted,
            ),
            (
                "WRONGTYPE Operation against a key holding the wrong kind of value",
                Kind::WrongType,
            ),
            ("ERR max number of clients reached", Kind::Crowded),
            ("ERR DB index is out of range", Kind::Refused),
            ("NEWKIND that no version of today knows", Kind::Other),
        ] {
            let trouble = told(line);
            assert_eq!(trouble.kind(), kind, "{line}");
            let failure = trouble.failure(true);
            assert_eq!(failure.stays, kind.stays(), "{line}");
            assert!(!failure.cause.is_empty(), "{line}");
        }
        let lost = Trouble::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert_eq!(lost.kind(), Kind::Lost);
        let late = Trouble::from(io::Error::from(io::ErrorKind::TimedOut));
        assert_eq!(late.kind(), Kind::Late);
        let no_redis = redis::parse_redis_value(b"HTTP/1.1 400 Bad Request\r\n");
        assert_eq!(Trouble::Told(no_redis.unwrap_err()).kind(), Kind::Foreign);
    }

    #[test]
    fn what_stays_is_never_waited_for() {
        for kind in Kind::ALL {
            let waits = kind.remedy().then == Then::Wait;
            assert!(!(waits && kind.stays()), "{kind:?}");
        }
        // The kinds that an operator or a failover ends within a request's time, and no others.
        let waiting = Kind::ALL
            .iter()
            .filter(|kind| kind.remedy().then == Then::Wait);
        let waiting: Vec<String> = waiting.map(|kind| format!("{kind:?}")).collect();
        let expected = [
            "MasterDown",
            "Asked",
            "ClusterDown",
            "Loading",
            "TryAgain",
            "Busy",
            "Crowded",
        ];
        assert_eq!(waiting, expected);
    }
}
