//! The manifests under `deploy/kubernetes`: valid by the schemas of two Kubernetes versions, whole, and as restricted as a
//! cluster may ask for. What they start is run as processes in `tests/shared_duel.rs`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "shared with the tests of reports")]
#[path = "../reports/tests/reports/installed.rs"]
mod installed;

use std::path::Path;
use std::process::Command;

use authlab_loadtest::scenario::Scenario;
use authlab_loadtest::shard::Share;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSIONS: [&str; 2] = ["1.29", "1.34"];

/// A copy of the manifests in which one text is another; none for a copy as it is.
fn copied(change: Option<(&str, &str, &str)>) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let manifests = Path::new(ROOT).join("deploy/kubernetes");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(manifests)
        .arg(place.path())
        .status();
    assert!(copied.unwrap().success());
    if let Some((file, from, to)) = change {
        let path = place.path().join("kubernetes").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }
    place
}

/// What is wrong with manifests, and whether anything is.
fn checked(python: &Path, folder: &Path, words: &[&str]) -> (bool, String) {
    let output = Command::new(python)
        .arg(Path::new(ROOT).join("tests/kubernetes/check.py"))
        .args(words)
        .arg(folder.join("kubernetes"))
        .args(VERSIONS)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(" resources in "), "{said}{told}");
    eprint!("{told}");
    (output.status.success(), said)
}

#[test]
fn manifests_are_valid_whole_and_restricted_and_what_is_not_is_found() {
    let Some(installed) = installed::installed("kubernetes", "the manifests of deploy/kubernetes")
    else {
        return;
    };
    let python = installed.join("venv/bin/python");
    let (is_right, said) = checked(&python, copied(None).path(), &[]);
    assert!(is_right, "{said}");
    let with_metrics = (
        "shared/kustomization.yaml",
        "# components:\n#   - ../servicemonitor",
        "components:\n  - ../servicemonitor",
    );
    let (is_right, said) = checked(&python, copied(Some(with_metrics)).path(), &[]);
    assert!(is_right, "{said}");
    for (file, from, to, expected) in [
        (
            "base/server.yaml",
            "replicas: 1",
            "replica: 1",
            "'replica' was unexpected",
        ),
        (
            "base/server.yaml",
            "periodSeconds: 5",
            "periodSeconds: often",
            "is not of type",
        ),
        (
            "base/server.yaml",
            "      automountServiceAccountToken: false\n",
            "",
            "automountServiceAccountToken is false",
        ),
        (
            "base/server.yaml",
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesystem: false",
            "readOnlyRootFilesystem",
        ),
        (
            "base/server.yaml",
            "  selector:\n    app: authlab\n",
            "  selector:\n    app: other\n",
            "'authlab') selects the pods of []",
        ),
        (
            "shared/server.yaml",
            "  name: authlab\nspec",
            "  name: authlab2\nspec",
            "a patch of ('Deployment', 'authlab2'), which is not there",
        ),
        (
            "shared/kustomization.yaml",
            "network.yaml",
            "net.yaml",
            "no patch net.yaml",
        ),
        (
            "duel/kustomization.yaml",
            "  - candidate\n",
            "  - candidates\n",
            "is named and not there",
        ),
        (
            "load/kustomization.yaml",
            "- scenario.toml",
            "- other.toml",
            "no file other.toml",
        ),
        (
            "duel/baseline/kustomization.yaml",
            "- name: authlab\n",
            "- name: auth\n",
            "no container has the image auth",
        ),
        (
            "shared/server.yaml",
            "value: /etc/authlab/secret",
            "value: redis://u:secret@redis",
            "a password in clear text",
        ),
    ] {
        let (is_right, said) = checked(
            &python,
            copied(Some((file, from, to))).path(),
            &["--unbuilt"],
        );
        assert!(
            !is_right && said.contains(expected),
            "{file}: {from}: {said}"
        );
    }
}

#[test]
fn the_load_jobs_scenario_can_be_shared_by_as_many_shards_as_it_has_pods() {
    let folder = Path::new(ROOT).join("deploy/kubernetes");
    let text = std::fs::read_to_string(folder.join("load/scenario.toml")).unwrap();
    let scenario = Scenario::parse("scenario.toml", &text, "quick").unwrap();
    for job in ["load", "duel"] {
        let job = std::fs::read_to_string(folder.join(job).join("job.yaml")).unwrap();
        let number = |key: &str| {
            let mut lines = job.lines();
            let line = lines.find_map(|line| line.trim().strip_prefix(key));
            line.unwrap().parse::<u32>().unwrap()
        };
        let pods = number("completions: ");
        assert_eq!(number("parallelism: "), pods);
        assert_eq!(number("- $(JOB_COMPLETION_INDEX)/"), pods);
        let share: Share = format!("{}/{pods}", pods - 1).parse().unwrap();
        share.check(&scenario).unwrap();
    }
}
