//! The city's ground: townships, communities, grids, cells, gates, and every place where somebody can stay.
//!
//! The county-level city of 云浦 (division code 320588, which was never assigned) lies where no real one does by that name.

use crate::Error;
use crate::clock::{self, DAY, MINUTE};
use crate::dice::{Dice, Purpose};
use crate::people::City;
use crate::write::{Encoding, Frame, Output, Row, Shape};

/// Division code of the city.
pub(crate) const DIVISION: &str = "320588";
/// Name of the city in addresses.
pub(crate) const CITY: &str = "云浦市";

const TOWNSHIPS: [&str; 12] = [
    "城关镇",
    "河东街道",
    "湖滨街道",
    "石桥镇",
    "云岭镇",
    "南渡镇",
    "梅园街道",
    "新港镇",
    "双塔镇",
    "白沙镇",
    "开发区街道",
    "柳林乡",
];
const COMMUNITIES: [&str; 9] = ["幸福", "和平", "建设", "向阳", "新华", "东湖", "西园", "民主", "金鸡"];
const SHOPS: [&str; 8] = ["便民超市", "早餐店", "生鲜市场", "大药房", "面馆", "理发店", "奶茶店", "五金店"];
const FIRMS: [&str; 7] =
    ["电子有限公司", "纺织厂", "物流有限公司", "精密机械有限公司", "食品有限公司", "建筑公司", "软件园"];

/// What people do in a place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum PlaceKind {
    Dwelling,
    Workplace,
    School,
    Shop,
    Hospital,
    Station,
}

impl PlaceKind {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Dwelling => "dwelling",
            Self::Workplace => "workplace",
            Self::School => "school",
            Self::Shop => "shop",
            Self::Hospital => "hospital",
            Self::Station => "station",
        }
    }
}

/// A place where somebody can stay. Coordinates are WGS-84.
pub(crate) struct Place {
    pub(crate) kind: PlaceKind,
    pub(crate) grid: u32,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) cell: u32,
    pub(crate) gate: Option<u32>,
    pub(crate) name: String,
}

/// A grid (网格): the smallest unit that a community worker looks after.
pub(crate) struct Grid {
    /// Twelve digits of the community and `G01`.
    pub(crate) code: String,
    /// Township and community by name.
    pub(crate) name: String,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    /// The gate of its compound, when it has one.
    pub(crate) gate: Option<u32>,
    pub(crate) dwellings: u32,
}

/// A cell of the mobile network. Coordinates are WGS-84; the register states them in `datum`.
pub(crate) struct Cell {
    pub(crate) id: String,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) datum: &'static str,
    pub(crate) azimuth: i64,
    pub(crate) radius_m: i64,
    pub(crate) grid: u32,
}

/// A gate where passes are scanned.
pub(crate) struct Gate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) grid: u32,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
}

/// A place as its register has it.
pub(crate) struct Entry<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) grid: u32,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
}

/// Writes a register of places, once: `file` and what its first two columns are called.
pub(crate) fn register<'a>(
    city: &City,
    feed: &'static str,
    (file, columns): (&str, &str),
    entries: impl Iterator<Item = Entry<'a>>,
    output: &mut Output,
) -> Result<(), Error> {
    let shape = Shape {
        feed,
        extension: "csv",
        encoding: Encoding::Gb18030,
        line_end: "\r\n",
        separator: ',',
        time: 6,
        id: None,
        text: 1,
    };
    let in_use = clock::date(-400 * DAY);
    let row = |Entry { id, name, grid, lat, lon }: Entry<'_>| {
        let village = &city.ground.grids[grid as usize].code[..12];
        Row::new(0, format!("{id},{name},{village},{lon:.6},{lat:.6},WGS84,{in_use}"), None).kept()
    };
    let rows: Vec<Row> = entries.map(row).collect();
    let head = Frame::header(&format!("{columns},区划代码,经度,纬度,坐标系,启用日期"), &shape);
    output.write(&shape, 20 * MINUTE, file, &head, &rows)
}

/// The ground.
pub(crate) struct Ground {
    pub(crate) grids: Vec<Grid>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) places: Vec<Place>,
    pub(crate) workplaces: Vec<u32>,
    pub(crate) schools: Vec<u32>,
    pub(crate) shops: Vec<u32>,
    pub(crate) hospitals: [u32; 2],
    pub(crate) station: u32,
}

impl Ground {
    /// Lays out a city for a number of residents, still without dwellings.
    pub(crate) fn new(seed: u64, residents: u32) -> Self {
        let mut dice = Dice::new(seed, Purpose::Places, 0, 0);
        let count = (residents / 350).max(4);
        let mut ground = Self {
            grids: Vec::new(),
            cells: Vec::new(),
            gates: Vec::new(),
            places: Vec::new(),
            workplaces: Vec::new(),
            schools: Vec::new(),
            shops: Vec::new(),
            hospitals: [0; 2],
            station: 0,
        };
        for index in 0..count {
            ground.add_grid(index, &mut dice);
        }
        ground.station = ground.add(PlaceKind::Station, 0, "云浦站".to_owned(), &mut dice);
        for (slot, name) in ["云浦市第一人民医院", "云浦市中医院"].into_iter().enumerate() {
            ground.hospitals[slot] = ground.add(PlaceKind::Hospital, slot as u32 * 2, name.to_owned(), &mut dice);
        }
        let kinds = [
            (PlaceKind::Workplace, (residents / 30).max(3)),
            (PlaceKind::School, (residents / 2_500).max(2)),
            (PlaceKind::Shop, (residents / 120).max(4)),
        ];
        for (kind, number) in kinds {
            for index in 0..number {
                let grid = dice.below(count as usize) as u32;
                let name = match kind {
                    PlaceKind::Workplace => format!("云浦{}{}", index + 1, dice.pick(&FIRMS)),
                    PlaceKind::School => format!("云浦市第{}学校", index + 1),
                    _ => format!("{}{}{}", ground.grids[grid as usize].name, dice.pick(&SHOPS), index + 1),
                };
                let place = ground.add(kind, grid, name, &mut dice);
                ground.list_of(kind).push(place);
            }
        }
        ground
    }

    /// Adds a dwelling to a grid and returns it.
    pub(crate) fn add_dwelling(&mut self, dice: &mut Dice) -> u32 {
        let grid = dice.below(self.grids.len()) as u32;
        let number = self.grids[grid as usize].dwellings;
        self.grids[grid as usize].dwellings += 1;
        let (building, unit, floor, door) = (number / 48 + 1, number / 24 % 2 + 1, number / 4 % 6 + 1, number % 4 + 1);
        // The grids of a community share its name: each has its own range of building numbers.
        let building = building + grid % 3 * 40;
        let name = format!("{CITY}{}{building}号楼{unit}单元{floor}0{door}室", self.grids[grid as usize].name);
        self.add(PlaceKind::Dwelling, grid, name, dice)
    }

    fn list_of(&mut self, kind: PlaceKind) -> &mut Vec<u32> {
        match kind {
            PlaceKind::Workplace => &mut self.workplaces,
            PlaceKind::School => &mut self.schools,
            _ => &mut self.shops,
        }
    }

    fn add(&mut self, kind: PlaceKind, grid: u32, name: String, dice: &mut Dice) -> u32 {
        let own_gate = match kind {
            PlaceKind::School | PlaceKind::Hospital => true,
            PlaceKind::Workplace => dice.chance(0.6),
            _ => false,
        };
        let (lat, lon) = moved(self.grids[grid as usize].lat, self.grids[grid as usize].lon, 280.0, dice);
        let gate = if own_gate {
            Some(self.add_gate(format!("{name}大门"), grid, lat, lon))
        } else if kind == PlaceKind::Dwelling {
            self.grids[grid as usize].gate
        } else {
            None
        };
        let near = |cell: u32| {
            let cell = &self.cells[cell as usize];
            (cell.lat - lat).powi(2) + (cell.lon - lon).powi(2)
        };
        let cell = if near(grid * 2) <= near(grid * 2 + 1) { grid * 2 } else { grid * 2 + 1 };
        self.places.push(Place { kind, grid, lat, lon, cell, gate, name });
        self.places.len() as u32 - 1
    }

    fn add_gate(&mut self, name: String, grid: u32, lat: f64, lon: f64) -> u32 {
        self.gates.push(Gate { id: format!("G{:05}", self.gates.len() + 1), name, grid, lat, lon });
        self.gates.len() as u32 - 1
    }

    /// A grid with its two cells. Nine grids make a township, three a community; they lie on a spiral.
    fn add_grid(&mut self, index: u32, dice: &mut Dice) {
        let (township, community, grid) = (index / 9, index / 3 % 3, index % 3);
        let (angle, distance) = (f64::from(index) * 2.399_963, 420.0 * f64::from(index).sqrt());
        let lat = 31.3500 + distance * angle.sin() / 111_000.0;
        let lon = 120.9500 + distance * angle.cos() / 95_000.0;
        let village = format!("{DIVISION}{:03}{:03}", township % 999 + 1, community + 1);
        let (round, place) = (township / 12, TOWNSHIPS[township as usize % TOWNSHIPS.len()]);
        let place = if round == 0 { place.to_owned() } else { format!("第{round}{place}") };
        let name = format!("{place}{}社区", COMMUNITIES[(township * 3 + community) as usize % COMMUNITIES.len()]);
        let gate = dice.chance(0.65).then(|| self.add_gate(format!("{name}{}号门", grid + 1), index, lat, lon));
        self.grids.push(Grid { code: format!("{village}G{:02}", grid + 1), name, lat, lon, gate, dwellings: 0 });
        for sector in 0..2_u32 {
            let (lat, lon) = moved(lat, lon, 350.0, dice);
            // A sixth of the cells is stated in a datum of maps, which shifts them by hundreds of metres.
            let datum = *dice.pick(&["WGS84", "WGS84", "WGS84", "WGS84", "GCJ02", "BD09"]);
            self.cells.push(Cell {
                id: format!("460-00-{}-{}", 20_480 + township, 52_000_001 + index * 16 + sector),
                lat,
                lon,
                datum,
                azimuth: i64::from(sector) * 180 + 20 * dice.between(0, 5),
                radius_m: *dice.pick(&[300, 400, 500, 800, 1_500]),
                grid: index,
            });
        }
    }
}

fn moved(lat: f64, lon: f64, metres: f64, dice: &mut Dice) -> (f64, f64) {
    (lat + dice.swing() * metres / 111_000.0, lon + dice.swing() * metres / 95_000.0)
}

/// The 800 m square of a point: row and column, as the feeds' format page defines them. The row counts 800 m of
/// meridian arc on the WGS-84 ellipsoid from the equator; the column counts 800 m along the parallel in the middle of the row.
pub(crate) fn square(lat: f64, lon: f64) -> (i64, i64) {
    const A: f64 = 6_378_137.0;
    const E2: f64 = 0.006_694_379_990_141_316;
    let phi = lat.to_radians();
    let arc = A
        * ((1.0 - E2 / 4.0 - 3.0 * E2 * E2 / 64.0) * phi - (3.0 * E2 / 8.0 + 3.0 * E2 * E2 / 32.0) * (2.0 * phi).sin()
            + 15.0 * E2 * E2 / 256.0 * (4.0 * phi).sin());
    let row = (arc / 800.0).floor();
    let metres_per_radian = A * (1.0 - E2) / (1.0 - E2 * phi.sin().powi(2)).powf(1.5);
    let middle = phi + ((row + 0.5) * 800.0 - arc) / metres_per_radian;
    let parallel = A / (1.0 - E2 * middle.sin().powi(2)).sqrt() * middle.cos();
    (row as i64, (lon.to_radians() * parallel / 800.0).floor() as i64)
}

/// WGS-84 to GCJ-02, by the published approximation.
pub(crate) fn gcj02(lat: f64, lon: f64) -> (f64, f64) {
    use std::f64::consts::PI;
    let (x, y) = (lon - 105.0, lat - 35.0);
    let wave = |a: f64, b: f64, c: f64, scale: f64| scale * (a * PI).sin() + b * (c * PI).sin();
    let common = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let d_lat = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + common
        + wave(y, 40.0, y / 3.0, 20.0) * 2.0 / 3.0
        + wave(y / 12.0, 320.0, y / 30.0, 160.0) * 2.0 / 3.0;
    let d_lon = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + common
        + wave(x, 40.0, x / 3.0, 20.0) * 2.0 / 3.0
        + wave(x / 12.0, 300.0, x / 30.0, 150.0) * 2.0 / 3.0;
    let (a, ee) = (6_378_245.0, 0.006_693_421_622_965_943);
    let phi = lat.to_radians();
    let magic = 1.0 - ee * phi.sin().powi(2);
    let lat_shift = d_lat * 180.0 / (a * (1.0 - ee) / (magic * magic.sqrt()) * PI);
    let lon_shift = d_lon * 180.0 / (a / magic.sqrt() * phi.cos() * PI);
    (lat + lat_shift, lon + lon_shift)
}

/// GCJ-02 to BD-09.
pub(crate) fn bd09(lat: f64, lon: f64) -> (f64, f64) {
    let turn = std::f64::consts::PI * 3_000.0 / 180.0;
    let z = (lon * lon + lat * lat).sqrt() + 0.000_02 * (lat * turn).sin();
    let theta = lat.atan2(lon) + 0.000_003 * (lon * turn).cos();
    (z * theta.sin() + 0.006, z * theta.cos() + 0.0065)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn map_datums_shift_a_point_by_hundreds_of_metres_to_the_known_place() {
        // Tian'anmen, WGS-84 39.90734, 116.39089: the figure that map services give in GCJ-02 is 39.90874, 116.39713.
        let (lat, lon) = gcj02(39.907_34, 116.390_89);
        assert!((lat - 39.908_74).abs() < 2e-4 && (lon - 116.397_13).abs() < 2e-4, "{lat} {lon}");
        let (lat, lon) = bd09(39.908_74, 116.397_13);
        assert!((lat - 39.915_1).abs() < 3e-4 && (lon - 116.403_5).abs() < 3e-4, "{lat} {lon}");
    }

    #[test]
    fn a_square_is_800_metres_wide_and_high() {
        let (row, column) = square(31.35, 120.95);
        let metres = 1.0 / 110_870.0;
        assert_eq!(square(31.35 + 800.0 * metres, 120.95).0, row + 1);
        assert_eq!(square(31.35, 120.95 + 800.0 / 95_150.0).1, column + 1);
    }
}
