//! The columns that are understood, and the fields that are compared.

use serde::{Deserialize, Serialize};

/// What a column of a table says of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// The whole name in one piece.
    FullName,
    /// Given name or names.
    GivenName,
    /// Surname.
    Surname,
    /// Sex.
    Gender,
    /// Day of birth.
    Dob,
    /// A national identity or social security number.
    NationalId,
    /// Phone number.
    Phone,
    /// Electronic mail address.
    Email,
    /// Number of the house.
    StreetNumber,
    /// First line of the address, or all of it.
    Address1,
    /// Second line of the address.
    Address2,
    /// Town, suburb or village.
    Suburb,
    /// Postal code.
    Postcode,
    /// State, province or county.
    State,
    /// Place of birth.
    BirthPlace,
    /// Occupation.
    Occupation,
}

/// A field that two records are compared on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TableField {
    /// Given name.
    Given,
    /// Surname.
    Surname,
    /// Sex.
    Sex,
    /// Day of birth.
    Birth,
    /// National identity number.
    NationalId,
    /// Phone number.
    Phone,
    /// Electronic mail address.
    Email,
    /// Postal code.
    Postcode,
    /// Town.
    Suburb,
    /// State.
    State,
    /// First line of the address.
    Address1,
    /// Number of the house.
    StreetNumber,
    /// Second line of the address.
    Address2,
    /// Place of birth.
    BirthPlace,
    /// Occupation.
    Occupation,
}

/// How many fields there are.
pub(crate) const FIELDS: usize = 15;

impl TableField {
    /// Every field, a parent before its children.
    pub const ALL: [Self; FIELDS] = [
        Self::Given,
        Self::Surname,
        Self::Sex,
        Self::Birth,
        Self::NationalId,
        Self::Phone,
        Self::Email,
        Self::Postcode,
        Self::Suburb,
        Self::State,
        Self::Address1,
        Self::StreetNumber,
        Self::Address2,
        Self::BirthPlace,
        Self::Occupation,
    ];

    /// The fields whose agreement makes agreement of this one likelier, for one person and for strangers alike; the
    /// first that both records state is the parent.
    pub(crate) const fn parents(self) -> &'static [Self] {
        match self {
            Self::Sex => &[Self::Given],
            Self::Given => &[Self::Birth],
            Self::BirthPlace => &[Self::Suburb],
            Self::Occupation => &[Self::Sex],
            Self::NationalId => &[Self::Birth],
            Self::Suburb => &[Self::Postcode],
            Self::State => &[Self::Suburb, Self::Postcode],
            Self::Address1 => &[Self::Suburb, Self::Postcode],
            Self::StreetNumber | Self::Address2 => &[Self::Address1, Self::Suburb, Self::Postcode],
            _ => &[],
        }
    }

    /// Name in files and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "given_name",
            Self::Surname => "surname",
            Self::Sex => "gender",
            Self::Birth => "dob",
            Self::NationalId => "national_id",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Postcode => "postcode",
            Self::Suburb => "suburb",
            Self::State => "state",
            Self::Address1 => "address_1",
            Self::StreetNumber => "street_number",
            Self::Address2 => "address_2",
            Self::BirthPlace => "birth_place",
            Self::Occupation => "occupation",
        }
    }
}

impl Column {
    /// The column that a heading names, in any spelling of it that is common; `None` for one that is not understood.
    pub fn recognise(heading: &str) -> Option<Self> {
        let plain: String = heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match plain.as_str() {
            "fullname" | "name" | "personname" | "patientname" | "姓名" | "名字" | "居民姓名" | "患者姓名" => {
                Self::FullName
            }
            "givenname" | "givennames" | "given" | "firstname" | "forename" | "forenames" | "vorname" | "名" => {
                Self::GivenName
            }
            "surname" | "lastname" | "familyname" | "family" | "nachname" | "familienname" | "姓" | "姓氏" => {
                Self::Surname
            }
            "gender" | "sex" | "geschlecht" | "性别" => Self::Gender,
            "dob" | "birthyear" | "yearofbirth" | "dateofbirth" | "birthdate" | "birthday" | "born"
            | "geburtsdatum" | "出生日期" | "生日" | "出生年月" | "出生年月日" => Self::Dob,
            "nationalid" | "socsecid" | "ssn" | "idnumber" | "idno" | "idcard" | "identitynumber" | "nhsnumber"
            | "身份证" | "身份证号" | "身份证号码" | "证件号" | "证件号码" | "公民身份号码" => {
                Self::NationalId
            }
            "phone" | "phonenumber" | "telephone" | "mobile" | "tel" | "telefon" | "手机" | "手机号" | "手机号码"
            | "电话" | "联系电话" | "电话号码" => Self::Phone,
            "email" | "emailaddress" | "mail" | "邮箱" | "电子邮件" | "电子邮箱" => Self::Email,
            "streetnumber" | "housenumber" | "streetno" | "houseno" | "hausnummer" | "门牌号" | "门牌" => {
                Self::StreetNumber
            }
            "address1" | "address" | "addressline1" | "street" | "streetname" | "streetaddress" | "strasse"
            | "straße" | "anschrift" | "地址" | "住址" | "家庭住址" | "联系地址" | "现住址" | "详细地址" => {
                Self::Address1
            }
            "address2" | "addressline2" | "地址2" => Self::Address2,
            "suburb" | "city" | "town" | "village" | "locality" | "ort" | "stadt" | "城市" | "市" | "区" | "区县"
            | "县" | "街道" | "社区" => Self::Suburb,
            "postcode" | "postalcode" | "zip" | "zipcode" | "plz" | "postcodefake" | "邮编" | "邮政编码" => {
                Self::Postcode
            }
            "state" | "province" | "county" | "region" | "bundesland" | "省" | "省份" => Self::State,
            "birthplace" | "placeofbirth" | "geburtsort" | "出生地" | "籍贯" => Self::BirthPlace,
            "occupation" | "profession" | "job" | "beruf" | "职业" => Self::Occupation,
            _ => return None,
        })
    }
}
