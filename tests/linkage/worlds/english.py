"""A country of English-speaking households, and the many ways in which its offices write its people down.

People live in households: families share a surname, an address and often a telephone; brothers and sisters are near in age;
twins share a birthday; some sons bear the father's name. Towns, streets, surnames and given names are as unequal as real ones,
so strangers share names and even birthdays by chance. Between an earlier and a later time people move (alone or together),
marry and change numbers; each record tells of one of the two times. A `Clerk` says how an office writes: what it leaves out and what it gets wrong.
"""

import random
from dataclasses import dataclass, field
from importlib import resources

from nicknames import NickNamer

from .common import Draw, birthday, date_slip, digit_slip, typo, write_set, zipf

EARLIER, LATER = 0, 1
STATES = ["NSW", "VIC", "QLD", "WA", "SA", "TAS", "ACT"]
STREET_TYPES = [("Street", "St"), ("Road", "Rd"), ("Avenue", "Ave"), ("Drive", "Dr"), ("Lane", "Ln"), ("Court", "Ct"), ("Place", "Pl"), ("Crescent", "Cres"), ("Way", "Way"), ("Close", "Cl")]
USUAL_STREETS = ["High", "Church", "Station", "Main", "Park", "Victoria", "Mill", "School", "King", "Queen", "Green", "George", "Albert", "Chapel", "Bridge", "Elm", "Oak", "Maple", "Cedar", "Lake"]
TOWN_ENDS = ["ton", "ville", "field", "ford", "wood", "bury", " Creek", " Hills", " Park", "dale", "bridge", " Heights", "port", "mere", " Vale", "stead"]
MAIL_HOSTS = Draw([("gmail.com", 45), ("hotmail.com", 16), ("yahoo.com", 14), ("outlook.com", 10), ("bigpond.net", 7), ("icloud.com", 8)])
TRADES = ["nurse", "teacher", "driver", "cleaner", "clerk", "electrician", "plumber", "farmer", "cook", "engineer", "accountant", "carpenter", "sales assistant", "student", "retired", "manager", "mechanic", "welder", "lawyer", "physician"]
# A community with given names and surnames of its own, living together in a few towns: names and places depend on each other.
COMMUNITY_GIVEN = {
    "f": ["Maria", "Ana", "Rosa", "Carmen", "Guadalupe", "Juana", "Lucia", "Elena", "Isabel", "Teresa", "Sofia", "Gloria", "Marisol", "Yolanda", "Alicia"],
    "m": ["Jose", "Juan", "Luis", "Carlos", "Jesus", "Miguel", "Antonio", "Francisco", "Manuel", "Pedro", "Jorge", "Ricardo", "Rafael", "Javier", "Raul"],
}


def census(name):
    lines = (resources.files("names") / name).read_text().splitlines()
    parts = [line.split() for line in lines]
    return [(part[0].capitalize(), float(part[1]) or 0.0005) for part in parts]


class Lists:
    """The names of the United States census of 1990, with their frequencies, and the pet names that go with them."""

    def __init__(self):
        surnames = census("dist.all.last")
        self.surname = Draw(surnames)
        self.given = {"f": Draw(census("dist.female.first")), "m": Draw(census("dist.male.first"))}
        self.community_surname = Draw([(name, weight) for name, weight in surnames[:3000] if name.endswith("ez") or name in {"Garcia", "Rivera", "Torres", "Flores", "Diaz", "Cruz", "Reyes", "Morales", "Ortiz", "Ramos", "Silva"}])
        self.community_given = {sex: zipf(names, 0.8) for sex, names in COMMUNITY_GIVEN.items()}
        pet = NickNamer()
        self.pets = {}
        for sex in "fm":
            for name in self.given[sex].values:
                found = sorted(pet.nicknames_of(name))
                if found:
                    self.pets[name] = [nick.capitalize() for nick in found]
        self.surnames = [name for name, _ in surnames]


class Home:
    __slots__ = ("number", "street", "kind", "unit", "town", "postcode")

    def __init__(self, number, street, kind, unit, town, postcode):
        self.number, self.street, self.kind, self.unit, self.town, self.postcode = number, street, kind, unit, town, postcode


class Town:
    def __init__(self, rng, lists, name, size, first_postcode, area):
        self.name, self.area = name, area
        self.state = rng.choice(STATES)
        self.postcodes = [f"{first_postcode + step:04d}" for step in range(max(1, int(size * 12)))]
        count = max(12, int(size * 700))
        usual = rng.sample(USUAL_STREETS, 14)
        names = usual + [rng.choice(lists.surnames[:6000]) for _ in range(count)]
        self.streets = zipf([(name, rng.choices(range(len(STREET_TYPES)), weights=[30, 16, 13, 9, 6, 8, 6, 5, 4, 3])[0], rng.choice(self.postcodes)) for name in names], 0.55)

    def home(self, rng):
        street, kind, postcode = self.streets(rng)
        number = str(int(rng.expovariate(1 / 45)) + 1)
        unit = str(rng.randrange(1, 25)) if rng.random() < 0.14 else ""
        return Home(number, street, kind, unit, self, postcode)


class Person:
    __slots__ = ("sex", "given", "middle", "surname", "born", "phone", "mail", "number", "home", "birth_place", "trade", "mother", "suffix", "lists")


@dataclass
class Ways:
    """How a population lives; the rates are of persons or of households, as their names say."""

    towns: int = 220
    twins: float = 0.016
    named_after_father: float = 0.03
    single_households: float = 0.28
    shared_phone: float = 0.42
    shared_mail: float = 0.06
    moved_together: float = 0.10
    moved_alone: float = 0.09
    married: float = 0.025
    new_phone: float = 0.12
    community: float = 0.09


class Population:
    def __init__(self, seed, persons, ways=None):
        self.ways = ways or Ways()
        self.rng = rng = random.Random(f"population {seed}")
        self.lists = Lists()
        stems = rng.sample(self.lists.surnames[200:5000], self.ways.towns)
        sizes = [(rank + 2) ** -0.85 for rank in range(self.ways.towns)]
        towns, postcode = [], 2000
        for rank, stem in enumerate(stems):
            town = Town(rng, self.lists, stem + rng.choice(TOWN_ENDS), sizes[rank] * 3, postcode, rng.choice(["02", "03", "07", "08"]))
            postcode += len(town.postcodes)
            towns.append(town)
        self.town = Draw(list(zip(towns, sizes)))
        self.community_town = zipf(rng.sample(towns[5:60] if len(towns) > 10 else towns, 6), 0.7)
        self.persons = []
        while len(self.persons) < persons:
            self.persons.extend(self.household())
        del self.persons[persons:]
        self.weddings()

    def new_mobile(self):
        return f"04{self.rng.randrange(10**8):08d}"

    def given_name(self, sex, community):
        if community and self.rng.random() < 0.75:
            return self.lists.community_given[sex](self.rng)
        return self.lists.given[sex](self.rng)

    def person(self, sex, surname, year, community):
        rng = self.rng
        person = Person()
        person.lists = self.lists
        person.sex = sex
        person.given = self.given_name(sex, community)
        person.middle = self.given_name(sex, community) if rng.random() < 0.8 else ""
        person.surname = [surname, surname]
        person.born = birthday(rng, year)
        person.number = f"{rng.randrange(10**8, 10**9)}"
        person.birth_place = self.town(rng).name
        person.trade = rng.choice(TRADES)
        person.suffix = ""
        mobile = self.new_mobile()
        person.phone = [mobile, self.new_mobile() if rng.random() < self.ways.new_phone else mobile]
        kind = rng.random()
        if kind < 0.3:
            local = f"{person.given}.{surname}"
        elif kind < 0.55:
            local = f"{person.given[0]}{surname}{rng.randrange(100)}"
        elif kind < 0.8:
            local = f"{person.given}{person.born[2:4]}"
            local += str(rng.randrange(1000))
        else:
            local = f"{rng.choice(TRADES).split()[0]}{rng.randrange(10000)}"
        person.mail = f"{local.lower()}@{MAIL_HOSTS(rng)}"
        return person

    def household(self):
        rng, ways = self.rng, self.ways
        community = rng.random() < ways.community
        town = self.community_town(rng) if community else self.town(rng)
        surname = self.lists.community_surname(rng) if community else self.lists.surname(rng)
        kind = rng.random()
        people = []
        if kind < ways.single_households:
            people.append(self.person(rng.choice("fm"), surname, 2024 - int(rng.triangular(19, 95, 40)), community))
        elif kind < ways.single_households + 0.07:
            for _ in range(rng.randrange(2, 5)):
                name = self.lists.surname(rng)
                people.append(self.person(rng.choice("fm"), name, 2024 - rng.randrange(19, 36), community))
        else:
            year = 2024 - int(rng.triangular(22, 90, 42))
            father = self.person("m", surname, year, community)
            hers = surname if rng.random() < 0.8 else self.lists.surname(rng)
            mother = self.person("f", hers, year + round(rng.gauss(2, 3.5)), community)
            alone = rng.random() < 0.2
            people.extend([mother] if alone and rng.random() < 0.8 else [father] if alone else [father, mother])
            first = int(mother.born[:4]) + int(rng.triangular(19, 40, 27))
            count = rng.choices([0, 1, 2, 3, 4, 5], weights=[28, 24, 30, 12, 4, 2])[0]
            children = []
            for _ in range(count):
                if first > 2023:
                    break
                sex = rng.choice("fm")
                child = self.person(sex, surname, first, community)
                if children and rng.random() < ways.twins:
                    child.born = children[-1].born
                elif rng.random() < ways.twins and len(children) + 1 < count:
                    children.append(child)
                    child = self.person(rng.choice("fm"), surname, first, community)
                    child.born = children[-1].born
                if sex == "m" and child.sex == "m" and rng.random() < ways.named_after_father and all(other.given != father.given for other in children):
                    child.given = father.given
                    child.middle = father.middle if rng.random() < 0.4 else child.middle
                while any(other.given == child.given for other in children):
                    child.given = self.given_name(child.sex, community)
                children.append(child)
                first += rng.choices([1, 2, 3, 4, 6], weights=[8, 36, 28, 16, 12])[0]
            adults_stay = [child for child in children if 2024 - int(child.born[:4]) < 19 or rng.random() < 0.35]
            people.extend(adults_stay)
            if rng.random() < 0.04:
                people.append(self.person(rng.choice("fm"), surname, year - rng.randrange(22, 38), community))
        before = town.home(rng)
        after = (town if rng.random() < 0.55 else self.town(rng)).home(rng) if rng.random() < ways.moved_together else before
        landline = f"{town.area}{rng.randrange(10**8):08d}"
        one_phone = rng.random() < ways.shared_phone
        one_mail = people[0].mail if rng.random() < ways.shared_mail else None
        for person in people:
            age = 2024 - int(person.born[:4])
            person.home = [before, after]
            if rng.random() < ways.moved_alone * (2.2 if 18 <= age <= 32 else 0.5):
                person.home = [before, self.town(rng).home(rng)]
            if one_phone or age < 14:
                other = landline if one_phone else people[0].phone[EARLIER]
                person.phone = [other, other if person.home[LATER] is after else person.phone[LATER]]
            if one_mail or age < 14:
                person.mail = one_mail or people[0].mail
        return people

    def weddings(self):
        """Some of the grown-up women marry: a new surname for most, a new home with the husband for all."""
        rng = self.rng
        grown = [person for person in self.persons if 20 <= 2024 - int(person.born[:4]) <= 45]
        women = [person for person in grown if person.sex == "f"]
        men = [person for person in grown if person.sex == "m"]
        rng.shuffle(women)
        rng.shuffle(men)
        for bride, groom in zip(women[: int(len(self.persons) * self.ways.married)], men):
            if rng.random() < 0.82:
                new = groom.surname[LATER]
                bride.surname[LATER] = new if rng.random() < 0.85 else f"{bride.surname[EARLIER]}-{new}"
            home = groom.home[LATER] if rng.random() < 0.4 else self.town(rng).home(rng)
            bride.home = [bride.home[EARLIER], home]
            groom.home = [groom.home[EARLIER], home]


@dataclass
class Clerk:
    """How one kind of office writes: the share of cells left empty, and the rates of its mistakes."""

    missing: dict = field(default_factory=dict)
    given_typo: float = 0.05
    pet_name: float = 0.04
    initial: float = 0.012
    middle_for_given: float = 0.012
    surname_typo: float = 0.05
    swapped: float = 0.006
    date_slip: float = 0.035
    phone_slip: float = 0.03
    mail_slip: float = 0.04
    address_typo: float = 0.06
    short_street: float = 0.3
    wrong_sex: float = 0.006
    number_slip: float = 0.02
    capitals: float = 0.12
    scrawl: float = 0.06
    exact_copy: float = 0.08

    def write(self, rng, person, time, columns):
        """One record as a list of values in the order of `columns`."""
        worse = 3.0 if rng.random() < self.scrawl else 1.0
        chance = rng.random
        lists = person.lists
        given, surname = person.given, person.surname[time]
        if chance() < self.pet_name and given in lists.pets:
            given = rng.choice(lists.pets[given])
        elif chance() < self.middle_for_given and person.middle:
            given = person.middle
        elif chance() < self.initial:
            given = given[0]
        if chance() < self.given_typo * worse:
            given = typo(rng, given)
        if chance() < self.surname_typo * worse:
            surname = typo(rng, surname)
        if "-" in surname and chance() < 0.3:
            surname = rng.choice([surname.replace("-", " "), surname.split("-")[1]])
        middle = person.middle
        if middle and chance() < 0.5:
            middle = middle[0]
        if chance() < self.swapped:
            given, surname = surname, given
        born = person.born
        if chance() < self.date_slip * worse:
            born = date_slip(rng, born)
        home = person.home[time]
        capitals = chance() < self.capitals
        row = []
        for column in columns:
            if chance() < self.missing.get(column, 0.0) * (worse if worse == 1.0 else 1.6):
                row.append("")
                continue
            if column == "given_name":
                value = given
            elif column == "surname":
                value = surname
            elif column == "middle_name":
                value = middle
            elif column == "gender":
                value = person.sex
                if chance() < self.wrong_sex * worse:
                    value = "f" if value == "m" else "m"
            elif column == "dob":
                value = born
            elif column == "birth_year":
                value = born[:4]
            elif column == "national_id":
                value = person.number
                if chance() < self.number_slip * worse:
                    value = digit_slip(rng, value)
            elif column == "phone":
                value = person.phone[time]
                if chance() < self.phone_slip * worse:
                    value = digit_slip(rng, value)
                if capitals:
                    value = f"({value[:2]}) {value[2:6]} {value[6:]}"
            elif column == "email":
                value = person.mail
                if chance() < self.mail_slip * worse:
                    value = typo(rng, value)
            elif column == "street_number":
                value = f"{home.unit}/{home.number}" if home.unit and chance() < 0.8 else home.number
                if chance() < self.address_typo * worse * 0.5:
                    value = digit_slip(rng, value)
            elif column == "address_1":
                kind = STREET_TYPES[home.kind]
                value = f"{home.street} {kind[1] if chance() < self.short_street else kind[0]}"
                if chance() < self.address_typo * worse:
                    value = typo(rng, value)
            elif column in ("suburb", "city"):
                value = home.town.name
                if chance() < self.address_typo * worse * 0.6:
                    value = typo(rng, value)
            elif column in ("postcode", "zip"):
                value = home.postcode
                if chance() < self.address_typo * worse * 0.4:
                    value = digit_slip(rng, value)
            elif column == "state":
                value = home.town.state
            elif column == "birth_place":
                value = person.birth_place
                if chance() < self.address_typo * worse:
                    value = typo(rng, value)
            elif column == "occupation":
                value = person.trade if chance() < 0.85 else rng.choice(TRADES)
            elif column == "full_name":
                value = full_name(rng, given, middle, surname)
            else:
                raise ValueError(f"no clerk writes a column {column}")
            row.append(value.upper() if capitals else value)
        return row


def full_name(rng, given, middle, surname):
    kind = rng.random()
    if kind < 0.5:
        return f"{given} {surname}"
    if kind < 0.75:
        return f"{given} {middle} {surname}".replace("  ", " ")
    if kind < 0.9:
        return f"{surname}, {given}"
    return f"{surname}, {given} {middle}".strip()


# How often a person is written down where four records of ten are repeats.
FOUR_IN_TEN = Draw([(1, 620), (2, 220), (3, 90), (4, 40), (5, 20), (6, 6), (8, 4)])


def records(seed, population, clerk, columns, times, count=None):
    """(entity, row) for every record: `times` draws how often a person is written down; at most `count` rows."""
    rng = random.Random(f"records {seed}")
    rows = []
    for entity, person in enumerate(population.persons):
        row = None
        for _ in range(times(rng)):
            if row is None or rng.random() >= clerk.exact_copy:
                row = clerk.write(rng, person, LATER if rng.random() < 0.5 else EARLIER, columns)
            rows.append((entity, row))
            if len(rows) == count:
                return rows
    return rows


CITY_COLUMNS = ["given_name", "surname", "gender", "dob", "phone", "email", "street_number", "address_1", "suburb", "postcode"]
CITY_MISSING = {"given_name": 0.015, "surname": 0.01, "gender": 0.06, "dob": 0.06, "phone": 0.24, "email": 0.5, "street_number": 0.06, "address_1": 0.05, "suburb": 0.04, "postcode": 0.06}


def city(folder, count, seed):
    """Dirty records of a whole country: ten columns, four of ten records are repeats, families everywhere, no identifier."""
    towns = max(12, min(900, count // 1200))
    population = Population(seed, int(count * 0.62), Ways(towns=towns))
    rows = records(seed, population, Clerk(missing=CITY_MISSING), CITY_COLUMNS, FOUR_IN_TEN, count)
    write_set(folder, CITY_COLUMNS, [rows], seed)


def short(folder, seed):
    """Name, sex and date of birth, and two fields that are nearly always empty."""
    columns = ["given_name", "surname", "gender", "dob", "phone", "birth_place"]
    clerk = Clerk(missing={"given_name": 0.01, "gender": 0.03, "dob": 0.03, "phone": 0.93, "birth_place": 0.88})
    population = Population(seed, 16_000)
    write_set(folder, columns, [records(seed, population, clerk, columns, FOUR_IN_TEN, 25_000)], seed)


def short_year(folder, seed):
    """The same with no more than the year of birth in two records of three."""
    columns = ["given_name", "surname", "gender", "dob"]
    clerk = Clerk(missing={"given_name": 0.01, "gender": 0.03, "dob": 0.02}, date_slip=0.025)
    population = Population(seed, 4_000)
    rng = random.Random(f"years {seed}")
    rows = []
    for entity, row in records(seed, population, clerk, columns, FOUR_IN_TEN):
        if row[3] and rng.random() < 0.66:
            row = [*row[:3], row[3][:4]]
        rows.append((entity, row))
    write_set(folder, columns, [rows], seed)


def sparse(folder, seed):
    """Many columns, and six cells of ten empty: each record has a few, rarely the same few."""
    columns = ["given_name", "surname", "gender", "dob", "national_id", "phone", "email", "street_number", "address_1", "suburb", "postcode", "birth_place", "occupation"]
    rates = {"given_name": 0.22, "surname": 0.15, "gender": 0.5, "dob": 0.4, "national_id": 0.78, "phone": 0.66, "email": 0.76, "street_number": 0.66, "address_1": 0.63, "suburb": 0.55, "postcode": 0.65, "birth_place": 0.9, "occupation": 0.94}
    population = Population(seed, 12_000)
    write_set(folder, columns, [records(seed, population, Clerk(missing=rates, scrawl=0.0, exact_copy=0.0), columns, FOUR_IN_TEN)], seed)


def noduplicates(folder, seed):
    """Everybody once: families, twins and namesakes, and not one pair to find."""
    columns = ["given_name", "surname", "gender", "dob", "phone", "street_number", "address_1", "suburb", "postcode"]
    clerk = Clerk(missing={"dob": 0.05, "phone": 0.2, "address_1": 0.05, "gender": 0.05})
    population = Population(seed, 20_000)
    write_set(folder, columns, [records(seed, population, clerk, columns, lambda rng: 1)], seed)


def manyper(folder, seed):
    """Twenty to fifty records of each person, as in a hospital's visits."""
    columns = ["given_name", "surname", "gender", "dob", "phone", "address_1", "suburb", "postcode"]
    clerk = Clerk(missing={"dob": 0.06, "phone": 0.3, "address_1": 0.1, "suburb": 0.05, "postcode": 0.1, "gender": 0.05})
    population = Population(seed, 600, Ways(towns=8))
    write_set(folder, columns, [records(seed, population, clerk, columns, lambda rng: rng.randrange(20, 51))], seed)


def households(folder, seed):
    """Families above all: twins, sons with the father's name, one telephone for all, moves and weddings."""
    columns = ["given_name", "surname", "gender", "dob", "phone", "email", "street_number", "address_1", "suburb", "postcode"]
    ways = Ways(towns=25, twins=0.08, named_after_father=0.15, single_households=0.06, shared_phone=0.75, shared_mail=0.25, moved_together=0.18, moved_alone=0.14, married=0.06)
    clerk = Clerk(missing={"gender": 0.3, "dob": 0.08, "phone": 0.12, "email": 0.5, "address_1": 0.05, "suburb": 0.04, "postcode": 0.1})
    population = Population(seed, 12_000, ways)
    write_set(folder, columns, [records(seed, population, clerk, columns, Draw([(1, 35), (2, 35), (3, 20), (4, 10)]))], seed)


def agency(folder, seed):
    """Values that belong to an office and not to a person: its number and address on thousands of records, default birthdays, stand-in names and numbers."""
    columns = ["given_name", "surname", "gender", "dob", "national_id", "phone", "street_number", "address_1", "suburb", "postcode"]
    clerk = Clerk(missing={"gender": 0.08, "dob": 0.03, "national_id": 0.45, "phone": 0.2, "address_1": 0.08, "suburb": 0.05, "postcode": 0.08})
    population = Population(seed, 13_000, Ways(towns=40))
    rng = random.Random(f"hot {seed}")
    offices = [["0299001000", "1", "Civic Place", "Ashfordton", "2001"], ["0388004000", "250", "Station Street", "Millbridge", "2090"], ["0731110000", "12", "Harbour Road", "Portmere", "2140"]]
    rows = []
    for entity, row in records(seed, population, clerk, columns, FOUR_IN_TEN):
        row = list(row)
        if rng.random() < 0.15:
            office = rng.choices(offices, weights=[6, 3, 1])[0]
            if rng.random() < 0.8:
                row[5] = office[0]
            if rng.random() < 0.6:
                row[6:10] = office[1:]
        kind = rng.random()
        if kind < 0.07:
            row[3] = "1900-01-01"
        elif kind < 0.15 and row[3]:
            row[3] = row[3][:4] + "-01-01"
        if rng.random() < 0.04:
            row[4] = rng.choice(["999999999", "000000000", "123456789"])
        if rng.random() < 0.03:
            row[5] = rng.choice(["0000000000", "0400000000", "1111111111"])
        kind = rng.random()
        if kind < 0.02:
            row[0] = rng.choice(["Unknown", "Baby Boy", "Baby Girl", "N/A", "Not Given", "-"])
        elif kind < 0.025:
            row[0], row[1] = "Unknown", "Unknown"
        rows.append((entity, row))
    write_set(folder, columns, [rows], seed)


def voters(folder, seed):
    """Two years' rolls of one state: full name, sex, year of birth, city and zip; moves and married names between them."""
    columns = ["full_name", "gender", "birth_year", "city", "zip"]
    population = Population(seed, 16_000, Ways(towns=90, moved_together=0.14, moved_alone=0.1, married=0.018))
    clerk = Clerk(missing={"gender": 0.04, "city": 0.01, "zip": 0.01}, given_typo=0.02, surname_typo=0.02, pet_name=0.015, initial=0.004, middle_for_given=0.004, date_slip=0.012, swapped=0.002, scrawl=0.02)
    rng = random.Random(f"rolls {seed}")
    rolls = [[], []]
    for entity, person in enumerate(population.persons):
        if 2024 - int(person.born[:4]) < 16:
            continue
        middle = rng.random()
        for time, roll in zip((EARLIER, LATER), rolls):
            for _ in range(0 if rng.random() < 0.12 else 2 if rng.random() < 0.012 else 1):
                row = clerk.write(rng, person, time, ["given_name", "middle_name", "surname", *columns[1:]])
                if middle > 0.8:
                    row[1] = ""
                name = " ".join(part for part in row[:3] if part)
                roll.append((entity, [name.upper(), *row[3:]]))
    write_set(folder, columns, rolls, seed)


def full_names(folder, seed):
    """Nothing but a full name, in whichever order, and a date of birth."""
    columns = ["full_name", "dob"]
    clerk = Clerk(missing={"dob": 0.03}, swapped=0.03)
    population = Population(seed, 13_000)
    write_set(folder, columns, [records(seed, population, clerk, columns, FOUR_IN_TEN)], seed)
