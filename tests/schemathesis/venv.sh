#!/bin/sh
# Makes a Python environment with Schemathesis once and prints the path of its interpreter. A changed pin makes it anew.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=${1:-"$here/../../target/schemathesis-venv"}
if ! cmp -s "$here/requirements.txt" "$venv/requirements.stamp"; then
    python3 -m venv --clear "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/requirements.stamp"
fi
echo "$venv/bin/python"
