"""The hub of `bench.py`: a release binary whose views are filled by COPY with an invented city, and questions to it."""

import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path

# 2022-03-01, midnight in China; the bench of the library has the same.
BEGIN = 1_646_064_000
DAY = 86_400
CASE_HEADERS = {"Isthmus-Purpose": "PUBHLTH", "Isthmus-Case": "C-0"}
# Everything of the city is one township's neighbour, so that no two places lie in one square: far more than 800 metres.
STEP = (0.02, 0.03)
ORIGIN = (30.0, 115.0)


def uuid(kind, number):
    return f"00000000-0000-5000-{kind}-{number:012x}"


def person(number):
    return uuid("8000", number)


def case(number):
    return uuid("8003", number)


def instant(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def resident(number):
    """The number of a resident who does not exist: the county was never assigned."""
    digits = f"361198{1960 + number % 40}0101{number // 40 * 2 + 10:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(digits, weights)) % 11]


def name(number):
    return "赵钱孙李周吴郑王"[int(number[-4]) % 8] + "一二三四五六七八九十"[int(number[8:10]) % 10] + "春夏秋冬东南西北中"[int(number[9]) % 9]


def household(number, members):
    """Two people who live together, as the household register states them."""
    lines = ["户号,户别,与户主关系,姓名,性别,公民身份号码,出生日期,户籍地址,现住址,区划代码,网格,联系电话,迁入日期,迁出日期,更新时间"]
    for member, relation in zip(members, ("户主", "非亲属")):
        born = f"{member[6:10]}-{member[10:12]}-{member[12:14]}"
        sex = "男" if int(member[16]) % 2 else "女"
        address = f"测试市一号街道{number}号"
        lines.append(f"T{number:08},家庭户,{relation},{name(member)},{sex},{member},{born},{address},{address},320500000000,,,2020-01-01,,2022-01-01 08:00:00")
    return "\r\n".join(lines) + "\r\n"


def report(number, member, end):
    """Disease control states that somebody is a case."""
    confirmed = time.strftime("%Y-%m-%d", time.gmtime(end - DAY))
    head = "病例编号,姓名,证件类型,证件号码,联系电话,病例分类,发病日期,确诊时间,结案时间,现住址区划,聚集性疫情编号,隔离时间,更新时间"
    return f"{head}\r\nT{number:06},{name(member)},居民身份证,{member},,确诊病例,,{confirmed} 08:00:00,,320500000,,,{confirmed} 09:00:00\r\n"


class Hub:
    """A hub in a folder of its own. What is shown counts in budgets as always; the site's rules of suspicion raise them."""

    def __init__(self, binary, home, rules):
        self.binary, self.home = binary, Path(home)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home.mkdir(parents=True, exist_ok=True)
        # PostgreSQL runs under an account of its own where this runs as root.
        self.home.parent.chmod(0o755)
        raised = Path(rules).read_text(encoding="utf-8").replace('version = "', 'version = "bench-', 1)
        before, tracer = raised.split("[roles.cdc-tracer]")
        lines = [line.split("=")[0] + "= 0" if line.startswith(("persons_per", "rows_per", "areas_per")) else line for line in tracer.splitlines()]
        (self.home / "suspicion.toml").write_text(before + "[roles.cdc-tracer]" + "\n".join(lines) + "\n", encoding="utf-8")
        self.config = self.home / "isthmus.toml"
        self.config.write_text(
            f'data_dir = "{self.home / "data"}"\nhttp_listen = "127.0.0.1:{self.port}"\nmllp_listen = "127.0.0.1:0"\n'
            f'suspicion_rules = "{self.home / "suspicion.toml"}"\n',
            encoding="utf-8",
        )
        self.process = None
        self.token = None
        self.feeds = {}

    def start(self, seconds_max=900):
        """Starts it; returns when it answers. What it reads after that is waited for by `loaded`."""
        log = open(self.home / "hub.log", "a", encoding="utf-8")
        self.process = subprocess.Popen([self.binary, "serve", "--config", self.config], stdout=subprocess.DEVNULL, stderr=log)
        until = time.monotonic() + seconds_max
        while True:
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the hub does not come up: {Path(log.name).read_text(encoding='utf-8')[-2_000:]}")
            time.sleep(0.1)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(120)
            self.process = None

    def admin(self, *words):
        return subprocess.run([self.binary, *words, "--config", self.config], check=True, capture_output=True, text=True).stdout.strip()

    def socket_dir(self):
        pids = list(self.home.rglob("postmaster.pid"))
        return pids[0].read_text(encoding="utf-8").splitlines()[4]

    def psql(self, *words, **more):
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.socket_dir(), "-U", "postgres", "-d", "isthmus", *words]
        return subprocess.run(command, check=True, env={**os.environ, "PGOPTIONS": "-c search_path=views"}, **more)

    def ask(self, method, path, body=None, headers=None):
        """Status and whole body of an answer, over one connection that is kept."""
        sent = {**CASE_HEADERS, **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        is_kept = hasattr(self, "connection")
        if not is_kept:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=900)
        try:
            self.connection.request(method, path, body=body and json.dumps(body), headers=sent)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            del self.connection
            if is_kept:
                # The hub closes what lies idle.
                return self.ask(method, path, body, headers)
            raise OSError from None

    def push(self, feed, text):
        """Pushes a file and waits for its receipt: every row must be accepted."""
        if feed not in self.feeds:
            self.feeds[feed] = self.admin("token", "feed", "--feed", feed)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.feeds[feed]}"}
        connection.request("POST", f"/v1/feeds/{feed}/batches", body=text.encode("gb18030"), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 201) or json.loads(body)["quarantined"]:
            raise SystemExit(f"{feed}: {answer.status} {body.decode()[:500]}")

    def loaded(self, seconds_max=1_800):
        """Waits until everybody's whereabouts were read."""
        until = time.monotonic() + seconds_max
        while True:
            status, body = self.ask("GET", f"/v1/persons/{person(0)}/contacts?limit=1")
            if status == 200:
                return json.loads(body)
            if b"contacts-loading" not in body or time.monotonic() > until:
                raise SystemExit(body.decode())
            time.sleep(0.2)

    def processor_s(self):
        """Seconds of the processor that it has had; those of PostgreSQL are not counted."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def fill(hub, bench, options, side):
    """Fills the views by COPY: places, residents, cases, and all stays, which the library's bench writes."""
    end = BEGIN + options.days * DAY
    places = []
    for number in range(side * side):
        row, column = divmod(number, side)
        township = f"3205{number // 4:05}"
        detail = {"place_id": f"cells/{number}", "kind": "CELL", "datum": "WGS84", "radius_m": 0.0, "division_code": township}
        detail |= {"lat": ORIGIN[0] + row * STEP[0], "lon": ORIGIN[1] + column * STEP[1]}
        places.append(f"{uuid('8004', number)}\tcells/{number}\tf\t1\t0\t{uuid('8005', number)}\tcells\t{json.dumps(detail)}\n")
    # They state nothing by which anybody could be linked.
    statement, batch = '{"person":{"claims":[],"names":[],"sex":"UNKNOWN"},"contacts":[]}', uuid("8006", 0)
    golden = '{"other_names":[],"identifiers":[],"phones":[]}'
    records = (
        f"{person(n)}\tregister\tCOMMUNITY\t1\t0\t{uuid('8007', n)}\t{statement}\t2022-01-01\t2022-01-01\t{person(n)}\t{batch}\t{n}\n"
        for n in range(options.residents)
    )
    persons = (f"{person(n)}\t{golden}\t{{}}\t1\t2022-01-01\t{uuid('8008', n)}\n" for n in range(options.residents))
    step = options.residents // options.cases
    cases = []
    for n in range(options.cases):
        detail = {"case_id": f"C-{n}", "state": "CONFIRMED", "infectious_from": BEGIN // DAY + 1, "confirmed_time": (end - DAY) * 1_000}
        detail["place"] = {"kind": "OTHER", "datum": "UNKNOWN", "division_code": f"3205{0:05}"}
        cases.append(f"{case(n)}\t14\tf\t1\t0\t{uuid('8009', n)}\tcdc\t{person(n * step)}\t{instant(end - DAY)}\t{json.dumps(detail)}\n")
    # What a crash of this run would lose is made anew, so nothing of it goes through the log of PostgreSQL.
    hub.psql("-c", "ALTER TABLE fact SET UNLOGGED; ALTER TABLE fact DROP CONSTRAINT fact_pkey; DROP INDEX fact_by_subject; "
             "ALTER TABLE fact ALTER known_at SET DEFAULT now()")
    tables = {
        "place (record_id, place_id, retracted, version, reading, event_id, source, detail)": places,
        "source_record (record_id, source, source_kind, version, reading, event_id, statement, first_time, last_time, person_id, batch_id, batch_row)": records,
        "person (person_id, golden, units, record_count, first_time, digest)": persons,
        "fact (record_id, kind, retracted, version, reading, event_id, source, subject, started_at, detail)": cases,
    }
    for table, rows in tables.items():
        hub.psql("-c", f"COPY {table} FROM STDIN", input="".join(rows), text=True)
    columns = "record_id, kind, retracted, version, reading, event_id, source, subject, started_at, ended_at, place_id, detail"
    facts = subprocess.Popen([*bench, "facts"], stdout=subprocess.PIPE)
    hub.psql("-c", f"COPY fact ({columns}) FROM STDIN", stdin=facts.stdout)
    if facts.wait() != 0:
        raise SystemExit("the city could not be written")
    hub.psql("-c", "SET maintenance_work_mem = '1GB'", "-c", "ALTER TABLE fact ADD PRIMARY KEY (record_id, kind)",
             "-c", "CREATE INDEX fact_by_subject ON fact (subject, started_at) WHERE subject IS NOT NULL", "-c", "ANALYZE")
    # What was filled is on disk before anything is measured: the hub's own writes would wait behind gigabytes.
    hub.psql("-c", "CHECKPOINT")
    os.sync()
