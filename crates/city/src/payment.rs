//! Scans of wallets at terminals, and some payments on line.

use crate::Error;
use crate::clock::{self, DAY, HOUR};
use crate::dice::{Dice, Purpose, scattered};
use crate::itinerary::Stay;
use crate::people::City;
use crate::places::PlaceKind;
use crate::statement::{self, APP};
use crate::write::{Encoding, Frame, Output, Row, Shape};

const WALLET: Shape = Shape {
    feed: "wallet-scans",
    extension: "csv",
    encoding: Encoding::Gb18030,
    line_end: "\r\n",
    separator: ',',
    time: 1,
    id: None,
    text: 5,
};
const COLUMNS: &str = "订单号,交易时间,金额,状态,商户号,门店,终端号,方向,钱包账号,手机号,实名";

/// A payment before it is written.
struct Payment<'a> {
    order: &'a str,
    at: i64,
    cents: i64,
    status: &'a str,
    /// Merchant, shop and terminal.
    where_to: &'a str,
    direction: &'a str,
    who: &'a str,
}

impl Payment<'_> {
    fn text(&self) -> String {
        let whole = self.cents / 100;
        let amount = if whole >= 1_000 {
            format!("\"¥{},{:03}.{:02}\"", whole / 1_000, whole % 1_000, self.cents % 100)
        } else {
            format!("¥{whole}.{:02}", self.cents % 100)
        };
        let Self { order, status, where_to, direction, who, .. } = self;
        format!("{order}\t,{},{amount},{status},{where_to},{direction},{who}", clock::dashed(self.at))
    }
}

/// Writes the payments of a day.
pub(crate) fn day(city: &City, day: i64, stays: &[Stay], output: &mut Output) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed, Purpose::Wallet, day as u64, 0);
    let mut rows = Vec::new();
    let mut serial = 0;
    for stay in stays {
        let someone = &city.people[stay.person as usize];
        let place = &city.ground.places[stay.place as usize];
        let at_shop = place.kind == PlaceKind::Shop && dice.chance(0.85);
        let on_line = !at_shop && place.kind == PlaceKind::Dwelling && dice.chance(0.012);
        if !someone.has_wallet || !(at_shop || on_line) {
            continue;
        }
        let at = dice.between(stay.start + 60, stay.end - 60);
        let where_to = if on_line {
            "M900000001\t,网上商城,".to_owned()
        } else {
            let terminal = dice.between(1, 3);
            format!("M{:09}\t,{},T{:06}{terminal:02}", 100_000 + stay.place, place.name, stay.place)
        };
        let mut traps = Vec::new();
        let who = account(city, stay.person, at, &mut dice, &mut traps);
        let cents = match dice.below(20) {
            0 => dice.between(100_000, 480_000),
            1..=4 => dice.between(10_000, 60_000),
            _ => dice.between(200, 9_900),
        };
        if cents >= 100_000 {
            traps.push("thousands-separator");
        }
        if on_line {
            traps.push("on-line");
        }
        serial += 1;
        let order = order_number(day, serial);
        let status = "交易成功";
        let paid = Payment { order: &order, at, cents, status, where_to: &where_to, direction: "支出", who: &who };
        rows.push(Row::new(at, paid.text(), Some(stay.person)).traps(traps));
        if dice.chance(city.rates.payment_refund) {
            serial += 1;
            let (next, status) = (order_number(day, serial), format!("退款:{order}"));
            let at = (at + dice.between(120, 7_200)).min((day + 1) * DAY - 1);
            let back = Payment { order: &next, at, status: &status, direction: "收入", ..paid };
            rows.push(Row::new(at, back.text(), Some(stay.person)).trap("refund"));
        }
    }
    let mut spoil = Dice::new(city.seed, Purpose::Spoil, 401, day as u64);
    output.prepare(&mut rows, &WALLET, &mut spoil);
    let head = format!(
        "#扫码交易明细\r\n#机构:云浦支付服务有限公司\r\n#起始时间:{}  终止时间:{}\r\n#{}\r\n{COLUMNS}\r\n",
        clock::dashed(day * DAY),
        clock::dashed((day + 1) * DAY - 1),
        "-".repeat(40),
    );
    let tail =
        if day % 2 == 0 { format!("#共{}笔\r\n", rows.len()) } else { format!("合计,{}笔\r\n", rows.len()) };
    output.write(&WALLET, (day + 1) * DAY + 4 * HOUR, "wallet", &Frame { head, tail }, &rows)?;
    if day == 0 {
        output.repeat_last(&WALLET, (day + 1) * DAY + 6 * HOUR, "wallet-again")?;
    }
    Ok(())
}

/// Wallet, phone and name, as the service gives them out.
fn account(city: &City, person: u32, at: i64, dice: &mut Dice, traps: &mut Vec<&'static str>) -> String {
    let wallet = 2_088_000_000_000_000 + scattered(u64::from(person), 48_271_003, 999_999_937);
    let phone = city.phone_at(person, at).map(|phone| city.phones[phone as usize].number.as_str()).unwrap_or_default();
    let said = statement::name(city, person, APP, dice, traps);
    let name = match dice.below(10) {
        0..=5 => {
            traps.push("name-hidden");
            // The family name is hidden, or all but the last character.
            let last: String = said.text.chars().next_back().into_iter().collect();
            if said.name.family.is_empty() || said.name.latin {
                format!("*{last}")
            } else {
                format!("*{}", said.name.given)
            }
        }
        6 => String::new(),
        _ => said.text,
    };
    format!("{wallet}\t,{phone}\t,{name}")
}

fn order_number(day: i64, serial: u64) -> String {
    format!("{}{:012}", &clock::compact(day * DAY)[..8], scattered(serial, 48_271_000_003, 999_999_999_989))
}
