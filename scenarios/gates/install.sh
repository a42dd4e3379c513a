#!/bin/sh
# Installs what gates.toml runs: Debian's packages, and those of npm and PyPI into this folder. What cannot be installed is left
# out of the run, which says so.
set -eu
cd "$(dirname "$0")"
for needed in nginx:nginx-light haproxy:haproxy caddy:caddy apache2:apache2 openssl:openssl node:nodejs npm:npm python3:python3-venv; do
    command -v "${needed%%:*}" >/dev/null || apt-get install -y -q "${needed##*:}" || echo "${needed%%:*} is missing" >&2
done
[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || apt-get install -y -q libapache2-mod-auth-openidc ||
    echo "mod_auth_openidc is missing" >&2
npm install --no-audit --no-fund --silent || echo "the packages of npm are missing" >&2
python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt || echo "the packages of PyPI are missing" >&2
# The service with our layer is of this repository.
command -v cargo >/dev/null && (cd ../.. && cargo build --quiet --release --workspace --example layered) ||
    echo "the service with our layer is not built" >&2
