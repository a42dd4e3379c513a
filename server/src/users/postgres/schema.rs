//! What is done once, at start: the schema's versions, the demo accounts of a database that has none, and a look at every
//! account. Several servers may start at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, Error, GenericClient};

use super::address::Address;
use super::failure::cause_of;
use super::pool::bound;
use super::tls::Tls;
use crate::password::Password;
use crate::users::database::{Survey, UsersDatabaseError};
use crate::users::{DEMO, UsersError, decoy, hash_all};

/// How long a connection may take at start, and a statement: another server that starts may migrate first.
const MOST_CONNECT: Duration = Duration::from_secs(5);
const MOST_STATEMENT: Duration = Duration::from_secs(60);

/// The schema's versions: never changed, only added to.
const VERSIONS: &[&str] = &[r#"
    CREATE TABLE authlab_accounts (
        name text COLLATE "C" PRIMARY KEY,
        stored text NOT NULL,
        roles text NOT NULL,
        email text NOT NULL DEFAULT '',
        bio text NOT NULL DEFAULT ''
    );
    CREATE TABLE authlab_schema (version integer NOT NULL);
    INSERT INTO authlab_schema VALUES (0);
"#];

/// Held while the schema is changed: `authlab` as a number.
const LOCK: i64 = 0x61_7574_686c_6162;

/// What accounts are asked for and changed by.
const PERMISSIONS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// Prepares the database and looks at every account.
pub(super) async fn prepare(
    address: &Address,
    tls: Tls,
    password: Password,
) -> Result<Survey, UsersError> {
    let refuse = |problem: String| UsersDatabaseError {
        place: address.to_string(),
        problem,
    };
    let failed = |error: Error| refuse(cause_of(&error));
    let mut config = address.config.clone();
    bound(&mut config, MOST_CONNECT, MOST_STATEMENT);
    let (mut client, connection) = timeout(MOST_CONNECT * 2, config.connect(tls))
        .await
        .map_err(|_| refuse("the server did not answer in time".to_owned()))?
        .map_err(failed)?;
    let connection = tokio::spawn(async move { drop(connection.await) });
    let encoding = client
        .query_one("SHOW server_encoding", &[])
        .await
        .and_then(|row| row.try_get::<_, String>(0))
        .map_err(failed)?;
    if encoding != "UTF8" {
        let problem = format!("its encoding is {encoding}, and names need UTF8");
        return Err(refuse(problem).into());
    }
    let found = version(&client).await.map_err(failed)?;
    let demo = if found == 0 {
        // Slow hashes are made before anybody waits for the lock.
        let passwords = DEMO.map(|(name, password, ..)| (name, password));
        hash_all(&passwords, password)?
    } else {
        Vec::new()
    };
    let now = if found < known() {
        migrate(&mut client, &demo).await.map_err(failed)?
    } else {
        found
    };
    if now > known() {
        let problem = format!(
            "its schema is version {now}, and this authlab knows {}: a newer one has migrated it",
            known()
        );
        return Err(refuse(problem).into());
    }
    if let Some(missing) = missing_permission(&client).await.map_err(failed)? {
        let problem = format!("a permission is missing: {missing} on authlab_accounts");
        return Err(refuse(problem).into());
    }
    let found = survey(&client, decoy(password)?).await.map_err(failed)?;
    drop(client);
    connection.abort();
    Ok(found)
}

fn known() -> i32 {
    i32::try_from(VERSIONS.len()).unwrap_or(i32::MAX)
}

/// Read from the catalogue itself: `to_regclass` answers from a memory that may be older than the lock.
const IS_THERE: &str = "
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_tables
    WHERE tablename = 'authlab_schema' AND schemaname = ANY (current_schemas(false))
)";

/// The version of the schema; 0 where there is none.
async fn version(client: &impl GenericClient) -> Result<i32, Error> {
    let is_there = client.query_one(IS_THERE, &[]).await?;
    if !is_there.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let version = client
        .query_one("SELECT max(version) FROM authlab_schema", &[])
        .await?;
    Ok(version.try_get::<_, Option<i32>>(0)?.unwrap_or(0))
}

/// Brings the schema to the latest version, all of it or nothing. Who comes second finds it done.
async fn migrate(client: &mut Client, demo: &[Arc<str>]) -> Result<i32, Error> {
    let all = client.transaction().await?;
    all.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    let found = version(&all).await?;
    if found >= known() {
        return Ok(found);
    }
    for next in VERSIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        all.batch_execute(next).await?;
    }
    all.execute("UPDATE authlab_schema SET version = $1", &[&known()])
        .await?;
    // Whoever removed the demo accounts later meant it.
    if found == 0 {
        for (stored, (name, _, role, email, bio)) in demo.iter().zip(DEMO) {
            let sql = "INSERT INTO authlab_accounts (name, stored, roles, email, bio) VALUES ($1, $2, $3, $4, $5)";
            let stored: &str = stored;
            let role: &str = role.label();
            all.execute(sql, &[&name, &stored, &role, &email, &bio])
                .await?;
        }
    }
    all.commit().await?;
    Ok(known())
}

async fn missing_permission(client: &Client) -> Result<Option<&'static str>, Error> {
    for permission in PERMISSIONS {
        let row = client
            .query_one(
                "SELECT has_table_privilege('authlab_accounts'::regclass, $1::text)",
                &[&permission],
            )
            .await?;
        if !row.try_get::<_, bool>(0)? {
            return Ok(Some(permission));
        }
    }
    Ok(None)
}

/// A part at a time: there may be more accounts than memory.
async fn survey(client: &Client, own: Arc<str>) -> Result<Survey, Error> {
    let mut found = Survey::of_none(own);
    let first = client.prepare(&page("")).await?;
    let further = client.prepare(&page("WHERE name > $1")).await?;
    let mut rows = client.query(&first, &[]).await?;
    loop {
        for row in &rows {
            found.see(row.try_get(0)?, row.try_get(1)?);
        }
        let Some(last) = rows.last() else {
            return Ok(found);
        };
        let last: String = last.try_get(0)?;
        rows = client.query(&further, &[&last]).await?;
    }
}

fn page(from: &str) -> String {
    format!("SELECT name, stored FROM authlab_accounts {from} ORDER BY name LIMIT 5000")
}
