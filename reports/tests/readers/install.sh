#!/bin/sh
# Installs the readers of histogram logs and distributions once, into the folder given. Prints what
# is lacking and fails when they cannot be had.
set -eu
into=$1 version=3
. "$(dirname "$0")/../once.sh"
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 1; }
command -v npm >/dev/null || { echo "npm is not installed"; exit 1; }
python3 -m venv venv || { echo "python3 cannot make a venv (Debian: apt-get install python3-venv)"; exit 1; }
venv/bin/pip install --quiet --disable-pip-version-check hdrhistogram==0.10.8 || { echo "pip cannot install hdrhistogram"; exit 1; }
# hdr-plot asks setuptools for its own version, by a module that later ones no longer have.
venv/bin/pip install --quiet --disable-pip-version-check hdr-plot==0.6.2 'setuptools<81' || { echo "pip cannot install hdr-plot"; exit 1; }
[ -e package.json ] || echo '{"private": true}' >package.json
npm install --silent --no-audit --no-fund hdr-histogram-js@3.0.1 || { echo "npm cannot install hdr-histogram-js"; exit 1; }
touch "$complete"
