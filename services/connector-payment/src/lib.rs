//! Payment feeds: scans of wallets, bank statements, card messages.
//!
//! Tables are declared in their profiles alone; a subtly different form of one is a new profile, not new code. Particular
//! to payments are ISO 20022 statements and ISO 8583 messages ([`feeds`] gives them feeds of their own).

mod iso20022;
mod iso8583;
mod organisation;

use std::path::Path;
use std::sync::Arc;

use connector::{Feed, FormatKind, Profile, ProfileError, ProfileFeed};

use iso8583::CardFeed;
use iso20022::StatementFeed;

/// The built-in profiles: file name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("bank-statements.toml", include_str!("../profiles/bank-statements.toml")),
    ("card-messages.toml", include_str!("../profiles/card-messages.toml")),
    ("wallet-scans.toml", include_str!("../profiles/wallet-scans.toml")),
];

/// The feeds of this service; profiles in `folder` add to the built-in ones or replace them.
///
/// # Errors
/// When a profile cannot be used.
pub fn feeds(folder: Option<&Path>) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
    Profile::load("payment", PROFILES, folder)?.into_iter().map(feed).collect()
}

/// The feed that a profile of this service declares.
///
/// # Errors
/// When the profile cannot be used.
pub fn feed(profile: Profile) -> Result<Arc<dyn Feed>, ProfileError> {
    Ok(match profile.format.kind {
        FormatKind::Iso20022 => Arc::new(StatementFeed::new(profile)),
        FormatKind::Iso8583 => Arc::new(CardFeed::new(profile)?),
        _ => Arc::new(ProfileFeed::new(profile)?),
    })
}

#[cfg(test)]
mod tests {
    use connector::Reason;
    use connector::{Draft, Feed, RowError, preview};
    use domain::Timestamp;
    use domain::{Body, Decimal, IdScheme, PaymentMade};
    use test_support::build::token_key;

    use super::*;

    fn feed(name: &str) -> Arc<dyn Feed> {
        let mut feeds = feeds(None).expect("sound profiles").into_iter();
        feeds.find(|feed| feed.id().as_str() == name).expect("a built-in feed")
    }

    fn read(name: &str, text: &str) -> Vec<Result<Vec<Draft>, RowError>> {
        let body = encoding_rs::GB18030.encode(text).0.into_owned();
        let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
        let rows = preview(&*feed(name), &body, &token_key(), now).expect("a body that fits");
        rows.into_iter().map(|(_, result)| result).collect()
    }

    #[test]
    fn the_built_in_profiles_are_sound() {
        assert_eq!(feeds(None).expect("sound profiles").len(), PROFILES.len());
    }

    fn payments(rows: &str) -> Vec<Result<Vec<Draft>, RowError>> {
        let head = "#明细\r\n#机构\r\n#时间\r\n#----\r\n订单号,交易时间,金额,状态,商户号,门店,终端号,方向,钱包账号,手机号,实名";
        read("wallet-scans", &format!("{head}\r\n{rows}\r\n#共2笔\r\n合计,2笔\r\n"))
    }

    fn paid(row: &str) -> PaymentMade {
        let drafts = payments(row).remove(0).expect("a good row");
        match drafts.into_iter().last().expect("a fact").body {
            Body::PaymentMade(payment) => payment,
            other => panic!("unexpected {other:?}"),
        }
    }

    #[test]
    fn amounts_lose_their_signs_and_separators_and_numbers_their_tabs() {
        let payment = paid(
            "202203010001\t,2022-03-01 12:00:00,\"¥1,234.50\",交易成功,M1\t,面馆,T1,支出,2088001\t,13800000001\t,*小明",
        );
        assert_eq!(payment.amount, Decimal::parse("1234.50"));
        assert!(payment.on_site);
        assert_eq!(payment.place.place_id.as_deref(), Some("wallet/T1"));
        let schemes: Vec<_> = payment.subject.iter().map(|claim| claim.scheme).collect();
        assert_eq!(schemes, [IdScheme::Record, IdScheme::Wallet, IdScheme::Msisdn]);
    }

    #[test]
    fn a_refund_takes_an_order_back_and_proves_no_presence() {
        let payment = paid("2\t,2022-03-01 12:00:00,¥5.00,退款:1,M1,面馆,T1,收入,2088001,13800000001,");
        assert_eq!(payment.amount, Decimal::parse("-5"));
        assert_eq!((payment.reverses.as_deref(), payment.on_site), (Some("1"), false));
        let unnamed = payments("2,2022-03-01 12:00:00,5,退款成功,M1,面馆,T1,收入,2088001,13800000001,").remove(0);
        let error = unnamed.expect_err("of no order");
        assert!(error.reason == Reason::RequiredMissing && error.message.contains("does not name"), "{error}");
        let unknown = payments("2,2022-03-01 12:00:00,5,处理中,M1,面馆,T1,收入,2088001,13800000001,").remove(0);
        assert_eq!(unknown.expect_err("an unknown state").reason, Reason::ValueUnknown);
    }

    #[test]
    fn preamble_and_trailer_are_no_rows() {
        assert_eq!(payments("1,2022-03-01 12:00:00,5,成功,M1,面馆,,支出,2088001,,").len(), 1);
    }

    #[test]
    fn a_payment_without_terminal_is_nowhere() {
        let payment = paid("1,2022-03-01 12:00:00,5,成功,M900000001,网上商城,,支出,2088001,,");
        assert!(!payment.on_site);
        // A wallet account alone is a bare identifier: nothing is stated about a person.
        assert_eq!(payment.subject.iter().map(|claim| claim.scheme).collect::<Vec<_>>(), [IdScheme::Wallet]);
    }
}
