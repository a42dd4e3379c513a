#!/bin/sh
# Installs what language.toml runs: packages of PyPI, into this folder. Without them the Python variants are left out of the run,
# which says so.
set -eu
cd "$(dirname "$0")"
command -v python3 >/dev/null || apt-get install -y -q python3-venv
python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt
