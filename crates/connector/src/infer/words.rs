//! Words that sources commonly use for codes, and the code of each.

use crate::columns::Field;

/// The code for a word of a field, if it is a common one.
pub(super) fn code(field: Field, word: &str) -> Option<&'static str> {
    let known: &[(&str, &str)] = match field {
        Field::Result => &[
            ("NEGATIVE", "阴性 阴 未检出 negative neg - n"),
            ("POSITIVE", "阳性 阳 检出 positive pos + p"),
            ("SUSPECTED", "可疑 疑似 suspected"),
            ("POOL_RETEST", "单管复核 混管阳性 复核"),
            ("INVALID", "无效 不合格 invalid"),
        ],
        Field::Status => &[
            ("FINAL", "终审 已审核 正式 final"),
            ("PRELIMINARY", "初报 初步 preliminary"),
            ("CORRECTED", "更正 修改 corrected"),
            ("CANCELLED", "撤销 作废 cancelled"),
            ("BOOKED", "已售 已出票 已支付 booked"),
            ("TRAVELLED", "已乘车 已使用 已检票 travelled"),
            ("REFUNDED", "退票 已退票 refunded"),
            ("REBOOKED", "改签 已改签 rebooked"),
        ],
        Field::Direction => &[("IN", "进 入 进入 进门 in 1"), ("OUT", "出 离开 出门 out 0 2")],
        Field::Decision => &[
            ("PASSED", "放行 通过 允许 pass passed allow 是 y"),
            ("REFUSED", "拒绝 禁止 不通过 劝返 refuse refused deny 否 n"),
        ],
        Field::CodeColour => {
            &[("GREEN", "绿 绿码 绿色 green"), ("YELLOW", "黄 黄码 黄色 yellow"), ("RED", "红 红码 红色 red")]
        }
        Field::IdType => &[
            ("CN_ID", "身份证 居民身份证 二代身份证 01 1"),
            ("PASSPORT", "护照 passport"),
            ("HK_MO_PERMIT", "港澳居民来往内地通行证 港澳通行证"),
            ("TW_PERMIT", "台湾居民来往大陆通行证 台胞证"),
        ],
        Field::Datum => &[("WGS84", "wgs84 wgs-84"), ("GCJ02", "gcj02 gcj-02 火星"), ("BD09", "bd09 bd-09 百度")],
        Field::HouseholdKind => &[("FAMILY", "家庭户"), ("COLLECTIVE", "集体户"), ("RENTAL", "租住 租赁")],
        Field::Quality => &[("MEASURED", "实抄 正常 实测"), ("ESTIMATED", "估读 估抄 估算")],
        Field::Unit => &[("kWh", "kwh 千瓦时 度"), ("Wh", "wh")],
        Field::Register => &[("1-0:1.8.0", "正向有功总 1-0:1.8.0 正向有功总电能")],
        Field::Channel => &[
            ("QR_SCAN", "扫码 扫码支付 二维码 付款码 qr"),
            ("ONLINE", "网上 线上 在线"),
            ("CARD", "刷卡 银行卡"),
            ("TRANSFER", "转账"),
        ],
        _ => return None,
    };
    let word = word.to_ascii_lowercase();
    known.iter().find(|(_, words)| words.split(' ').any(|known| known == word)).map(|(code, _)| *code)
}

/// Fields whose words the profile must give codes for.
pub(super) const fn is_coded(field: Field) -> bool {
    matches!(
        field,
        Field::Result
            | Field::Status
            | Field::Direction
            | Field::Decision
            | Field::CodeColour
            | Field::IdType
            | Field::Datum
            | Field::HouseholdKind
            | Field::Quality
            | Field::Unit
            | Field::Register
            | Field::Channel
    )
}
