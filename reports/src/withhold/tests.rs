use proptest::prelude::*;

use super::*;

#[test]
fn a_command_stays_recognisable_and_its_credentials_are_withheld() {
    for (typed, safe) in [
        (
            "TOKEN=s3cret ./srv --key k {port}",
            "TOKEN=… ./srv --key … {port}",
        ),
        ("A=1 b=2 ./srv {port}", "A=… b=… ./srv {port}"),
        (
            "PORT={port} ADDR=127.0.0.1:{port} ./srv",
            "PORT={port} ADDR=127.0.0.1:{port} ./srv",
        ),
        (
            "TOKEN='a b' ./srv --listen {port}",
            "TOKEN=… ./srv --listen {port}",
        ),
        (
            r"'TOKEN=a b' ./srv --key a\ b {port}",
            "TOKEN=… ./srv --key … {port}",
        ),
        ("env foo=bar ./srv {port}", "env foo=… ./srv {port}"),
        (
            "docker run -e foo=bar --env=B=c -p {port} i",
            "docker run -e foo=… --env=B=… -p {port} i",
        ),
        (
            "env -i 'TOKEN=a b' ./srv {port}",
            "env -i TOKEN=… ./srv {port}",
        ),
        (
            "sh -c 'TOKEN=a ./srv --key=k $0' {port}",
            "sh -c 'TOKEN=… ./srv --key=… $0' {port}",
        ),
        (
            "./srv --api-key=abc --db-password abc {port}",
            "./srv --api-key=… --db-password … {port}",
        ),
        (
            "./srv -token abc --authToken abc {port}",
            "./srv -token … --authToken … {port}",
        ),
        (
            "java -Dapi.key=abc -Dpassword=x -jar a.jar",
            "java -Dapi.key=… -Dpassword=… -jar a.jar",
        ),
        (
            "redis-server --requirepass x --port {port}",
            "redis-server --requirepass … --port {port}",
        ),
        (
            "curl -u me:pass -H 'X-Any: v' {port}",
            "curl -u me:… -H 'X-Any: …' {port}",
        ),
        (
            "curl --header='Cookie: a=b' -ume:x {port}",
            "curl '--header=Cookie: …' -ume:… {port}",
        ),
        (
            "./srv 'Authorization: Bearer abc' {port}",
            "./srv 'Authorization: …' {port}",
        ),
        (
            "./srv redis://:pa@h:1/0 {port}",
            "./srv redis://…@h:1/0 {port}",
        ),
        (
            "./srv redis://u:p/a@h/0 http://h/a@b {port}",
            "./srv redis://…@h/0 http://h/a@b {port}",
        ),
        (
            "./srv http://h/x?a=b&token=abc&c=d {port}",
            "./srv 'http://h/x?a=b&token=…&c=d' {port}",
        ),
        (
            r#"./srv '{"a":1,"password":"x\"y"}' {port}"#,
            r#"./srv '{"a":1,"password":"…"}' {port}"#,
        ),
        (
            "./srv 'host=h password=x' {port}",
            "./srv 'host=h password=…' {port}",
        ),
        (
            "./srv 9f86d081884c7d659a2feaa0c55ad015 {port}",
            "./srv … {port}",
        ),
        (
            "./srv --seed=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6 {port}",
            "./srv --seed=… {port}",
        ),
        (
            "./srv eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0. {port}",
            "./srv … {port}",
        ),
    ] {
        assert_eq!(command(typed), safe);
        assert_eq!(command(safe), safe, "withholding again changes nothing");
    }
}

#[test]
fn what_is_no_credential_stays_as_it_was_typed() {
    for typed in [
        "authlab serve --password md5 --cache-key article --credential opaque --listen 127.0.0.1:{port}",
        "target/release/deps/lab-0123456789abcdef --bench {port}",
        "/nix/store/9f86d081884c7d659a2feaa0c55ad015-srv/bin/srv {port}",
        "java -XX:+HeapDumpOnOutOfMemoryError -jar app.jar --port {port}",
        "nginx -c 'a  b.conf' -g \"daemon off;\" {port}",
        "./srv --introspect-url http://auth:8080/introspect --key-file key.pem {port}",
        "./srv reports/runs/20260731T101500Z-thousandfold/run.json {port}",
        "./srv ; true 'open {port}",
        "./this-is-a-long-variant-name-with-2-numbers {port}",
    ] {
        assert_eq!(command(typed), typed);
    }
}

/// Passwords without a scheme before them, in short options of known programs, and under further names.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn credentials_in_the_forms_of_other_programs_are_withheld() {
    for (typed, safe) in [
        (
            "sshpass -p hunter2 ssh h ./srv {port}",
            "sshpass -p … ssh h ./srv {port}",
        ),
        (
            "sshpass -phunter2 ssh h ./srv {port}",
            "sshpass -p… ssh h ./srv {port}",
        ),
        (
            "./srv --dsn root:hunter2@tcp(h)/db {port}",
            "./srv --dsn '…@tcp(h)/db' {port}",
        ),
        (
            "./srv --dsn=root:hunter2@tcp(h)/db {port}",
            "./srv '--dsn=…@tcp(h)/db' {port}",
        ),
        (
            "./srv --dsn root:12345@h:3306/db {port}",
            "./srv --dsn …@h:3306/db {port}",
        ),
        (
            "./srv --dsn root:hun/t@er2@h/db {port}",
            "./srv --dsn …@h/db {port}",
        ),
        ("./srv dsn=root:hunter2@h {port}", "./srv dsn=…@h {port}"),
        ("mysql -h h -uroot -phunter2 db", "mysql -h h -uroot -p… db"),
        (
            "docker exec db /usr/bin/mysqldump -phunter2 db",
            "docker exec db /usr/bin/mysqldump -p… db",
        ),
        (
            "sh -c 'mysql -phunter2 <x; ./srv $0' {port}",
            "sh -c 'mysql -p… <x; ./srv $0' {port}",
        ),
        (
            "./srv --pw hunter2 --pin hunter2 --psk=hunter2 {port}",
            "./srv --pw … --pin … --psk=… {port}",
        ),
        ("plink -pw hunter2 h", "plink -pw … h"),
        (
            "openssl s_server -passin pass:hunter2 -port {port}",
            "openssl s_server -passin … -port {port}",
        ),
        ("curl -b session=hunter2 {port}", "curl -b session=… {port}"),
        (
            "curl -b 'a=hunter2; b=hunter3' {port}",
            "curl -b a=… {port}",
        ),
        ("curl -bsession=hunter2 {port}", "curl -bsession=… {port}"),
        ("curl --cookie a=hunter2 {port}", "curl --cookie … {port}"),
        ("curl -u root:hunter2 {port}", "curl -u root:… {port}"),
        ("./srv amqp:guest:hunter2@h {port}", "./srv amqp:…@h {port}"),
        (
            "./srv redis:/app:hunter2@db {port}",
            "./srv redis:/…@db {port}",
        ),
        (
            "./srv redis//app:hunter2@db:6379 {port}",
            "./srv redis//…@db:6379 {port}",
        ),
        ("./srv redis:u:hunter2@h {port}", "./srv redis:…@h {port}"),
        (
            "./srv https:/app:hunter2@db/x {port}",
            "./srv https:/…@db/x {port}",
        ),
        ("./srv //u:hunter2@h {port}", "./srv //…@h {port}"),
        ("./srv u:hunter2@h {port}", "./srv …@h {port}"),
        ("./srv :hunter2@h {port}", "./srv …@h {port}"),
        (
            "./srv --target=u:hunter2@h {port}",
            "./srv --target=…@h {port}",
        ),
        (
            "./srv --proxy u:hunter2@10.0.0.1:3128 {port}",
            "./srv --proxy …@10.0.0.1:3128 {port}",
        ),
        ("redis-cli -a hunter2 -p {port}", "redis-cli -a … -p {port}"),
        ("mongosh -u x -p hunter2", "mongosh -u x -p …"),
        ("ldapsearch -D cn=a -w hunter2", "ldapsearch -D cn=a -w …"),
        ("docker login -u x -p hunter2 r", "docker login -u x -p … r"),
        ("hey -a u:hunter2 http://h", "hey -a u:… http://h"),
        ("ab -A u:hunter2 http://h/", "ab -A u:… http://h/"),
        (
            "./srv --secret-id hunter2 --token-value hunter2 {port}",
            "./srv --secret-id … --token-value … {port}",
        ),
        (
            "./srv --password-hash hunter2 --sessionId hunter2 {port}",
            "./srv --password-hash … --sessionId … {port}",
        ),
        (
            "./srv 'http://h/?jsessionid=hunter2&pin=4711' {port}",
            "./srv 'http://h/?jsessionid=…&pin=…' {port}",
        ),
        (
            "curl --cert c.pem:hunter2 -E c.pem:hunter2 {port}",
            "curl --cert c.pem:… -E c.pem:… {port}",
        ),
    ] {
        assert_eq!(command(typed), safe);
        assert_eq!(command(safe), safe, "withholding again changes nothing");
        let words: Vec<String> = tokens(typed).into_iter().map(|token| token.plain).collect();
        let said = Secrets::of(&words).conceal("hunter2, 'hunter2'");
        assert!(
            !said.contains("hunter2") || !typed.contains("hunter2 "),
            "{typed}: {said}"
        );
    }
}

#[test]
fn addresses_times_images_and_options_about_credentials_stay_as_they_were_typed() {
    for typed in [
        "./srv 127.0.0.1:8080 h:80 [::1]:80 user@host git@github.com:owner/repo.git {port}",
        "docker run -p 80:80 -p {port}:8080 repo/image:1.2@sha256:9f86d08 -v /a:/b:ro",
        "docker run registry:5000/a:b@sha512:9f86d08 {port}",
        "./srv --at 12:30@7 --at 12:30 a=b:c {port}",
        "npx npm:pkg@1.2.3 mailto:a@example.com git:u@h github:o/r@v1 {port}",
        "./srv {user}:{port}@h {host}:{port} {port}",
        "./srv http://h/a:b@c http://h/@scope:x {port}",
        "./srv --secret-file s --password-file p --key-file k --token-ttl 60s --min-password-bytes 8 {port}",
        "./srv --session-timeout 5 --auth-url http://h --cookie-domain h --pass-through x --sessions memory {port}",
        "mysqld -P 3306 --port {port}",
        "mysql -p db {port}",
        "./srv --cert c.pem -E c.pem {port}",
        "gunicorn -b 0.0.0.0:{port} -w 4 app:app",
        "go test -bench=. -benchtime=1s -p 4 {port}",
        "nginx -p . -c a.conf {port}",
        "./srv --spin 3 --pinned 2 --bypass x {port}",
        "ssh -p 22 h -w 1 -a x -P 8 -k {port}",
    ] {
        assert_eq!(command(typed), typed);
    }
}

#[test]
fn what_a_program_says_of_its_arguments_is_concealed() {
    let words = ["./srv", "--key", "k9", "redis://u:pass@h"].map(str::to_owned);
    let secrets =
        Secrets::of(&words).with_values([&"s3cret".to_owned(), &"{port}".to_owned()].into_iter());
    let said = secrets.conceal("k9 is no key, k99 neither; pass, u:pass; xs3crety {port}");
    assert_eq!(said, "… is no key, k99 neither; …, …; x…y {port}");
    assert_eq!(format!("{secrets:?}"), "Secrets(4)");
}

/// A secret as a person or a generator would choose it, in one word.
fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!@%^*()_+=,.?~-]{3,9}[A-Za-z0-9]{3}[!@%^*()_+=,.?~-]{0,9}z9"
        .prop_filter("no flag", |secret| !secret.starts_with("--"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A heuristic: it is held to a share of a fixed set of words, and the property below to what it does with them.
#[test]
fn nearly_all_random_words_look_random() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = || -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 33) as u8
        };
        (0..24).map(|_| next()).collect()
    };
    let words: Vec<[String; 2]> = (0..10_000)
        .map(|_| bytes())
        .map(|bytes| [hexadecimal(&bytes), URL_SAFE_NO_PAD.encode(&bytes)])
        .collect();
    let told = words.iter().flatten().filter(|word| looks_random(word));
    let told = told.count();
    assert!(told >= 19_900, "{told} of 20000");
}

proptest! {
    #[test]
    fn no_place_of_a_command_gives_a_secret_away(secret in secret(), place in 0..29_usize) {
        // The web's URLs have these escaped: a query and a fragment begin with them.
        let escaped = secret.replace(['?', '#'], "%3F");
        let secret = if place == 8 { escaped } else { secret };
        let typed = match place {
            0 => format!("TOKEN={secret} ./srv {{port}}"),
            1 => format!("./srv --password {secret} {{port}}"),
            2 => format!("./srv --token={secret} {{port}}"),
            3 => format!("./srv --api-key '{secret}' {{port}}"),
            4 => format!("./srv -u user:{secret} {{port}}"),
            5 => format!("./srv --header 'X-Token: {secret}' {{port}}"),
            6 => format!("./srv 'Cookie: a={secret}; b={secret}' {{port}}"),
            7 => format!("./srv redis://:{secret}@127.0.0.1:1/0 {{port}}"),
            8 => format!("./srv http://user:{secret}@h/path {{port}}"),
            9 => format!("./srv 'http://h/p?x=1&signature={secret}&y=2' {{port}}"),
            10 => format!("sh -c 'SECRET={secret} exec ./srv --key {secret} $0' {{port}}"),
            11 => format!(r#"./srv '{{"secret": "{secret}"}}' {{port}}"#),
            12 => format!("env any={secret} ./srv {{port}}"),
            13 => format!("docker run --env any={secret} image {{port}}"),
            14 => format!("./srv --secret \"{secret}\" {{port}}"),
            15 => format!("./srv 'dbname=x password={secret}' {{port}}"),
            16 => format!("./srv --config=auth.token={secret} {{port}}"),
            17 => format!("./srv --auth {secret} {{port}}"),
            18 => format!("./srv postgres://user:{secret}@h:5432/db?sslmode=off {{port}}"),
            19 => format!("./srv -uuser:{secret} {{port}}"),
            20 => format!("DATABASE_URL=postgres://u:{secret}@h/db ./srv {{port}}"),
            21 => format!("./srv --dsn 'root:{secret}@tcp(h)/db' {{port}}"),
            22 => format!("./srv 'redis:/app:{secret}@db' {{port}}"),
            23 => format!("./srv 'amqp:guest:{secret}@h' {{port}}"),
            24 => format!("mysql '-p{secret}' {{port}}"),
            25 => format!("sshpass -p '{secret}' ./srv {{port}}"),
            26 => format!("curl -b 'session={secret}' {{port}}"),
            27 => format!("./srv --pin '{secret}' --pw '{secret}' {{port}}"),
            _ => format!("./srv --cookie='{secret}' {{port}}"),
        };
        let safe = command(&typed);
        prop_assert!(!safe.contains(&secret), "{typed} → {safe}");
        prop_assert!(safe.ends_with("{port}"), "{safe}");
        prop_assert_eq!(command(&safe), safe);
        let words: Vec<String> = tokens(&typed).into_iter().map(|token| token.plain).collect();
        prop_assert!(!super::words(&words).join(" ").contains(&secret), "{typed}");
        let said = Secrets::of(&words).conceal(&format!("it was `{secret}`"));
        prop_assert!(!said.contains(&secret), "{typed}: {said}");
    }

    #[test]
    fn random_words_are_withheld_wherever_they_stand(bytes in proptest::collection::vec(any::<u8>(), 24..48), hex: bool) {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let word = if hex {
            hexadecimal(&bytes)
        } else {
            URL_SAFE_NO_PAD.encode(&bytes)
        };
        prop_assume!(looks_random(&word) && !word.starts_with('-'));
        for typed in [format!("./srv {word} {{port}}"), format!("./srv --any {word} {{port}}"), format!("./srv --any={word} {{port}}")] {
            let safe = command(&typed);
            prop_assert!(!safe.contains(&word), "{typed} → {safe}");
        }
    }

    #[test]
    fn any_text_is_read_to_its_end(text in "\\PC*") {
        let safe = command(&text);
        prop_assert_eq!(command(&safe), safe);
        let _ = (url(&text), words(&[text]));
    }
}
