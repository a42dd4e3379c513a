//! What is known of single programs: where their options hold a credential, and what the options that many share hold.

/// Where the value of a short option is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `mysql -px`, where `-p` alone asks for it.
    SameWord,
    /// `redis-cli -a x`.
    NextWord,
    /// `sshpass -p x`, `sshpass -px`.
    Either,
}

/// Programs with a short option whose value is a credential: the option's letter, and where the value is.
const TOOLS: &[(&str, char, Place)] = &[
    ("mysql", 'p', Place::SameWord),
    ("mysqladmin", 'p', Place::SameWord),
    ("mysqldump", 'p', Place::SameWord),
    ("mysqlimport", 'p', Place::SameWord),
    ("mysqlslap", 'p', Place::SameWord),
    ("mysqlcheck", 'p', Place::SameWord),
    ("mysqlsh", 'p', Place::SameWord),
    ("mysqld", 'p', Place::SameWord),
    ("mariadb", 'p', Place::SameWord),
    ("mariadb-admin", 'p', Place::SameWord),
    ("mariadb-dump", 'p', Place::SameWord),
    ("7z", 'p', Place::SameWord),
    ("7za", 'p', Place::SameWord),
    ("sshpass", 'p', Place::Either),
    ("mongo", 'p', Place::Either),
    ("mongosh", 'p', Place::Either),
    ("mongodump", 'p', Place::Either),
    ("mongorestore", 'p', Place::Either),
    ("mongoimport", 'p', Place::Either),
    ("mongoexport", 'p', Place::Either),
    ("cqlsh", 'p', Place::Either),
    ("rabbitmqadmin", 'p', Place::Either),
    ("redis-cli", 'a', Place::NextWord),
    ("valkey-cli", 'a', Place::NextWord),
    ("redis-benchmark", 'a', Place::NextWord),
    ("valkey-benchmark", 'a', Place::NextWord),
    ("ldapsearch", 'w', Place::Either),
    ("ldapadd", 'w', Place::Either),
    ("ldapmodify", 'w', Place::Either),
    ("ldapdelete", 'w', Place::Either),
    ("ldappasswd", 'w', Place::Either),
    ("ldapwhoami", 'w', Place::Either),
    ("sqlcmd", 'P', Place::Either),
    ("bcp", 'P', Place::Either),
    ("mosquitto_pub", 'P', Place::Either),
    ("mosquitto_sub", 'P', Place::Either),
    ("mosquitto_rr", 'P', Place::Either),
    ("unzip", 'P', Place::Either),
    ("zip", 'P', Place::Either),
    ("openssl", 'k', Place::NextWord),
    ("ipmitool", 'P', Place::Either),
];
/// Programs whose `-a` or `-A` is `user:password`.
const PAIRED: &[(&str, char)] = &[
    ("http", 'a'),
    ("https", 'a'),
    ("xh", 'a'),
    ("xhs", 'a'),
    ("hey", 'a'),
    ("oha", 'a'),
    ("ab", 'A'),
    ("siege", 'A'),
];
/// Programs whose `login` has the password after `-p`, which is a port elsewhere.
const REGISTRIES: [&str; 8] = [
    "docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "crane", "oras",
];
/// The short option of a program whose value is a credential, and where that is.
pub(super) fn tool(program: &str) -> Option<(char, Place)> {
    let known = TOOLS.iter().find(|(name, ..)| *name == program);
    known.map(|(_, letter, place)| (*letter, *place))
}

/// Whether a program is known to have an option of its own for credentials.
pub(super) fn is_known(program: &str) -> bool {
    tool(program).is_some()
        || REGISTRIES.contains(&program)
        || PAIRED.iter().any(|(name, _)| *name == program)
}

/// Whether a program logs in to a registry of images.
pub(super) fn is_registry(program: &str) -> bool {
    REGISTRIES.contains(&program)
}

/// Whether an option of a program is `user:password`.
pub(super) fn is_paired(program: &str, option: &str) -> bool {
    let letter = option.strip_prefix('-').unwrap_or_default();
    PAIRED
        .iter()
        .filter(|(name, _)| *name == program)
        .any(|(_, paired)| letter.len() == 1 && letter.starts_with(*paired))
}

/// Stands for a program and its `login`.
pub(super) const LOGIN: &str = "docker login";

/// After which words an environment may stand again.
pub(super) fn begins_a_command(word: &str) -> bool {
    let program = word.rsplit('/').next().unwrap_or_default();
    [
        "env", "export", "sudo", "exec", "nohup", "&&", "||", "|", ";", "(", "{", "then", "do",
    ]
    .contains(&program)
        || word.ends_with(';')
}

pub(super) fn is_pair_flag(flag: &str) -> bool {
    // The last three are `file:password` of a client's certificate.
    [
        "-u",
        "-U",
        "-user",
        "--user",
        "--proxy-user",
        "-E",
        "--cert",
        "--proxy-cert",
    ]
    .contains(&flag)
}

pub(super) fn is_header_flag(flag: &str) -> bool {
    [
        "-H",
        "-header",
        "--header",
        "--headers",
        "--proxy-header",
        "--add-header",
    ]
    .contains(&flag)
}

pub(super) fn is_environment_flag(flag: &str) -> bool {
    ["-e", "-env", "--env", "--environment", "--setenv"].contains(&flag)
}
