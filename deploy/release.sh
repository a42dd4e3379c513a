#!/usr/bin/env bash
# The archive of a release and its checksum: release.sh BINARY FOLDER
set -euo pipefail
binary=$1 folder=$2
archive=authlab-$(uname -m)-unknown-linux-gnu.tar.gz
mkdir -p "$folder"
tar -czf "$folder/$archive" --owner=0 --group=0 -C "$(dirname "$binary")" "$(basename "$binary")"
(cd "$folder" && sha256sum "$archive" >"$archive.sha256")
