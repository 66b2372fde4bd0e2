"""Two centuries ago: parish and census books, and the entries of biographical dictionaries.

Few given names serve most people, spelling follows the ear, clerks abbreviate, ages are rounded, trades change through a life and have many
words, and no one has a number. In the dictionaries the same gentleman stands under his names, his titles and his seats.
"""

import random

from .common import Draw, birthday, digit_slip, typo, write_set, zipf
from .english import census

GIVEN = {
    "f": Draw([("Mary", 200), ("Elizabeth", 135), ("Ann", 105), ("Sarah", 95), ("Jane", 70), ("Hannah", 55), ("Margaret", 50), ("Martha", 35), ("Ellen", 30), ("Alice", 25), ("Catherine", 25), ("Harriet", 22), ("Susannah", 20), ("Emma", 20), ("Isabella", 16), ("Charlotte", 16), ("Eliza", 15), ("Esther", 12), ("Betty", 10), ("Rebecca", 10), ("Frances", 10), ("Lydia", 8), ("Agnes", 8), ("Phoebe", 6), ("Dorothy", 6), ("Rachel", 6), ("Grace", 6), ("Caroline", 6), ("Nancy", 5), ("Tabitha", 2), ("Keziah", 2), ("Philadelphia", 1)]),
    "m": Draw([("John", 185), ("William", 160), ("Thomas", 120), ("James", 85), ("George", 75), ("Joseph", 65), ("Robert", 45), ("Richard", 40), ("Henry", 40), ("Samuel", 35), ("Charles", 30), ("Edward", 30), ("David", 15), ("Benjamin", 15), ("Daniel", 12), ("Peter", 12), ("Isaac", 10), ("Matthew", 10), ("Stephen", 8), ("Francis", 8), ("Alexander", 8), ("Jonathan", 6), ("Abraham", 6), ("Michael", 6), ("Edmund", 5), ("Hugh", 5), ("Ralph", 4), ("Jeremiah", 3), ("Walter", 5), ("Luke", 3), ("Nathaniel", 3), ("Obadiah", 1), ("Ebenezer", 1)]),
}
SPELLINGS = {
    "Catherine": ["Katherine", "Catharine", "Cathrine", "Kate"], "Ann": ["Anne", "Anna", "Hannah"], "Elizabeth": ["Elisabeth", "Eliz.", "Betty", "Betsy", "Eliza"], "Sarah": ["Sara", "Sally"], "Margaret": ["Margt.", "Peggy", "Margret"], "Mary": ["Maria", "Polly", "Molly"],
    "Ellen": ["Helen", "Eleanor", "Nelly"], "Jane": ["Jean", "Jayne", "Jenny"], "Susannah": ["Susan", "Susanna", "Sukey"], "Hannah": ["Hanna", "Anna"], "Martha": ["Patty"], "Harriet": ["Harriett", "Harriot"], "Esther": ["Hester"], "Isabella": ["Isabel", "Bella"], "Phoebe": ["Phebe"],
    "William": ["Wm.", "Willm", "Will"], "John": ["Jno.", "Jack", "Jon"], "Thomas": ["Thos.", "Tho.", "Tom"], "James": ["Jas.", "Jim"], "George": ["Geo."], "Joseph": ["Jos.", "Joe"], "Robert": ["Robt.", "Bob"], "Richard": ["Richd.", "Dick"], "Henry": ["Hy.", "Harry"], "Samuel": ["Saml.", "Sam"],
    "Charles": ["Chas."], "Edward": ["Edwd.", "Ned"], "Benjamin": ["Benj.", "Ben"], "Daniel": ["Danl."], "Stephen": ["Steven"], "Alexander": ["Alexr.", "Sandy"], "Jonathan": ["Jonathn", "Johnathan"], "Matthew": ["Mathew"], "Nathaniel": ["Nathl."],
}
EAR = [("y", "i"), ("i", "y"), ("ks", "x"), ("c", "k"), ("ck", "k"), ("tt", "t"), ("t", "tt"), ("ll", "l"), ("l", "ll"), ("ey", "y"), ("s", "ss"), ("er", "ar"), ("ea", "ee"), ("ow", "ough"), ("h", ""), ("e", ""), ("n", "nn"), ("mp", "m"), ("ai", "ay"), ("ou", "ow"), ("ph", "f"), ("wr", "r")]
TRADES = [
    ["agricultural labourer", "ag. lab.", "farm labourer", "labourer"], ["farmer", "yeoman", "farmer of 60 acres"], ["weaver", "handloom weaver", "cotton weaver"], ["servant", "general servant", "domestic servant", "housemaid"], ["blacksmith", "smith"], ["carpenter", "joiner", "carpenter & joiner"],
    ["coal miner", "miner", "collier"], ["tailor", "master tailor"], ["shoemaker", "cordwainer", "boot maker"], ["dressmaker", "seamstress"], ["mason", "stone mason"], ["mariner", "seaman", "sailor"], ["publican", "innkeeper", "victualler"], ["baker", "master baker"], ["butcher"], ["grocer", "shopkeeper"],
    ["schoolmaster", "teacher"], ["clerk", "clerk in holy orders"], ["laundress", "washerwoman"], ["gardener"], ["miller", "corn miller"], ["wheelwright"], ["fisherman"], ["solicitor", "attorney"], ["surgeon", "physician", "apothecary"], ["pauper", "formerly servant"],
]
WOMENS_TRADES = [TRADES[index] for index in (0, 2, 3, 3, 3, 9, 9, 16, 18, 18, 25)]
COUNTIES = ["Devon", "Cornwall", "Norfolk", "Lancashire", "Yorkshire", "Kent", "Somerset", "Durham"]


def by_ear(rng, name):
    for _ in range(4):
        old, new = rng.choice(EAR)
        at = name.lower().find(old, 1)
        if at > 0:
            return name[:at] + new + name[at + len(old) :]
    return typo(rng, name)


def parishes(folder, seed):
    """Parish and census entries: years only, many spellings, one to eight entries of a person, ten to twenty per cent of the cells empty."""
    rng = random.Random(f"parishes {seed}")
    names = [name for name, _ in census("dist.all.last")[:9000]]
    places = []
    for _ in range(260):
        place = rng.choice(names[300:4000]) + rng.choice(["ton", "ham", "by", "thorpe", " Magna", "combe", "ley", "worth", "wick"])
        local = zipf(rng.sample(names[:3000], 60), 0.8)
        places.append((place, rng.choice(COUNTIES), local))
    choose_place = zipf(places, 0.6, 8)
    columns = ["given_name", "surname", "gender", "dob", "birth_place", "occupation", "suburb"]
    missing = [0.03, 0.02, 0.1, 0.13, 0.17, 0.2, 0.12]
    times = Draw([(1, 22), (2, 22), (3, 19), (4, 15), (5, 10), (6, 7), (7, 3), (8, 2)])
    rows = []
    entity = 0

    def person(surname, sex, born, home, given=None):
        nonlocal entity
        given = given or GIVEN[sex](rng)
        middle = GIVEN[sex](rng) if rng.random() < 0.18 else ""
        married = choose_place(rng)[2](rng) if sex == "f" and rng.random() < 0.45 else surname
        open_to_them = WOMENS_TRADES if sex == "f" else TRADES
        trade = rng.choice(open_to_them)
        lived = [home] + ([choose_place(rng)] if rng.random() < 0.4 else [])
        bias = rng.choice([0, 0, 0, 1, -1])
        for _ in range(times(rng)):
            late = rng.random() < 0.5
            called = given
            if called in SPELLINGS and rng.random() < 0.2:
                called = rng.choice(SPELLINGS[called])
            if rng.random() < 0.05:
                called = by_ear(rng, called)
            if middle and rng.random() < 0.5:
                called = f"{called} {middle if rng.random() < 0.5 else middle[0]}"
            family = married if late else surname
            if rng.random() < 0.22:
                family = by_ear(rng, family)
            if rng.random() < 0.15:
                trade = rng.choice(open_to_them)
            year = born + (0 if rng.random() < 0.55 else bias + rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3]))
            if rng.random() < 0.07:
                year = round(year / 5) * 5
            place = home[0] if rng.random() < 0.8 else home[1] if rng.random() < 0.7 else rng.choice(lived)[0]
            if rng.random() < 0.1:
                place = by_ear(rng, place)
            values = [called, family, sex, str(year), place, rng.choice(trade), lived[-1 if late else 0][0]]
            rows.append((entity, [value if rng.random() >= rate else "" for value, rate in zip(values, missing)]))
        entity += 1

    while entity < 5_500:
        home = choose_place(rng)
        surname = home[2](rng)
        born = rng.randrange(1770, 1870)
        if rng.random() < 0.3:
            person(surname, rng.choice("fm"), born, home)
            continue
        father = GIVEN["m"](rng)
        person(surname, "m", born, home, father)
        year = born + rng.randrange(20, 32)
        for child in range(rng.randrange(1, 7)):
            sex = rng.choice("fm")
            person(surname, sex, year, home, father if sex == "m" and child < 2 and rng.random() < 0.3 else None)
            year += rng.randrange(1, 4)
    write_set(folder, columns, [rows], seed)


def dictionaries(folder, seed):
    """Biographical dictionaries: full names in many forms beside their parts, places of birth, a postcode, trades; about eight entries of a person."""
    rng = random.Random(f"dictionaries {seed}")
    weighted = census("dist.all.last")
    surname_of = Draw([(name, weight**0.6) for name, weight in weighted[:12000]])
    places = zipf(["London", "Edinburgh", "Dublin", "Manchester", "Liverpool", "Birmingham", "Bristol", "Glasgow", "Leeds", "Sheffield", "Bath", "Norwich", "York", "Exeter"] + [f"{name}{end}" for (name, _), end in zip(weighted[500:1000], ["ton", "ham", "ford", "bury", " Regis"] * 100)], 0.9)
    trades = zipf(["politician", "writer", "cricketer", "painter", "military officer", "clergyman", "poet", "actor", "botanist", "engineer", "barrister", "physician", "architect", "composer", "footballer", "geologist", "journalist", "explorer", "nobleman", "sculptor", "mathematician", "engraver"], 0.6, 3)
    titles = ["Sir", "Lord", "Rev.", "Dr", "Capt.", "Major", "Lady", "Hon."]
    columns = ["full_name", "given_name", "surname", "dob", "birth_place", "postcode", "gender", "occupation"]
    missing = [0.005, 0.02, 0.03, 0.16, 0.14, 0.15, 0.12, 0.2]
    rows = []
    for entity in range(3_200):
        sex = "m" if rng.random() < 0.8 else "f"
        given, surname = GIVEN[sex](rng), surname_of(rng)
        middles = [GIVEN[sex](rng) if rng.random() < 0.6 else surname_of(rng) for _ in range(rng.choices([0, 1, 2], weights=[45, 40, 15])[0])]
        title = rng.choice(titles) if rng.random() < 0.2 else ""
        born = birthday(rng, rng.randrange(1780, 1900))
        place = places(rng)
        code = f"{place[:2].upper()}{rng.randrange(1, 40)} {rng.randrange(1, 10)}{rng.choice('ABDEFGH')}{rng.choice('JLNPQRS')}"
        codes = [code] + [f"{code.split()[0]} {rng.randrange(1, 10)}{rng.choice('ABDEFGH')}{rng.choice('JLNPQRS')}" for _ in range(rng.randrange(0, 3))]
        own = [trades(rng) for _ in range(rng.choices([1, 2, 3], weights=[60, 30, 10])[0])]
        vague = rng.random() < 0.25
        pen_name = rng.random() < 0.06
        for _ in range(min(30, 1 + int(rng.expovariate(1 / 7.5)))):
            first = given
            if first in SPELLINGS and rng.random() < 0.12:
                first = rng.choice(SPELLINGS[first])
            elif middles and rng.random() < 0.05:
                first = middles[0]
            last = surname
            if pen_name and rng.random() < 0.3:
                last = middles[-1] if middles else surname_of(rng)
            if rng.random() < 0.1:
                first = typo(rng, first)
            if rng.random() < 0.1:
                last = typo(rng, last)
            kind = rng.random()
            if kind < 0.5:
                full = f"{first} {last}"
            elif kind < 0.75:
                full = " ".join([first, *middles, last])
            elif kind < 0.88:
                full = " ".join([first, *(name[0] for name in middles), last])
            else:
                full = f"{title} {first} {last}".strip() if rng.random() < 0.7 else f"{title} {last}".strip()
            date = f"{born[:4]}-01-01" if vague or rng.random() < 0.08 else born
            if rng.random() < 0.06:
                date = digit_slip(rng, date[:4]) + date[4:] if rng.random() < 0.3 else f"{int(date[:4]) + rng.choice([-1, 1, -2, 2])}{date[4:]}" if rng.random() < 0.5 else f"{date[:8]}{rng.randrange(1, 29):02d}"
            birth = place if rng.random() < 0.92 else places(rng) if rng.random() < 0.5 else typo(rng, place)
            shown = rng.choice(codes)
            if rng.random() < 0.06:
                shown = typo(rng, shown)
            values = [full, first, last, date, birth, shown, {"f": "female", "m": "male"}[sex], rng.choice(own)]
            rows.append((entity, [value if rng.random() >= rate else "" for value, rate in zip(values, missing)]))
    write_set(folder, columns, [rows], seed)
