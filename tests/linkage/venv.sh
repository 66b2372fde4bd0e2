#!/bin/sh
# Makes the judge's Python environment once and prints the path of its interpreter.
#
# A stamp holds the requirements that the environment was made from, so that a changed pin makes it anew
# and an unchanged one costs nothing.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=${1:-"$here/../../target/linkage-venv"}
if ! cmp -s "$here/requirements.txt" "$venv/requirements.stamp"; then
    python3 -m venv --clear "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/requirements.stamp"
fi
echo "$venv/bin/python"
