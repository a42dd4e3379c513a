//! An address of Redis: one server by its name or its socket, or the sentinels or nodes of a cluster that know which server is
//! the master. It is parsed when it is opened, and shown without its password.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};

use crate::tls::Trust;

/// The forms of an address, for messages.
pub(crate) const FORMS: &str = "redis[s]://[NAME:PASSWORD@]HOST[:PORT][/DB], \
    redis+unix:///PATH[?db=DB&user=NAME&pass=PASSWORD], \
    redis[s]-sentinel://[NAME:PASSWORD@]HOST[:PORT],…/MASTER[/DB], \
    redis[s]-cluster://[NAME:PASSWORD@]HOST[:PORT],…";

/// Where sentinels listen if the address does not say.
const SENTINEL_PORT: u16 = 26379;

pub(super) struct Address {
    pub(super) place: Place,
    /// How this server signs in there, and the database.
    pub(super) settings: RedisConnectionInfo,
    /// Which certificate is believed; `None` for a connection without TLS.
    pub(super) trust: Option<Trust>,
    shown: Box<str>,
}

pub(super) enum Place {
    Host(Host),
    Socket(PathBuf),
    Sentinels {
        hosts: Vec<Host>,
        /// What they call the master.
        master: Box<str>,
        /// How this server signs in to them.
        settings: RedisConnectionInfo,
    },
    /// Some of the nodes.
    Cluster(Vec<Host>),
}

/// A name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

/// What is wrong with an address, without any part of it.
type Wrong = Cow<'static, str>;

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, Wrong> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or("this is no address of sessions")?;
        if rest.contains('#') {
            return Err("an address has no part after #; a # in a password is written %23".into());
        }
        match scheme {
            "redis" => Self::of_host(rest, false),
            "rediss" => Self::of_host(rest, true),
            "redis+unix" | "unix" => Self::of_socket(rest),
            "redis-sentinel" => Self::of_sentinels(rest, false),
            "rediss-sentinel" => Self::of_sentinels(rest, true),
            "redis-cluster" => Self::of_cluster(rest, false),
            "rediss-cluster" => Self::of_cluster(rest, true),
            _ => Err("this is no address of sessions".into()),
        }
    }

    /// Whether what is said can be read and changed on the way to another machine.
    pub(super) fn is_in_the_clear(&self) -> bool {
        let hosts = match &self.place {
            Place::Host(host) => std::slice::from_ref(host),
            Place::Socket(_) => &[],
            Place::Sentinels { hosts, .. } | Place::Cluster(hosts) => hosts,
        };
        let is_near = |host: &Host| {
            let address = host.name.parse::<IpAddr>();
            host.name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        };
        self.trust.is_none() && !hosts.iter().all(is_near)
    }

    fn of_host(rest: &str, tls: bool) -> Result<Self, Wrong> {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let options = Options::read(query, tls)?;
        options.refuse_sentinels()?;
        let (host, settings) = host(place, None)?;
        let scheme = if tls { "rediss" } else { "redis" };
        Ok(Self {
            shown: format!("{scheme}://{host}/{}", settings.db()).into(),
            place: Place::Host(host),
            settings,
            trust: options.trust,
        })
    }

    fn of_socket(rest: &str) -> Result<Self, Wrong> {
        let query = rest.split_once('?').map_or("", |(_, query)| query);
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !matches!(&*name, "db" | "user" | "pass") {
                return Err("an option is not known; a socket has db, user and pass".into());
            }
        }
        let info = format!("redis+unix://{rest}").into_connection_info();
        let info = info.map_err(|_| "the socket has no path, or the database is no number")?;
        let ConnectionAddr::Unix(path) = info.addr() else {
            return Err("the socket has no path".into());
        };
        let settings = checked(info.redis_settings())?;
        let shown = match settings.db() {
            0 => format!("redis+unix://{}", path.display()),
            db => format!("redis+unix://{}?db={db}", path.display()),
        };
        Ok(Self {
            shown: shown.into(),
            place: Place::Socket(path.clone()),
            settings,
            trust: None,
        })
    }

    fn of_sentinels(rest: &str, tls: bool) -> Result<Self, Wrong> {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let options = Options::read(query, tls)?;
        let (authority, path) = place
            .split_once('/')
            .ok_or("the name of the master is missing: it follows the sentinels after a /")?;
        let (master, db) = path.split_once('/').unwrap_or((path, "0"));
        let printable = !master.is_empty() && master.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || master.contains('%') {
            return Err(
                "the name of the master is missing, or has other than printable ASCII characters"
                    .into(),
            );
        }
        let (hosts, settings) = hosts(authority, db, Some(SENTINEL_PORT))?;
        let scheme = if tls {
            "rediss-sentinel"
        } else {
            "redis-sentinel"
        };
        Ok(Self {
            shown: format!("{scheme}://{}/{master}/{}", listed(&hosts), settings.db()).into(),
            place: Place::Sentinels {
                hosts,
                master: master.into(),
                settings: options.sentinels,
            },
            settings,
            trust: options.trust,
        })
    }

    fn of_cluster(rest: &str, tls: bool) -> Result<Self, Wrong> {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let options = Options::read(query, tls)?;
        options.refuse_sentinels()?;
        let (authority, db) = place.split_once('/').unwrap_or((place, ""));
        if !matches!(db, "" | "0") {
            return Err("a cluster has database 0 and no other".into());
        }
        let (hosts, settings) = hosts(authority, "0", None)?;
        let scheme = if tls {
            "rediss-cluster"
        } else {
            "redis-cluster"
        };
        Ok(Self {
            shown: format!("{scheme}://{}", listed(&hosts)).into(),
            place: Place::Cluster(hosts),
            settings,
            trust: options.trust,
        })
    }
}

/// Hosts as an address lists them.
fn listed(hosts: &[Host]) -> String {
    let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    names.join(",")
}

/// What follows the `?` of an address of hosts.
struct Options {
    trust: Option<Trust>,
    sentinels: RedisConnectionInfo,
}

impl Options {
    fn read(query: &str, tls: bool) -> Result<Self, Wrong> {
        let mut options = Self {
            trust: tls.then_some(Trust::System),
            sentinels: RedisConnectionInfo::default().set_skip_set_lib_name(),
        };
        // A plus is a plus.
        let query = query.replace('+', "%2B");
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match (&*name, tls) {
                ("sslrootcert", true) => {
                    if value != "system" {
                        options.trust = Some(Trust::File(value.as_ref().into()));
                    }
                }
                ("sslrootcert", false) => {
                    return Err("sslrootcert needs rediss:// or rediss-sentinel://".into());
                }
                ("sentinelUsername", _) => {
                    options.sentinels = options.sentinels.set_username(value);
                }
                ("sentinelPassword", _) => {
                    options.sentinels = options.sentinels.set_password(value);
                }
                _ => {
                    return Err("an option is not known; accepted: sslrootcert, and of sentinels sentinelUsername and sentinelPassword".into());
                }
            }
        }
        Ok(options)
    }

    fn refuse_sentinels(&self) -> Result<(), Wrong> {
        if self.sentinels.username().is_some() || self.sentinels.password().is_some() {
            return Err(
                "sentinelUsername and sentinelPassword are for addresses of sentinels".into(),
            );
        }
        Ok(())
    }
}

/// The hosts of `[NAME:PASSWORD@]HOST[:PORT],…`, and how to sign in there.
fn hosts(
    authority: &str,
    db: &str,
    port: Option<u16>,
) -> Result<(Vec<Host>, RedisConnectionInfo), Wrong> {
    let (user, names) = authority
        .rsplit_once('@')
        .map_or((String::new(), authority), |(user, names)| {
            (format!("{user}@"), names)
        });
    let (mut hosts, mut settings) = (Vec::new(), RedisConnectionInfo::default());
    for name in names.split(',') {
        let (one, own) = host(&format!("{user}{name}/{db}"), port)?;
        hosts.push(one);
        settings = own;
    }
    Ok((hosts, settings))
}

/// A host of `[NAME:PASSWORD@]HOST[:PORT][/DB]`, and how to sign in there.
fn host(place: &str, port: Option<u16>) -> Result<(Host, RedisConnectionInfo), Wrong> {
    let text = format!("redis://{place}");
    let parsed = url::Url::parse(&text).map_err(|_| "the host or its port cannot be read")?;
    let host = parsed.host_str().unwrap_or_default();
    if host.is_empty() {
        return Err("the address has no host".into());
    }
    if host.contains(',') {
        return Err(
            "several hosts are addressed as redis-sentinel://HOST,HOST/MASTER, and are sentinels"
                .into(),
        );
    }
    let info = text.as_str().into_connection_info();
    let info = info.map_err(|_| "the database is no number, or the host is a wildcard")?;
    let ConnectionAddr::Tcp(name, own) = info.addr() else {
        return Err("the address has no host".into());
    };
    let host = Host {
        name: name.clone(),
        port: port.filter(|_| parsed.port().is_none()).unwrap_or(*own),
    };
    Ok((host, checked(info.redis_settings())?))
}

/// The settings, which must name a database.
fn checked(settings: &RedisConnectionInfo) -> Result<RedisConnectionInfo, Wrong> {
    if settings.db() < 0 {
        return Err("the number of a database is not negative".into());
    }
    if settings.username().is_some() && settings.password().is_none() {
        return Err("a name without a password signs in nowhere".into());
    }
    // Its answer would take the place of why a connection is refused.
    Ok(settings.clone().set_skip_set_lib_name())
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl fmt::Display for Address {
    /// Places, database and master.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    /// Its settings hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str) -> String {
        match Address::parse(url) {
            Ok(address) => {
                let debug = format!("{address:?}");
                assert!(!debug.contains("hunter2"), "{url}: {debug}");
                address.to_string()
            }
            Err(problem) => problem.into_owned(),
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password_whatever_is_wrong_with_it() {
        for (url, expected) in [
            ("redis://me:hunter2@db", "redis://db:6379/0"),
            ("redis://:hunter2@[::1]:6390/3", "redis://[::1]:6390/3"),
            ("rediss://me:hunter2@db/2", "rediss://db:6379/2"),
            (
                "rediss://me:hunter2@db?sslrootcert=%2Fa+b.pem",
                "rediss://db:6379/0",
            ),
            (
                "redis+unix:///run/redis.sock",
                "redis+unix:///run/redis.sock",
            ),
            (
                "unix:///run/redis.sock?db=4&user=me&pass=hunter2",
                "redis+unix:///run/redis.sock?db=4",
            ),
            (
                "redis-sentinel://me:hunter2@one,two:6000,[::1]/main/1?sentinelPassword=hunter2",
                "redis-sentinel://one:26379,two:6000,[::1]:26379/main/1",
            ),
            (
                "rediss-sentinel://one/main",
                "rediss-sentinel://one:26379/main/0",
            ),
            ("redis://me:hunter2@db:port", "the host or its port cannot"),
            ("redis://me:hunter2@/3", "the host or its port cannot"),
            ("redis://me:hunter2@db/three", "the database is no number"),
            ("redis://me:hunter2@db/-1", "the number of a database is"),
            (
                "redis://me:hunter2@0.0.0.0",
                "the database is no number, or",
            ),
            ("redis://hunter2@db", "a name without a password"),
            ("redis://me:hunter2@one,two", "several hosts are addressed"),
            ("redis://me:hunter2@db?protocol=3", "an option is not known"),
            ("redis://db?sslrootcert=hunter2", "sslrootcert needs rediss"),
            (
                "redis://db?sentinelPassword=hunter2",
                "sentinelUsername and",
            ),
            ("rediss://me:hunter2@db#insecure", "an address has no part"),
            ("unix:///run/s?password=hunter2", "an option is not known"),
            ("unix://", "the socket has no path"),
            ("unix:///s?db=hunter2", "the socket has no path, or"),
            ("redis-sentinel://me:hunter2@one", "the name of the master"),
            ("redis-sentinel://me:hunter2@one/", "the name of the master"),
            ("redis-sentinel://me:hunter2@one,/m", "the "),
            (
                "redis-sentinel://one/m/hunter2",
                "the database is no number",
            ),
            ("http://me:hunter2@db", "this is no address of sessions"),
            ("redis-cluster://me:hunter2@db", "redis-cluster://db:6379"),
            (
                "rediss-cluster://me:hunter2@one,two:7001/0?sslrootcert=/a.pem",
                "rediss-cluster://one:6379,two:7001",
            ),
            (
                "redis-cluster://me:hunter2@db/1",
                "a cluster has database 0",
            ),
            ("redis-cluster://me:hunter2@db,", "the "),
            ("hunter2", "this is no address of sessions"),
        ] {
            let said = said(url);
            assert!(said.starts_with(expected), "{url}: {said}");
            assert!(!said.contains("hunter2"), "{url}: {said}");
        }
    }

    #[test]
    fn an_address_of_another_machine_without_tls_is_in_the_clear() {
        for (url, in_the_clear) in [
            ("redis://localhost", false),
            ("redis://me:hunter2@127.0.0.2/1", false),
            ("redis://[::1]", false),
            ("redis+unix:///run/redis.sock", false),
            ("rediss://db", false),
            ("redis://db", true),
            ("redis-sentinel://localhost,10.0.0.1/main", true),
            ("rediss-sentinel://localhost,10.0.0.1/main", false),
            ("redis-cluster://10.0.0.1", true),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.is_in_the_clear(), in_the_clear, "{url}");
        }
    }

    #[test]
    fn names_passwords_and_authorities_are_what_the_address_says() {
        let address = Address::parse("rediss://m%40e:h%3A%23+r@db?sslrootcert=%2Fa+b.pem").unwrap();
        assert_eq!(address.settings.username(), Some("m@e"));
        assert_eq!(address.settings.password(), Some("h:#+r"));
        assert_eq!(address.trust, Some(Trust::File("/a+b.pem".into())));
        let system = Address::parse("rediss://db?sslrootcert=system").unwrap();
        assert_eq!(system.trust, Some(Trust::System));
        assert_eq!(Address::parse("redis://db").unwrap().trust, None);
        let sentinels =
            Address::parse("redis-sentinel://me:own@one,two/main/5?sentinelPassword=o%26ther")
                .unwrap();
        assert_eq!(sentinels.settings.password(), Some("own"));
        assert_eq!(sentinels.settings.db(), 5);
        let Place::Sentinels {
            hosts,
            master,
            settings,
        } = sentinels.place
        else {
            panic!("no sentinels");
        };
        assert_eq!(hosts.len(), 2);
        assert_eq!(&*master, "main");
        assert_eq!(settings.password(), Some("o&ther"));
        assert_eq!(settings.username(), None);
        assert_eq!(settings.db(), 0);
    }
}
