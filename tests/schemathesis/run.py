#!/usr/bin/env python3
"""Schemathesis over the OpenAPI document of an embedded hub, with a token of each role: no 5xx, no undocumented answer.

Usage: run.py BINARY [--examples N] [--roles tracer,...]
"""

import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
GRID = "320506001007G03"
# Role, unit, purpose, and whether the caller has a file of their own.
CALLERS = [
    ("cdc-tracer", "CDC-01", "PUBHLTH", False),
    ("community-worker", GRID, "PUBHLTH", False),
    ("resident", None, "PATRQT", True),
    ("data-steward", "CDC-01", "HOPERAT", False),
    ("auditor", "AUDIT", "HOPERAT", False),
    ("privacy-officer", "PRIVACY", "HOPERAT", False),
    ("cdc-lead", "CDC-02", "HOPERAT", False),
    ("cdc-analyst", "CDC-03", "HOPERAT", False),
    ("operator", "OPS", "HOPERAT", False),
    ("subscriber", "PORTAL", "HOPERAT", False),
    ("department", "HOSPITAL", "HOPERAT", False),
]
ROWS = [
    {"record_id": f"g1-{n}", "gate_id": "G1", "seq": n, "scan_time": f"2026-03-01 08:02:{10 + n}", "direction": "in",
     "decision": "pass", "code": "green", "temp": 36.5, "card": f"C-{n}", "name": name, "phone": phone}
    for n, (name, phone) in enumerate([("王小明", "13812345678"), ("李静", "13912345678")], start=1)
]


CASE = (
    "case_id,name,id_type,id_number,contact_phone,status,confirmed_time,township,updated_time\n"
    "CASE-1,Ling Wen,,,13712345678,confirmed,2026-03-01 08:00,320506001,2026-03-01 09:00\n"
)


def free_address():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def ask(url, token, body=None, **headers):
    headers = {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(url, data=body, headers=headers)
    return json.load(urllib.request.urlopen(request, timeout=30))


def until_ready(url, server):
    for _ in range(600):
        if server.poll() is not None:
            sys.exit("the hub ended before it was ready")
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    sys.exit("the hub was not ready within two minutes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--roles", default="")
    arguments = parser.parse_args()
    address, mllp = free_address(), free_address()
    url = f"http://{address}"
    with tempfile.TemporaryDirectory() as folder:
        # The private PostgreSQL of a hub that root starts is another user's.
        os.chmod(folder, 0o755)
        config = pathlib.Path(folder, "isthmus.toml")
        config.write_text(f'data_dir = "{folder}/data"\nhttp_listen = "{address}"\nmllp_listen = "{mllp}"\n')
        environment = {**os.environ, "ISTHMUS_CONFIG": str(config)}
        log = open(pathlib.Path(folder, "hub.log"), "wb")
        server = subprocess.Popen([arguments.binary, "serve"], env=environment, stdout=log, stderr=log)

        def token(*words):
            done = subprocess.run([arguments.binary, "token", *words], env=environment, check=True, capture_output=True)
            return done.stdout.decode().strip().splitlines()[-1]

        try:
            until_ready(url, server)
            feed = token("feed", "--feed", "gate-scans")
            rows = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode()
            ask(f"{url}/v1/feeds/gate-scans/batches", feed, rows)
            ask(f"{url}/v1/feeds/case-reports/batches", token("feed", "--feed", "case-reports"), CASE.encode())
            tracer = token("caller", "--role", "cdc-tracer", "--unit", "CDC-01", "--handle", "finder")
            question = json.dumps({"identifiers": [{"scheme": "MSISDN", "value": "13812345678"}]}).encode()
            stated = {"Isthmus_Purpose": "PUBHLTH", "Isthmus_Case": "CASE-1", "Content_Type": "application/json"}
            found = {}
            for _ in range(100):
                try:
                    found = ask(f"{url}/v1/persons/find", tracer, question, **stated)
                except urllib.error.HTTPError as refused:
                    # The case is on its way to the views.
                    if refused.code != 403:
                        raise
                if found.get("persons"):
                    break
                time.sleep(0.2)
            person = found["persons"][0]["person_id"]
            failed = []
            for role, unit, purpose, has_file in CALLERS:
                if arguments.roles and role not in arguments.roles.split(","):
                    continue
                words = ["caller", "--role", role, "--handle", f"fuzz-{role}", "--organisation", "org-1"]
                words += ["--unit", unit] if unit else []
                words += ["--person", person] if has_file else []
                headers = {"Authorization": f"Bearer {token(*words)}", "Isthmus-Purpose": purpose, "Isthmus-Case": "CASE-1"}
                # A stream of changes has no end, and Schemathesis writes no bodies of the media type of resumed uploads.
                command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", CHECKS,
                           "--max-examples", str(arguments.examples), "--phases", "examples,coverage,fuzzing",
                           "--request-timeout", "20", "--suppress-health-check", "all", "--exclude-path", "/v1/changes",
                           "--exclude-operation-id", "append",
                           "--seed", "7", "--continue-on-failure", "--warnings", "off"]
                for name, value in headers.items():
                    command += ["-H", f"{name}: {value}"]
                print(f"== {role}", flush=True)
                if subprocess.run(command, cwd=folder).returncode != 0:
                    failed.append(role)
            if server.poll() is not None:
                sys.exit(f"the hub ended: {server.returncode}")
            if failed:
                sys.exit(f"answers that may not be, with a token of: {', '.join(failed)}")
            print("no 5xx and no undocumented answer with a token of any role")
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


if __name__ == "__main__":
    main()
