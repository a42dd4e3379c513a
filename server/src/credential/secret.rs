//! The HMAC secret: drawn at start, or read from a file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::files;

/// RFC 7518 §3.2: a key at least as long as the hash's output.
const LEAST_BYTES: usize = 32;

/// Fewer different bytes than this are a file that was filled rather than drawn: blanks, zeros, one letter. 32 random hexadecimal
/// digits have fewer in one of some ten million cases.
const LEAST_DISTINCT: usize = 8;

/// Where the HMAC secret comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "PathBuf")]
pub enum SecretFrom {
    /// Drawn when the server starts: every token dies with the process.
    Random,
    /// The bytes of a file, without a final line break.
    File(PathBuf),
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error("secret-file {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is too short.
    #[error(
        "secret-file {path}: {bytes} bytes; accepted: at least {LEAST_BYTES} (256 bits), as in `openssl rand -base64 48`"
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Its length without a final line break.
        bytes: usize,
    },
    /// The file is long enough, but has hardly any content.
    #[error(
        "secret-file {path}: {distinct} different bytes; accepted: at least {LEAST_DISTINCT}, drawn at random as in `openssl rand -base64 48`"
    )]
    TooUniform {
        /// The file.
        path: PathBuf,
        /// How many different bytes there are in it.
        distinct: usize,
    },
    /// The key file could not be read, or holds no key of the kind that is wanted.
    #[error("key-file {path}: {problem}")]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, or what is accepted.
        problem: String,
    },
    /// The system gave no randomness.
    #[error("the system gave no randomness for a secret or a key")]
    NoRandomness,
}

/// A secret that never shows itself.
pub(super) struct Secret(Vec<u8>);

impl Secret {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl SecretFrom {
    pub(super) fn read(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Random => {
                let mut secret = vec![0; LEAST_BYTES];
                getrandom::fill(&mut secret).map_err(|_| SecretError::NoRandomness)?;
                Ok(Secret(secret))
            }
            Self::File(path) => {
                let path = path.clone();
                let mut secret = match files::read(&path, files::MOST_BYTES) {
                    Ok(secret) => secret,
                    Err(error) => return Err(SecretError::Unreadable { path, error }),
                };
                while secret
                    .pop_if(|last| matches!(last, b'\n' | b'\r'))
                    .is_some()
                {}
                if secret.len() < LEAST_BYTES {
                    return Err(SecretError::TooShort {
                        path,
                        bytes: secret.len(),
                    });
                }
                let mut seen = [false; 256];
                for byte in &secret {
                    seen[usize::from(*byte)] = true;
                }
                let distinct = seen.iter().filter(|seen| **seen).count();
                if distinct < LEAST_DISTINCT {
                    return Err(SecretError::TooUniform { path, distinct });
                }
                Ok(Secret(secret))
            }
        }
    }
}

impl From<PathBuf> for SecretFrom {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl FromStr for SecretFrom {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::File(path.into()))
    }
}

impl fmt::Display for SecretFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random per process"),
            Self::File(path) => write!(f, "from {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_few_different_bytes_is_refused_and_says_so() {
        let read = |bytes: &[u8]| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), bytes).unwrap();
            let secret = SecretFrom::File(file.path().to_owned()).read();
            secret.map(|_| ()).map_err(|error| error.to_string())
        };
        for filled in [
            &[b' '; 64][..],
            &[0; 64],
            &[b'a'; 64],
            &b"ab".repeat(32),
            &b"secret".repeat(11),
            &b"1234567".repeat(10),
            &[b"abcdefg", &[b'\n'; 64][..]].concat(),
            &[&[b' '; 64][..], b"\n"].concat(),
        ] {
            let refused = read(filled).unwrap_err();
            assert!(refused.contains("bytes; accepted: at least "), "{refused}");
        }
        for drawn in [
            &b"0123456789abcdef0123456789abcdef"[..],
            b"a secret of at least thirty-two bytes",
            &(0..32).collect::<Vec<u8>>(),
            b"86753098675309867530986753098675309142",
        ] {
            assert_eq!(read(drawn), Ok(()), "{drawn:?}");
        }
    }
}
