//! Why the database did not do what it was asked, by kind and in one line.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::cause;

/// The cause, without a password: the server's own message, which names accounts of the database at most.
pub(super) fn cause_of(error: &Error) -> String {
    let why = match error.as_db_error() {
        Some(told) => of_server(told.code(), told.message()),
        None => of_connection(error),
    };
    cause::plain(&why)
}

fn of_server(code: &SqlState, message: &str) -> String {
    let kind = match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the server refuses the name or the password"
        }
        SqlState::INVALID_CATALOG_NAME => "there is no such database",
        SqlState::INSUFFICIENT_PRIVILEGE => "a permission is missing",
        SqlState::TOO_MANY_CONNECTIONS => "the server has no connection left",
        SqlState::CANNOT_CONNECT_NOW => "the server is starting or ending",
        SqlState::QUERY_CANCELED => "a statement took too long",
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            "the server is read-only, and accounts are written into it"
        }
        SqlState::UNDEFINED_TABLE => "the table of accounts is not there",
        SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => "the server is full",
        _ => return format!("{message} ({})", code.code()),
    };
    format!("{kind}: {message}")
}

/// The library tells kinds apart by their text only.
fn of_connection(error: &Error) -> String {
    let (text, source) = (error.to_string(), error.source().map(ToString::to_string));
    let because = source.clone().map(|source| format!(": {source}"));
    let because = because.unwrap_or_default();
    match text.as_str() {
        "error connecting to server" if because.contains("does not allow writes") => {
            "the server is read-only, and accounts are written into it".to_owned()
        }
        "error connecting to server" => format!("the server cannot be reached{because}"),
        "timeout waiting for server" => "the server did not answer in time".to_owned(),
        "error performing TLS handshake" => format!("no TLS with the server{because}"),
        "connection closed" | "error communicating with the server" => {
            format!("the connection was lost{because}")
        }
        "invalid configuration" if because.contains("password missing") => {
            "the server asks for a password, and the address has none".to_owned()
        }
        "unexpected message from server" | "error parsing response from server" => {
            "what answers there does not speak the protocol of PostgreSQL".to_owned()
        }
        _ => format!("{text}{because}"),
    }
}

/// Whether the connection is of no use any more, and another may be: the server ended or restarted, or is no longer the one
/// that writes.
pub(super) fn is_lost(error: &Error) -> bool {
    let Some(told) = error.as_db_error() else {
        return true;
    };
    let code = told.code();
    // Class 08 is the connection's, 57P0x an end of the server. What was prepared may be gone behind a pooler.
    code.code().starts_with("08")
        || code.code().starts_with("57P0")
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::INVALID_SQL_STATEMENT_NAME
        || *code == SqlState::FEATURE_NOT_SUPPORTED
}
