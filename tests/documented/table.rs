//! Which documented commands are not run as they stand, and why.

/// Documented, and what is run: the same, shorter.
pub(crate) const SHORTENED: &[(&str, &str)] = &[
    (
        "authlab load http://127.0.0.1:8080/healthz",
        "authlab load http://127.0.0.1:8080/healthz -d 100ms",
    ),
    (
        "authlab load http://127.0.0.1:8080 --get /healthz --rate 1000 -d 10s",
        "authlab load http://127.0.0.1:8080 --get /healthz --rate 1000 -d 100ms",
    ),
    (
        "authlab load http://127.0.0.1:8080 --get /healthz --get /docs --users 32",
        "authlab load http://127.0.0.1:8080 --get /healthz --get /docs --users 32 -d 100ms",
    ),
    (
        "authlab load http://127.0.0.1:8080 --get /items/ --expect 401 -H 'authorization: Bearer none'",
        "authlab load http://127.0.0.1:8080 --get /items/ --expect 401 -H 'authorization: Bearer none' -d 100ms",
    ),
    (
        "authlab duel --base './server-old --port {port}' --head './server-new --port {port}' --get /things/1",
        "authlab duel --base './server-old --port {port}' --head './server-new --port {port}' --get /things/1 --slice 1ms --warm-up 10ms --restart-blocks 0 --within 2s",
    ),
    (
        "target/release/authlab duel --base './server-old --port {port}' --head './server-new --port {port}' --get /things/1",
        "target/release/authlab duel --base './server-old --port {port}' --head './server-new --port {port}' --get /things/1 --slice 1ms --warm-up 10ms --restart-blocks 0 --within 2s",
    ),
    (
        "authlab duel --base http://127.0.0.1:8080 --head http://127.0.0.1:8081 --get /healthz",
        "authlab duel --base http://127.0.0.1:8080 --head http://127.0.0.1:8081 --get /healthz --slice 1ms --warm-up 10ms --restart-blocks 0 --within 2s",
    ),
    (
        "authlab duel mine.toml --base old --head new",
        "authlab duel mine.toml --base old --head new --slice 1ms --warm-up 10ms --restart-blocks 0 --within 2s",
    ),
    (
        "authlab duel mine.toml --base old --head new --gate p50,errors,cpu",
        "authlab duel mine.toml --base old --head new --gate p50,errors,cpu --slice 1ms --warm-up 10ms --restart-blocks 0 --within 2s",
    ),
    (
        "target/release/authlab duel mine.toml --base old --head new --gate p50,errors,cpu",
        "target/release/authlab duel mine.toml --base old --head new --gate p50,errors,cpu --slice 1ms --warm-up 10ms --restart-blocks 0 --within 2s",
    ),
    (
        "authlab duel mine.toml --base old --head new --out duel --inconclusive pass",
        "authlab duel mine.toml --base old --head new --out duel --inconclusive pass --slice 1ms --warm-up 10ms --restart-blocks 0 --within 2s",
    ),
    (
        "authlab check contract.toml",
        "authlab check contract.toml --requests 300",
    ),
    (
        "authlab check contract.toml --for 5m --seed 7 --keep-going",
        "authlab check contract.toml --for 5m --seed 7 --keep-going --requests 300",
    ),
    (
        "authlab check contract.toml --json check.json --sarif check.sarif",
        "authlab check contract.toml --json check.json --sarif check.sarif --requests 300",
    ),
    (
        "authlab check contract.toml --replay found",
        "authlab check contract.toml --replay found --requests 300",
    ),
    (
        "authlab check check/contracts/authlab.toml --for 20s",
        "authlab check check/contracts/authlab.toml --for 20s --requests 300",
    ),
    (
        "authlab check check/contracts/authzen.toml --for 20s",
        "authlab check check/contracts/authzen.toml --for 20s --requests 300",
    ),
    ("authlab calibrate", "authlab calibrate --smoke"),
    (
        "target/release/authlab calibrate",
        "target/release/authlab calibrate --smoke",
    ),
];

/// Documented, and why it is not run here: it is parsed all the same, and a `make` goal has to be there.
pub(crate) const NOT_RUN: &[(&str, &str)] = &[
    (
        "make lab",
        "minutes of a release build and of measuring; `authlab lab` is run beside it",
    ),
    (
        "make bench",
        "minutes of a release build and of measuring; CI runs make bench-smoke, the same path",
    ),
    (
        "authlab prove figures",
        "needs the checkout; tests/figures.rs runs it",
    ),
    ("authlab prove figures --write", "changes what is committed"),
    (
        "authlab bisect --good v1.4 --bad main --build 'cargo build --release' --serve '{side}/target/release/my-server --port {port}' --get /things/1",
        "another project's repository and minutes; tests/bisect.rs has a small one",
    ),
    (
        "authlab bisect --good v1.4 --bad main --build 'npm ci' --serve 'node {side}/server.js {port}' --metric cpu --json bisect.json",
        "another project's repository and minutes; tests/bisect.rs has a small one",
    ),
    (
        "git worktree add ../good GOOD",
        "another project's repository and minutes; tests/duel.rs has the codes of --bisect",
    ),
    (
        "(cd ../good && cargo build --release)",
        "another project's repository and minutes; tests/duel.rs has the codes of --bisect",
    ),
    (
        "git bisect start HEAD GOOD",
        "another project's repository and minutes; tests/duel.rs has the codes of --bisect",
    ),
    (
        r#"git bisect run sh -c 'cargo build --release || exit 125; authlab duel --get /things/1 --bisect --base "../good/target/release/my-server --port {port}" --head "target/release/my-server --port {port}"'"#,
        "another project's repository and minutes; tests/duel.rs has the codes of --bisect",
    ),
    (
        "promtool tsdb create-blocks-from openmetrics run.om PROMETHEUS_DATA",
        "needs Prometheus; reports/tests/reports/summary.rs reads what it would",
    ),
    ("make test", "CI runs it: this test is part of it"),
    (
        "make compare BASE=RUN_A HEAD=RUN_B LIMIT='p50 > 20%'",
        "a release build; the command that it runs stands beside it",
    ),
    (
        "authlab prove bench --brief",
        "minutes; CI runs make bench-smoke",
    ),
    (
        "authlab prove bench binding",
        "builds the benchmarks' release",
    ),
    (
        "authlab prove bench worth/",
        "builds the benchmarks' release",
    ),
    ("authlab prove exact", "CI runs make exact"),
    ("authlab prove exact --accept", "changes what is committed"),
    (
        "authlab prove ceiling --at-least 0.8",
        "needs wrk and a quiet machine",
    ),
    (
        "authlab prove agree --within 0.1",
        "needs wrk, oha and a quiet machine",
    ),
    (
        "authlab prove bisect",
        "ten minutes; tests/bisect.rs has a small repository",
    ),
    (
        "authlab prove bisect --resume",
        "ten minutes; tests/bisect.rs has a small repository",
    ),
    (
        "authlab prove calibrate-gate",
        "an hour; tests/calibration.rs makes a short one",
    ),
    (
        "authlab prove calibrate-gate --resume",
        "goes on with those hours",
    ),
    (
        "authlab prove calibrate-gate --resume --pause-after 25m",
        "goes on with those hours for a while",
    ),
    (
        "authlab prove calibrate-gate --judge-only",
        "tests/calibration.rs judges a short one again",
    ),
    (
        "podman build --file deploy/Containerfile --tag authlab --build-arg COMMIT=$(git rev-parse --short=12 HEAD) .",
        "needs a container tool and minutes",
    ),
    (
        "podman run --rm --publish 8080:8080 authlab",
        "needs that image",
    ),
    (
        "podman run --rm --publish 8080:8080 authlab serve --listen 0.0.0.0:8080 --preset jwt",
        "needs that image",
    ),
    (
        "podman run --rm --volume \"$PWD/reports:/home/authlab/reports:U\" authlab run thousandfold",
        "needs that image",
    ),
    (
        "authlab duel --base http://127.0.0.1:8080 --head http://127.0.0.1:8081 --get /healthz --seed 7 --meet here --shard 0/2 &",
        "half a minute; tests/shared_duel.rs runs such a duel",
    ),
    (
        "authlab duel --base http://127.0.0.1:8080 --head http://127.0.0.1:8081 --get /healthz --seed 7 --meet here --shard 1/2 &",
        "half a minute; tests/shared_duel.rs runs such a duel",
    ),
    (
        "authlab merge reports/runs/*-duel-*-of-2",
        "needs those runs",
    ),
    (
        "kubectl create secret generic authlab-stores --from-file=sessions --from-file=users --from-file=secret",
        "needs a Kubernetes cluster",
    ),
    (
        "kubectl apply -k deploy/kubernetes/shared",
        "needs a Kubernetes cluster; tests/kubernetes.rs checks what it applies",
    ),
    (
        "kubectl apply -k deploy/kubernetes/load",
        "needs a Kubernetes cluster; tests/kubernetes.rs checks what it applies",
    ),
    (
        "until kubectl get job authlab-load -o jsonpath='{.status.conditions[*].type}' | grep -Eq 'Complete|Failed'; do sleep 5; done",
        "needs a Kubernetes cluster",
    ),
    (
        "kubectl exec authlab-runs -- sh -c 'authlab merge --runs /runs/sums /runs/load/*-of-8'",
        "needs a Kubernetes cluster",
    ),
    (
        "kubectl apply -k deploy/kubernetes/duel",
        "needs a Kubernetes cluster; tests/shared_duel.rs runs its Job as processes",
    ),
    (
        "until kubectl get job authlab-duel -o jsonpath='{.status.conditions[*].type}' | grep -Eq 'Complete|Failed'; do sleep 5; done",
        "needs a Kubernetes cluster",
    ),
    (
        "kubectl exec authlab-runs -- sh -c 'authlab merge --runs /runs/sums /runs/duel/*-of-4'",
        "needs a Kubernetes cluster",
    ),
];

/// Within prose, and no command as it stands: what is left open.
pub(crate) const SYNOPSES: &[&str] = &[
    "authlab client URL login|items|devices|logout",
    "authlab VERB -h",
    "authlab VERB --help",
];
