#!/bin/sh
# Makes the judge's Python environment once and prints the path of its interpreter.
#
# A stamp holds the requirements that the environment was made from, so that a changed pin makes it anew
# and an unchanged one costs nothing. Where Splink cannot be installed, the rest is, and no stamp is left: the next run tries again.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=${1:-"$here/../../target/linkage-venv"}
if ! cmp -s "$here/requirements.txt" "$venv/requirements.stamp"; then
    python3 -m venv --clear "$venv" >&2
    if "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2; then
        cp "$here/requirements.txt" "$venv/requirements.stamp"
    else
        echo "Splink cannot be installed here: the sets are made and linked without it beside." >&2
        grep -v -e '^splink' -e '^duckdb' "$here/requirements.txt" >"$venv/requirements.without"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$venv/requirements.without" >&2
    fi
fi
echo "$venv/bin/python"
