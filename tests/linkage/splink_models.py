"""A Splink model for each of the judge's sets, made by somebody who knows the set and Splink.

The columns are cleaned as its makers advise; address fields that depend on each other form one comparison; values that are nobody's
(default birthdays, an office's telephone) are left out by hand; names carry term frequencies. Not here: anything learnt from the truth.
"""

from dataclasses import dataclass

import splink.comparison_level_library as cll
import splink.comparison_library as cl


@dataclass
class Model:
    columns: dict
    comparisons: list
    blocking: list
    sessions: list
    certain: list
    certain_recall: float = 0.7
    link_type: str = "dedupe_only"
    final: str = "*"

    def prepare(self, connection, path, table):
        """Reads a file as text and cleans it; a column that the file lacks is empty."""
        connection.execute(f"create table raw_{table} as select * from read_csv('{path}', all_varchar=true, header=true, delim=',', quote='\"', escape='\"')")
        present = {row[0] for row in connection.execute(f"describe raw_{table}").fetchall()}
        wanted = set().union(*(needs for needs, _ in self.columns.values()))
        source = ", ".join([f'"{name}"' for name in sorted(present)] + [f'cast(null as varchar) as "{name}"' for name in sorted(wanted - present)])
        cleaned = ", ".join(f"nullif({expression}, '') as {name}" for name, (_, expression) in self.columns.items())
        connection.execute(f"create table {table} as select {self.final} from (select record_id, {cleaned} from (select {source} from raw_{table}))")
        return table


def text(name):
    return ({name}, f"trim(regexp_replace(strip_accents(lower(\"{name}\")), '[^a-z0-9@. /-]', '', 'g'))")


def digits(name):
    return ({name}, f"regexp_replace(\"{name}\", '[^0-9]', '', 'g')")


def letters(name):
    return ({name}, f"regexp_replace(strip_accents(lower(\"{name}\")), '[^a-z]', '', 'g')")


def iso(name="dob"):
    """A whole date as YYYY-MM-DD; a year alone is no date."""
    return (
        {name},
        f"""case when "{name}" like '____-__-__' then "{name}"
            when regexp_full_match("{name}", '[0-9]{{8}}') then substr("{name}",1,4)||'-'||substr("{name}",5,2)||'-'||substr("{name}",7,2)
            when regexp_full_match("{name}", '[0-9]{{2}}\\.[0-9]{{2}}\\.[0-9]{{4}}') then substr("{name}",7,4)||'-'||substr("{name}",4,2)||'-'||substr("{name}",1,2) end""",
    )


def name_comparison(column):
    return cl.NameComparison(column)


def exact(column):
    return cl.ExactMatch(column).configure(term_frequency_adjustments=True)


def near(column, *distances):
    return cl.DamerauLevenshteinAtThresholds(column, list(distances or (1,))).configure(term_frequency_adjustments=True)


def alike(column, *similarities):
    return cl.JaroWinklerAtThresholds(column, list(similarities or (0.9,))).configure(term_frequency_adjustments=True)


def birth_comparison():
    """Dates as text, with the slips that dates suffer: a digit, day and month swapped, the same year, the year beside."""
    return cl.CustomComparison(
        output_column_name="dob",
        comparison_levels=[
            cll.NullLevel("dob"),
            cll.ExactMatchLevel("dob").configure(tf_adjustment_column="dob"),
            cll.DamerauLevenshteinLevel("dob", 1),
            cll.CustomLevel("substr(dob_l,1,4) = substr(dob_r,1,4) and substr(dob_l,6,2) = substr(dob_r,9,2) and substr(dob_l,9,2) = substr(dob_r,6,2)", "day and month swapped"),
            cll.CustomLevel("substr(dob_l,1,4) = substr(dob_r,1,4) and (substr(dob_l,6,2) = substr(dob_r,6,2) or substr(dob_l,9,2) = substr(dob_r,9,2) or dob_l like '%-01-01' or dob_r like '%-01-01')", "year and one more part, or a default day"),
            cll.CustomLevel("substr(dob_l,5) = substr(dob_r,5)", "day and month"),
            cll.CustomLevel("substr(dob_l,1,4) = substr(dob_r,1,4)", "year"),
            cll.ElseLevel(),
        ],
    )


def names_comparison(given="given_name", surname="surname"):
    """Both names at once, with the swapped ones."""
    return cl.ForenameSurnameComparison(given, surname, forename_surname_concat_col_name=None)


def address_comparison(number="street_number", street="address_1", postcode="postcode", suburb="suburb"):
    """One comparison for all the parts of an address, since they depend on each other."""
    return cl.CustomComparison(
        output_column_name="address",
        comparison_levels=[
            cll.CustomLevel(f"({street}_l is null or {street}_r is null) and ({postcode}_l is null or {postcode}_r is null) and ({suburb}_l is null or {suburb}_r is null)", "null").configure(is_null_level=True),
            cll.CustomLevel(f"{number}_l = {number}_r and jaro_winkler_similarity({street}_l, {street}_r) >= 0.88 and ({postcode}_l = {postcode}_r or {suburb}_l = {suburb}_r)", "house and place"),
            cll.CustomLevel(f"{number}_l = {number}_r and jaro_winkler_similarity({street}_l, {street}_r) >= 0.88", "house"),
            cll.CustomLevel(f"jaro_winkler_similarity({street}_l, {street}_r) >= 0.92 and ({postcode}_l = {postcode}_r or {suburb}_l = {suburb}_r)", "street and place"),
            cll.ExactMatchLevel(postcode).configure(tf_adjustment_column=postcode),
            cll.CustomLevel(f"jaro_winkler_similarity({suburb}_l, {suburb}_r) >= 0.92", "suburb"),
            cll.ElseLevel(),
        ],
    )


STREET = ({"address_1"}, """regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(trim(lower("address_1")),
    ' street$', ' st'), ' road$', ' rd'), ' avenue$', ' ave'), ' drive$', ' dr'), ' lane$', ' ln'), ' (crescent|cres)$', ' cr'), ' (place|close|court)$', ' p')""")
CITY = {
    "given_name": letters("given_name"), "surname": letters("surname"), "gender": ({"gender"}, "substr(lower(gender),1,1)"), "dob": iso(), "phone": digits("phone"), "email": text("email"),
    "street_number": ({"street_number"}, "regexp_extract(street_number, '[0-9]+$')"), "address_1": STREET, "suburb": letters("suburb"), "postcode": digits("postcode"),
}
CITY_BLOCKING = [
    ("given_name", "surname"), ("surname", "dob"), ("given_name", "dob"), ("phone", "given_name"), ("phone", "dob"), ("email",), ("given_name", "street_number", "postcode"),
    ("surname", "street_number", "address_1"), ("substr(given_name,1,3)", "substr(surname,1,3)", "substr(dob,1,4)"), ("given_name", "address_1"), ("phone", "surname"),
]


def city():
    return Model(
        columns=CITY,
        comparisons=[name_comparison("given_name"), name_comparison("surname"), cl.ExactMatch("gender"), birth_comparison(), near("phone", 1), cl.EmailComparison("email"), address_comparison()],
        blocking=CITY_BLOCKING,
        # Not by telephone or address: there the two kinds of pairs that the algorithm finds are families and strangers.
        sessions=[("given_name", "surname"), ("dob",)],
        certain=[("given_name", "surname", "dob"), ("given_name", "dob", "phone"), ("given_name", "email")],
        certain_recall=0.75,
    )


def households():
    model = city()
    model.blocking = [*CITY_BLOCKING, ("dob", "postcode"), ("dob", "address_1")]
    return model


def plain_city():
    model = city()
    model.comparisons = [comparison for comparison in model.comparisons if not isinstance(comparison, cl.EmailComparison)]
    model.columns = {name: column for name, column in CITY.items() if name != "email"}
    model.blocking = [rule for rule in CITY_BLOCKING if rule != ("email",)]
    model.certain = model.certain[:2]
    return model


def manyper():
    model = plain_city()
    model.columns["street_number"] = (set(), "cast('1' as varchar)")
    return model


def agency():
    """The operator has looked at the frequent values and left out those that are nobody's."""
    model = plain_city()
    columns = dict(model.columns)
    columns["national_id"] = ({"national_id"}, "case when national_id not in ('999999999','000000000','123456789') then national_id end")
    columns["dob"] = ({"dob"}, "case when dob not like '1900-01-01' then dob end")
    phone = digits("phone")[1]
    columns["phone"] = ({"phone"}, f"case when {phone} not in ('0299001000','0388004000','0731110000','0000000000','0400000000','1111111111') then {phone} end")
    columns["given_name"] = ({"given_name"}, "case when lower(given_name) not in ('unknown','baby boy','baby girl','n/a','not given','-') then regexp_replace(lower(given_name), '[^a-z]', '', 'g') end")
    columns["surname"] = ({"surname"}, "case when lower(surname) <> 'unknown' then regexp_replace(lower(surname), '[^a-z]', '', 'g') end")
    columns["address_1"] = ({"address_1", "street_number"}, f"case when not (lower(address_1) = 'civic place' and street_number = '1' or lower(address_1) = 'harbour road' and street_number = '12' or lower(address_1) = 'station street' and street_number = '250') then {STREET[1]} end")
    model.columns = columns
    model.comparisons = [*model.comparisons, near("national_id", 1)]
    model.blocking = [*model.blocking, ("national_id",), ("dob", "postcode")]
    model.certain = [*model.certain, ("national_id", "given_name")]
    return model


def sparse():
    return Model(
        columns=CITY | {"national_id": digits("national_id")},
        comparisons=[name_comparison("given_name"), name_comparison("surname"), cl.ExactMatch("gender"), birth_comparison(), near("national_id", 1), near("phone", 1), cl.EmailComparison("email"), address_comparison()],
        blocking=[("given_name", "surname"), ("surname", "dob"), ("given_name", "dob"), ("phone",), ("email",), ("national_id",), ("address_1", "street_number"), ("surname", "suburb"), ("surname", "postcode"), ("given_name", "suburb"), ("dob", "suburb"), ("given_name", "address_1"), ("surname", "address_1"), ("substr(given_name,1,3)", "substr(surname,1,3)")],
        sessions=[("given_name", "surname"), ("dob",), ("national_id",)],
        certain=[("given_name", "surname", "dob"), ("national_id",), ("email", "given_name"), ("phone", "given_name"), ("given_name", "surname", "suburb")],
        certain_recall=0.35,
    )


def febrl(link_type="dedupe_only"):
    columns = {name: text(name) for name in ("given_name", "surname", "street_number", "address_1", "suburb", "postcode", "state", "national_id")} | {"dob": ({"dob"}, "dob")}
    return Model(
        columns=columns,
        comparisons=[name_comparison("given_name"), name_comparison("surname"), near("dob", 1, 2), near("national_id", 1, 2), near("street_number", 1), alike("address_1", 0.92, 0.8), alike("suburb", 0.92, 0.8), near("postcode", 1), exact("state")],
        blocking=[("given_name", "surname"), ("dob",), ("national_id",), ("surname", "postcode"), ("given_name", "postcode"), ("address_1",), ("surname", "suburb"), ("given_name", "suburb"), ("street_number", "postcode"), ("substr(surname,1,4)", "substr(given_name,1,3)"), ("substr(address_1,1,6)", "suburb"), ("substr(address_1,1,6)", "postcode"), ("substr(national_id,1,4)", "postcode"), ("substr(national_id,4)", "suburb")],
        sessions=[("dob",), ("national_id",), ("postcode",)],
        certain=[("national_id",), ("given_name", "surname", "dob")],
        certain_recall=0.9,
        link_type=link_type,
    )


def short():
    columns = {"given_name": letters("given_name"), "surname": letters("surname"), "gender": ({"gender"}, "substr(lower(gender),1,1)"), "dob": iso(), "phone": digits("phone"), "birth_place": letters("birth_place")}
    return Model(
        columns=columns,
        comparisons=[name_comparison("given_name"), name_comparison("surname"), cl.ExactMatch("gender"), birth_comparison(), near("phone", 1), alike("birth_place")],
        blocking=[("given_name", "surname"), ("surname", "dob"), ("given_name", "dob"), ("dob", "substr(surname,1,1)"), ("substr(given_name,1,3)", "substr(surname,1,3)", "substr(dob,1,4)"), ("phone",)],
        sessions=[("given_name", "surname"), ("dob",)],
        certain=[("given_name", "surname", "dob")],
        certain_recall=0.7,
    )


def year_levels(year="year"):
    def apart(years):
        return f"abs(try_cast({year}_l as integer) - try_cast({year}_r as integer)) <= {years}"

    return [cll.CustomLevel(apart(1), "a year"), cll.CustomLevel(apart(3), "three years"), cll.CustomLevel(apart(10), "ten years")]


def short_year():
    columns = {"given_name": letters("given_name"), "surname": letters("surname"), "gender": ({"gender"}, "substr(lower(gender),1,1)"), "dob": iso(), "year": ({"dob"}, "substr(dob,1,4)")}
    birth = cl.CustomComparison(
        output_column_name="birth",
        comparison_levels=[
            cll.NullLevel("year"),
            cll.ExactMatchLevel("dob"),
            cll.DamerauLevenshteinLevel("dob", 1),
            cll.CustomLevel("dob_l is not null and dob_r is not null and year_l = year_r", "whole dates, only the year"),
            cll.CustomLevel("(dob_l is null or dob_r is null) and year_l = year_r", "year against year"),
            cll.ElseLevel(),
        ],
    )
    return Model(
        columns=columns,
        comparisons=[name_comparison("given_name"), name_comparison("surname"), cl.ExactMatch("gender"), birth],
        blocking=[("given_name", "surname"), ("surname", "year"), ("given_name", "year"), ("dob",)],
        sessions=[("given_name", "surname"), ("surname", "year"), ("given_name", "year")],
        certain=[("given_name", "surname", "year")],
        certain_recall=0.65,
    )


def voters():
    full = "trim(regexp_replace(strip_accents(lower(full_name)), '[^a-z -]', '', 'g'))"
    columns = {
        "given_name": ({"full_name"}, f"split_part({full}, ' ', 1)"), "surname": ({"full_name"}, f"split_part({full}, ' ', -1)"),
        "middle": ({"full_name"}, f"case when len(string_split({full}, ' ')) > 2 then split_part({full}, ' ', 2) end"),
        "gender": ({"gender"}, "substr(lower(gender),1,1)"), "birth_year": digits("birth_year"), "city": letters("city"), "zip": digits("zip"),
    }
    middle = cl.CustomComparison(
        output_column_name="middle",
        comparison_levels=[cll.NullLevel("middle"), cll.ExactMatchLevel("middle").configure(tf_adjustment_column="middle"), cll.CustomLevel("substr(middle_l,1,1) = substr(middle_r,1,1) and (len(middle_l) = 1 or len(middle_r) = 1)", "initial"), cll.JaroWinklerLevel("middle", 0.88), cll.ElseLevel()],
    )
    year = cl.CustomComparison(output_column_name="birth_year", comparison_levels=[cll.NullLevel("birth_year"), cll.ExactMatchLevel("birth_year"), *year_levels("birth_year")[:1], cll.DamerauLevenshteinLevel("birth_year", 1), cll.ElseLevel()])
    place = cl.CustomComparison(output_column_name="place", comparison_levels=[cll.And(cll.NullLevel("zip"), cll.NullLevel("city")), cll.ExactMatchLevel("zip").configure(tf_adjustment_column="zip"), cll.JaroWinklerLevel("city", 0.92), cll.ElseLevel()])
    return Model(
        columns=columns,
        comparisons=[name_comparison("given_name"), name_comparison("surname"), middle, cl.ExactMatch("gender"), year, place],
        blocking=[("given_name", "surname"), ("given_name", "middle", "birth_year"), ("surname", "birth_year"), ("given_name", "birth_year", "city"), ("surname", "zip"), ("substr(given_name,1,3)", "substr(surname,1,3)", "birth_year")],
        sessions=[("given_name", "surname"), ("birth_year", "zip"), ("surname", "birth_year")],
        certain=[("given_name", "surname", "birth_year", "zip")],
        certain_recall=0.6,
    )


def full_names():
    full = "trim(regexp_replace(strip_accents(lower(full_name)), '[^a-z, -]', '', 'g'))"
    turned = f"case when {full} like '%,%' then trim(split_part({full}, ',', 2))||' '||trim(split_part({full}, ',', 1)) else {full} end"
    columns = {
        "given_name": ({"full_name"}, f"split_part({turned}, ' ', 1)"), "surname": ({"full_name"}, f"split_part({turned}, ' ', -1)"), "dob": iso(),
    }
    return Model(
        columns=columns,
        comparisons=[names_comparison(), birth_comparison()],
        blocking=[("given_name", "surname"), ("surname", "dob"), ("given_name", "dob"), ("dob",), ("substr(given_name,1,3)", "substr(surname,1,3)", "substr(dob,1,4)")],
        sessions=[("given_name", "surname"), ("dob",)],
        certain=[("given_name", "surname", "dob")],
        certain_recall=0.65,
    )


def german():
    def plain(column):
        return f"replace(replace(replace(strip_accents(replace(replace(replace(replace(lower({column}),'ä','ae'),'ö','oe'),'ü','ue'),'ß','ss')),'ae','a'),'oe','o'),'ue','u')"

    street = plain("address_1")
    columns = {
        "given_name": ({"given_name"}, f"regexp_extract({plain('given_name')}, '^[^ -]+')"),
        "all_given": ({"given_name"}, f"regexp_replace({plain('given_name')}, '[^a-z]', '', 'g')"),
        "surname": ({"surname"}, f"regexp_replace(regexp_replace({plain('surname')}, '^(dr. |von )+', ''), '[^a-z]', '', 'g')"),
        "surname_first": ({"surname"}, f"regexp_extract(regexp_replace({plain('surname')}, '^(dr. |von )+', ''), '^[^ -]+')"),
        "gender": ({"gender"}, "case substr(lower(gender),1,1) when 'f' then 'w' else substr(lower(gender),1,1) end"),
        "dob": iso(),
        "street_number": ({"street_number", "address_1"}, "coalesce(lower(street_number), regexp_extract(lower(address_1), '[0-9]+[a-z]?$'))"),
        "address_1": ({"address_1"}, f"trim(regexp_replace(regexp_replace({street}, ' ?[0-9]+[a-z]?$', ''), 'str(asse|\\.)', 'str'))"),
        "postcode": digits("postcode"), "suburb": ({"suburb"}, f"{plain('suburb')}"), "phone": digits("phone"), "email": text("email"),
    }
    surname = cl.CustomComparison(
        output_column_name="surname",
        comparison_levels=[cll.NullLevel("surname"), cll.ExactMatchLevel("surname").configure(tf_adjustment_column="surname"), cll.JaroWinklerLevel("surname", 0.92), cll.ExactMatchLevel("surname_first").configure(tf_adjustment_column="surname_first"), cll.JaroWinklerLevel("surname", 0.85), cll.ElseLevel()],
    )
    given = cl.CustomComparison(
        output_column_name="given_name",
        comparison_levels=[cll.NullLevel("given_name"), cll.ExactMatchLevel("given_name").configure(tf_adjustment_column="given_name"), cll.JaroWinklerLevel("given_name", 0.9), cll.CustomLevel("contains(all_given_l, given_name_r) or contains(all_given_r, given_name_l)", "one of the given names"), cll.JaroWinklerLevel("given_name", 0.8), cll.ElseLevel()],
    )
    return Model(
        columns=columns,
        comparisons=[given, surname, cl.ExactMatch("gender"), birth_comparison(), address_comparison(), near("phone", 1), cl.EmailComparison("email")],
        blocking=[("given_name", "surname"), ("surname", "dob"), ("given_name", "dob"), ("dob", "postcode"), ("surname", "postcode", "street_number"), ("phone", "given_name"), ("email",), ("dob", "gender")],
        sessions=[("given_name", "surname"), ("dob",)],
        certain=[("given_name", "surname", "dob")],
        certain_recall=0.7,
    )


class Chinese(Model):
    """Numbers to eighteen digits, names to one script, and their pinyin: work that SQL alone cannot do."""

    def prepare(self, connection, path, table):
        import pandas
        from pypinyin import lazy_pinyin

        from worlds.chinese import VARIANTS

        back = {new: old for old, new in VARIANTS.items()}
        english = {"姓名": "full_name", "性别": "gender", "出生日期": "dob", "公民身份号码": "national_id", "联系电话": "phone", "住址": "address_1"}
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False).rename(columns=english)
        name = frame.full_name.str.replace(r"\s", "", regex=True).map(lambda value: "".join(back.get(char, char) for char in value))
        latin = frame.full_name.str.contains("[A-Za-z]", regex=True)
        frame["full_name"] = name
        sound = frame.full_name.map(lambda value: "".join(lazy_pinyin(value)) if value else "")
        sound[latin] = frame.full_name[latin].str.lower()
        frame["sound"] = sound
        frame["surname"] = name.str[0].where(~latin, "")
        day = frame.dob.str.replace("年", "-").str.replace("月", "-").str.replace("日", "").str.replace("/", "-")
        parts = day.str.extract(r"^(\d{4})-?(\d{1,2})-?(\d{1,2})$").fillna("")
        frame["dob"] = (parts[0] + "-" + parts[1].str.zfill(2) + "-" + parts[2].str.zfill(2)).where(parts[0] != "", "")
        number = frame.national_id.str.upper()
        old = number.str.fullmatch(r"\d{15}")
        number[old] = number[old].str[:6] + "19" + number[old].str[6:]
        frame["national_id"] = number.where(~number.str.contains("*", regex=False), "").str[:17]
        whole = frame.national_id.str.len() == 17
        given = frame.national_id[whole]
        frame.loc[whole & (frame.dob == ""), "dob"] = given.str[6:10] + "-" + given.str[10:12] + "-" + given.str[12:14]
        frame["number_end"] = number.str.extract(r"(\d{3})[\dX]$")[0].fillna("").where(number.str.len() == 18, "")
        frame["phone"] = frame.phone.where(~frame.phone.str.contains("*", regex=False), "").str.replace(r"\D", "", regex=True).str[-11:]
        if "address_1" not in frame:
            frame["address_1"] = ""
        frame["address"] = frame.address_1.str.replace(r"^(广东省)?(..市)?", "", regex=True).str.replace(r"(号楼|栋|室|房|-)", " ", regex=True).str.strip()
        frame["house"] = frame.address.str.extract(r"^(.*?\d+号)")[0].fillna("")
        frame["district"] = frame.address.str.extract(r"^(..区)")[0].fillna("")
        cleaned = frame[["record_id", "full_name", "sound", "surname", "gender", "dob", "national_id", "number_end", "phone", "address", "house", "district"]].replace("", None)
        connection.register(f"frame_{table}", cleaned)
        connection.execute(f"create table {table} as select * from frame_{table}")
        return table


def chinese():
    name = cl.CustomComparison(
        output_column_name="full_name",
        comparison_levels=[cll.NullLevel("full_name"), cll.ExactMatchLevel("full_name").configure(tf_adjustment_column="full_name"), cll.ExactMatchLevel("sound").configure(tf_adjustment_column="sound"), cll.CustomLevel("len(full_name_l) = 3 and len(full_name_r) = 3 and levenshtein(full_name_l, full_name_r) <= 1", "one character of three"), cll.LevenshteinLevel("sound", 2), cll.ExactMatchLevel("surname").configure(tf_adjustment_column="surname"), cll.ElseLevel()],
    )
    number = cl.CustomComparison(
        output_column_name="national_id",
        comparison_levels=[cll.NullLevel("national_id"), cll.ExactMatchLevel("national_id"), cll.DamerauLevenshteinLevel("national_id", 1), cll.ElseLevel()],
    )
    address = cl.CustomComparison(
        output_column_name="address",
        comparison_levels=[cll.NullLevel("address"), cll.ExactMatchLevel("address"), cll.ExactMatchLevel("house"), cll.JaroWinklerLevel("address", 0.92), cll.ExactMatchLevel("district").configure(tf_adjustment_column="district"), cll.ElseLevel()],
    )
    return Chinese(
        columns={},
        comparisons=[name, cl.ExactMatch("gender"), birth_comparison(), number, near("phone", 1), address],
        blocking=[("full_name",), ("sound", "dob"), ("national_id",), ("phone", "dob"), ("phone", "surname"), ("surname", "dob"), ("house", "dob"), ("house", "surname"), ("dob", "gender")],
        sessions=[("full_name",), ("dob",)],
        certain=[("full_name", "dob"), ("national_id",)],
        certain_recall=0.8,
    )


def historical():
    given = "regexp_extract(regexp_replace(lower(given_name), '[^a-z ]', '', 'g'), '^[a-z]+')"
    full = {"wm": "william", "willm": "william", "jno": "john", "thos": "thomas", "tho": "thomas", "jas": "james", "geo": "george", "jos": "joseph", "robt": "robert", "richd": "richard", "hy": "henry", "saml": "samuel", "chas": "charles", "edwd": "edward", "benj": "benjamin", "danl": "daniel", "alexr": "alexander", "nathl": "nathaniel", "eliz": "elizabeth", "margt": "margaret", "anne": "ann", "katherine": "catherine", "betty": "elizabeth", "polly": "mary", "harry": "henry", "jack": "john"}
    written_out = f"case {given} " + " ".join(f"when '{short_form}' then '{whole}'" for short_form, whole in full.items()) + f" else {given} end"
    columns = {"given_name": ({"given_name"}, written_out), "surname": letters("surname"), "gender": text("gender"), "year": digits("dob"), "birth_place": letters("birth_place"), "occupation": letters("occupation"), "suburb": letters("suburb")}
    year = cl.CustomComparison(output_column_name="year", comparison_levels=[cll.NullLevel("year"), cll.ExactMatchLevel("year"), *year_levels(), cll.ElseLevel()])
    return Model(
        columns=columns,
        comparisons=[cl.NameComparison("given_name"), cl.NameComparison("surname"), cl.ExactMatch("gender"), year, alike("birth_place"), exact("occupation"), alike("suburb")],
        blocking=[("given_name", "surname"), ("surname", "year"), ("surname", "birth_place"), ("given_name", "birth_place", "year"), ("given_name", "year", "suburb"), ("given_name", "birth_place", "substr(surname,1,2)"), ("surname", "suburb", "given_name")],
        sessions=[("given_name", "surname"), ("surname", "year"), ("birth_place", "year")],
        certain=[("given_name", "surname", "year", "birth_place")],
        certain_recall=0.2,
    )


def dictionaries():
    columns = {name: text(name) for name in ("full_name", "given_name", "surname", "birth_place", "gender", "occupation")} | {"dob": iso(), "postcode": ({"postcode"}, "upper(trim(postcode))")}
    columns["given_name"] = ({"given_name", "full_name"}, "coalesce(lower(given_name), split_part(lower(full_name), ' ', 1))")
    columns["surname"] = ({"surname", "full_name"}, "coalesce(lower(surname), split_part(lower(full_name), ' ', -1))")
    return Model(
        columns=columns,
        comparisons=[names_comparison(), birth_comparison(), cl.PostcodeComparison("postcode"), exact("birth_place"), exact("occupation"), cl.ExactMatch("gender")],
        blocking=[("given_name", "surname"), ("surname", "dob"), ("given_name", "dob"), ("postcode", "given_name"), ("postcode", "surname"), ("dob", "birth_place"), ("dob", "postcode"), ("postcode", "dob")],
        sessions=[("given_name", "surname"), ("dob",), ("postcode",)],
        certain=[("given_name", "surname", "dob"), ("given_name", "surname", "postcode")],
        certain_recall=0.5,
    )


MODELS = {
    "febrl1": febrl, "febrl2": febrl, "febrl3": febrl, "febrl4": lambda: febrl("link_only"), "ten_thousand": city, "hundred_thousand": city, "million": city, "short": short, "short_year": short_year, "sparse": sparse, "noduplicates": plain_city,
    "manyper": manyper, "households": households, "agency": agency, "voters": voters, "full_names": full_names, "german": german, "chinese": chinese, "chinese_two": chinese, "historical": historical, "dictionaries": dictionaries,
}


def for_set(name):
    return MODELS[name]()
