"""A Chinese city: Han names, resident numbers that half of the offices do not have, families on one telephone and one address.

Given names share few characters and few syllables, so strangers are namesakes far more often than in Latin lists; brothers and sisters share
a character of the generation; twins differ in one character and have numbers one step apart. Offices write variant and traditional characters, confuse
homophones, mask numbers in several manners, keep numbers of fifteen digits, and write dates and addresses each in its own form.
"""

import random
from collections import defaultdict

from pypinyin import Style, lazy_pinyin

from .common import Draw, birthday, digit_slip, write_set, zipf

SURNAMES = Draw([
    ("王", 7.1), ("李", 7.0), ("张", 6.7), ("刘", 5.1), ("陈", 4.6), ("杨", 3.1), ("黄", 2.5), ("赵", 2.1), ("吴", 2.0), ("周", 1.9), ("徐", 1.5), ("孙", 1.4), ("马", 1.3), ("朱", 1.25), ("胡", 1.2), ("郭", 1.15),
    ("何", 1.1), ("林", 1.1), ("罗", 1.0), ("高", 1.0), ("梁", 0.9), ("郑", 0.9), ("谢", 0.8), ("宋", 0.75), ("唐", 0.7), ("许", 0.68), ("韩", 0.65), ("邓", 0.62), ("冯", 0.62), ("曹", 0.6), ("彭", 0.58), ("曾", 0.57),
    ("肖", 0.55), ("田", 0.52), ("董", 0.5), ("潘", 0.48), ("袁", 0.46), ("蔡", 0.45), ("蒋", 0.44), ("余", 0.43), ("于", 0.42), ("杜", 0.41), ("叶", 0.41), ("程", 0.4), ("魏", 0.39), ("苏", 0.38), ("吕", 0.37),
    ("丁", 0.36), ("任", 0.35), ("卢", 0.34), ("姚", 0.33), ("沈", 0.33), ("钟", 0.32), ("姜", 0.31), ("崔", 0.3), ("谭", 0.3), ("陆", 0.29), ("范", 0.28), ("汪", 0.28), ("廖", 0.27), ("石", 0.26), ("金", 0.26),
    ("韦", 0.25), ("贾", 0.25), ("夏", 0.24), ("付", 0.23), ("方", 0.23), ("邹", 0.22), ("熊", 0.21), ("白", 0.2), ("孟", 0.2), ("秦", 0.19), ("邱", 0.19), ("侯", 0.18), ("江", 0.18), ("尹", 0.17), ("薛", 0.17),
    ("闫", 0.16), ("段", 0.16), ("雷", 0.16), ("龙", 0.15), ("黎", 0.15), ("史", 0.14), ("陶", 0.14), ("贺", 0.13), ("毛", 0.13), ("郝", 0.13), ("顾", 0.13), ("龚", 0.12), ("邵", 0.12), ("万", 0.12), ("覃", 0.11),
    ("武", 0.11), ("钱", 0.11), ("戴", 0.11), ("严", 0.1), ("莫", 0.1), ("孔", 0.1), ("向", 0.1), ("常", 0.09), ("欧阳", 0.07), ("司马", 0.01), ("上官", 0.012), ("诸葛", 0.006),
])
WRITTEN = {
    "f": "芳秀英丽敏静艳娟霞兰红玲桂梅琴云萍凤洁燕珍淑慧娜雪莉莹佳倩颖琳欣怡婷雅璐瑶悦思涵梓诗晓月华玉春菊香翠爱莲妍妮蕾薇馨媛蓉岚",
    "m": "伟强磊军勇杰涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆旭宁龙林峰建国志文海德生永庆东成良春家世昌光天达泽轩博瑞子晨睿铭昊然毅立新民福贵",
}
GENERATION = "建国志文海德永家世晓春玉秀思子梓雨佳嘉明学宏宗兆绍继"
VARIANTS = {
    "国": "國", "华": "華", "刘": "劉", "陈": "陳", "张": "張", "黄": "黃", "吴": "吳", "赵": "趙", "马": "馬", "罗": "羅", "郑": "鄭", "谢": "謝", "许": "許", "韩": "韓", "邓": "鄧", "冯": "馮", "肖": "萧", "叶": "葉", "吕": "呂",
    "卢": "盧", "钟": "鐘", "谭": "譚", "陆": "陸", "范": "範", "闫": "阎", "付": "傅", "伟": "偉", "强": "強", "军": "軍", "丽": "麗", "艳": "豔", "红": "紅", "凤": "鳳", "兰": "蘭", "龙": "龍", "东": "東", "庆": "慶", "杰": "傑",
    "峰": "峯", "云": "雲", "玲": "姈", "霞": "瑕", "志": "誌", "鹏": "鵬", "宁": "寧", "爱": "愛", "莲": "蓮", "珍": "珎", "辉": "輝", "静": "靜", "萍": "苹", "飞": "飛",
}
DISTRICTS = [
    ("440103", "广东省", "广州市", "荔湾区"), ("440104", "广东省", "广州市", "越秀区"), ("440105", "广东省", "广州市", "海珠区"), ("440106", "广东省", "广州市", "天河区"), ("440111", "广东省", "广州市", "白云区"), ("440112", "广东省", "广州市", "黄埔区"),
    ("440113", "广东省", "广州市", "番禺区"), ("440114", "广东省", "广州市", "花都区"), ("440304", "广东省", "深圳市", "福田区"), ("440305", "广东省", "深圳市", "南山区"), ("440402", "广东省", "珠海市", "香洲区"), ("440604", "广东省", "佛山市", "禅城区"),
]
ELSEWHERE = ["430103", "430121", "421087", "420106", "510104", "511602", "360102", "362430", "450102", "452701", "410105", "411481", "522101", "340104", "370102", "330106", "320106", "500112"]
STREETS = ["中山", "人民", "解放", "建设", "环城", "东风", "新华", "文昌", "和平", "胜利", "天河", "江南", "滨江", "广园", "黄埔", "康王", "宝岗", "体育", "工业", "昌岗", "龙溪", "荔湾", "同德", "新港", "石牌", "车陂", "棠下", "沙园", "南华", "芳村"]
COMPLEXES = ["花园", "小区", "新村", "苑", "公寓", "大厦", "家园", "雅居", "豪庭", "宿舍"]
COLUMNS = ["姓名", "性别", "出生日期", "公民身份号码", "联系电话", "住址"]
WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]


def resident_number(division, born, sequence):
    body = f"{division}{born.replace('-', '')}{sequence:03d}"
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS)) % 11]


class Person:
    __slots__ = ("surname", "given", "sex", "born", "number", "phone", "home")


class City:
    def __init__(self, seed, persons):
        self.rng = rng = random.Random(f"chinese city {seed}")
        self.given = {sex: zipf(list(chars), 0.75, 4) for sex, chars in WRITTEN.items()}
        self.district = zipf(DISTRICTS, 0.5)
        self.birth_district = Draw([(district[0], 5) for district in DISTRICTS] + [(code, 2) for code in ELSEWHERE])
        self.sounds = defaultdict(list)
        for char in sorted({char for chars in WRITTEN.values() for char in chars} | set(GENERATION) | set("玮炜瑛晴芬珊杉琪琦祺婧菁晶景郡峻骏君钧均涓丹单宏洪弘虹芸匀瑜渝钰育昱煜妤余茹如汝彤桐铜童佟")):
            self.sounds[lazy_pinyin(char)[0]].append(char)
        self.persons = []
        while len(self.persons) < persons:
            self.persons.extend(self.family())
        del self.persons[persons:]

    def mobile(self):
        return "1" + self.rng.choice(["35", "36", "37", "38", "39", "50", "58", "59", "76", "80", "86", "89", "99"]) + f"{self.rng.randrange(10**8):08d}"

    def person(self, surname, sex, year, generation=None, born=None):
        rng = self.rng
        person = Person()
        person.surname, person.sex = surname, sex
        one = self.given[sex](rng)
        single = rng.random() < (0.12 if year < 1965 else 0.42 if year < 1998 else 0.14)
        if single and generation is None:
            person.given = one
        elif generation is not None or rng.random() < 0.4:
            first = generation or rng.choice(GENERATION)
            person.given = first + (one if one != first else self.given[sex](rng))
        else:
            person.given = (self.given[sex](rng) + one) if rng.random() < 0.93 else one + one
        person.born = born or birthday(rng, year)
        sequence = rng.randrange(1, 600)
        sequence += (sequence % 2 == 0) if sex == "m" else (sequence % 2 == 1)
        person.number = resident_number(self.birth_district(rng), person.born, sequence)
        phone = self.mobile()
        person.phone = [phone, self.mobile() if rng.random() < 0.15 else phone]
        return person

    def house(self):
        rng = self.rng
        district = self.district(rng)
        street = rng.choice(STREETS) + rng.choice(["路", "路", "大道", "街", "东路", "西路", "北路", "南路"])
        complex_ = rng.choice(STREETS) + rng.choice(COMPLEXES) if rng.random() < 0.6 else ""
        return district, street, rng.randrange(1, 400), complex_, rng.randrange(1, 20), rng.randrange(1, 33) * 100 + rng.randrange(1, 9)

    def family(self):
        rng = self.rng
        surname = SURNAMES(rng)
        year = 2024 - int(rng.triangular(22, 85, 40))
        people = []
        if rng.random() < 0.3:
            people.append(self.person(surname, rng.choice("fm"), year))
        else:
            people.append(self.person(surname, "m", year))
            people.append(self.person(SURNAMES(rng), "f", year + rng.randrange(-3, 6)))
            generation = rng.choice(GENERATION) if rng.random() < 0.35 else None
            child_year = year + rng.randrange(23, 36)
            for _ in range(rng.choices([0, 1, 2, 3], weights=[26, 45, 24, 5])[0]):
                if child_year > 2023:
                    break
                child = self.person(surname, rng.choice("fm"), child_year, generation)
                people.append(child)
                if rng.random() < 0.03:
                    people.append(self.twin(child))
                child_year += rng.randrange(2, 7)
            if rng.random() < 0.22:
                people.append(self.person(surname, "m", year - rng.randrange(22, 34)))
                people.append(self.person(SURNAMES(rng), "f", int(people[-1].born[:4]) + rng.randrange(-2, 6)))
        before = self.house()
        after = self.house() if rng.random() < 0.1 else before
        shared = rng.random() < 0.3
        for person in people:
            person.home = [before, after]
            if rng.random() < 0.06:
                person.home = [before, self.house()]
            age = 2024 - int(person.born[:4])
            if age < 14 or age > 72 and rng.random() < 0.5 or shared:
                person.phone = list(people[0].phone)
        return people

    def twin(self, first):
        """A brother or sister of the same day: one character of the name differs, and the number follows on the first one's."""
        sex = first.sex if self.rng.random() < 0.7 else "fm"[first.sex == "f"]
        twin = self.person(first.surname, sex, int(first.born[:4]), first.given[0] if len(first.given) == 2 else None, first.born)
        while twin.given == first.given:
            twin.given = twin.given[:-1] + self.given[sex](self.rng)
        sequence = int(first.number[14:17]) + (2 if sex == first.sex else 1)
        twin.number = resident_number(first.number[:6], first.born, sequence)
        return twin


class Clerk:
    """An office of the city; `numbers` is the share of its records that have a resident number at all."""

    def __init__(self, city, numbers, missing):
        self.city, self.numbers, self.missing = city, numbers, missing

    def name(self, rng, person):
        surname, given = person.surname, person.given
        kind = rng.random()
        if kind < 0.035:
            at = rng.randrange(len(given))
            alike = [char for char in self.city.sounds[lazy_pinyin(given[at])[0]] if char != given[at]]
            if alike:
                given = given[:at] + rng.choice(alike) + given[at + 1 :]
        elif kind < 0.065:
            surname = "".join(VARIANTS.get(char, char) for char in surname)
            given = "".join(VARIANTS.get(char, char) for char in given)
        elif kind < 0.075 and len(given) == 2:
            given = given[0] + rng.choice(WRITTEN[person.sex])
        elif kind < 0.083 and len(given) == 2:
            given = given[rng.randrange(2)]
        elif kind < 0.09:
            given = given[:-1] + rng.choice(["*", "?", "某"])
        elif kind < 0.1:
            family, own = "".join(lazy_pinyin(surname)), "".join(lazy_pinyin(given, style=Style.NORMAL))
            return rng.choice([f"{family} {own}".title(), f"{own} {family}".title(), f"{family} {own}".upper()])
        name = surname + given
        if rng.random() < 0.03:
            name = surname + " " + given if len(given) == 1 or rng.random() < 0.5 else " " + name + " "
        return name

    def identifier(self, rng, person):
        if rng.random() >= self.numbers:
            return ""
        number, kind = person.number, rng.random()
        if kind < 0.08:
            return number[:6] + "*" * 8 + number[14:]
        if kind < 0.13:
            return number[:3] + "*" * 11 + number[14:]
        if kind < 0.16:
            return number[:14] + "****"
        if kind < 0.19 and person.born < "1999":
            return number[:6] + number[8:17]
        if kind < 0.21:
            return number.lower()
        if kind < 0.225:
            return digit_slip(rng, number)
        return number

    def born(self, rng, person):
        year, month, day = person.born.split("-")
        if rng.random() < 0.03:
            kind = rng.random()
            if kind < 0.4:
                day = f"{rng.randrange(1, 29):02d}"
            elif kind < 0.6:
                month, day = "01", "01"
            elif kind < 0.8:
                year = str(int(year) + rng.choice([-1, 1, -10, 10]))
            else:
                month = f"{rng.randrange(1, 13):02d}"
                day = f"{min(int(day), 28):02d}"
        kind = rng.random()
        if kind < 0.7:
            return f"{year}-{month}-{day}"
        if kind < 0.85:
            return f"{year}{month}{day}"
        return f"{year}/{int(month)}/{int(day)}" if kind < 0.93 else f"{year}年{int(month)}月{int(day)}日"

    def phone(self, rng, person, time):
        phone = person.phone[time]
        kind = rng.random()
        if kind < 0.025:
            return digit_slip(rng, phone)
        if kind < 0.06:
            return f"+86 {phone}"
        if kind < 0.1:
            return f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
        return f"{phone[:3]}****{phone[7:]}" if kind < 0.12 else phone

    def address(self, rng, person, time):
        (_, province, town, district), street, number, complex_, building, room = person.home[time]
        kind = rng.random()
        head = province + town + district if kind < 0.45 else town + district if kind < 0.8 else district
        tail = rng.choices([f"{building}栋{room}室", f"{building}栋{room}", f"{building}号楼{room}房", f"{building}-{room}", ""], weights=[45, 15, 20, 10, 10])[0]
        middle = f"{street}{number}号"
        if complex_ and rng.random() < 0.7:
            middle += complex_
        if rng.random() < 0.03:
            middle = digit_slip(rng, middle)
        return head + middle + tail

    def write(self, rng, person, time):
        values = [
            self.name(rng, person),
            ("男" if person.sex == "m" else "女") if rng.random() > 0.005 else ("女" if person.sex == "m" else "男"),
            self.born(rng, person),
            self.identifier(rng, person),
            self.phone(rng, person, time),
            self.address(rng, person, time),
        ]
        return [value if rng.random() >= rate else "" for value, rate in zip(values, self.missing)]


def one_file(folder, seed):
    """One file with Chinese column names; half of the records have no number, a sixth of the others a masked or old one."""
    city = City(seed, 12_000)
    clerk = Clerk(city, 0.5, [0.004, 0.03, 0.06, 0.0, 0.2, 0.15])
    rng = random.Random(f"offices {seed}")
    times = Draw([(1, 55), (2, 25), (3, 12), (4, 5), (6, 3)])
    rows = [(entity, clerk.write(rng, person, rng.randrange(2))) for entity, person in enumerate(city.persons) for _ in range(times(rng))]
    write_set(folder, COLUMNS, [rows], seed)


def two_files(folder, seed):
    """A register with numbers and a hospital mostly without; English column names, and the hospital keeps no address."""
    city = City(seed, 14_000)
    police = Clerk(city, 0.96, [0.0, 0.01, 0.01, 0.0, 0.45, 0.03])
    hospital = Clerk(city, 0.35, [0.002, 0.02, 0.05, 0.0, 0.08, 1.0])
    rng = random.Random(f"offices {seed}")
    first, second = [], []
    for entity, person in enumerate(city.persons):
        if rng.random() < 0.8:
            first.append((entity, police.write(rng, person, 0)))
        if rng.random() < 0.5:
            for _ in range(rng.choices([1, 2, 3], weights=[70, 20, 10])[0]):
                second.append((entity, hospital.write(rng, person, 1)[:5]))
    english = ["full_name", "gender", "dob", "national_id", "phone", "address_1"]
    write_set(folder, [english, english[:5]], [first, second], seed)
