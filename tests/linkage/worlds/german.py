"""A German residents' register beside a health insurer's members: the same people under two offices' habits.

The register writes umlauts, all given names and titles; the insurer writes the name of everyday use, often without umlauts, cuts double names and
keeps house numbers apart. Between the two people move within and between towns and marry.
"""

import importlib
import random

from .common import Draw, birthday, digit_slip, typo, write_set, zipf

SURNAMES = """Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann
Braun Krüger Hofmann Hartmann Lange Schmitt Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller
Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus Martin Schumacher Krämer
Vogt Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer""".split()
GIVEN = {
    "f": """Maria Anna Ursula Monika Petra Sabine Elisabeth Karin Renate Helga Brigitte Andrea Ingrid Claudia Erika Christa Susanne Gisela Stefanie Christine Gabriele Julia Katharina Barbara Sandra Birgit Martina
        Heike Angelika Gerda Nicole Silke Lena Laura Lea Sophie Jutta Käthe Hannelore Jana Katrin Bärbel Ulrike Antje Jürgine Mia Emma Hannah Lina""".split(),
    "m": """Peter Michael Thomas Andreas Wolfgang Klaus Jürgen Günter Stefan Christian Uwe Werner Horst Frank Dieter Manfred Gerhard Hans Bernd Torsten Matthias Helmut Walter Heinz Martin Jörg Rolf Jens Sven
        Alexander Jan Rainer Holger Karl Dirk Joachim Ralf Carsten Herbert Oliver Wilhelm Kurt Markus Heinrich Götz Björn Paul Leon Lukas Felix Jonas Ben""".split(),
}
STREETS = (
    "Hauptstraße, Schulstraße, Gartenstraße, Bahnhofstraße, Dorfstraße, Bergstraße, Birkenweg, Lindenstraße, Kirchstraße, Waldstraße, Ringstraße, "
    "Schillerstraße, Goethestraße, Amselweg, Wiesenweg, Jahnstraße, Feldstraße, Buchenweg, Friedhofstraße, Eichenweg, Mühlenweg, Rosenstraße, Ahornweg, "
    "Blumenstraße, Mozartstraße, Am Sportplatz, Talstraße, Tannenweg, Finkenweg, Meisenweg, Poststraße, Mittelstraße, Lerchenweg, Drosselweg, Erlenweg, "
    "Beethovenstraße, Bachstraße, Römerstraße, Königsberger Straße, Grüner Weg, Am Mühlbach, Lange Gasse, Marktplatz, Schloßallee, Kärntner Straße, Südring"
).split(", ")
FIRST_PARTS = "Ober Nieder Alten Neuen Stein Holz Birn Hirsch Eber Wald Berg Kirch Bruck Linden Rosen Grün Kron Löwen Schön Eisen Feld Brunn Hagen Diet Wein Küh Röt Hoch Buch Wiesen".split()
SECOND_PARTS = "berger mann meier hofer bauer huber dorfer stein bach feld müller schmidt maier inger ler rich wald hardt hauer brink kamp hoff".split()
FOREIGN = "Yılmaz Kaya Demir Şahin Çelik Nowak Kowalski Wójcik Ivanov Petrov Nguyen Öztürk Yıldız Aydın Horvat Popović Rossi Russo Ferrari Papadopoulos".split()
FOREIGN_GIVEN = {"f": "Ayşe Fatma Emine Zeynep Elif Agnieszka Katarzyna Olga Natalia Thi Giulia Eleni".split(), "m": "Mehmet Mustafa Ali Ahmet Piotr Krzysztof Sergej Dmitri Van Marco Giuseppe Nikos".split()}
SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ş": "s", "Ş": "S", "ı": "i", "ç": "c", "Ç": "C", "ó": "o", "ć": "c", "ğ": "g"})
STRIPPED = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "Ä": "A", "Ö": "O", "Ü": "U", "ß": "s", "ş": "s", "Ş": "S", "ı": "i", "ç": "c", "Ç": "C", "ó": "o", "ć": "c", "ğ": "g"})


class Person:
    __slots__ = ("sex", "given", "called", "surname", "title", "born", "home", "phone", "mail")


class Land:
    def __init__(self, seed, persons):
        self.rng = rng = random.Random(f"german land {seed}")
        faker = importlib.import_module("faker.providers.person.de_DE").Provider
        cities = importlib.import_module("faker.providers.address.de_DE").Provider.cities
        made = [first + second for first in FIRST_PARTS for second in SECOND_PARTS]
        rng.shuffle(made)
        rest = [name for name in faker.last_names if name not in SURNAMES]
        rng.shuffle(rest)
        self.surname = zipf(SURNAMES + rest + made, 0.95, 3)
        self.given = {}
        for sex, more in (("f", faker.first_names_female), ("m", faker.first_names_male)):
            tail = [name for name in sorted(more) if name not in GIVEN[sex]]
            rng.shuffle(tail)
            self.given[sex] = zipf(GIVEN[sex] + tail, 0.95, 5)
        names = rng.sample(sorted(cities), 45)
        self.towns = []
        for rank, name in enumerate(names):
            base = rng.randrange(1000, 99000)
            own = [street for street in STREETS if rng.random() < 0.75]
            own += [rng.choice(SURNAMES + made) + rng.choice(["straße", "weg", "platz", "gasse"]) for _ in range(int(160 / (rank + 1)) + 12)]
            rng.shuffle(own)
            plz = [f"{base + step:05d}" for step in range(max(1, 9 // (rank + 1)))]
            self.towns.append((name, zipf([(street, rng.choice(plz)) for street in own], 0.4)))
        self.town = zipf(self.towns, 0.8)
        self.persons = []
        while len(self.persons) < persons:
            self.persons.extend(self.family())
        del self.persons[persons:]

    def house(self, town=None):
        name, choose = town or self.town(self.rng)
        street, plz = choose(self.rng)
        number = str(int(self.rng.expovariate(1 / 30)) + 1) + (self.rng.choice("abc") if self.rng.random() < 0.13 else "")
        return street, number, plz, name

    def person(self, sex, surname, year, foreign):
        rng = self.rng
        person = Person()
        person.sex = sex
        names = FOREIGN_GIVEN[sex] if foreign else None
        one = rng.choice(names) if names else self.given[sex](rng)
        kind = rng.random()
        if kind < 0.07 and not foreign:
            second = self.given[sex](rng)
            person.given = [f"{one}-{second}"]
        elif kind < 0.4:
            person.given = [one, self.given[sex](rng)]
        else:
            person.given = [one]
        person.called = person.given[-1] if len(person.given) > 1 and rng.random() < 0.15 else person.given[0]
        person.surname = [surname, surname]
        person.title = "Dr." if year < 1995 and rng.random() < 0.03 else ""
        person.born = birthday(rng, year)
        person.phone = f"01{rng.choice(['51', '60', '70', '71', '72', '75', '76'])}{rng.randrange(10**7, 10**8)}"
        person.mail = f"{one}.{surname}{rng.choice(['', '', str(rng.randrange(100))])}@{rng.choice(['web.de', 'gmx.de', 'gmail.com', 't-online.de'])}".lower().translate(SPELLED_OUT)
        return person

    def family(self):
        rng = self.rng
        foreign = rng.random() < 0.12
        surname = rng.choice(FOREIGN) if foreign else self.surname(rng)
        if not foreign and rng.random() < 0.02:
            surname = "von " + surname
        year = 2024 - int(rng.triangular(20, 94, 48))
        people = []
        if rng.random() < 0.36:
            people.append(self.person(rng.choice("fm"), surname, year, foreign))
        else:
            people.append(self.person("m", surname, year, foreign))
            own = self.surname(rng)
            hers = surname if rng.random() < 0.72 else f"{surname}-{own}" if rng.random() < 0.35 else own
            people.append(self.person("f", hers, year + rng.randrange(-3, 7), foreign))
            child = year + rng.randrange(23, 37)
            for _ in range(rng.choices([0, 1, 2, 3], weights=[40, 27, 25, 8])[0]):
                if 2000 < child < 2024 or child <= 2000 and rng.random() < 0.2:
                    one = self.person(rng.choice("fm"), surname, child, foreign)
                    people.append(one)
                    if rng.random() < 0.02:
                        other = self.person(rng.choice("fm"), surname, child, foreign)
                        other.born = one.born
                        people.append(other)
                child += rng.randrange(1, 6)
        town = self.town(rng)
        before = self.house(town)
        after = self.house(town if rng.random() < 0.6 else None) if rng.random() < 0.1 else before
        for person in people:
            person.home = [before, after]
            age = 2024 - int(person.born[:4])
            if 18 < age < 36 and rng.random() < 0.25:
                person.home = [before, self.house()]
            if age < 16:
                person.phone, person.mail = people[0].phone, people[0].mail
            if person.sex == "f" and 20 < age < 40 and rng.random() < 0.08:
                new = self.surname(rng)
                person.surname[1] = new if rng.random() < 0.75 else f"{person.surname[0]}-{new}"
                person.home = [before, self.house()]
        return people


def slipped(rng, text, rate):
    return typo(rng, text) if rng.random() < rate else text


def register_row(rng, person, time=0):
    given = slipped(rng, " ".join(person.given), 0.015)
    surname = slipped(rng, person.surname[time], 0.015)
    if person.title:
        surname = f"{person.title} {surname}"
    year, month, day = person.born.split("-")
    street, number, plz, town = person.home[time]
    return [given, surname, "w" if person.sex == "f" else "m", f"{day}.{month}.{year}", f"{street} {number}", plz, town]


def insurer_row(rng, person, time=1):
    given, surname = person.called if rng.random() < 0.8 else " ".join(person.given), person.surname[time]
    if "-" in surname and rng.random() < 0.3:
        surname = surname.split("-")[0] if rng.random() < 0.6 else surname.replace("-", " ")
    if "-" in given and rng.random() < 0.4:
        given = rng.choice([given.replace("-", " "), given.split("-")[0], given.replace("-", "")])
    if surname.startswith("von ") and rng.random() < 0.4:
        surname = surname[4:]
    street, number, plz, town = person.home[time]
    kind = rng.random()
    letters = SPELLED_OUT if kind < 0.45 else STRIPPED if kind < 0.52 else {}
    street = street.replace("straße", "str.").replace("Straße", "Str.") if rng.random() < 0.6 else street
    born = person.born
    if rng.random() < 0.03:
        year, month, day = born.split("-")
        born = rng.choice([f"{year}-{month}-{rng.randrange(1, 29):02d}", f"{int(year) + rng.choice([-1, 1])}-{month}-{day}", f"{year}-01-01", f"{year}-{int(day) % 12 + 1:02d}-{month}"])
    values = [
        slipped(rng, given.translate(letters), 0.04),
        slipped(rng, surname.translate(letters), 0.04),
        {"f": "weiblich", "m": "männlich"}[person.sex],
        born,
        number if rng.random() > 0.03 else digit_slip(rng, number),
        slipped(rng, street.translate(letters), 0.05),
        plz if rng.random() > 0.02 else digit_slip(rng, plz),
        town.translate(letters),
        person.phone,
        person.mail,
    ]
    missing = [0.004, 0.002, 0.03, 0.02, 0.05, 0.05, 0.03, 0.03, 0.35, 0.55]
    return [value if rng.random() >= rate else "" for value, rate in zip(values, missing)]


def write(folder, seed):
    land = Land(seed, 15_000)
    rng = random.Random(f"german rows {seed}")
    register, insurer = [], []
    for entity, person in enumerate(land.persons):
        if rng.random() < 0.85:
            register.append((entity, register_row(rng, person)))
            if rng.random() < 0.01:
                register.append((entity, register_row(rng, person, 1)))
        if rng.random() < 0.65:
            for _ in range(rng.choices([1, 2, 3], weights=[86, 11, 3])[0]):
                insurer.append((entity, insurer_row(rng, person)))
    columns = [
        ["given_name", "surname", "gender", "dob", "address_1", "postcode", "suburb"],
        ["given_name", "surname", "gender", "dob", "street_number", "address_1", "postcode", "suburb", "phone", "email"],
    ]
    write_set(folder, columns, [register, insurer], seed)
