#!/usr/bin/env python3
"""Every set through `isthmus link` and through Splink 5, in one run on one machine, as one table.

    bench.py --data DIR [--only NAME ...] [--without-splink] [--json FILE]

Sets that are not in DIR yet are written first (see prepare.py). The binary is $ISTHMUS, or target/release/isthmus. Each linker is a process of its own, one after the other, on the same files, whole runs from its start to the
clusters on disk; memory is the peak that the kernel counted for that process. `isthmus link` gets no configuration. "own" is what
it expects of its own precision and recall, and stands empty where it does not say. Splink's best threshold is chosen with the truth, which it is not given otherwise.
Where a set has no pair to find, F1 says nothing, and the false pairs are printed instead.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import prepare
import score

HERE = Path(__file__).resolve().parent


def measured(command):
    """Runs a command: its exit code, its output, and what it cost (seconds of the wall and of the processor, peak memory)."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, tempfile.NamedTemporaryFile("r") as cost:
        helper = [sys.executable, "-S", str(HERE / "measure.py"), cost.name]
        code = subprocess.run([*helper, *command], stdout=out, stderr=err, check=False).returncode
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read(), json.loads(cost.read() or "{}")


def own_estimates(output):
    """`expected_precision` and `expected_recall` from a JSON object on a line or over many; None where there is none."""
    found = {}
    for name in ("precision", "recall"):
        match = re.search(rf'"expected_{name}"\s*:\s*([0-9.eE+-]+)', output)
        found[name] = float(match.group(1)) if match else None
    return found


def ours(binary, folder, clusters):
    inputs = [part for letter in "ab" if (folder / f"{letter}.csv").exists() for part in ("--input", str(folder / f"{letter}.csv"))]
    command = [binary, "link", *inputs, "--output", str(clusters)]
    code, out, err, cost = measured([*command, "--json"])
    if code != 0 and "--json" in err:
        code, out, err, cost = measured(command)
    if code != 0:
        return {"error": (err.strip().splitlines() or ["no message"])[-1]}
    both, left_out = score.joined(clusters, folder / "truth.csv")
    return score.measure(both) | {"left_out": left_out, **cost, "own": own_estimates(out + err)}


def splinks(folder, clusters):
    code, out, err, _ = measured([sys.executable, str(HERE / "splink_baseline.py"), str(folder), "--clusters", str(clusters), "--json"])
    if code != 0:
        return {"error": (err.strip().splitlines() or ["no message"])[-1]}
    return json.loads(out)


HEADER = f"{'set':17}{'records':>9} |{'precision':>10}{'recall':>8}{'F1':>8}{'own precision':>14}{'own recall':>11}{'s':>8}{'MiB':>7} |{'Splink best F1':>15}{'at 0.95':>9}{'s':>8}{'MiB':>7}"


def f1(figures):
    return f"{figures['f1']:.4f}" if figures["true_pairs"] else f"{figures['claimed_pairs']} false"


def line(name, records, us, them):
    text = f"{name:17}{records:>9} |"
    if "error" in us:
        text += f" failed: {us['error'][:58]:58}|"
    else:
        guess = [f"{us['own'][part]:.4f}" if us["own"][part] is not None else "" for part in ("precision", "recall")]
        text += f"{us['precision']:>10.4f}{us['recall']:>8.4f}{f1(us):>8}{guess[0]:>14}{guess[1]:>11}{us['seconds']:>8.1f}{us['mebibytes']:>7.0f} |"
    if them is None:
        return text
    if "error" in them:
        return f"{text} failed: {them['error'][:60]}"
    return f"{text}{f1(them['best']):>15}{f1(them['usual']):>9}{them['seconds']:>8.1f}{them['mebibytes']:>7.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that prepare.py wrote into")
    parser.add_argument("--only", nargs="+", choices=prepare.SETS)
    parser.add_argument("--without-splink", action="store_true")
    parser.add_argument("--json", type=Path, help="the figures as JSON, too")
    options = parser.parse_args()
    binary = os.environ.get("ISTHMUS", "target/release/isthmus")
    with_splink = not options.without_splink
    if with_splink and importlib.util.find_spec("splink") is None:
        print("Splink is not installed: without it beside.", flush=True)
        with_splink = False
    names = options.only or list(prepare.SETS)
    for name in names:
        if not (options.data / name / "truth.csv").exists():
            print(f"writing {name}", file=sys.stderr, flush=True)
            prepare.SETS[name](options.data / name)
    results = {}
    print(HEADER, flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        clusters = Path(scratch) / "clusters.csv"
        for name in names:
            folder = options.data / name
            with open(folder / "truth.csv", "rb") as truth:
                records = sum(1 for _ in truth) - 1
            us = ours(binary, folder, clusters)
            them = splinks(folder, clusters) if with_splink else None
            results[name] = {"records": records, "ours": us, "splink": them}
            print(line(name, records, us, them), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
