#!/bin/sh
# Installs the two histogram log readers once, into the folder given. Prints what is lacking and
# fails when they cannot be had.
set -eu
into=$1
[ -e "$into/complete" ] && exit 0
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 1; }
command -v npm >/dev/null || { echo "npm is not installed"; exit 1; }
mkdir -p "$into"
cd "$into"
python3 -m venv venv || { echo "python3 cannot make a venv (Debian: apt-get install python3-venv)"; exit 1; }
venv/bin/pip install --quiet --disable-pip-version-check hdrhistogram==0.10.8 || { echo "pip cannot install hdrhistogram"; exit 1; }
[ -e package.json ] || echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund hdr-histogram-js@3.0.1 || { echo "npm cannot install hdr-histogram-js"; exit 1; }
touch complete
