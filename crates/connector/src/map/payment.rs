//! Payments by a wallet.

use domain::{Decimal, PaymentChannel, PaymentMade, PlaceKind, Sensitive};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;
use crate::reason::Reason;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let time = fields.required_moment(Field::PaidTime, Bounds::Happened)?;
    let mut amount = fields.decimal::<2>(Field::Amount)?.ok_or_else(|| fields.missing(Field::Amount))?;
    let reverses = refunded_order(row)?;
    if reverses.is_some() && amount.unscaled() > 0 {
        amount = Decimal::from_unscaled(-amount.unscaled());
    }
    let terminal_id = fields.bounded(Field::Terminal, 64)?;
    let channel = fields.code(Field::Channel)?.unwrap_or(PaymentChannel::QrScan);
    // Only a scan at a terminal that stands somewhere proves that somebody was there, and a refund comes from an office.
    let on_site = terminal_id.is_some() && reverses.is_none() && channel != PaymentChannel::Online;
    let shop = fields.bounded(Field::Merchant, 64)?;
    let mut place = row.place(PlaceKind::Merchant, terminal_id.as_deref().or(shop.as_deref()));
    place.name = fields.bounded(Field::PlaceName, 200)?.map(Sensitive::new);
    let currency = fields.bounded(Field::Currency, 3)?;
    row.fact(&time, |subject| PaymentMade {
        subject,
        amount: Some(amount),
        currency,
        channel,
        on_site,
        terminal_id,
        place,
        reverses,
        pending: false,
    })
}

/// The order that a refund takes back: its number follows a word of the status column.
fn refunded_order(row: &Row<'_>) -> Result<Option<String>, RowError> {
    let fields = row.fields;
    let prefix = fields.profile().options.get("refund_prefix");
    let refund =
        fields.text(Field::Status).zip(prefix).and_then(|(status, prefix)| status.strip_prefix(prefix.as_str()));
    match refund.map(|order| order.trim_start_matches([':', '：']).trim()) {
        None => {
            fields.word(Field::Status)?;
            Ok(None)
        }
        // A word of state behind it, as in `退款成功`, is no number of an order.
        Some(order) if !order.contains(|c: char| c.is_ascii_digit()) => Err(fields.error(
            Field::Status,
            Reason::RequiredMissing,
            "the refund does not name the order it takes back",
        )),
        Some(order) if order.len() > 64 => {
            Err(fields.error(Field::Status, Reason::ValueTooLong, "an order number has at most 64 characters"))
        }
        Some(order) => Ok(Some(order.to_owned())),
    }
}
