//! `authlab client`: a person, or a script, at a reference server: signs in, reads the items, tries to add one, looks at
//! the account and, where there are several, at its devices.

mod server;
mod terminal;

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::output;
use server::{Answer, Dialect, Server};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The server: http://HOST:PORT or https://HOST:PORT
    url: String,
    /// What to do; without it the client is interactive
    #[command(subcommand)]
    act: Option<Act>,
    /// Print the server's answers as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Name of the account; with --credential basic it is needed for each command, instead of a token
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// Token that `login` printed
    #[arg(long, global = true, env = "AUTHLAB_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Name of this device
    #[arg(long, global = true, value_name = "ID")]
    device: Option<String>,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Sign in and print the token. The password is `AUTHLAB_CLIENT_PASSWORD`, or typed, or a line on stdin.
    /// With --credential basic the token contains the password
    Login,
    /// List the items that this account may see
    Items,
    /// Add an item
    Add {
        /// Its name
        #[arg(default_value = "Admin Item")]
        name: String,
    },
    /// The account
    Account,
    /// List the devices that the account is signed in from
    Devices,
    /// Sign a device out
    SignOut {
        /// Its id, as `devices` prints it
        device: String,
    },
    /// End this session
    Logout,
}

/// Where a script keeps the password: not among the arguments, which every process can read.
const PASSWORD: &str = "AUTHLAB_CLIENT_PASSWORD";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(async {
        let server = Server::at(&arguments.url).await?;
        match &arguments.act {
            Some(act) => once(arguments, &server, act).await,
            None => dialogue(arguments, &server).await,
        }
    })
}

/// One act, for a script: what it printed is on stdout, and what was refused ends with 1.
async fn once(arguments: &Arguments, server: &Server, act: &Act) -> anyhow::Result<ExitCode> {
    if let Act::Login = act {
        let user = arguments.user.as_deref();
        let user = user.context("login needs --user NAME")?;
        let signed_in = server
            .sign_in(user, &password(user)?, arguments.device.as_deref())
            .await?;
        return Ok(match signed_in {
            Ok(token) if arguments.json => show(&json!({ "token": token })),
            Ok(token) => show_text(&token),
            Err(refused) => refuse(arguments, &refused),
        });
    }
    let token = match (&arguments.token, &arguments.user) {
        (Some(token), _) => token.clone(),
        // Nothing is signed in to that would have to be ended.
        (None, Some(user)) if server.dialect() == Dialect::Basic => {
            match server.sign_in(user, &password(user)?, None).await? {
                Ok(token) => token,
                Err(refused) => return Ok(refuse(arguments, &refused)),
            }
        }
        (None, _) if server.dialect() == Dialect::Basic => {
            bail!("no name: --user NAME, or --token TOKEN or AUTHLAB_TOKEN, as `login` prints it")
        }
        (None, _) => bail!("no token: --token TOKEN or AUTHLAB_TOKEN, as `login` prints it"),
    };
    let answer = act.ask(server, &token).await?;
    if !answer.is_ok() {
        return Ok(refuse(arguments, &answer));
    }
    Ok(if arguments.json {
        show(&answer.body)
    } else {
        show_text(&act.words(&answer))
    })
}

impl Act {
    async fn ask(&self, server: &Server, token: &str) -> anyhow::Result<Answer> {
        match self {
            Self::Login => anyhow::bail!("a sign-in shows no token"),
            Self::Items => server.get("/items", token).await,
            Self::Add { name } => server.add(name, token).await,
            Self::Account => server.get("/user", token).await,
            Self::Devices => server.get("/devices", token).await,
            Self::SignOut { device } => server.sign_out(device, token).await,
            Self::Logout => server.log_out(token).await,
        }
    }

    /// A good answer as people read it.
    fn words(&self, answer: &Answer) -> String {
        let body = &answer.body;
        match self {
            Self::Items => texts(&body["items"]).join("\n"),
            Self::Add { .. } => format!("added: {}", body["name"].as_str().unwrap_or("?")),
            Self::Account => account(body),
            Self::Devices => devices(body),
            Self::Login | Self::SignOut { .. } | Self::Logout => "signed out".to_owned(),
        }
    }
}

/// The first design's program: asks who, shows what that account may, and asks again.
async fn dialogue(arguments: &Arguments, server: &Server) -> anyhow::Result<ExitCode> {
    output::line(format_args!(
        "{}: {}; `quit` ends",
        arguments.url,
        server.dialect()
    ));
    loop {
        let Some(user) = terminal::ask("user: ")? else {
            break;
        };
        match user.trim() {
            "" => {}
            "quit" | "exit" => break,
            user => visit(arguments, server, user).await?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn visit(arguments: &Arguments, server: &Server, user: &str) -> anyhow::Result<()> {
    let Some(password) = terminal::ask_hidden("password: ")? else {
        return Ok(());
    };
    let device = arguments.device.as_deref();
    let token = match server.sign_in(user, &password, device).await? {
        Ok(token) => token,
        Err(refused) => {
            output::line(format_args!("{}", refused.problem()));
            return Ok(());
        }
    };
    if server.dialect() != Dialect::Basic {
        output::line(format_args!("token    {token}"));
    }
    let acts = [
        ("items", Act::Items),
        (
            "add",
            Act::Add {
                name: "Admin Item".to_owned(),
            },
        ),
        ("account", Act::Account),
    ];
    for (name, act) in &acts {
        told(server, name, act, &token).await?;
    }
    if server.dialect() == Dialect::Devices {
        told(server, "devices", &Act::Devices, &token).await?;
        while let Some(device) = terminal::ask("sign out which device? (none: enter) ")? {
            if device.trim().is_empty() {
                break;
            }
            let device = device.trim().to_owned();
            told(server, "sign-out", &Act::SignOut { device }, &token).await?;
        }
    }
    Ok(())
}

async fn told(server: &Server, name: &str, act: &Act, token: &str) -> anyhow::Result<()> {
    let answer = act.ask(server, token).await?;
    let text = if answer.is_ok() {
        act.words(&answer)
    } else {
        answer.problem()
    };
    for (i, line) in text.lines().enumerate() {
        let name = if i == 0 { name } else { "" };
        output::line(format_args!("{name:9}{line}"));
    }
    Ok(())
}

fn account(body: &Value) -> String {
    let member = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    let roles = texts(&body["roles"]).join(", ");
    let mut text = format!("{} ({roles})", member("username").unwrap_or("?"));
    for more in ["email", "bio"].into_iter().filter_map(member) {
        text.push_str(", ");
        text.push_str(more);
    }
    text
}

fn devices(body: &Value) -> String {
    let device = |device: &Value| {
        let member = |name: &str| device[name].as_str().unwrap_or("?").to_owned();
        let here = if device["current"] == true {
            "  (this one)"
        } else {
            ""
        };
        format!(
            "{}  {}  {}{here}",
            member("device_id"),
            member("device_name"),
            member("ip")
        )
    };
    let all = body["devices"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    all.iter().map(device).collect::<Vec<_>>().join("\n")
}

fn texts(list: &Value) -> Vec<&str> {
    let all = list.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(Value::as_str).collect()
}

fn password(user: &str) -> anyhow::Result<String> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    if std::io::stdin().is_terminal() {
        let asked = terminal::ask_hidden(&format!("password of {user}: "))?;
        return asked.context("no password");
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read a password from stdin")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn show(body: &Value) -> ExitCode {
    output::line(format_args!("{body}"));
    ExitCode::SUCCESS
}

fn show_text(text: &str) -> ExitCode {
    output::line(format_args!("{text}"));
    ExitCode::SUCCESS
}

/// What the server refused is no fault of the call: 1.
fn refuse(arguments: &Arguments, answer: &Answer) -> ExitCode {
    if arguments.json {
        output::line(format_args!("{}", answer.body));
    }
    output::error(format_args!("{}", answer.problem()));
    ExitCode::FAILURE
}
