"""What every world needs: a seeded source of chance, the mistakes that people make, and the files of a set.

A set is a folder with `a.csv`, perhaps `b.csv`, and `truth.csv` (record_id,entity_id). The invariant: a record id
says nothing about its person, and the order of the rows says nothing either, so a linker that looks at them gains nothing.
Not here: anything that knows how a linker works.
"""

import csv
import random
from bisect import bisect
from itertools import accumulate
from pathlib import Path

NEIGHBOURS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl", "p": "ol",
    "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil", "l": "ko",
    "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}
SCANNED = [("rn", "m"), ("m", "rn"), ("l", "i"), ("i", "l"), ("o", "0"), ("s", "5"), ("cl", "d"), ("vv", "w"), ("u", "v"), ("h", "b")]
HEARD = [
    ("ph", "f"), ("f", "ph"), ("ck", "k"), ("c", "k"), ("k", "c"), ("ie", "y"), ("y", "ie"), ("ee", "ea"), ("ll", "l"),
    ("l", "ll"), ("tt", "t"), ("t", "tt"), ("nn", "n"), ("n", "nn"), ("s", "z"), ("z", "s"), ("ei", "ie"), ("ou", "u"), ("mac", "mc"),
]


class Draw:
    """Values with weights, drawn in logarithmic time."""

    def __init__(self, weighted):
        self.values = [value for value, _ in weighted]
        self.bounds = list(accumulate(weight for _, weight in weighted))

    def __call__(self, rng):
        return self.values[bisect(self.bounds, rng.random() * self.bounds[-1], hi=len(self.values) - 1)]


def zipf(values, exponent=1.0, offset=2.7):
    """A draw in which the rank decides the frequency, as in most lists of places and streets."""
    return Draw([(value, (rank + offset) ** -exponent) for rank, value in enumerate(values)])


def typo(rng, text):
    """One slip of a finger, an ear or a scanner."""
    if len(text) < 2:
        return text
    kind = rng.random()
    at = rng.randrange(len(text))
    if kind < 0.22:
        return text[:at] + text[at + 1 :]
    if kind < 0.36:
        return text[:at] + text[at] + text[at:]
    if kind < 0.52:
        at = rng.randrange(len(text) - 1)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind < 0.74:
        beside = NEIGHBOURS.get(text[at].lower())
        if beside:
            return text[:at] + rng.choice(beside) + text[at + 1 :]
        if text[at].isdigit():
            return text[:at] + str(rng.randrange(10)) + text[at + 1 :]
        return text[:at] + text[at + 1 :]
    table = HEARD if kind < 0.92 else SCANNED
    fitting = [(old, new) for old, new in table if old in text]
    if not fitting:
        return text[:at] + text[at + 1 :]
    old, new = rng.choice(fitting)
    places = [index for index in range(len(text)) if text.startswith(old, index)]
    at = rng.choice(places)
    return text[:at] + new + text[at + len(old) :]


def digit_slip(rng, text):
    """One wrong digit or two neighbours swapped."""
    places = [index for index, char in enumerate(text) if char.isdigit()]
    if not places:
        return text
    if rng.random() < 0.35 and len(places) > 1:
        first = rng.randrange(len(places) - 1)
        left, right = places[first], places[first + 1]
        chars = list(text)
        chars[left], chars[right] = chars[right], chars[left]
        return "".join(chars)
    at = rng.choice(places)
    return text[:at] + str((int(text[at]) + rng.randrange(1, 10)) % 10) + text[at + 1 :]


def date_slip(rng, iso):
    """A date of birth (YYYY-MM-DD) as it goes wrong: day and month swapped, a digit, a year beside, the first of the year."""
    year, month, day = iso.split("-")
    kind = rng.random()
    if kind < 0.25 and int(day) <= 12 and day != month:
        return f"{year}-{day}-{month}"
    if kind < 0.50:
        other = rng.randrange(1, 29)
        return f"{year}-{month}-{other:02d}"
    if kind < 0.68:
        return f"{int(year) + rng.choice([-10, -1, 1, 10])}-{month}-{day}"
    if kind < 0.84:
        return f"{year}-{rng.randrange(1, 13):02d}-{day if int(day) <= 28 else '28'}"
    return f"{year}-01-01"


def birthday(rng, year):
    """A day of that year, a little seasonal."""
    month = rng.choices(range(1, 13), weights=[80, 76, 84, 82, 86, 85, 91, 92, 90, 87, 80, 82])[0]
    days = 29 if month == 2 and year % 4 == 0 else [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    return f"{year}-{month:02d}-{rng.randrange(1, days + 1):02d}"


class Ids:
    """Record ids without meaning: a seeded permutation of a range."""

    def __init__(self, rng, count, prefix):
        self.order = list(range(count))
        rng.shuffle(self.order)
        self.prefix = prefix
        self.width = len(str(count))
        self.next = 0

    def __call__(self):
        number = self.order[self.next]
        self.next += 1
        return f"{self.prefix}{number:0{self.width}d}"


def write_set(folder, columns, inputs, seed):
    """Writes one set; `inputs` are lists of (entity, row of values in the order of `columns`), one for each file.

    `columns` is one list for all the files, or a list for each.
    """
    rng = random.Random(f"rows {seed}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.csv"):
        old.unlink()
    unfinished = folder / "truth.unfinished"
    if isinstance(columns[0], str):
        columns = [columns] * len(inputs)
    with open(unfinished, "w", newline="", encoding="utf-8") as truth_file:
        truth = csv.writer(truth_file, lineterminator="\n")
        truth.writerow(["record_id", "entity_id"])
        for letter, names, rows in zip("ab", columns, inputs):
            rows = list(rows)
            rng.shuffle(rows)
            ids = Ids(rng, len(rows), letter)
            with open(folder / f"{letter}.csv", "w", newline="", encoding="utf-8") as file:
                out = csv.writer(file, lineterminator="\n")
                out.writerow(["record_id", *names])
                for entity, values in rows:
                    record = ids()
                    out.writerow([record, *values])
                    truth.writerow([record, entity])
    unfinished.rename(folder / "truth.csv")
