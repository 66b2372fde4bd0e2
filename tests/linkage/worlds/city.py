"""The city of `isthmus generate` as one file of records: what its feeds say of who a person is.

A record is a row of a feed that names a person, as the sender delivered it; rows that the hub would put into quarantine
are left out. The truth is the generator's own. The program is taken from `ISTHMUS`, else from the release build.
"""

import csv
import os
import re
import subprocess
import tempfile
from pathlib import Path

from .common import write_set

COLUMNS = ["source", "full_name", "gender", "dob", "national_id", "phone", "address_1"]
PROGRAM = Path(__file__).parents[3] / "target/release/isthmus"


def write(folder, residents, seed):
    """Generates a city of so many residents and writes the records of its people."""
    with tempfile.TemporaryDirectory() as city:
        program = os.environ.get("ISTHMUS", str(PROGRAM))
        size = ["--residents", str(residents), "--days", "14", "--seed", str(seed)]
        subprocess.run([program, "generate", *size, "--out", city], check=True, stdout=subprocess.DEVNULL)
        city = Path(city)
        write_set(folder, COLUMNS, [list(records(city))], f"city {seed}")


def records(city):
    """Yields (person, row) for every row of the five feeds that state who somebody is."""
    broken = {tuple(row[:3]) for row in table(city / "truth/traps.csv") if row[3].startswith("broken")}
    read = {}
    for feed, file, row, person in table(city / "truth/rows.csv"):
        if feed not in FEEDS or not person or (feed, file, row) in broken:
            continue
        path = city / "feeds" / feed / file
        if path not in read:
            read[path] = list(FEEDS[feed](path))
        said = read[path][int(row) - 1]
        if said is not None:
            yield person, [feed, *said]


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def text(path):
    """The text of a file: UTF-8 where it is that, else GB 18030, as its neighbours at the time would have it."""
    data = path.read_bytes().replace(b"\0", b"")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def named(*columns):
    """A reader of a feed with a header; an empty name stands for a column that the feed lacks."""

    def rows(path):
        lines = [line for line in text(path).split("\n") if line.strip()]
        for row in csv.DictReader(lines, restval=""):
            yield [row.get(column) or "" for column in columns]

    return rows


def subscribers(path):
    for line in text(path).split("\n"):
        if line.strip():
            phone, name, _, number = (line.split("|") + [""] * 4)[:4]
            yield [name, "", "", number, phone, ""]


def hospital(path):
    """One row for every message; nothing for a message about nobody."""
    for message in re.split(r"[\r\n]+(?=MSH\|)", text(path)):
        segments = [segment.split("|") for segment in re.split(r"[\r\n]+", message)]
        if not any(segment[0] == "MSH" for segment in segments):
            continue
        patient = next((segment + [""] * 14 for segment in segments if segment[0] == "PID"), None)
        yield patient and identity(patient)


def identity(patient):
    numbers = [number.split("^") for number in patient[3].split("~")]
    document = next((parts[0] for parts in numbers if parts[4:5] != ["MR"]), "")
    name = "".join(patient[5].split("~")[0].split("^")[:2])
    return [name, patient[8], patient[7], document, patient[13].split("^")[0], patient[11].split("^")[0]]


FEEDS = {
    "household-register": named("姓名", "性别", "出生日期", "公民身份号码", "联系电话", "现住址"),
    "lab-results": named("姓名", "", "", "证件号码", "手机号", ""),
    "rail-tickets": named("姓名", "", "", "证件号码", "订票人手机", ""),
    "subscriber-register": subscribers,
    "hospital-hl7": hospital,
}
