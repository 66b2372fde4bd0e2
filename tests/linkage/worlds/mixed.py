"""Small and odd worlds, against tuning to the large ones: other naming customs, files as offices send them, bad scans.

Every person is invented; the names are common ones of their languages. Each function writes one set.
"""

import random

from .common import birthday, date_slip, digit_slip, typo, write_set, zipf

LATIN = {
    "spanish": (
        "Maria Carmen Ana Isabel Laura Lucía José Antonio Manuel Francisco Juan David Javier Daniel Carlos Jesús Alejandro Miguel Rafael Pedro Ángel Pablo Sergio Fernando Luis Jorge Alberto Álvaro Diego Adrián Raúl Iván Rubén Óscar Dolores Pilar Teresa Rosa Cristina Marta Elena Raquel Beatriz Nuria Silvia Rocío Sofía Inés".split(),
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina Garrido Cortés Castillo Santos Lozano Guerrero Cano Prieto".split(),
    ),
    "french": (
        "Marie Jean Pierre Michel André Philippe Nathalie Isabelle Françoise Hélène Chloé Léa Manon Zoé Émilie Aurélie Stéphane Jérôme François René Gérard Benoît Loïc Théo Hugo Lucas Camille Inès Sébastien Frédéric Élodie Agnès Cécile Mathieu Guillaume Thérèse Geneviève Océane Noémie Raphaël".split(),
        "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Müller Faure André Mercier Blanc Guérin Boyer Garnier Chevalier François Legrand Gauthier Perrin Robin Clément Morin Nicolas Henry Roussel Mathieu Gautier Masson Marchand Duval".split(),
    ),
    "vietnamese": (
        "An Anh Bình Châu Chi Cường Dũng Dung Đức Giang Hà Hải Hạnh Hiền Hiếu Hoa Hòa Hoàng Hùng Hương Khánh Lan Linh Long Mai Minh Nam Nga Ngọc Nhung Phong Phúc Phương Quân Quang Sơn Tâm Thảo Thắng Thu Thủy Trang Trung Tuấn Tú Vân Việt Vy Yến".split(),
        "Nguyễn Nguyễn Nguyễn Nguyễn Trần Trần Lê Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý".split(),
    ),
    "arabic": (
        "Mohammed Ahmed Ali Omar Yusuf Ibrahim Khalid Hassan Hussein Mustafa Abdullah Abdulrahman Tariq Bilal Karim Fatima Aisha Maryam Khadija Zainab Layla Nour Sara Hanan Amina Huda Rania Salma Yasmin Samira".split(),
        "Al-Sayed Al-Masri Haddad Khoury Mansour Nasser Saleh Hamdan Qasim Aziz Rahman Abbas Farouk Najjar Shaheen Zidan Darwish Barakat Hamid Taha Jaber Odeh Awad Bakr Sabbagh Kanaan".split(),
    ),
    "indian": (
        "Aarav Vivaan Aditya Arjun Rohan Rahul Amit Sanjay Vijay Suresh Ramesh Rajesh Anil Sunil Deepak Manoj Priya Anjali Pooja Neha Kavita Sunita Lakshmi Radha Meena Asha Divya Shreya Ananya Isha Geetha Venkatesh Krishnan Subramaniam Harpreet Gurpreet Manpreet Mohammad Imran Farhan".split(),
        "Kumar Singh Sharma Patel Gupta Reddy Iyer Nair Rao Das Mehta Joshi Verma Mishra Yadav Khan Shah Chatterjee Banerjee Mukherjee Pillai Menon Kaur Gill Desai Bhat Chowdhury Naidu Agarwal Jain".split(),
    ),
}
STREETS = "Mill Lane|Church Street|Station Road|Park Avenue|River Walk|Hill Crescent|Green Close|King Street|Abbey Road|Bridge Street|Castle Hill|Forest Drive|Long Row|New Street|West End|Manor Way|Chapel Lane|School Lane|Orchard Close|The Avenue".split("|")
TOWNS = "Aldbury Barton Colne Dunmore Eastleigh Farnham Gorton Hexley Ilford Jarrow".split()
HEARD_ARABIC = [("ou", "u"), ("ee", "i"), ("kh", "k"), ("q", "k"), ("ei", "ai"), ("Mohammed", "Muhammad"), ("Yusuf", "Youssef"), ("Hussein", "Husain"), ("Al-", "El "), ("Al-", ""), ("y", "i"), ("dd", "d"), ("ss", "s"), ("j", "g")]


class Person:
    """What is true of somebody."""

    def __init__(self, rng, number, custom):
        given, family = LATIN[custom]
        self.custom = custom
        self.given = rng.choice(given)
        if custom == "vietnamese":
            self.given = f"{rng.choice(['Thị', 'Văn', 'Minh', 'Ngọc', 'Đức'])} {self.given}"
        if custom in ("spanish", "french") and rng.random() < 0.2:
            self.given += ("-" if custom == "french" else " ") + rng.choice(given)
        self.surname = rng.choice(family)
        if custom == "spanish":
            self.surname += " " + rng.choice(family)
        self.sex = rng.choice("MF")
        self.born = birthday(rng, rng.randrange(1935, 2020))
        self.phone = f"0{rng.randrange(20, 99)} {rng.randrange(10**6, 10**7)}"
        self.id = f"{rng.randrange(10**8, 10**9)}"
        self.mail = f"{plain(self.given.split()[0]).lower()}.{plain(self.surname.split()[0]).lower()}{rng.randrange(90)}@mail.example"
        self.number = str(rng.randrange(1, 140))
        self.street = rng.choice(STREETS)
        place = rng.randrange(len(TOWNS))
        self.town, self.zip = TOWNS[place], f"{4000 + 37 * place + rng.randrange(3)}"


def plain(text):
    """Without accents, as keyboards of other countries write it."""
    import unicodedata

    text = text.replace("Đ", "D").replace("đ", "d")
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def repeats(rng, people, share, write, again):
    """One row a person, and a second (sometimes a third) for a share of them."""
    rows = []
    for number, person in enumerate(people):
        rows.append((f"p{number}", write(person)))
        while rng.random() < share:
            rows.append((f"p{number}", again(person)))
    return rows


def customs(folder, custom, count, seed):
    """One language's people with its own accidents: lost accents, one surname of two, names written by ear."""
    rng = random.Random(seed)
    people = [Person(rng, number, custom) for number in range(count)]

    def write(p, slips=0.0):
        given, family = p.given, p.surname
        if rng.random() < slips:
            kind = rng.random()
            if kind < 0.4:
                given, family = plain(given), plain(family)
            elif kind < 0.6 and custom == "spanish":
                family = family.split()[0]
            elif kind < 0.8 and custom in ("arabic", "indian"):
                for old, new in rng.sample(HEARD_ARABIC, 5):
                    given, family = given.replace(old, new), family.replace(old, new)
            elif kind < 0.9:
                given = given.replace("-", " ").split()[0]
            else:
                family = typo(rng, family)
        born = p.born if rng.random() > slips * 0.1 else date_slip(rng, p.born)
        moved = rng.random() < slips * 0.25
        street = rng.choice(STREETS) if moved else p.street
        number = str(rng.randrange(1, 140)) if moved else p.number
        phone = p.phone if rng.random() > slips * 0.3 else ""
        y, m, d = born.split("-")
        return [given, family, p.sex, f"{d}/{m}/{y}", phone, f"{number} {street}", p.town, p.zip]

    rows = repeats(rng, people, 0.3, write, lambda p: write(p, 0.6))
    names = {
        "spanish": ["Nombre", "Apellidos", "Sexo", "Fecha de Nacimiento", "Teléfono", "Dirección", "Ciudad", "CP"],
        "french": ["Prénom", "Nom", "Sexe", "Date de naissance", "Téléphone", "Adresse", "Ville", "Code postal"],
    }.get(custom, ["first_name", "last_name", "sex", "DateOfBirth", "tel", "street", "city", "zip"])
    write_set(folder, names, [rows], seed)


def tiny(folder, count, share, seed):
    """A file of a few hundred rows, as one tries a tool with."""
    rng = random.Random(seed)
    people = [Person(rng, number, "french") for number in range(count)]

    def write(p, bad=False):
        given, family, born, phone = p.given, p.surname, p.born, p.phone
        if bad:
            given = typo(rng, given) if rng.random() < 0.3 else given
            family = typo(rng, family) if rng.random() < 0.3 else family
            born = date_slip(rng, born) if rng.random() < 0.15 else born
            phone = "" if rng.random() < 0.3 else phone
        return [given, family, born, phone, p.mail if rng.random() < 0.5 else "", p.town]

    write_set(folder, ["first_name", "last_name", "birth_date", "mobile", "e-mail", "city"], [repeats(rng, people, share, write, lambda p: write(p, True))], seed)


def spreadsheet(folder, seed):
    """Dates and phones as a spreadsheet leaves them: days since 1900, months in letters, lost zeros, a trailing .0."""
    rng = random.Random(seed)
    people = [Person(rng, number, rng.choice(["french", "indian"])) for number in range(2500)]
    from datetime import date

    def write(p, bad=True):
        y, m, d = map(int, p.born.split("-"))
        kind = rng.random()
        forms = [
            p.born,
            str((date(y, m, d) - date(1899, 12, 30)).days),
            f"{m}/{d}/{y}",
            f"{d:02d}-{date(y, m, d):%b}-{y % 100:02d}",
            f"{p.born} 00:00:00",
        ]
        born = forms[min(int(kind * 5), 4)]
        phone = p.phone.replace(" ", "")
        phone = rng.choice([phone, phone.lstrip("0"), phone.lstrip("0") + ".0", f"+44 {phone[1:]}", f"({phone[:3]}) {phone[3:]}", ""])
        name = rng.choice([f"{p.given} {p.surname}", f"{p.surname}, {p.given}", f"{p.surname} {p.given}".upper() if rng.random() < 0.3 else f"{p.given} {p.surname}"])
        if rng.random() < 0.08:
            name = typo(rng, name)
        return [name, born, phone, p.id if rng.random() < 0.4 else rng.choice(["", "", "N/A"]), f"{p.number} {p.street}", p.zip + rng.choice(["", ".0"])]

    write_set(folder, ["Name", "DOB", "Telephone Number", "SSN", "Address", "Zip Code"], [repeats(rng, people, 0.4, write, write)], seed)


def few_columns(folder, what, seed):
    """Names and one more column."""
    rng = random.Random(seed)
    people = [Person(rng, number, rng.choice(["french", "spanish", "indian", "arabic"])) for number in range(3000)]

    def write(p, bad=False):
        given, family = plain(p.given), plain(p.surname)
        if bad:
            given = typo(rng, given) if rng.random() < 0.15 else given
            family = typo(rng, family) if rng.random() < 0.15 else family
        if what == "phone":
            phone = digit_slip(rng, p.phone) if bad and rng.random() < 0.08 else p.phone
            return [f"{given} {family}", phone if rng.random() < 0.95 else ""]
        street = typo(rng, p.street) if bad and rng.random() < 0.15 else p.street.replace("Street", "St") if bad and rng.random() < 0.3 else p.street
        return [f"{given} {family}", f"{p.number} {street}", p.town]

    names = ["name", "phone"] if what == "phone" else ["name", "address", "town"]
    write_set(folder, names, [repeats(rng, people, 0.35, write, lambda p: write(p, True))], seed)


def heavy(folder, seed, scanned):
    """Nearly every field of a repeat has a slip; or all of it went through a bad scanner."""
    rng = random.Random(seed)
    people = [Person(rng, number, rng.choice(["french", "indian"])) for number in range(2500)]
    confused = [("0", "O"), ("1", "l"), ("5", "S"), ("8", "B"), ("rn", "m"), ("m", "rn"), ("cl", "d"), ("e", "c"), ("h", "b"), ("i", "l"), ("a", "o")]

    def scan(text):
        for old, new in rng.sample(confused, 3):
            if old in text and rng.random() < 0.3:
                text = text.replace(old, new, 1)
        return text

    def write(p, bad=False):
        values = [plain(p.given), plain(p.surname), p.born, p.phone, f"{p.number} {p.street}", p.town, p.zip]
        if scanned:
            return [scan(value) for value in values]
        if bad:
            values = [(typo(rng, v) if i not in (2, 3) else digit_slip(rng, v)) if rng.random() < 0.45 else v for i, v in enumerate(values)]
            values = [typo(rng, v) if i in (0, 1) and rng.random() < 0.2 else v for i, v in enumerate(values)]
        return values

    write_set(folder, ["fname", "lname", "dob", "tel", "address", "town", "zip"], [repeats(rng, people, 0.35, write, lambda p: write(p, True))], seed)


def three_sources(folder, seed):
    """One file out of three offices, each of which knows other things."""
    rng = random.Random(seed)
    people = [Person(rng, number, rng.choice(list(LATIN))) for number in range(4000)]
    rows = []
    for number, p in enumerate(people):
        given, family = plain(p.given), plain(p.surname)
        if rng.random() < 0.6:
            rows.append((f"p{number}", ["registry", p.given, p.surname, p.sex, p.born, p.id, "", "", f"{p.number} {p.street}", p.town]))
        if rng.random() < 0.5:
            born = p.born if rng.random() < 0.97 else date_slip(rng, p.born)
            rows.append((f"p{number}", ["clinic", given.split()[0], family, p.sex if rng.random() < 0.8 else "", born, p.id if rng.random() < 0.3 else "", p.phone, "", "", p.town]))
        if rng.random() < 0.4:
            rows.append((f"p{number}", ["shop", typo(rng, given) if rng.random() < 0.1 else given, family, "", "", "", p.phone if rng.random() < 0.8 else "", p.mail, f"{p.number} {p.street}" if rng.random() < 0.6 else "", p.town]))
    write_set(folder, ["source", "given_name", "surname", "gender", "dob", "national_id", "phone", "email", "address_1", "suburb"], [rows], seed)


def two_inputs(folder, overlap, seed):
    """Two files of different people, or of the same."""
    rng = random.Random(seed)
    people = [Person(rng, number, rng.choice(["french", "spanish"])) for number in range(4000)]

    def write(p, bad):
        given = typo(rng, p.given) if bad and rng.random() < 0.08 else p.given
        family = typo(rng, p.surname) if bad and rng.random() < 0.08 else p.surname
        born = date_slip(rng, p.born) if bad and rng.random() < 0.05 else p.born
        return [plain(given), plain(family), p.sex, born, f"{p.number} {p.street}", p.town, p.zip]

    half = len(people) // 2
    first = [(f"p{n}", write(p, False)) for n, p in enumerate(people[:half])]
    second = [(f"p{n}", write(people[n], True)) for n in (range(half) if overlap else range(half, len(people)))]
    write_set(folder, ["given_name", "surname", "sex", "dob", "address_1", "city", "postcode"], [first, second], seed)


def chinese_small(folder, seed):
    """Three hundred rows of a community office, headings and all."""
    rng = random.Random(seed)
    family = zipf(list("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"))
    given = list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰萍红建国文辉梅婷雪宇晨浩轩欣怡梓涵")
    rows = []
    for number in range(220):
        name = family(rng) + "".join(rng.sample(given, rng.choice([1, 2, 2])))
        born = birthday(rng, rng.randrange(1940, 2018))
        phone = f"1{rng.choice('3578')}{rng.randrange(10**9):09d}"
        home = f"幸福路{rng.randrange(1, 90)}号{rng.randrange(1, 9)}单元{rng.randrange(101, 1200)}"
        sex = rng.choice("男女")
        rows.append((f"p{number}", [name, sex, born, phone, home]))
        if rng.random() < 0.35:
            y, m, d = born.split("-")
            written = name if rng.random() < 0.9 else name[:-1] + rng.choice(given)
            rows.append((f"p{number}", [written, sex if rng.random() < 0.9 else "", f"{y}年{int(m)}月{int(d)}日", phone if rng.random() < 0.7 else "", home if rng.random() < 0.7 else ""]))
    write_set(folder, ["居民姓名", "性别", "出生日期", "联系方式", "家庭地址"], [rows], seed)
