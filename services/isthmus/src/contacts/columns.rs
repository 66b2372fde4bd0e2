//! Which column says what: by its heading, or as the command line has it.

use anyhow::{Context, bail, ensure};

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Person,
    PersonA,
    PersonB,
    Place,
    Lat,
    Lon,
    Radius,
    From,
    To,
    At,
    Date,
    Duration,
    DurationMin,
}

/// Roles, with their names as [`folded`]; the likelier ones first, so that a number of a person comes before a name.
const NAMES: [(Role, &[&str]); 13] = [
    (
        Role::Person,
        &[
            "person personid personkey participant participantid user userid resident residentid individual subject",
            "subjectid patient patientid student studentid member who tag tagid badge badgeid device deviceid mac msisdn imsi",
            "uid pid name id 人员 人 人员编号 人员标识 人员id 用户 用户编号 用户标识 用户id 居民 居民编号 公民身份号码 身份证号",
            "身份证号码 证件号 证件号码 手机号 手机号码 手机 电话 设备 设备号 设备编号 对象 姓名 编号 标识",
        ],
    ),
    (
        Role::PersonA,
        &["persona a i source src ego fromid fromuser scanner observer case infector 甲 甲方 本人 病例 u v1"],
    ),
    (
        Role::PersonB,
        &[
            "personb b j target dst tgt alter toid touser scanned observed contact contactid contactperson other otherperson",
            "partner peer met infectee 乙 乙方 对方 接触者 接触人 接触人员 接触对象 密接 密切接触者 v v2",
        ],
    ),
    (
        Role::Place,
        &[
            "place placeid placename location locationid locationname loc room roomid site siteid venue venueid poi poiid cell",
            "cellid station stationid basestation zone zoneid area building ward where beacon beaconid accesspoint ap gate",
            "地点 地点编号 地点id 地点名称 场所 场所编号 场所名称 位置 位置编号 基站 基站编号 基站号 小区 小区编号 房间 房间号 站点",
            "区域 卡口 地址",
        ],
    ),
    (Role::Lat, &["lat latitude latdeg 纬度"]),
    (Role::Lon, &["lon lng long longitude londeg 经度"]),
    (Role::Radius, &["radiusm radius radiusmetres radiusmeters 半径 半径米"]),
    (
        Role::From,
        &[
            "from start starttime startdatetime starttimestamp startts startat startsat starts begin begintime beginning",
            "timestart tstart t0 t1 tfrom fromtime timefrom entry entrytime enter entertime entered checkin checkintime timein",
            "intime in arrival arrivaltime arrived arrive arrivetime since firstseen first contactstart",
            "开始 开始时间 开始时刻 起始 起始时间 进入 进入时间 进入时刻 入场时间 到达时间 签到时间 起 自 进",
        ],
    ),
    (
        Role::To,
        &[
            "to end endtime enddatetime endtimestamp endts endat endsat ends until timeend tend tto totime timeto stop stoptime",
            "finish finishtime exit exittime leave leavetime left checkout checkouttime timeout outtime out departure",
            "departuretime departed departtime t2 lastseen last contactend",
            "结束 结束时间 结束时刻 终止 终止时间 离开 离开时间 离开时刻 出场时间 截止 截止时间 签退时间 止 至 出",
        ],
    ),
    (
        Role::At,
        &[
            "t time timestamp ts datetime at when times unixtime unixtimestamp epoch epochtime utc contacttime eventtime",
            "recordtime recordedat seenat scantime observedat",
            "时间 时刻 时间戳 日期时间 接触时间 发生时间 记录时间 采集时间 扫描时间 扫码时间 刷卡时间 打卡时间 通行时间 定位时间",
        ],
    ),
    (Role::Date, &["date day 日期"]),
    (
        Role::Duration,
        &[
            "duration durations durationsec durationsecs durationseconds durationinseconds dur length lengths lengthseconds",
            "dwell dwelltime 时长 持续时间 持续时长 停留时长 接触时长 时长秒 持续秒数 秒数",
        ],
    ),
    (
        Role::DurationMin,
        &["durationmin durationmins durationminutes durationinminutes minutes mins 分钟 分钟数 时长分钟 持续分钟"],
    ),
];

/// In brackets behind a heading: units in which nothing is read.
const OTHER_UNITS: &str =
    "min mins minute minutes h hr hrs hour hours d day days week weeks km 分 分钟 小时 时 天 公里 千米";
/// Endings of headings of times that change nothing.
const TIME_ENDINGS: [&str; 8] = ["utc", "gmt", "unix", "seconds", "secs", "sec", "ms", "s"];

impl Role {
    /// The name in messages and on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::PersonA => "person_a",
            Self::PersonB => "person_b",
            Self::Place => "place",
            Self::Lat => "lat",
            Self::Lon => "lon",
            Self::Radius => "radius_m",
            Self::From => "from",
            Self::To => "to",
            Self::At => "time",
            Self::Date => "date",
            Self::Duration => "duration",
            Self::DurationMin => "duration_min",
        }
    }

    /// The role that a heading names, and how unlikely it is among the names of the role.
    fn of(heading: &str) -> Option<(Self, usize)> {
        let whole = folded(heading);
        if let Some(found) = Self::of_name(&whole) {
            return Some(found);
        }
        // What stands in brackets is mostly a unit.
        let (bare, unit) = heading.split_once(['(', '（', '['])?;
        let unit = folded(unit);
        let is_other = OTHER_UNITS.split_whitespace().any(|other| other == unit);
        if is_other { None } else { Self::of_name(&folded(bare)) }
    }

    fn of_name(name: &str) -> Option<(Self, usize)> {
        let of_list = |name: &str| {
            NAMES
                .iter()
                .find_map(|(role, names)| names_in(names).position(|known| known == name).map(|rank| (*role, rank)))
        };
        let is_time = |(role, _): &(Self, usize)| matches!(role, Self::From | Self::To | Self::At);
        let ended = || TIME_ENDINGS.iter().find_map(|ending| of_list(name.strip_suffix(ending)?).filter(is_time));
        of_list(name).or_else(ended).or_else(|| one_of_two(name))
    }
}

fn names_in(names: &'static [&str]) -> impl Iterator<Item = &'static str> {
    names.iter().flat_map(|names| names.split_whitespace())
}

/// `user_a`, `id2`, `person 1 id`: one of two persons.
fn one_of_two(name: &str) -> Option<(Role, usize)> {
    let is_person = |stem: &str| ["p", "node"].contains(&stem) || names_in(NAMES[0].1).any(|known| known == stem);
    let bare = name.strip_suffix("id").unwrap_or(name);
    [name, bare].into_iter().find_map(|name| {
        let (role, mark) = match name.chars().next_back()? {
            mark @ ('a' | '1' | 'i' | '甲' | '一') => (Role::PersonA, mark),
            mark @ ('b' | '2' | 'j' | '乙' | '二') => (Role::PersonB, mark),
            _ => return None,
        };
        is_person(name.strip_suffix(mark)?).then_some((role, usize::MAX))
    })
}

/// A heading without case, blanks and marks.
fn folded(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A column that the command line names: `person=Badge no`, or by its number `person=3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    role: Role,
    column: String,
}

impl Named {
    /// From the command line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let roles = || NAMES.iter().map(|(role, _)| role.name()).collect::<Vec<_>>().join(", ");
        let wrong = || format!("it is written ROLE=COLUMN, as person=\"Badge no\" or person=3; roles are {}", roles());
        let (role, column) = text.split_once('=').ok_or_else(wrong)?;
        let (role, _) = Role::of(role).ok_or_else(wrong)?;
        Ok(Self { role, column: column.trim().to_owned() })
    }
}

/// How a row says when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// From begin to end.
    Span,
    /// From a begin for as long as stated.
    Lasting,
    /// Before an end for as long as stated.
    LastingUntil,
    /// A window that ends then.
    Window,
}

/// What the columns of a table are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) heads: Vec<String>,
    pub(super) roles: Vec<Option<Role>>,
    pub(super) are_pairs: bool,
    pub(super) when: When,
}

impl Columns {
    /// By headings.
    pub(super) fn of(heads: &[String], named: &[Named]) -> anyhow::Result<Self> {
        let mut roles: Vec<Option<Role>> = vec![None; heads.len()];
        for Named { role, column } in named {
            let by_head = heads.iter().position(|head| head == column);
            let by_fold = || heads.iter().position(|head| folded(head) == folded(column));
            let by_number = || column.parse::<usize>().ok()?.checked_sub(1).filter(|index| *index < heads.len());
            let index = by_head.or_else(by_fold).or_else(by_number);
            let index = index.with_context(|| {
                format!("it has no column `{column}` as --column says: its columns are {}", heads.join(", "))
            })?;
            roles[index] = Some(*role);
        }
        let mut taken: Vec<(Role, usize, usize)> = Vec::new();
        for (index, head) in heads.iter().enumerate().filter(|(index, _)| roles[*index].is_none()) {
            let Some((role, rank)) = Role::of(head) else { continue };
            if named.iter().any(|named| named.role == role) {
                continue;
            }
            match taken.iter_mut().find(|(known, ..)| *known == role) {
                Some((_, best, other)) if rank == *best && rank < usize::MAX => bail!(
                    "its columns `{}` and `{head}` may both be `{}`: say which, as --column {}={}",
                    heads[*other],
                    role.name(),
                    role.name(),
                    index + 1
                ),
                Some((_, best, other)) if rank < *best => (*best, *other) = (rank, index),
                Some(_) => {}
                None => taken.push((role, rank, index)),
            }
        }
        for (role, _, index) in taken {
            roles[index] = Some(role);
        }
        Self::resolved(heads.to_vec(), roles)
    }

    /// Columns without headings, by what was guessed of them.
    pub(super) fn guessed(roles: Vec<Option<Role>>) -> anyhow::Result<Self> {
        Self::resolved((1..=roles.len()).map(|number| format!("column {number}")).collect(), roles)
    }

    fn resolved(heads: Vec<String>, mut roles: Vec<Option<Role>>) -> anyhow::Result<Self> {
        let has = |roles: &[Option<Role>], wanted: Role| roles.contains(&Some(wanted));
        let rename = |roles: &mut [Option<Role>], from: Role, to: Role| {
            roles.iter_mut().filter(|role| **role == Some(from)).for_each(|role| *role = Some(to));
        };
        let has_person = [Role::Person, Role::PersonA, Role::PersonB].iter().any(|role| has(&roles, *role));
        if !has_person && [Role::From, Role::To, Role::At].iter().all(|role| has(&roles, *role)) {
            // Edges of a graph: from whom, to whom, when.
            rename(&mut roles, Role::From, Role::PersonA);
            rename(&mut roles, Role::To, Role::PersonB);
        }
        if has(&roles, Role::Person) && has(&roles, Role::PersonB) && !has(&roles, Role::PersonA) {
            rename(&mut roles, Role::Person, Role::PersonA);
        }
        if has(&roles, Role::Date) && ![Role::At, Role::From, Role::To].iter().any(|role| has(&roles, *role)) {
            rename(&mut roles, Role::Date, Role::At);
        }
        let are_pairs = has(&roles, Role::PersonA) && has(&roles, Role::PersonB);
        let lasts = has(&roles, Role::Duration) || has(&roles, Role::DurationMin);
        let when = match [Role::From, Role::To, Role::At].map(|role| has(&roles, role)) {
            [true, true, _] => Some(When::Span),
            [true, false, _] if lasts => Some(When::Lasting),
            [false, true, true] => {
                rename(&mut roles, Role::At, Role::From);
                Some(When::Span)
            }
            [false, true, false] if lasts => Some(When::LastingUntil),
            [false, false, true] if lasts => {
                rename(&mut roles, Role::At, Role::From);
                Some(When::Lasting)
            }
            [_, false, true] => Some(When::Window),
            _ => None,
        };
        let where_known = has(&roles, Role::Place) || (has(&roles, Role::Lat) && has(&roles, Role::Lon));
        let is_form = are_pairs || (has(&roles, Role::Person) && where_known);
        let Some(when) = when.filter(|_| is_form) else {
            bail!(
                "its columns are {}: a file of whereabouts has person, place (or lat and lon), from and to; a file of pairs \
                 has person_a, person_b, from and to; instead of to there may be a duration, and instead of both a time. Say \
                 which column is which, as --column person=3 --column time=1",
                heads.join(", ")
            );
        };
        let needed = |role: Role| match role {
            Role::Person | Role::Place | Role::Lat | Role::Lon | Role::Radius => !are_pairs,
            Role::PersonA | Role::PersonB => are_pairs,
            Role::From => matches!(when, When::Span | When::Lasting),
            Role::To => matches!(when, When::Span | When::LastingUntil),
            Role::At => when == When::Window,
            Role::Date => true,
            Role::Duration | Role::DurationMin => matches!(when, When::Lasting | When::LastingUntil),
        };
        roles.iter_mut().for_each(|role| *role = role.filter(|role| needed(*role)));
        let twice = roles.iter().enumerate().find(|(index, role)| role.is_some() && roles[..*index].contains(role));
        ensure!(twice.is_none(), "two of its columns are said to be the same: see --column and --columns");
        Ok(Self { heads, roles, are_pairs, when })
    }

    pub(super) fn index(&self, wanted: Role) -> Option<usize> {
        self.roles.iter().position(|role| *role == Some(wanted))
    }

    /// Whether a heading says that times are in milliseconds.
    pub(super) fn are_millis(&self) -> bool {
        let is_time = |role: &Option<Role>| matches!(role, Some(Role::From | Role::To | Role::At));
        let heads = self.heads.iter().zip(&self.roles).filter(|(_, role)| is_time(role)).map(|(head, _)| folded(head));
        heads.into_iter().any(|head| head.ends_with("ms") || head.contains("milli") || head.contains("毫秒"))
    }

    /// What was understood of each column.
    pub(super) fn told(&self) -> String {
        let used = self.heads.iter().zip(&self.roles).filter_map(|(head, role)| {
            let name = (*role)?.name();
            Some(if head == name { name.to_owned() } else { format!("{head} = {name}") })
        });
        let unused: Vec<&str> = self
            .heads
            .iter()
            .zip(&self.roles)
            .filter(|(head, role)| role.is_none() && *head != "-")
            .map(|(head, _)| head.as_str())
            .collect();
        let used = used.collect::<Vec<_>>().join(", ");
        if unused.is_empty() { used } else { format!("{used}; not used: {}", unused.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(heads: &str) -> Result<(bool, When, String), String> {
        let heads: Vec<String> = heads.split(',').map(|head| head.trim().to_owned()).collect();
        let columns = Columns::of(&heads, &[]).map_err(|error| error.to_string())?;
        let names = columns.roles.iter().map(|role| role.map_or("-", Role::name)).collect::<Vec<_>>().join(" ");
        Ok((columns.are_pairs, columns.when, names))
    }

    #[test]
    fn headings_are_known_in_many_ways_of_writing() {
        for (heads, are_pairs, when, names) in [
            ("person,place,from,to", false, When::Span, "person place from to"),
            ("Person ID, Location, Start Time, End Time", false, When::Span, "person place from to"),
            ("人员,地点,开始,结束", false, When::Span, "person place from to"),
            ("人员编号,场所名称,进入时间,离开时间", false, When::Span, "person place from to"),
            ("手机号,经度,纬度,时间", false, When::Window, "person lon lat time"),
            ("t,id,place", false, When::Window, "time person place"),
            ("name,site,check_in,check_out", false, When::Span, "person place from to"),
            ("person,loc,time_in,time_out", false, When::Span, "person place from to"),
            ("userId,lat,lng,radius (m),timestamp", false, When::Window, "person lat lon radius_m time"),
            ("t,i,j,Ci,Cj", true, When::Window, "time person_a person_b - -"),
            ("i,j,t", true, When::Window, "person_a person_b time"),
            ("i,j,start,duration (s)", true, When::Lasting, "person_a person_b from duration"),
            ("user_a,user_b,timestamp", true, When::Window, "person_a person_b time"),
            ("timestamp,user_a,user_b,rssi", true, When::Window, "time person_a person_b -"),
            ("time,p1,p2", true, When::Window, "time person_a person_b"),
            ("Person A, Person B, Start Time, End Time", true, When::Span, "person_a person_b from to"),
            ("person1_id,person2_id,contact_time", true, When::Window, "person_a person_b time"),
            ("id,source,target,start,end", true, When::Span, "- person_a person_b from to"),
            ("person,contact,date,start,end", true, When::Span, "person_a person_b date from to"),
            ("from,to,timestamp", true, When::Window, "person_a person_b time"),
            ("人员1,人员2,时间,时长", true, When::Lasting, "person_a person_b from duration"),
            ("甲,乙,开始时间,结束时间", true, When::Span, "person_a person_b from to"),
            ("Timestamp (ms),src,dst", true, When::Window, "time person_a person_b"),
            ("start_utc,end_utc,uid1,uid2", true, When::Span, "from to person_a person_b"),
            ("姓名,身份证号,场所,进,出", false, When::Span, "- person place from to"),
            ("tag_id1,tag_id2,unix_time", true, When::Window, "person_a person_b time"),
        ] {
            assert_eq!(roles(heads), Ok((are_pairs, when, names.to_owned())), "{heads}");
        }
    }

    #[test]
    fn columns_that_make_no_form_or_may_be_one_another_are_refused_with_the_mend() {
        let told = roles("alpha,beta,gamma").expect_err("no form");
        assert!(told.starts_with("its columns are alpha, beta, gamma: a file of whereabouts has"), "{told}");
        let told = roles("i,j,start,end,start").expect_err("twice");
        assert!(told.contains("`start` and `start` may both be `from`: say which, as --column from=5"), "{told}");
        assert!(roles("source,target,weight").is_err());
        assert!(roles("i,j,time (min)").is_err(), "minutes are no seconds");
        assert!(roles("i,j,start,duration (h)").is_err(), "hours are no seconds");
    }

    #[test]
    fn the_command_line_says_which_column_is_which() {
        let heads = ["Badge no", "Hall", "In", "Out", "person"].map(str::to_owned);
        let named = ["person=Badge no", "place=2", "from=in", "to=OUT"].map(|text| Named::parse(text).expect(text));
        let columns = Columns::of(&heads, &named).expect("columns");
        assert_eq!(columns.told(), "Badge no = person, Hall = place, In = from, Out = to; not used: person");
        assert!(Named::parse("colour=3").expect_err("no role").contains("roles are person, person_a"));
        let missing = Columns::of(&heads, &[Named::parse("place=Room").expect("a role")]).expect_err("missing");
        assert!(missing.to_string().contains("no column `Room` as --column says: its columns are Badge no"));
    }
}
