#!/bin/sh
# Installs the client libraries that talk to the server in tests once, into the folder given. Prints what is lacking
# and fails when they cannot be had.
set -eu
into=$1
[ -e "$into/complete-2" ] && exit 0
mkdir -p "$into"
# Tests are processes that start together: one installs, the others wait for it.
if command -v flock >/dev/null; then
	exec 9>"$into/lock"
	flock 9
	[ -e "$into/complete-2" ] && exit 0
fi
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 1; }
command -v npm >/dev/null || { echo "npm is not installed"; exit 1; }
cd "$into"
python3 -m venv venv || { echo "python3 cannot make a venv (Debian: apt-get install python3-venv)"; exit 1; }
venv/bin/pip install --quiet --disable-pip-version-check authlib==1.9.10 requests-oauthlib==2.0.0 schemathesis==4.32.5 dilithium-py==1.5.1 || { echo "pip cannot install authlib, requests-oauthlib, schemathesis and dilithium-py"; exit 1; }
[ -e package.json ] || echo '{"private": true, "type": "module"}' >package.json
npm install --silent --no-audit --no-fund oauth4webapi@3.8.8 || { echo "npm cannot install oauth4webapi"; exit 1; }
touch complete-2
