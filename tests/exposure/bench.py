#!/usr/bin/env python3
"""Contacts and codes of an invented city: in memory, through the hub, and as SQL in DuckDB, in one run, compared.

    bench.py --bench BINARY [--residents 100000] [--density 625] [--days 14] [--cases 1000] [--curve] [--json FILE]

BINARY is the bench of the crate `exposure`, which also writes the city. The hub is $ISTHMUS, or target/release/isthmus: its views are
filled by COPY, everything else is as it runs anywhere, the record of each answer included. DuckDB has the same stays, loaded and
sorted beforehand; its queries are the best that we could write, and its answers must be those of the hub. What differs
ends the run. `--curve` measures the library alone by residents, days and density.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import city

HERE = Path(__file__).resolve().parent
# The cases whose contacts are asked for one by one, and compared.
ASKED = 200
COMPARED = 10
# New facts that are pushed, one after the other.
FRESH = 20
PAGE = 100

# Stays of one day lie together, by place and begin; none goes on past midnight.
LOAD = """
CREATE TABLE stay AS
SELECT person::UINTEGER AS person, (place * 1000 + ("from" - {begin}) // 86400)::UINTEGER AS place_day, "from"::UINTEGER AS f, "to"::UINTEGER AS t
FROM read_csv('{path}') WHERE "to" - "from" > 600 ORDER BY place_day, f
"""
# The stays of a case are few; what they meet is found by place and day, and within by time. All stays are longer than ten minutes,
# so two have more than that in common when each begins so much before the other ends.
MET = """
SELECT {case} other.person AS person, count(*) AS meetings, sum(least(own.t, other.t) - greatest(own.f, other.f)) AS seconds,
       min(greatest(own.f, other.f)) AS first, max(least(own.t, other.t)) AS last
FROM {own} own JOIN stay other ON other.place_day = own.place_day AND other.f + 600 < own.t AND own.f + 600 < other.t
WHERE other.person <> own.person
GROUP BY ALL
"""
# Who is known already is left out first, and a contact's stays are cut off before the first meeting.
SUB = """
WITH rest AS MATERIALIZED (
    SELECT * FROM stay ANTI JOIN (SELECT person FROM met UNION SELECT person FROM cases) known USING (person)
), carried AS MATERIALIZED (
    SELECT place_day, greatest(f, since) AS f, t
    FROM stay JOIN (SELECT person, min(first)::UINTEGER AS since FROM met GROUP BY person) carrier USING (person)
    WHERE t > since + 600
)
SELECT count(DISTINCT rest.person) FROM rest JOIN carried
ON rest.place_day = carried.place_day AND carried.f + 600 < rest.t AND rest.f + 600 < carried.t
"""


def percentile(times, share):
    ordered = sorted(times)
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]


def timed(work):
    start = time.perf_counter()
    done = work()
    return done, time.perf_counter() - start


def spent(work, processor=time.process_time):
    """What it gave, and seconds by the clock and of the processor, which a busy machine does not stretch."""
    before = processor()
    done, seconds = timed(work)
    return done, seconds, processor() - before


def each(all_of_them, work, processor=time.process_time):
    """Milliseconds by the clock in the middle and at p99, and of the processor on average; and what each gave."""
    before, took, gave = processor(), [], []
    for one in all_of_them:
        done, seconds = timed(lambda one=one: work(one))
        took.append(seconds * 1_000)
        gave.append(done)
    return {"p50_ms": percentile(took, 50), "p99_ms": percentile(took, 99), "cpu_ms": (processor() - before) * 1_000 / len(took)}, gave


def told(what, got):
    print(f"{what}: {got['p50_ms']:.1f} ms in the middle, p99 {got['p99_ms']:.1f} ms, {got['cpu_ms']:.1f} ms of processor on average", flush=True)


def same(what, ours, theirs):
    if ours != theirs:
        raise SystemExit(f"{what}: the hub and DuckDB do not say the same: {ours!r:.300} and {theirs!r:.300}")


def library(options, **changed):
    words = [f"--{name}={value}".split("=") for name, value in (vars(options) | changed).items() if name in ("residents", "density", "days", "cases")]
    out = subprocess.run([*options.bench, *sum(words, [])], check=True, capture_output=True, text=True).stdout
    lines = out.strip().splitlines()
    print("\n".join(lines[:-1]), flush=True)
    return json.loads(lines[-1])


def duck(options, scratch):
    """The stays in DuckDB; None where it is not installed."""
    try:
        import duckdb
    except ImportError:
        return None
    path = Path(scratch) / "stays.csv"
    with open(path, "wb") as file:
        words = ["--residents", options.residents, "--density", options.density, "--days", options.days]
        subprocess.run([*options.bench, *map(str, words), "stays"], check=True, stdout=file)
    connection = duckdb.connect(str(Path(scratch) / "stays.duckdb"))
    _, seconds = timed(lambda: connection.execute(LOAD.format(path=path, begin=city.BEGIN)))
    print(f"DuckDB {duckdb.__version__}: loaded and sorted in {seconds:.1f} s", flush=True)
    connection.execute("CREATE TABLE cases AS SELECT (n * ?)::UINTEGER AS person FROM range(?) all_of_them(n)",
                       [options.residents // options.cases, options.cases])
    path.unlink()
    return connection


def seconds_of(text):
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))) - time.timezone


def number_of(person):
    return int(person[-12:], 16)


def one_by_one(hub, connection, options, figures):
    """Each of some cases through the API, as a page; and all contacts of a few of them, compared."""
    end = city.BEGIN + options.days * city.DAY
    stretch = f"from={city.instant(city.BEGIN)}&to={city.instant(end)}"
    step = options.residents // options.cases

    def ask(person, limit, after=0):
        status, body = hub.ask("GET", f"/v1/persons/{city.person(person)}/contacts?{stretch}&limit={limit}&after={after}")
        if status != 200:
            raise SystemExit(body.decode())
        return body

    asked = [n * step for n in range(min(ASKED, options.cases))]
    for person in asked[:5]:
        ask(person, PAGE)
    # Answers are kept as they came: to parse them, and to collect what that leaves, takes this program longer than the hub.
    got, answers = each(asked, lambda person: ask(person, PAGE), hub.processor_s)
    got["contacts"] = percentile([json.loads(answer)["total"] for answer in answers], 50)
    figures["api_case"] = got
    told(f"one case through the API, {got['contacts']} contacts", got)

    def code(person):
        status, body = hub.ask("GET", f"/v1/persons/{city.person(person + 1)}/health-code?on={city.instant(end)}")
        if status != 200:
            raise SystemExit(body.decode())

    figures["api_code"], _ = each(asked[:50], code, hub.processor_s)
    told("one code through the API", figures["api_code"])
    if connection is None:
        return
    query = MET.format(case="", own="(SELECT * FROM stay WHERE person = ?)")
    by_person = "CREATE TABLE own_stay AS SELECT * FROM stay ORDER BY person; CREATE INDEX by_person ON own_stay (person)"
    connection.execute(by_person)
    query = query.replace("FROM stay WHERE person", "FROM own_stay WHERE person")
    page = f"{query} ORDER BY seconds DESC, person LIMIT {PAGE}"
    figures["duckdb_case"], _ = each(asked[:20], lambda person: connection.execute(page, [person]).fetchall())
    told("one case in DuckDB", figures["duckdb_case"])
    for person in asked[:COMPARED]:
        theirs = sorted(connection.execute(query, [person]).fetchall())
        ours, after = [], 0
        while after is not None:
            answer = json.loads(ask(person, 500, after))
            for one in answer["contacts"]:
                meetings = one["meetings"]
                if one["meeting_count"] > len(meetings):
                    raise SystemExit("a contact has more meetings than are told")
                spans = [(seconds_of(meeting["from"]), seconds_of(meeting["to"])) for meeting in meetings]
                ours.append((number_of(one["person_id"]), len(spans), sum(to - begin for begin, to in spans),
                             min(begin for begin, _ in spans), max(to for _, to in spans)))
            after = answer.get("next")
        same(f"contacts of {person}", sorted(ours), theirs)
    print(f"the contacts of {COMPARED} cases are the same, with meetings, seconds, first and last", flush=True)


def fresh(hub, options, figures):
    """Facts on their way through the hub: a household of two that is new, and then one of them a case."""
    end = city.BEGIN + options.days * city.DAY
    stretch = f"from={city.instant(city.BEGIN)}&to={city.instant(end)}"

    def until(path, holds):
        deadline = time.monotonic() + 60
        while True:
            status, body = hub.ask("GET", path)
            if status == 200 and holds(json.loads(body)):
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"a new fact did not arrive within a minute: {status} {body.decode()[:300]}")
            time.sleep(0.01)

    def find(number):
        question = {"identifiers": [{"scheme": "CN_ID", "value": number}]}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status, body = hub.ask("POST", "/v1/persons/find", question)
            if status == 200 and json.loads(body)["persons"]:
                return json.loads(body)["persons"][0]["person_id"]
            time.sleep(0.01)
        raise SystemExit("a new resident did not arrive within a minute")

    contacts, codes = [], []
    for number in range(FRESH):
        one, other = city.resident(2 * number), city.resident(2 * number + 1)

        def meet(one=one, other=other, number=number):
            hub.push("household-register", city.household(number, (one, other)))
            person = find(other)
            until(f"/v1/persons/{person}/contacts?{stretch}", lambda answer: answer["total"] == 1)
            return person

        person, seconds = timed(meet)
        contacts.append(seconds * 1_000)

        def infect(one=one, person=person, number=number):
            hub.push("case-reports", city.report(number, one, end))
            until(f"/v1/persons/{person}/health-code?on={city.instant(end)}", lambda answer: answer["colour"] == "RED")

        codes.append(timed(infect)[1] * 1_000)
    for name, what, took in (("fact_contact", "contact of", contacts), ("fact_code", "red code by", codes)):
        figures[name] = {"p50_ms": percentile(took, 50), "p99_ms": percentile(took, 99)}
        print(f"from the push to the {what} a new fact: {percentile(took, 50):.0f} ms in the middle, {max(took):.0f} ms at most of {FRESH}", flush=True)


def batch(hub, connection, options, figures, scratch):
    """All cases in one call, as a table on disk; and the same in DuckDB, compared row by row."""
    path = Path(scratch) / "contacts.csv"
    end = city.BEGIN + options.days * city.DAY
    question = {"all": True, "sub": True, "from": city.instant(city.BEGIN), "to": city.instant(end)}
    headers = {**city.CASE_HEADERS, "Authorization": f"Bearer {hub.token}", "Content-Type": "application/json", "Accept": "text/csv"}
    sent = Path(scratch) / "headers"
    sent.write_text("".join(f"{name}: {value}\n" for name, value in headers.items()), encoding="utf-8")
    address = f"http://127.0.0.1:{hub.port}/v1/contacts"
    command = ["curl", "-sS", "--fail-with-body", "-o", str(path), "-H", f"@{sent}", "-d", json.dumps(question), address]
    _, figures["http_batch_s"], figures["http_batch_cpu_s"] = spent(lambda: subprocess.run(command, check=True), hub.processor_s)
    figures["http_batch_mib"] = path.stat().st_size / 2**20
    print(f"{options.cases} cases with sub-contacts in one call: {figures['http_batch_s']:.1f} s, {figures['http_batch_cpu_s']:.1f} s of processor, {figures['http_batch_mib']:.0f} MiB", flush=True)
    if connection is None:
        return
    own = "(SELECT stay.*, cases.person AS case_person FROM stay JOIN cases USING (person))"
    query = MET.format(case="own.person AS case_person,", own=own)
    _, *figures["duckdb_batch_s"] = spent(lambda: connection.execute(f"CREATE OR REPLACE TABLE met AS {query}"))
    print(f"the contacts of {options.cases} cases in DuckDB, kept as a table: {figures['duckdb_batch_s'][0]:.1f} s, {figures['duckdb_batch_s'][1]:.1f} s of processor", flush=True)
    (theirs,), *figures["duckdb_sub_s"] = spent(lambda: connection.execute(SUB).fetchone())
    print(f"their sub-contacts in DuckDB, counted: {figures['duckdb_sub_s'][0]:.1f} s, {figures['duckdb_sub_s'][1]:.1f} s of processor", flush=True)
    rows = f"""SELECT ('0x' || right("case", 12))::UINTEGER * {options.residents // options.cases} AS case_person,
        ('0x' || right(person_id, 12))::UINTEGER AS person, meetings, round(minutes * 60)::BIGINT AS seconds,
        epoch(first)::BIGINT AS first, epoch(last)::BIGINT AS last FROM read_csv('{path}', header = true, all_varchar = false) WHERE kind = 'contact'"""
    known = "SELECT case_person, person, meetings, seconds, first, last FROM met"
    connection.execute(f"CREATE OR REPLACE TABLE told AS {rows}")
    ours, both, known_count = connection.execute(
        f"SELECT (SELECT count(*) FROM told), (SELECT count(*) FROM (SELECT * FROM told INTERSECT {known})), (SELECT count(*) FROM met)").fetchone()
    same("contacts of all cases", (ours, both), (known_count, known_count))
    subs = connection.execute(f"SELECT count(*) FROM read_csv('{path}', header = true) WHERE kind = 'sub-contact'").fetchone()[0]
    same("sub-contacts", subs, theirs)
    figures["batch_rows"], figures["sub_rows"] = ours, subs
    print(f"all {ours} contacts and {subs} sub-contacts are the same", flush=True)


def curve(options):
    shapes = [dict(residents=25_000), dict(residents=50_000), dict(residents=100_000), dict(days=7), dict(density=2_500)]
    print(f"{'residents':>10}{'days':>6}{'by square':>11}{'build s':>9}{'one ms':>8}{'contacts':>10}{'batch s':>9}{'sub s':>7}{'codes s':>9}{'fact ms':>9}, of processor")
    for shape in shapes:
        of = {"residents": options.residents, "days": options.days, "density": options.density} | shape
        got = library(options, **of)
        print(f"{of['residents']:>10}{of['days']:>6}{of['density']:>11}{got['index_cpu_s']:>9.1f}{got['case_cpu_ms']:>8.1f}{got['case_contacts']:>10.0f}"
              f"{got['batch_cpu_s']:>9.1f}{got['sub_cpu_s']:>7.1f}{got['codes_cpu_s']:>9.1f}{got['fact_cpu_ms']:>9.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True, help="the bench of the crate exposure")
    parser.add_argument("--residents", type=int, default=100_000)
    parser.add_argument("--density", type=int, default=625, help="residents by square")
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--curve", action="store_true", help="the library alone, by residents, days and density")
    parser.add_argument("--json", type=Path, help="the figures as JSON, too")
    options = parser.parse_args()
    options.bench = [options.bench]
    if options.curve:
        return curve(options)
    figures = library(options)
    root = HERE.parent.parent
    binary = str(Path(os.environ.get("ISTHMUS", root / "target/release/isthmus")).resolve())
    with tempfile.TemporaryDirectory() as scratch:
        hub = city.Hub(binary, Path(scratch) / "hub", root / "crates/scrutiny/rules.toml")
        side = max(5, -int(-(options.residents / options.density) ** 0.5 // 1))
        try:
            hub.start()
            words = ["--residents", options.residents, "--density", options.density, "--days", options.days]
            _, seconds = timed(lambda: city.fill(hub, [*options.bench, *map(str, words)], options, side))
            print(f"the views were filled in {seconds:.0f} s", flush=True)
            hub.token = hub.admin("token", "caller", "--role", "cdc-tracer", "--unit", "CDC-01", "--handle", "bench")
            hub.stop()
            hub.start()
            _, figures["load_s"] = timed(hub.loaded)
            figures["hub_mib"] = hub.memory_mib()
            print(f"the hub had read everything after {figures['load_s']:.0f} s, and {figures['hub_mib']:.0f} MiB", flush=True)
            connection = duck(options, scratch)
            one_by_one(hub, connection, options, figures)
            batch(hub, connection, options, figures, scratch)
            # Last, because new cases are no cases of DuckDB.
            fresh(hub, options, figures)
        finally:
            hub.stop()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
