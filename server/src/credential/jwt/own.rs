//! Claims in this server's own spelling, which tokens of its key have: read in one pass over the text, in the order in which
//! they are written. Whatever is spelled otherwise (another order, an escape, a space, a claim that is not known here) is left
//! to [`super::wire`], which reads all of JSON. What is read here says the same there.

use std::borrow::Cow;

use super::Claims;
use super::wire::id;
use crate::bound::{Bound, Seal, SealedSender};
use crate::grant::TokenId;
use crate::policy::{Role, Roles, Scopes};

/// How all claims begin that are of an issuer and for an audience: up to the subject. `None` for names that no JSON has.
pub(super) fn opening(issuer: &str, audience: &str) -> Option<String> {
    let [issuer, audience] = [issuer, audience].map(|name| serde_json::to_string(name).ok());
    Some(format!(
        r#"{{"iss":{},"aud":{},"sub":""#,
        issuer?, audience?
    ))
}

/// What an access token says, if it is spelled as here and begins so.
pub(super) fn read<'a>(payload: &'a [u8], opening: &str) -> Option<Claims<'a>> {
    let mut rest = Rest(std::str::from_utf8(payload).ok()?);
    rest.expect(opening)?;
    let sub = rest.text()?;
    rest.expect(r#","client_id":""#)?;
    rest.text()?;
    rest.expect(r#","roles":["#)?;
    let roles = rest.roles()?;
    let narrowed_from = rest.optional(r#","narrowed_from":["#, Rest::roles)?;
    rest.expect(r#","scope":""#)?;
    let scopes = Scopes::known(rest.text()?);
    rest.expect(r#","iat":"#)?;
    let issued_at = rest.number()?;
    let not_before = rest.optional(r#","nbf":"#, Rest::number)?.unwrap_or(0);
    rest.expect(r#","exp":"#)?;
    let expires_at = rest.number()?;
    rest.expect(r#","jti":""#)?;
    let jti = rest.id()?;
    let session = rest.optional(r#","sid":""#, Rest::id)?;
    let generation = rest.optional(r#","gen":"#, Rest::number)?.unwrap_or(0);
    let sealed = rest.optional(r#","bnd":{"ua":""#, Rest::sealed)?;
    (rest.0 == "}").then_some(Claims {
        sub: Cow::Borrowed(sub),
        roles: narrowed_from.unwrap_or(roles),
        narrowed: narrowed_from.is_some(),
        scopes,
        issued_at,
        not_before,
        expires_at,
        id: jti,
        session,
        generation: generation.try_into().ok()?,
        bound: Bound::of_claims(sealed, None)?,
    })
}

/// What is not yet read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, spelled: &str) -> bool {
        let after = self.0.strip_prefix(spelled);
        self.0 = after.unwrap_or(self.0);
        after.is_some()
    }

    fn expect(&mut self, spelled: &str) -> Option<()> {
        self.skip(spelled).then_some(())
    }

    /// What is read after a spelling that may be absent.
    #[expect(
        clippy::option_option,
        reason = "a claim that is absent is not one that is spelled otherwise"
    )]
    fn optional<T>(
        &mut self,
        spelled: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.skip(spelled) {
            read(self).map(Some)
        } else {
            Some(None)
        }
    }

    /// A text up to its quotation mark, without what JSON escapes.
    fn text(&mut self) -> Option<&'a str> {
        let (text, after) = self.0.split_once('"')?;
        self.0 = after;
        let is_plain = |byte: u8| byte >= b' ' && byte != b'\\';
        text.bytes().all(is_plain).then_some(text)
    }

    /// A whole number of at most nineteen digits: all of those fit. What follows it is compared next, so that no fraction and
    /// no exponent is passed over.
    fn number(&mut self) -> Option<u64> {
        const MOST_DIGITS: usize = 19;
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = self.0.split_at(digits);
        let has_zeros = digits > 1 && number.starts_with('0');
        if digits == 0 || digits > MOST_DIGITS || has_zeros {
            return None;
        }
        self.0 = after;
        let digits = number.bytes().map(|digit| u64::from(digit - b'0'));
        Some(digits.fold(0, |number, digit| number * 10 + digit))
    }

    fn id(&mut self) -> Option<TokenId> {
        self.text().and_then(id)
    }

    /// Names up to the bracket.
    fn roles(&mut self) -> Option<Roles> {
        let mut roles = Roles::default();
        if self.skip("]") {
            return Some(roles);
        }
        loop {
            self.expect("\"")?;
            if let Some(role) = Role::named(self.text()?) {
                roles = roles.with(role);
            }
            if self.skip("]") {
                return Some(roles);
            }
            self.expect(",")?;
        }
    }

    /// The seals of a sender, from the text of the first one on.
    fn sealed(&mut self) -> Option<SealedSender> {
        let user_agent = Seal::of_text(self.text()?)?;
        let seal = |rest: &mut Self| Seal::of_text(rest.text()?);
        let ip = self.optional(r#","ip":""#, seal)?.unwrap_or_default();
        self.expect("}")?;
        Some(SealedSender { user_agent, ip })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::{AccessToken, Addressed as _};
    use super::*;
    use crate::members::read_object;
    use crate::policy::Scope;

    const ISSUER: &str = "https://issuer.test/\"a";
    const AUDIENCE: &str = "api";

    fn claims() -> impl Strategy<Value = Claims<'static>> {
        let subject = prop_oneof!["[a-z]{1,9}", "\\PC{0,6}", "[\\x00-\\x7f]{0,6}"];
        let seal = || prop_oneof!["[0-9a-f]{64}", "[0-9a-f]{0,40}"];
        let bound = prop::option::of((seal(), seal()));
        let number = || prop_oneof![Just(0), any::<u64>(), 1_700_000_000..1_900_000_000_u64];
        let sets = (0..4_u8, 0..4_u8, any::<bool>());
        let ids = (
            any::<u128>(),
            prop::option::of(any::<u128>()),
            prop_oneof![Just(0), any::<u32>()],
        );
        (subject, bound, (number(), number(), number()), sets, ids).prop_map(
            |(sub, bound, (issued_at, not_before, expires_at), sets, ids)| {
                let (roles, scopes, narrowed) = sets;
                let roles = Role::ALL
                    .iter()
                    .filter(|role| roles & (1 << **role as u8) != 0);
                let scopes = Scope::ALL
                    .iter()
                    .filter(|scope| scopes & (1 << **scope as u8) != 0);
                let text = |text: &str| Seal::of_text(text).unwrap();
                Claims {
                    sub: sub.into(),
                    roles: roles.copied().collect(),
                    scopes: scopes.copied().collect(),
                    narrowed,
                    issued_at,
                    not_before,
                    expires_at,
                    id: TokenId::of(ids.0),
                    session: ids.1.map(TokenId::of),
                    generation: ids.2,
                    bound: bound.map_or(Bound::Nobody, |(user_agent, ip)| {
                        let (user_agent, ip) = (text(&user_agent), text(&ip));
                        Bound::Sender(SealedSender { user_agent, ip })
                    }),
                }
            },
        )
    }

    fn by_serde(payload: &[u8]) -> Option<Claims<'_>> {
        let token: AccessToken<'_> = read_object(payload)?;
        let addressed = token.is_from(ISSUER) && token.is_for(AUDIENCE);
        token.claims().filter(|_| addressed)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// Spelled as here or changed anywhere, it says what all of JSON says, or it is left to that.
        #[test]
        fn what_is_read_here_says_the_same_to_a_reader_of_all_json(
            claims in claims(),
            at in any::<prop::sample::Index>(),
            change in prop_oneof![
                Just(None),
                (0..3_u8, prop::sample::select(b"\"\\,:{}[]0129.-eE aA\x00\x1f\x7f\xc3".to_vec())).prop_map(Some),
            ],
        ) {
            let opening = opening(ISSUER, AUDIENCE).unwrap();
            let token = AccessToken::of(&claims, ISSUER, AUDIENCE, &[], None);
            let mut payload = serde_json::to_vec(&token).unwrap();
            let at = at.index(payload.len());
            match change {
                None => {}
                Some((0, byte)) => payload[at] = byte,
                Some((1, byte)) => payload.insert(at, byte),
                Some(_) => drop(payload.remove(at)),
            }
            let read = read(&payload, &opening);
            if change.is_none() && claims.sub.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let is_spelled = match claims.bound {
                    Bound::Sender(sealed) => !sealed.user_agent.is_empty(),
                    _ => true,
                };
                let short = [claims.issued_at, claims.not_before, claims.expires_at];
                let short = short.iter().all(|number| *number < 10_u64.pow(19));
                prop_assert_eq!(read.is_some(), is_spelled && short);
            }
            if read.is_some() {
                prop_assert_eq!(read, by_serde(&payload));
            }
        }
    }
}
