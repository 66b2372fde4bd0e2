#!/bin/sh
# Makes the Python environment of a benchmark or a judge once and prints the path of its interpreter.
# Usage: venv.sh FOLDER VENV [OPTIONAL...]: FOLDER has the requirements.txt; what is OPTIONAL may be missing.
#
# A stamp holds the requirements that the environment was made from, so that a changed pin makes it anew and an unchanged one
# costs nothing. Where an optional package cannot be installed, the rest is, and no stamp is left: the next run tries again.
set -eu
requirements=$1/requirements.txt
venv=$2
shift 2
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$1" >&2; }
if ! cmp -s "$requirements" "$venv/requirements.stamp"; then
    python3 -m venv --clear "$venv" >&2
    if install "$requirements"; then
        cp "$requirements" "$venv/requirements.stamp"
    elif [ $# -gt 0 ]; then
        echo "These cannot all be installed here, and it goes on without: $*" >&2
        cp "$requirements" "$venv/requirements.without"
        for package in "$@"; do sed -i "/^$package/d" "$venv/requirements.without"; done
        install "$venv/requirements.without"
    else
        exit 1
    fi
fi
echo "$venv/bin/python"
