//! What a user's templates may use: what it has saved, what its pools' members have, and values
//! made fresh.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};

use super::members::Drawn;
use crate::scenario::Template;

/// 128 bits: enough for a `state`, a `nonce` or a `jti` never to be repeated.
const RANDOM_BYTES: usize = 16;
/// RFC 7636 §4.1 recommends a verifier of 32 octets.
const VERIFIER_BYTES: usize = 32;

/// The values of one user at one server.
pub(super) struct Values {
    own: BTreeMap<String, String>,
    /// The pool members of the journey under way.
    pub(super) drawn: Vec<Drawn>,
    /// Of this journey, once it is used.
    verifier: Option<String>,
    /// Seeded, so that a run can be repeated: what it makes is test data and guards nothing.
    pub(super) random: StdRng,
    seed: Option<u64>,
}

impl Values {
    pub(super) fn new(number: usize) -> Self {
        Self {
            own: BTreeMap::from([("user".to_owned(), number.to_string())]),
            drawn: Vec::new(),
            verifier: None,
            random: StdRng::seed_from_u64(number as u64),
            seed: None,
        }
    }

    /// Randomness of a slice: of its seed and the user's number. Slices that warm up have one seed
    /// together: the later ones go on, for a server may refuse what it has seen.
    pub(super) fn reseed(&mut self, seed: u64, number: usize) {
        if self.seed.replace(seed) != Some(seed) {
            self.random = StdRng::seed_from_u64(seed ^ ((number as u64) << 32));
        }
    }

    /// A journey begins with these members: what is fresh for each journey is made anew.
    pub(super) fn begin(&mut self, drawn: Vec<Drawn>) {
        self.drawn = drawn;
        self.verifier = None;
    }

    /// A value that the user itself has.
    pub(super) fn own(&self, name: &str) -> Option<&str> {
        self.own.get(name).map(String::as_str)
    }

    /// Puts a value on the user, in place of an earlier one.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        match self.own.get_mut(name) {
            Some(there) => value.clone_into(there),
            None => drop(self.own.insert(name.to_owned(), value.to_owned())),
        }
    }

    /// Keeps a value: on the member that has it from its `fill` steps, or else on the user. Whether
    /// it is the user's.
    pub(super) fn keep(&mut self, name: &str, value: String) -> bool {
        if let Some(drawn) = self.drawn.iter().find(|drawn| drawn.saves(name)) {
            drawn.keep(name, value);
            return false;
        }
        self.own.insert(name.to_owned(), value);
        true
    }

    /// The template with its values; an error names the place, never a value.
    pub(super) fn fill(&mut self, template: &Template) -> Result<String, String> {
        template
            .fill(|name, text| self.push(name, text))
            .map_err(|unfilled| unfilled.to_string())
    }

    /// Fresh text of 128 random bits.
    pub(super) fn fresh(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(self.random.random::<[u8; RANDOM_BYTES]>())
    }

    fn push(&mut self, name: &str, text: &mut String) -> bool {
        match name {
            "random" => text.push_str(&self.fresh()),
            "pkce_verifier" => text.push_str(self.verifier()),
            // RFC 7636 §4.2, S256.
            "pkce_challenge" => {
                let digest = Sha256::digest(self.verifier());
                URL_SAFE_NO_PAD.encode_string(digest, text);
            }
            _ => {
                if let Some(value) = self.own.get(name) {
                    text.push_str(value);
                    return true;
                }
                return self.drawn.iter().any(|drawn| drawn.push(name, text));
            }
        }
        true
    }

    fn verifier(&mut self) -> &str {
        let random = &mut self.random;
        self.verifier
            .get_or_insert_with(|| URL_SAFE_NO_PAD.encode(random.random::<[u8; VERIFIER_BYTES]>()))
    }
}
