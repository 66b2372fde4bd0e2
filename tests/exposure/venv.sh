#!/bin/sh
# Makes the Python environment of `make bench-exposure` once and prints the path of its interpreter.
#
# A stamp holds the requirements that the environment was made from, so that a changed pin makes it anew and an unchanged one
# costs nothing. Where DuckDB cannot be installed no stamp is left: the next run tries again.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=${1:-"$here/../../target/exposure-venv"}
if ! cmp -s "$here/requirements.txt" "$venv/requirements.stamp"; then
    python3 -m venv --clear "$venv" >&2
    if "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2; then
        cp "$here/requirements.txt" "$venv/requirements.stamp"
    else
        echo "DuckDB cannot be installed here: the hub is measured without it beside." >&2
    fi
fi
echo "$venv/bin/python"
