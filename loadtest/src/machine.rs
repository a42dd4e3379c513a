//! The machine a run was made on, as Linux describes it.

use std::fs;

use authlab_reports::run::Machine;

use sha2::{Digest, Sha256};

use crate::cores::{self, Cores};

/// Reads the machine's description.
#[must_use]
pub fn describe(cores: &Cores) -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    Machine {
        cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned()),
        cores: cores::allowed().len(),
        memory_bytes: field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024),
        kernel: format!(
            "{} {}",
            read("/proc/sys/kernel/ostype").trim(),
            read("/proc/sys/kernel/osrelease").trim()
        ),
        id: id(read("/etc/machine-id").trim()),
        server_cores: cores.server.clone(),
        generator_cores: cores.generator.clone(),
        load_before: load_average(),
        load_after: None,
    }
}

/// A digest of the system's machine id, as machine-id(5) asks of whoever shows it; empty where
/// there is none: then nobody can say whether two runs share a machine.
fn id(machine_id: &str) -> String {
    if machine_id.is_empty() {
        return String::new();
    }
    let digest = Sha256::digest(format!("authlab machine {machine_id}"));
    digest
        .iter()
        .take(8)
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A digest of the kernel's boot id: changes when the machine is started again.
pub(crate) fn boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id(boot.trim())
}

/// Load average of the last minute.
#[must_use]
pub fn load_average() -> f64 {
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}
