//! Accounts in PostgreSQL: what is so of its server. What is so of every database is in `databases`.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authlab_server::{Design, Lab};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::databases::{login, sign_up, stored};
use crate::harness::{Client, Served};
use crate::postgresql::PostgreSql;

const SECRET: &str = "hunter2";

fn at(url: &str) -> Design {
    stored(url.parse().unwrap())
}

/// Why a design does not open: one line, without the password.
fn refused(design: Design) -> String {
    let shown = format!("{design:?} {:?}", design.pipeline());
    let error = Lab::open(design).unwrap_err();
    let said = format!("{error}");
    for text in [&shown, &said, &format!("{error:?}")] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(said.starts_with("users database "), "{said}");
    assert!(!said.contains('\n'), "{said}");
    said
}

/// The statuses of sign-ins at once.
async fn at_once(client: &Client, count: usize) -> Vec<u16> {
    let signing_in: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { login(&client, "john", "password123").await })
        })
        .collect();
    let mut statuses = Vec::new();
    for status in signing_in {
        statuses.push(status.await.unwrap());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_killed_is_back_without_a_restart_of_this_server() {
    let Some(mut database) = PostgreSql::start(&[]) else {
        return;
    };
    let server = Served::start(at(&database.url("postgres"))).await;
    let client = server.client();
    for round in 0..2 {
        let name = format!("grace{round}");
        assert_eq!(at_once(&client, 20).await, [200; 20]);
        database.kill();
        assert_eq!(login(&client, "john", "password123").await, 503);
        assert_eq!(login(&client, "john", "wrong").await, 503);
        assert_eq!(login(&client, "nobody", "password123").await, 503);
        assert_eq!(sign_up(&client, &name, "hopper's own").await, 503);
        database.again();
        assert_eq!(login(&client, "john", "password123").await, 200);
        assert_eq!(login(&client, "john", "wrong").await, 401);
        assert_eq!(sign_up(&client, &name, "hopper's own").await, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_a_restart_cut_fails_no_request() {
    let Some(mut database) = PostgreSql::start(&[]) else {
        return;
    };
    let server = Served::start(at(&database.url("postgres"))).await;
    let client = server.client();
    for round in 0..3 {
        assert_eq!(at_once(&client, 20).await, [200; 20]);
        database.stop();
        database.again();
        let name = format!("grace{round}");
        let (made, statuses) = tokio::join!(
            sign_up(&client, &name, "hopper's own"),
            at_once(&client, 20)
        );
        assert_eq!((made, statuses), (201, vec![200; 20]));
        // Each connection is cut, and none knows of it yet.
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'authlab'";
        assert_ne!(database.sql("postgres", cut), "0");
        assert_eq!(at_once(&client, 20).await, [200; 20]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_and_whoever_finds_none_in_time_is_told_to_come_back() {
    let Some(database) = PostgreSql::start(&[]) else {
        return;
    };
    let database = Arc::new(database);
    let server = Served::start(Design {
        users_connections: 2.try_into().unwrap(),
        ..at(&database.url("postgres"))
    })
    .await;
    let client = server.client();
    assert_eq!(at_once(&client, 40).await, [200; 40]);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'authlab'";
    let open = database.sql("postgres", open);
    assert!(["1", "2"].contains(&open.as_str()), "{open}");

    // Somebody else locks the table: statements wait, and those behind them for a connection.
    let other = Arc::clone(&database);
    let locked = std::thread::spawn(move || {
        let lock = "BEGIN; LOCK TABLE authlab_accounts; SELECT pg_sleep(6); COMMIT";
        other.sql("postgres", lock)
    });
    let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'authlab_accounts'::regclass";
    while database.sql("postgres", held) == "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let begun = Instant::now();
    assert_eq!(at_once(&client, 10).await, [503; 10]);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    locked.join().unwrap();
    assert_eq!(at_once(&client, 10).await, [200; 10]);
}

#[test]
fn servers_that_start_at_once_make_the_accounts_once() {
    let Some(database) = PostgreSql::start(&[]) else {
        return;
    };
    let url = database.url("postgres");
    let starting: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            std::thread::spawn(move || Lab::open(at(&url)).map(drop))
        })
        .collect();
    for started in starting {
        started.join().unwrap().unwrap();
    }
    let count = |table| database.sql("postgres", &format!("SELECT count(*) FROM {table}"));
    assert_eq!(count("authlab_accounts"), "6");
    assert_eq!(count("authlab_schema"), "1");
    // Whoever removed the demo accounts meant it.
    database.sql("postgres", "DELETE FROM authlab_accounts");
    drop(Lab::open(at(&url)).unwrap());
    assert_eq!(count("authlab_accounts"), "0");
}

#[test]
fn what_cannot_be_used_is_said_by_kind_and_without_the_password() {
    let Some(mut database) = PostgreSql::start(&[]) else {
        return;
    };
    for statement in [
        "CREATE ROLE ann LOGIN PASSWORD 'another'",
        "CREATE ROLE bob LOGIN",
        "CREATE ROLE carl LOGIN CONNECTION LIMIT 0",
        "CREATE DATABASE fresh",
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0",
        "CREATE DATABASE newer",
        "CREATE DATABASE quiet",
        "ALTER DATABASE quiet SET default_transaction_read_only = on",
    ] {
        database.sql("postgres", statement);
    }
    database.give(
        "data/pg_hba.conf",
        "host all ann 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n",
    );
    database.stop();
    database.again();
    drop(Lab::open(at(&database.url("postgres"))).unwrap());
    drop(Lab::open(at(&database.url("newer"))).unwrap());
    database.sql("newer", "UPDATE authlab_schema SET version = 99");
    let grant = "GRANT SELECT ON authlab_accounts, authlab_schema TO bob";
    database.sql("postgres", grant);

    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = free.local_addr().unwrap().port();
    drop(free);
    let port = database.port;
    for (user, port, database, expected) in [
        (
            "ann",
            port,
            "fresh",
            "the server refuses the name or the password: ",
        ),
        ("bob", port, "nowhere", "there is no such database: "),
        (
            "bob",
            port,
            "fresh",
            "a permission is missing: permission denied for schema public",
        ),
        (
            "bob",
            port,
            "postgres",
            "a permission is missing: INSERT on authlab_accounts",
        ),
        (
            "bob",
            nobody,
            "fresh",
            "the server cannot be reached: Connection refused",
        ),
        ("carl", port, "fresh", "the server has no connection left: "),
        (
            "postgres",
            port,
            "latin",
            "its encoding is LATIN1, and names need UTF8",
        ),
        (
            "postgres",
            port,
            "newer",
            "its schema is version 99, and this authlab knows 1",
        ),
        (
            "postgres",
            port,
            "quiet",
            "the server is read-only, and accounts are written into it",
        ),
        (
            "bob",
            port,
            "fresh?sslmode=require",
            "no TLS with the server: ",
        ),
    ] {
        let url = format!("postgres://{user}:{SECRET}@127.0.0.1:{port}/{database}");
        let name = database.split('?').next().unwrap();
        let expected = format!("users database postgres://127.0.0.1:{port}/{name}: {expected}");
        let said = refused(at(&url));
        assert!(said.starts_with(&expected), "{said}");
    }
    let said = refused(at(&format!("postgres://ann@127.0.0.1:{port}/fresh")));
    assert!(
        said.ends_with("asks for a password, and the address has none"),
        "{said}"
    );
    let said = refused(at(&format!("mysql://ann:{SECRET}@127.0.0.1/fresh")));
    assert!(said.contains("accepted: postgres://"), "{said}");
    // With the right one it goes on, and the connections of requests show it too.
    let url = format!("postgres://postgres:{SECRET}@127.0.0.1:{port}/fresh");
    drop(Lab::open(at(&url)).unwrap());
}

/// An authority, and a certificate of it for this name, with its key.
pub(crate) struct Certified {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) fn certified(name: &str) -> Certified {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    Certified {
        authority,
        certificate: params.signed_by(&own, &issuer).unwrap().pem(),
        key: own.serialize_pem(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_used_and_verified_as_sslmode_says() {
    let Some(mut database) = PostgreSql::start(&[]) else {
        return;
    };
    let (own, other) = (certified("127.0.0.1"), certified("127.0.0.1"));
    for (setting, name, text) in [
        ("ssl_cert_file", "server.crt", &own.certificate),
        ("ssl_key_file", "server.key", &own.key),
    ] {
        let path = database.give(name, text);
        database.set(format!("{setting}={}", path.display()));
    }
    database.set("ssl=on".to_owned());
    database.stop();
    database.again();
    let own = database.give("own.pem", &own.authority);
    let other = database.give("other.pem", &other.authority);
    let url = database.url("postgres");
    let is_secured = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'authlab'";
    for (query, expected) in [
        (String::new(), "t"),
        ("?sslmode=disable".to_owned(), "f"),
        ("?sslmode=prefer".to_owned(), "t"),
        ("?sslmode=require".to_owned(), "t"),
        (
            format!("?sslmode=verify-full&sslrootcert={}", own.display()),
            "t",
        ),
    ] {
        let server = Served::start(at(&format!("{url}{query}"))).await;
        assert_eq!(login(&server.client(), "john", "password123").await, 200);
        assert_eq!(database.sql("postgres", is_secured), expected, "{query}");
        let cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'authlab'";
        database.sql("postgres", cut);
    }
    let verified =
        |url: &str, roots: &str| refused(at(&format!("{url}?sslmode=verify-full{roots}")));
    let by = |path: &std::path::Path| format!("&sslrootcert={}", path.display());
    let said = verified(&url, &by(&other));
    assert!(said.contains("no TLS with the server: "), "{said}");
    let said = verified(&url, "");
    assert!(said.contains("no TLS with the server: "), "{said}");
    let said = verified(&url.replace("127.0.0.1", "localhost"), &by(&own));
    assert!(said.contains("not valid for name"), "{said}");
    let said = verified(&url, "&sslrootcert=%2Fnowhere");
    assert!(said.contains("sslrootcert /nowhere: "), "{said}");
}
