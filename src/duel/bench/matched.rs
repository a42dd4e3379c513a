//! The benchmarks that both binaries have: what one of them lacks is never a pass.

use anyhow::bail;

use super::binary::Binary;

/// So many ids are shown of those that there are.
const SHOWN: usize = 8;

/// The titles that match in both, in the base's order.
pub(super) fn by_both(
    binaries: &[Binary<'_>; 2],
    filter: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    let [base, head] = [binaries[0].list(filter)?, binaries[1].list(filter)?];
    if base.is_empty() && head.is_empty() {
        return Err(nothing_matches(&binaries[0], filter)?);
    }
    let mut lacking = Vec::new();
    for (binary, here, there) in [(&binaries[1], &head, &base), (&binaries[0], &base, &head)] {
        let lacks: Vec<String> = there
            .iter()
            .filter(|id| !here.contains(id))
            .cloned()
            .collect();
        if !lacks.is_empty() {
            lacking.push(format!("{binary} has no benchmark {}", some(&lacks)));
        }
    }
    if !lacking.is_empty() {
        bail!(
            "{}: nothing to compare with; a FILTER may leave it out",
            lacking.join("; ")
        );
    }
    Ok(base)
}

fn nothing_matches(binary: &Binary<'_>, filter: Option<&str>) -> anyhow::Result<anyhow::Error> {
    let all = match filter {
        Some(_) => binary.list(None)?,
        None => Vec::new(),
    };
    Ok(if all.is_empty() {
        anyhow::anyhow!("{binary} lists no benchmarks; a criterion benchmark binary is needed")
    } else {
        let filter = filter.unwrap_or_default();
        anyhow::anyhow!(
            "no benchmark's id matches `{filter}`, a regular expression: {binary} has {}",
            some(&all)
        )
    })
}

/// `a, b and 60 more`.
fn some(ids: &[String]) -> String {
    let shown = ids[..ids.len().min(SHOWN)].join(", ");
    match ids.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
