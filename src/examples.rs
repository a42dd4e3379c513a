//! The examples of `--help`, a verb each. What follows a `#` is for the reader: a line can be copied whole.
//! `tests/documented.rs` runs every one of them.

use crate::exit::exit_codes;

pub(crate) const ALL: &str = concat!(
    "\
Examples:
  authlab run thousandfold         # measure the published claim here
  authlab serve --binding sha256   # a server to try; see /docs
  authlab duel --help              # each command has examples

",
    exit_codes!()
);

#[cfg(feature = "server")]
pub(crate) const SERVE: &str = "\
Examples:
  authlab serve --list-presets
  authlab serve --preset bound-token-cached
  authlab serve --binding sha256 --cache decision --server-timing
  AUTHLAB_CREDENTIAL=opaque authlab serve --listen 127.0.0.1:8081

Each setting is also a variable (--cache-ttl: AUTHLAB_CACHE_TTL) and a key of the
file that --config names. Flags override variables, which override the file,
which overrides the preset.";

#[cfg(feature = "server")]
pub(crate) const CLIENT: &str = "\
Examples:
  authlab client http://127.0.0.1:8080               # interactive, until `quit`
  export AUTHLAB_CLIENT_PASSWORD=password123         # or typed at the prompt
  export AUTHLAB_TOKEN=$(authlab client http://127.0.0.1:8080 login --user john)
  authlab client http://127.0.0.1:8080 items --json";

pub(crate) const RUN: &str = "\
Examples:
  authlab run thousandfold
  authlab run mine.toml --full
  authlab run mine.toml --json > slices.jsonl    # one line for each slice";

#[cfg(feature = "server")]
pub(crate) const PREDICT: &str = "\
Examples:
  authlab predict thousandfold
  authlab predict thousandfold --against reports/published/thousandfold
  authlab predict token-kinds --format json > prediction.json";

pub(crate) const LAB: &str = "\
Examples:
  authlab lab  # nine questions, 20 minutes
  authlab lab token-kinds revocation --full
  authlab lab mine.toml --into reports/review";

pub(crate) const LOAD: &str = "\
Examples:
  authlab load http://127.0.0.1:8080/healthz            # closed model, one user
  authlab load http://127.0.0.1:8080 --get /healthz --rate 1000 -d 10s
  authlab load http://127.0.0.1:8080 --get /healthz --get /docs --users 32
  authlab load http://127.0.0.1:8080 --get /items/ --expect 401 \\
      -H 'authorization: Bearer none'";

pub(crate) const REPORT: &str = "\
Example:
  authlab report reports/published/thousandfold";

pub(crate) const MERGE: &str = "\
Examples:
  # The servers run; a shard begins when all shards have reported in.
  authlab run urls.toml --seed 7 --meet here --shard 0/2 &
  authlab run urls.toml --seed 7 --meet here --shard 1/2; wait
  authlab merge reports/runs/*-of-2    # of a duel: its verdict";

pub(crate) const COMPARE: &str = "\
Examples:
  authlab compare reports/published/thousandfold --base md5 --head sha256
  authlab compare reports/published/http-tax --base allow-all --head route \\
      --fail-over 'p50 > 10%, errors > 0.1%'
  authlab compare reports/runs/main reports/runs/branch --fail-over 'p99 > 50ms'
  authlab compare --criterion main new    # baselines that criterion saved";

pub(crate) const DUEL: &str = "\
Examples:
  authlab duel --base './server-old --port {port}' \\
      --head './server-new --port {port}' --get /things/1
  authlab duel --base http://127.0.0.1:8080 --head http://127.0.0.1:8081 \\
      --get /healthz
  authlab duel mine.toml --base old --head new --gate p50,errors,cpu
  authlab duel mine.toml --base old --head new --out duel --inconclusive pass";

pub(crate) const BISECT: &str = "\
Examples:
  authlab bisect --good v1.4 --bad main --build 'cargo build --release' \\
      --serve '{side}/target/release/my-server --port {port}' --get /things/1
  authlab bisect --good v1.4 --bad main --build 'npm ci' \\
      --serve 'node {side}/server.js {port}' --metric cpu --json bisect.json";

pub(crate) const CHECK: &str = "\
Examples:
  authlab check contract.toml
  authlab check contract.toml --for 5m --seed 7 --keep-going
  authlab check contract.toml --json check.json --sarif check.sarif
  authlab check contract.toml --replay found    # writes found-1.toml, ...
  authlab check found-1.toml                    # ... which plays it again";

pub(crate) const CALIBRATE: &str = "\
Example:
  authlab calibrate            # a minute; later runs include it";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  source <(authlab completions bash)
  authlab completions zsh > _authlab         # in a folder of $fpath
  authlab completions fish > authlab.fish    # in ~/.config/fish/completions
  authlab completions man > authlab.1        # then: man ./authlab.1";
