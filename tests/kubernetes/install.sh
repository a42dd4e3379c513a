#!/bin/sh
# Installs the schemas of Kubernetes once, into the folder given. Prints what is lacking and fails when they cannot be had.
set -eu
into=$1 version=1
. "$(dirname "$0")/../../reports/tests/once.sh"
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 1; }
python3 -m venv venv || { echo "python3 cannot make a venv (Debian: apt-get install python3-venv)"; exit 1; }
venv/bin/pip install --quiet --disable-pip-version-check kubernetes-validate==1.37.0 || { echo "pip cannot install kubernetes-validate"; exit 1; }
touch "$complete"
