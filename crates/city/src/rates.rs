//! How often each trap is planted.

/// Probabilities of everything that makes the feeds hard to read and to link. One place, so that a figure in a report
/// can be traced to it. Unless stated otherwise a rate is per row of the feeds that can have the trap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// A row is unusable: missing columns, impossible date, wrong check digit, NUL byte, half a character.
    pub broken: f64,
    /// A row stands twice in its file.
    pub duplicate: f64,
    /// A row of locations or gates arrives days late, in a file of its own.
    pub late: f64,
    /// A wrong character in a name, of similar look or sound (typed by hand: hospital, laboratory, household).
    pub name_typo: f64,
    /// A character of a name in its traditional or variant form.
    pub name_variant: f64,
    /// A blank inside a name of two characters, or another middle dot.
    pub name_spacing: f64,
    /// A name of a person is a placeholder (无名氏, 测试).
    pub name_placeholder: f64,
    /// A rare character became `?` on its way through an older system; per row whose name has one.
    pub name_loss: f64,
    /// The resident number is left out, in registers and by laboratories.
    pub id_missing: f64,
    /// The resident number ends in a small x; per number ending in X.
    pub id_small_x: f64,
    /// The resident number has full-width digits.
    pub id_full_width: f64,
    /// The resident number is in its 15-digit form; per person born before 1970.
    pub id_old_form: f64,
    /// A spreadsheet turned the resident number into 3.20588E+17 (laboratory rows).
    pub id_scientific: f64,
    /// A birth date is a default (1900-01-01 or 1970-01-01).
    pub birth_default: f64,
    /// A phone is an older number of the person, perhaps another person's by now.
    pub phone_old: f64,
    /// A phone is that of the head of the family.
    pub phone_family: f64,
    /// A stay at a cell is torn into pieces by ping-pong with the neighbour cell.
    pub ping_pong: f64,
    /// A gate scans a person twice within 30 seconds.
    pub double_scan: f64,
    /// A ticket is given back; a further one in the same number is changed for another train.
    pub ticket_refund: f64,
    /// A payment is refunded.
    pub payment_refund: f64,
    /// A register row changes on a day, per member and day.
    pub register_change: f64,
    /// A phone number belonged to somebody else before; per number.
    pub phone_recycled: f64,
    /// An adult holds a second number.
    pub second_phone: f64,
    /// A married woman stands in older sources under her husband's surname before her own; per married woman.
    pub married_in_name: f64,
    /// Somebody lives in a rented dwelling elsewhere than registered, with a row of their own; per adult of a family.
    pub lives_elsewhere: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            broken: 0.003,
            duplicate: 0.002,
            late: 0.015,
            name_typo: 0.012,
            name_variant: 0.012,
            name_spacing: 0.01,
            name_placeholder: 0.001,
            name_loss: 0.4,
            id_missing: 0.03,
            id_small_x: 0.3,
            id_full_width: 0.004,
            id_old_form: 0.02,
            id_scientific: 0.002,
            birth_default: 0.004,
            phone_old: 0.03,
            phone_family: 0.12,
            ping_pong: 0.02,
            double_scan: 0.02,
            ticket_refund: 0.06,
            payment_refund: 0.012,
            register_change: 0.003,
            phone_recycled: 0.02,
            second_phone: 0.15,
            married_in_name: 0.02,
            lives_elsewhere: 0.05,
        }
    }
}
