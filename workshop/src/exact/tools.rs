//! The tools that count, and the toolchain that counts depend on.

use std::process::Command;

use anyhow::{Context, bail};
use authlab_reports::exact::Toolchain;

const RUNNER: &str = "gungraun-runner";

/// The toolchain, where everything is there that counting needs.
pub(super) fn toolchain() -> anyhow::Result<Toolchain> {
    let valgrind = first_line("valgrind", &["--version"])
        .context("valgrind is missing: apt-get install valgrind")?;
    check_runner()?;
    Ok(Toolchain {
        rustc: first_line("rustc", &["--version"]).context("rustc is missing")?,
        valgrind,
        cc: first_line("cc", &["--version"])
            .context("a C compiler is missing: apt-get install gcc")?,
        libc: first_line("getconf", &["GNU_LIBC_VERSION"]).unwrap_or_else(|| "another".to_owned()),
        processor: processor(),
    })
}

/// gungraun's two halves speak to one another only when they are of one version.
fn check_runner() -> anyhow::Result<()> {
    let lock = std::fs::read_to_string("Cargo.lock")
        .context("Cargo.lock: run it where the workspace is")?;
    let wanted = locked(&lock, "gungraun").context("Cargo.lock names no gungraun")?;
    let install = format!("cargo install {RUNNER} --locked --version {wanted}");
    match first_line(RUNNER, &["--version"]) {
        None => bail!("{RUNNER} is missing: {install}"),
        Some(found) if found == format!("{RUNNER} {wanted}") => Ok(()),
        Some(found) => bail!("{found} is there, and {wanted} is needed: {install}"),
    }
}

/// The version of a package in Cargo.lock.
fn locked(lock: &str, package: &str) -> Option<String> {
    let lock: toml::Table = lock.parse().ok()?;
    let mut packages = lock.get("package")?.as_array()?.iter();
    let found = packages.find(|entry| {
        let name = entry.get("name").and_then(toml::Value::as_str);
        name == Some(package)
    });
    found?.get("version")?.as_str().map(str::to_owned)
}

/// What a program answers first; none where it is not there, or refuses.
fn first_line(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}

fn processor() -> String {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has_avx2 = about.split_whitespace().any(|word| word == "avx2");
    let avx2 = if has_avx2 { "AVX2" } else { "no AVX2" };
    format!("{}, {avx2}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_is_wanted_in_the_version_that_the_workspace_has_locked() {
        let lock = include_str!("../../../Cargo.lock");
        let manifest = include_str!("../../../Cargo.toml");
        let version = locked(lock, "gungraun").unwrap();
        assert!(manifest.contains(&format!("gungraun = \"={version}\"")));
        assert_eq!(locked(lock, "gungraun-that-is-not"), None);
    }
}
