//! Programs that behave as a criterion benchmark binary does on its command line, with known medians.
//!
//! Stand-ins: cargo builds no benchmarks for tests, and a real one's medians are not known.

use std::os::unix::fs::PermissionsExt;

use crate::command::Place;

/// Lists its benchmarks, or leaves for each that matches the files that criterion 0.8 leaves, and its
/// own name in `slices`. `{before}` runs before a slice; `{benchmarks}` is a line each: id, ns.
const SCRIPT: &str = r#"#!/bin/sh
for word; do case $word in --list) list=1 ;; esac; filter=$word; done
case $filter in --*) filter=. ;; esac
# Criterion's group that captures nothing is one that grep does not know.
filter=$(echo "$filter" | sed 's/?://')
[ "$list" ] || { basename "$0" >> slices; : {before}; } || exit
while read -r id ns; do
    echo "$id" | grep -qE -- "$filter" || continue
    if [ "$list" ]; then echo "$id: benchmark"; continue; fi
    new=$CRITERION_HOME/$id/new
    mkdir -p "$new"
    printf '{"full_id":"%s","title":"%s"}' "$id" "$id" > "$new/benchmark.json"
    printf '{"iters":[10,20,30],"times":[%s0,%s0,%s00]}' "$ns" "$ns" "$ns" > "$new/sample.json"
done <<END
{benchmarks}
END
"#;

/// Writes one into the place.
pub(crate) fn binary(place: &Place, name: &str, benchmarks: &[(&str, u32)]) {
    binary_that(place, name, "", benchmarks);
}

/// One that does something before each slice.
pub(crate) fn binary_that(place: &Place, name: &str, before: &str, benchmarks: &[(&str, u32)]) {
    let lines: Vec<String> = benchmarks
        .iter()
        .map(|(id, ns)| format!("{id} {ns}"))
        .collect();
    let script = SCRIPT
        .replace(": {before}", if before.is_empty() { ":" } else { before })
        .replace("{benchmarks}", &lines.join("\n"));
    place.write(name, &script);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path().join(name), mode).unwrap();
}

/// Whose slices ran, in their order.
pub(crate) fn slices(place: &Place) -> Vec<String> {
    let slices = std::fs::read_to_string(place.path().join("slices")).unwrap_or_default();
    slices.lines().map(str::to_owned).collect()
}
