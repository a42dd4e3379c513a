#!/bin/sh
# Installs somebody else's identity provider once, into the folder given. Prints what is lacking and
# fails when it cannot be had.
set -eu
into=$1
[ -e "$into/complete" ] && exit 0
command -v node >/dev/null || { echo "node is not installed"; exit 1; }
command -v npm >/dev/null || { echo "npm is not installed"; exit 1; }
# Two tests may come here at once: each makes its own, the first to be ready stands.
making=$into.$$
trap 'rm -rf "$making"' EXIT
mkdir -p "$making"
cd "$making"
echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund oidc-provider@9.13.3 || { echo "npm cannot install oidc-provider"; exit 1; }
touch complete
cd ..
mv -T "$making" "$into" 2>/dev/null || [ -e "$into/complete" ]
