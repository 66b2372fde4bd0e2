#!/usr/bin/env python3
"""Writes the judge's sets: FEBRL's, and worlds that we generate, as unlike each other as we can make them.

    prepare.py --out DIR [--only NAME ...] [--missing] [--list]

Each set becomes DIR/NAME/a.csv (and b.csv, where two registers are linked) with DIR/NAME/truth.csv. Everything is seeded:
the same pins in requirements.txt give the same bytes. All persons are invented. `city` needs `isthmus` (see worlds/city.py).
"""

import argparse
import time
from pathlib import Path

from worlds import chinese, city, english, febrl, german, historical, mixed

SETS = {
    "febrl1": lambda folder: febrl.write("febrl1", folder),
    "febrl2": lambda folder: febrl.write("febrl2", folder),
    "febrl3": lambda folder: febrl.write("febrl3", folder),
    "febrl4": lambda folder: febrl.write("febrl4", folder),
    "ten_thousand": lambda folder: english.city(folder, 10_000, "ten thousand"),
    "hundred_thousand": lambda folder: english.city(folder, 100_000, "hundred thousand"),
    "short": lambda folder: english.short(folder, "short"),
    "short_year": lambda folder: english.short_year(folder, "short year"),
    "sparse": lambda folder: english.sparse(folder, "sparse"),
    "noduplicates": lambda folder: english.noduplicates(folder, "noduplicates"),
    "manyper": lambda folder: english.manyper(folder, "manyper"),
    "households": lambda folder: english.households(folder, "households"),
    "agency": lambda folder: english.agency(folder, "agency"),
    "voters": lambda folder: english.voters(folder, "voters"),
    "full_names": lambda folder: english.full_names(folder, "full names"),
    "german": lambda folder: german.write(folder, "german"),
    "chinese": lambda folder: chinese.one_file(folder, "chinese"),
    "chinese_two": lambda folder: chinese.two_files(folder, "chinese two"),
    "city": lambda folder: city.write(folder, 2000, 1),
    "historical": lambda folder: historical.parishes(folder, "parishes"),
    "dictionaries": lambda folder: historical.dictionaries(folder, "dictionaries"),
    "spanish": lambda folder: mixed.customs(folder, "spanish", 3000, "spanish"),
    "french": lambda folder: mixed.customs(folder, "french", 1500, "french"),
    "vietnamese": lambda folder: mixed.customs(folder, "vietnamese", 2000, "vietnamese"),
    "arabic": lambda folder: mixed.customs(folder, "arabic", 2000, "arabic"),
    "indian": lambda folder: mixed.customs(folder, "indian", 2000, "indian"),
    "tiny_100": lambda folder: mixed.tiny(folder, 80, 0.2, "tiny 100"),
    "tiny_500": lambda folder: mixed.tiny(folder, 400, 0.2, "tiny 500"),
    "spreadsheet": lambda folder: mixed.spreadsheet(folder, "spreadsheet"),
    "name_phone": lambda folder: mixed.few_columns(folder, "phone", "name phone"),
    "name_address": lambda folder: mixed.few_columns(folder, "address", "name address"),
    "heavy_typos": lambda folder: mixed.heavy(folder, "heavy", False),
    "scanned": lambda folder: mixed.heavy(folder, "scanned", True),
    "three_sources": lambda folder: mixed.three_sources(folder, "three sources"),
    "nobody_twice": lambda folder: mixed.two_inputs(folder, False, "nobody twice"),
    "everybody_twice": lambda folder: mixed.two_inputs(folder, True, "everybody twice"),
    "chinese_small": lambda folder: mixed.chinese_small(folder, "chinese small"),
    "million": lambda folder: english.city(folder, 1_000_000, "million"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the folder to write into")
    parser.add_argument("--only", nargs="+", choices=SETS, help="these sets and no others")
    parser.add_argument("--missing", action="store_true", help="leave the sets that are there as they are")
    parser.add_argument("--list", action="store_true", help="name the sets and stop")
    options = parser.parse_args()
    if options.list:
        print("\n".join(SETS))
        return
    if options.out is None:
        parser.error("--out is needed")
    for name in options.only or SETS:
        if options.missing and (options.out / name / "truth.csv").exists():
            continue
        start = time.perf_counter()
        SETS[name](options.out / name)
        print(f"{name}: written in {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
