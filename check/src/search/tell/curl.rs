//! A history as commands that a reader can type. Credentials are variables: those that were used are worth nothing any more,
//! and passwords are not repeated.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use authlab_loadtest::caller::Head;
use authlab_loadtest::scenario::{Body, Credentials, Place, Step, Template};

use crate::contract::Contract;
use crate::history::{Act, Form, Op};
use crate::play::{Seen, next};
use crate::shrink::Shown;

/// What stands for a variable until its text is quoted: nothing encodes letters and digits.
const OPEN: &str = "QzVALUEzQ";
const CLOSE: &str = "QzENDzQ";
/// What a shell has to run within a text, for HTTP Basic.
const ENCODES: &str = "$(printf %s ";
/// Names of values that are not repeated.
const SECRET: [&str; 5] = ["pass", "secret", "key", "token", "pin"];

/// Whose values a command has: the principal, and which of its credentials.
#[derive(Clone, Copy)]
struct Whose<'a> {
    contract: &'a Contract,
    who: usize,
    credential: usize,
}

pub(super) fn commands(contract: &Contract, shown: &Shown) -> Vec<String> {
    let mut told = Told {
        contract,
        lines: Vec::new(),
        signed_in: BTreeSet::new(),
    };
    for (op, seen) in shown.ops.iter().zip(&shown.played.seen) {
        told.operation(shown, op, seen);
    }
    let unset = unset(&told.lines);
    if !unset.is_empty() {
        told.lines
            .insert(0, format!("# Set first: {}", unset.join(", ")));
    }
    told.lines
}

/// The variables that no line fills: passwords, and what the contract has from the environment.
fn unset(lines: &[String]) -> Vec<String> {
    let mut unset: Vec<String> = Vec::new();
    for line in lines {
        for part in line.split("${").skip(1) {
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let name: String = part.chars().take_while(|c| is_of_name(*c)).collect();
            let is_filled = lines
                .iter()
                .any(|line| line.starts_with(&format!("{name}=")));
            if !name.is_empty() && !is_filled && !unset.contains(&name) {
                unset.push(name);
            }
        }
    }
    unset
}

struct Told<'a> {
    contract: &'a Contract,
    lines: Vec<String>,
    signed_in: BTreeSet<String>,
}

impl Told<'_> {
    fn operation(&mut self, shown: &Shown, op: &Op, seen: &Seen) {
        let contract = self.contract;
        let own = Whose {
            contract,
            who: op.who,
            credential: op.credential,
        };
        self.sign_in(own);
        match (op.act, seen) {
            (Act::Change(change), _) => {
                let change = &contract.changes[change];
                let maker = change.by.map_or(own, |by| Whose {
                    who: by,
                    credential: 0,
                    ..own
                });
                self.sign_in(maker);
                for step in &change.steps {
                    self.lines.push(of_step(step, maker, own));
                }
            }
            (Act::Use { form, .. }, Seen::Asked { head, .. }) => {
                let remark = match (op.at_once, form.words()) {
                    (true, words) => format!(
                        "   # {words}{}at once with the next",
                        if words.is_empty() { "" } else { "; " }
                    ),
                    (false, "") => String::new(),
                    (false, words) => format!("   # {words}"),
                };
                let address = format!("{}{}", contract.base, target(shown, head));
                self.lines.push(format!(
                    "curl -isS --path-as-is{} {}{remark}",
                    options(op, head, own),
                    quoted(&address)
                ));
            }
            (Act::Expire, _) => {
                let seconds = contract
                    .expiry
                    .map_or(0.0, |expiry| (expiry.after + expiry.within).as_secs_f64());
                self.lines
                    .push(format!("sleep {seconds}   # the credential expires"));
            }
            (Act::Wait, _) => {
                let promised = shown.ops.iter().filter_map(|op| match op.act {
                    Act::Change(change) => Some(contract.changes[change].within),
                    _ => None,
                });
                let seconds = promised.max().unwrap_or_default().as_secs_f64();
                self.lines
                    .push(format!("sleep {seconds}   # the promised time"));
            }
            _ => {}
        }
    }

    fn sign_in(&mut self, whose: Whose<'_>) {
        if !self.signed_in.insert(whose.prefix()) {
            return;
        }
        for step in &self.contract.principals[whose.who].sign_in {
            self.lines.push(of_step(step, whose, whose));
        }
    }
}

impl Whose<'_> {
    /// The beginning of its variables' names.
    fn prefix(self) -> String {
        let name = variable(&self.contract.principals[self.who].name);
        if self.credential == 0 {
            name
        } else {
            format!("{name}_{}", self.credential + 1)
        }
    }

    /// The file of its cookies.
    fn cookies(self) -> String {
        format!("{}.cookies", self.prefix().to_lowercase())
    }

    fn sends_cookies(self) -> bool {
        self.contract.principals[self.who].ways.contains(&true)
    }

    /// A value as a command has it: the text itself, or a variable.
    fn value(self, name: &str) -> String {
        let principal = &self.contract.principals[self.who];
        if let Some(variable) = principal.variables.get(name) {
            return format!("{OPEN}{variable}{CLOSE}");
        }
        let is_secret = SECRET.iter().any(|secret| name.contains(secret));
        match principal.values.get(name) {
            Some(value) if !is_secret => value.clone(),
            _ => format!("{OPEN}{}_{}{CLOSE}", self.prefix(), variable(name)),
        }
    }

    fn filled(self, template: &Template, theirs: Whose<'_>) -> String {
        let filled = template.fill(|name, text| {
            text.push_str(&match name.strip_prefix("their_") {
                Some(name) => theirs.value(name),
                None => self.value(name),
            });
            true
        });
        filled.unwrap_or_default()
    }
}

/// The target as it was sent, without the parameter that only keeps histories apart.
fn target(shown: &Shown, head: &Head) -> String {
    match &shown.played.unique {
        Some(_) => crate::play::without_unique(&head.target).to_owned(),
        None => head.target.clone(),
    }
}

fn variable(text: &str) -> String {
    let upper = text.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    upper.collect()
}

/// A step, and the variable that its answer fills.
fn of_step(step: &Step, whose: Whose<'_>, theirs: Whose<'_>) -> String {
    let contract = whose.contract;
    let fill = |template: &Template| whose.filled(template, theirs);
    let server = step
        .at
        .as_ref()
        .and_then(|at| contract.servers.iter().find(|(name, _)| name == at));
    let origin = server.map_or(&contract.base, |(_, origin)| origin);
    let mut words = vec!["curl -sS".to_owned()];
    if whose.sends_cookies() {
        words.push(format!("-b {0} -c {0}", whose.cookies()));
    }
    if step.method != http::Method::GET {
        words.push(format!("-X {}", step.method));
    }
    for (name, value) in &step.headers {
        words.push(format!(
            "-H {}",
            quoted(&format!("{name}: {}", fill(value)))
        ));
    }
    match &step.credentials {
        Some(Credentials::Bearer(token)) => {
            words.push(format!(
                "-H {}",
                quoted(&format!("authorization: Bearer {}", fill(token)))
            ));
        }
        Some(Credentials::Basic(user, password)) => {
            words.push(format!(
                "-u {}",
                quoted(&format!("{}:{}", fill(user), fill(password)))
            ));
        }
        None => {}
    }
    let body = body_of(step, fill);
    if !body.is_empty() {
        words.push(format!("--data-raw {}", quoted(&body)));
    }
    words.push(quoted(&format!("{origin}{}", fill(&step.target))));
    let command = words.join(" ");
    let Some((name, place)) = step.save.first() else {
        return command;
    };
    let name = format!("{}_{}", whose.prefix(), variable(name));
    match place {
        Place::Json(pointer) => {
            let pointer = pointer.trim_start_matches('/').replace('/', ".");
            format!("{name}=$({command} | jq -r '.{pointer}')")
        }
        Place::Header(header) => {
            format!(
                "{name}=$({command} -o /dev/null -D - | sed -n 's/^{header}: \\(.*\\)\\r$/\\1/Ip')"
            )
        }
        Place::Cookie(cookie) => {
            format!(
                "{name}=$({command} -o /dev/null -D - | sed -n 's/^set-cookie: {cookie}=\\([^;\\r]*\\).*/\\1/Ip')"
            )
        }
        Place::Field(_) | Place::Query(_) => {
            format!("{command}   # {name} is read from its answer")
        }
    }
}

/// The body of a step's request.
fn body_of(step: &Step, fill: impl Fn(&Template) -> String) -> String {
    match &step.body {
        Body::Text(text) | Body::Json(text) => fill(text),
        Body::Form(fields) => {
            let pairs: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}={}", fill(value)))
                .collect();
            pairs.join("&")
        }
    }
}

/// The options by which `curl` sends a request as it was sent.
fn options(op: &Op, head: &Head, own: Whose<'_>) -> String {
    let mut words = String::new();
    match head.method.as_str() {
        "GET" => {}
        "HEAD" => words.push_str(" -I"),
        method => drop(write!(words, " -X {}", quoted(method))),
    }
    let Act::Use { route, way, form } = op.act else {
        return words;
    };
    let contract = own.contract;
    if form == Form::NoHost {
        words.push_str(" -H 'Host:'");
    }
    // Where a service asks about a token in the body, the header is the service's own.
    let asks_about = contract.routes[route].decision.is_some();
    let of_header = if asks_about { Form::AsIs } else { form };
    let mut seen = BTreeSet::new();
    for (name, value) in &head.headers {
        let lower = name.to_ascii_lowercase();
        let text = String::from_utf8_lossy(value);
        let is_first = seen.insert(lower.clone());
        if lower == "host" && form == Form::TwoHosts && !is_first {
            // curl sends one such header, unless the second is part of another one's value.
            let _ = write!(words, " -H $'x-authlab: 1\\r\\nHost: {text}'");
            continue;
        }
        if lower == "content-length" || lower == "host" && form != Form::OtherHost {
            continue;
        }
        let is_secret = ["authorization", "cookie", "dpop"].contains(&lower.as_str())
            || holds_secret(&text, own);
        if !is_secret || text.contains("authlab-check.invalid") {
            let _ = write!(words, " -H {}", quoted(&format!("{name}: {text}")));
            continue;
        }
        // Of two principals the second credential is the next one's.
        let other = next(contract, op.who).filter(|_| form == Form::TwoPrincipals && !is_first);
        let whose = other.map_or(own, |who| Whose {
            who,
            credential: 0,
            ..own
        });
        let way = if other.is_some() { 0 } else { way };
        if lower == "cookie" && contract.principals[whose.who].ways[way] {
            let _ = write!(words, " -b {}", whose.cookies());
            continue;
        }
        let step = &contract.routes[route].requests[whose.who][way];
        let shown = shown(step, &lower, whose)
            .unwrap_or_else(|| format!("{OPEN}{}_{}{CLOSE}", whose.prefix(), variable(&lower)));
        let _ = write!(
            words,
            " -H {}",
            quoted_token(&format!("{name}: {shown}"), of_header)
        );
    }
    if !head.body.is_empty() {
        let step = &contract.routes[route].requests[op.who][way];
        let body = body_of(step, |template| own.filled(template, own));
        let of_body = if asks_about { form } else { Form::AsIs };
        let _ = write!(words, " --data-raw {}", quoted_token(&body, of_body));
    }
    words
}

fn holds_secret(text: &str, whose: Whose<'_>) -> bool {
    let values = whose.contract.principals[whose.who].values.iter();
    let mut secret = values.filter(|(name, value)| {
        value.len() > 3 && SECRET.iter().any(|secret| name.contains(secret))
    });
    secret.any(|(_, value)| text.contains(value.as_str()))
}

/// The header of a step by which it shows its credential.
fn shown(step: &Step, lower: &str, whose: Whose<'_>) -> Option<String> {
    let own = step.headers.iter().find(|(name, _)| name.as_str() == lower);
    if let Some((_, template)) = own {
        return Some(whose.filled(template, whose));
    }
    match &step.credentials {
        Some(Credentials::Bearer(token)) if lower == "authorization" => {
            let scheme = if step.dpop { "DPoP" } else { "Bearer" };
            Some(format!("{scheme} {}", whose.filled(token, whose)))
        }
        Some(Credentials::Basic(user, password)) if lower == "authorization" => {
            let pair = format!(
                "{}:{}",
                whose.filled(user, whose),
                whose.filled(password, whose)
            );
            Some(format!("Basic {ENCODES}{pair} | base64 -w0)"))
        }
        _ => None,
    }
}

/// Quoted for a shell, with variables where values stand.
fn quoted(text: &str) -> String {
    quoted_token(text, Form::AsIs)
}

/// The same; the variable is that of a token in its form, in bash's notation.
fn quoted_token(text: &str, form: Form) -> String {
    let plain =
        shlex::try_quote(text).map_or_else(|_| "''".to_owned(), std::borrow::Cow::into_owned);
    if !plain.contains(OPEN) && !text.contains(ENCODES) {
        return plain;
    }
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('`', "\\`");
    let mut double = String::new();
    for (number, part) in escaped.split(OPEN).enumerate() {
        match part.split_once(CLOSE) {
            Some((name, after)) if number > 0 => {
                let _ = match form {
                    Form::TokenTail => {
                        write!(double, "${{{name}:0:${{#{name}}}-8}}A${{{name}: -7}}")
                    }
                    Form::TokenHead => write!(double, "${{{name}:0:8}}A${{{name}:9}}"),
                    Form::TokenCut => write!(double, "${{{name}:0:${{#{name}}}-8}}"),
                    Form::TokenLong => write!(double, "${{{name}}}$(printf 'A%.0s' {{1..6000}})"),
                    _ => write!(double, "${{{name}}}"),
                };
                double.push_str(after);
            }
            _ => double.push_str(part),
        }
    }
    format!("\"{double}\"")
}
