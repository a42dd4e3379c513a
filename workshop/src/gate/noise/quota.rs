//! A quota of CPU time for this process and all that it starts, as a container has one: a control group of version 2, or
//! of version 1 where the system has those.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Of each 100 ms, the CPU time of all processes together: 60 % of what one user's load takes.
const PERIOD_US: u32 = 100_000;
const QUOTA_US: u32 = 60_000;
const ROOT: &str = "/sys/fs/cgroup";
const MEMBERS: &str = "cgroup.procs";

/// The group that this process is in until this is dropped.
pub(super) struct Quota {
    group: PathBuf,
    before: PathBuf,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Quota {
    /// Moves this process into a new group.
    pub(super) fn begin() -> Result<Self, String> {
        let groups = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
        let mut refused = String::new();
        for (version, before) in candidates(&groups, Path::new(ROOT)) {
            match Self::within(version, &before) {
                Ok(quota) => return Ok(quota),
                Err(error) => {
                    let separator = if refused.is_empty() { "" } else { "; " };
                    let _ = write!(refused, "{separator}{}: {error}", before.display());
                }
            }
        }
        if refused.is_empty() {
            refused.push_str("no control group of CPU time");
        }
        Err(refused)
    }

    fn within(version: Version, before: &Path) -> std::io::Result<Self> {
        let own = format!("authlab-quota-{}", std::process::id());
        let group = before.join(own);
        fs::create_dir(&group)?;
        let quota = Self {
            group,
            before: before.to_owned(),
            version,
        };
        // A file that is not there would be a group without this controller; it must not be created.
        let set = |name: &str, value: String| {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(quota.group.join(name));
            file.and_then(|mut file| std::io::Write::write_all(&mut file, value.as_bytes()))
        };
        match version {
            Version::Two => set("cpu.max", format!("{QUOTA_US} {PERIOD_US}"))?,
            Version::One => {
                set("cpu.cfs_period_us", PERIOD_US.to_string())?;
                set("cpu.cfs_quota_us", QUOTA_US.to_string())?;
            }
        }
        set(MEMBERS, std::process::id().to_string())?;
        Ok(quota)
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.version {
            Version::One => "version 1, cpu.cfs_quota_us",
            Version::Two => "version 2, cpu.max",
        }
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // Where this was refused nothing is left to do: the group ends with the machine.
        let _ = fs::write(self.before.join(MEMBERS), std::process::id().to_string());
        let _ = fs::remove_dir(&self.group);
    }
}

/// The groups in which a new one may be made: that of this process, and the one above it, whose other members share a
/// quota of version 2.
fn candidates(groups: &str, root: &Path) -> Vec<(Version, PathBuf)> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            let own = root.join(path);
            found.push((Version::Two, own.clone()));
            if let Some(above) = own.parent().filter(|above| above.starts_with(root)) {
                found.push((Version::Two, above.to_owned()));
            }
        } else if controllers.split(',').any(|one| one == "cpu") {
            found.push((Version::One, root.join(controllers).join(path)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_both_versions_are_found_in_what_linux_says() {
        let root = Path::new("/cg");
        let of = |text: &str| candidates(text, root);
        assert_eq!(
            of("0::/user.slice/a.scope\n"),
            [
                (Version::Two, "/cg/user.slice/a.scope".into()),
                (Version::Two, "/cg/user.slice".into())
            ]
        );
        assert_eq!(
            of("4:memory:/x\n1:cpu,cpuacct:/y\n"),
            [(Version::One, "/cg/cpu,cpuacct/y".into())]
        );
        assert_eq!(of("0::/\n"), [(Version::Two, "/cg/".into())]);
        assert_eq!(of("nonsense\n"), []);
    }
}
