//! Who may ask for tokens of its own, or about the tokens of others: other servers, by id and secret.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::axis::axis;
use crate::denied::Denied;
use crate::files;
use crate::members::{Members, Object, misread, shown_name};
use crate::policy::{Scope, Scopes};

/// What a client's name as a subject begins with: no account has a colon in its name (RFC 7617 §2).
pub(crate) const CLIENT: &str = "client:";

pub(crate) const DEMO: (&str, &str) = ("demo-client", "demo-secret");

const SHAPE: &str = r#"expected {"ID": {"secret_sha256": "64 hexadecimal digits", "scopes": ["items:read"], "grants": ["client_credentials", "refresh_token"]}}"#;

axis! {
    /// What a client may get a token for.
    pub enum ClientGrant: "grant" {
        /// itself (RFC 6749 §4.4)
        ClientCredentials = "client_credentials",
        /// the refresh token of a session (RFC 6749 §6)
        RefreshToken = "refresh_token",
    }
}

/// Where clients are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientsFrom {
    /// Beside the demo accounts in memory one demo client, `demo-client` with `demo-secret`; beside any others none.
    Demo,
    /// A JSON file.
    File(PathBuf),
}

/// Why there are no clients, in one line.
#[derive(Debug, thiserror::Error)]
#[error("clients file {path}: {problem}")]
pub struct ClientsError {
    path: PathBuf,
    problem: String,
}

/// Another server.
pub(crate) struct Client {
    id: Box<str>,
    secret: [u8; 32],
    scopes: Scopes,
    grants: Box<[ClientGrant]>,
}

#[derive(Debug)]
pub(crate) struct Clients(HashMap<Box<str>, Client>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    secret_sha256: String,
    scopes: Vec<Scope>,
    grants: Vec<ClientGrant>,
}

impl Clients {
    /// A secret that everybody knows has no place beside `real_accounts`.
    pub(crate) fn open(from: &ClientsFrom, real_accounts: bool) -> Result<Self, ClientsError> {
        match from {
            ClientsFrom::Demo if real_accounts => Ok(Self(HashMap::new())),
            ClientsFrom::Demo => {
                let (id, secret) = DEMO;
                let demo = Client {
                    id: id.into(),
                    secret: Sha256::digest(secret).into(),
                    scopes: Scope::ALL.iter().copied().collect(),
                    grants: ClientGrant::ALL.into(),
                };
                Ok(Self(HashMap::from([(id.into(), demo)])))
            }
            ClientsFrom::File(path) => Self::read(path),
        }
    }

    fn read(path: &Path) -> Result<Self, ClientsError> {
        let refuse = |problem: String| ClientsError {
            path: path.to_owned(),
            problem,
        };
        let text =
            files::read(path, files::MOST_BYTES).map_err(|error| refuse(error.to_string()))?;
        let Members(entries): Members<Object<Entry>> = serde_json::from_slice(&text)
            .map_err(|error| refuse(format!("{}; {SHAPE}", misread(&error))))?;
        let mut clients = HashMap::with_capacity(entries.len());
        for (id, Object(entry)) in entries {
            let id: Box<str> = id.into();
            // RFC 6749 §2.3.1, and as the user of HTTP Basic.
            let named = !id.is_empty() && id.bytes().all(|c| c.is_ascii_graphic() && c != b':');
            let secret = of_hex(&entry.secret_sha256).filter(|_| named);
            let secret = secret.ok_or_else(|| {
                refuse(format!(
                    "{}: an id has visible ASCII characters and no colon, a secret_sha256 64 hexadecimal digits; {SHAPE}",
                    shown_name(&id)
                ))
            })?;
            let client = Client {
                id: id.clone(),
                secret,
                scopes: entry.scopes.into_iter().collect(),
                grants: entry.grants.into(),
            };
            clients.insert(id, client);
        }
        Ok(Self(clients))
    }

    pub(crate) fn find(&self, id: &str, secret: &str) -> Result<&Client, Denied> {
        let shown: [u8; 32] = Sha256::digest(secret).into();
        let client = self.0.get(id);
        let kept = client.map_or([0; 32], |client| client.secret);
        // Secrets of clients are drawn, not thought of: a fast digest is enough (RFC 6819 §5.1.4.1.3).
        let same = bool::from(kept.ct_eq(&shown));
        client.filter(|_| same).ok_or(Denied::BadClient)
    }
}

impl Client {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn scopes(&self) -> Scopes {
        self.scopes
    }

    pub(crate) fn may(&self, grant: ClientGrant) -> Result<(), Denied> {
        if self.grants.contains(&grant) {
            Ok(())
        } else {
            Err(Denied::UnauthorizedClient)
        }
    }
}

fn of_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl FromStr for ClientsFrom {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::File(path.into()))
    }
}

impl<'de> Deserialize<'de> for ClientsFrom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PathBuf::deserialize(deserializer).map(Self::File)
    }
}
