#!/bin/sh
# Installs what drives the browser of `make test-browser`, and what looks for faults of accessibility, into the folder
# given: the very versions of package-lock.json. Prints what is lacking and fails when it cannot be had.
set -eu
into=$1 version=1
. "$(dirname "$0")/../../reports/tests/once.sh"
command -v npm >/dev/null || { echo "npm is not installed"; exit 1; }
cp "$here/package.json" "$here/package-lock.json" .
npm ci --silent --no-audit --no-fund --ignore-scripts || { echo "npm cannot install playwright-core and axe-core"; exit 1; }
touch "$complete"
