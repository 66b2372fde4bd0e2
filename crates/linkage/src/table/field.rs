//! The columns that are understood, and the fields that are compared.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

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
    /// Year of birth.
    BirthYear,
    /// Month of birth, beside the year.
    BirthMonth,
    /// Day of the month of birth, beside year and month.
    BirthDay,
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
            Self::Surname => &[Self::Given],
            Self::BirthPlace => &[Self::Suburb],
            Self::Occupation => &[Self::Sex],
            Self::NationalId => &[Self::Birth],
            Self::Email => &[Self::Surname, Self::Given],
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
    /// Its name in the design: the heading that is preferred to others of the same meaning.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullName => "full_name",
            Self::GivenName => "given_name",
            Self::Surname => "surname",
            Self::Gender => "gender",
            Self::Dob => "dob",
            Self::BirthYear => "birth_year",
            Self::BirthMonth => "birth_month",
            Self::BirthDay => "birth_day",
            Self::NationalId => "national_id",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::StreetNumber => "street_number",
            Self::Address1 => "address_1",
            Self::Address2 => "address_2",
            Self::Suburb => "suburb",
            Self::Postcode => "postcode",
            Self::State => "state",
            Self::BirthPlace => "birth_place",
            Self::Occupation => "occupation",
        }
    }

    /// The column that a heading names, in any spelling of it that is common; `None` for one that is not understood.
    /// What stands in brackets at its end explains it.
    pub fn recognise(heading: &str) -> Option<Self> {
        let without =
            heading.trim_end().strip_suffix([')', ']', '）']).and_then(|text| text.rsplit_once(['(', '[', '（']));
        Self::called(heading).or_else(|| Self::called(without?.0))
    }

    fn called(heading: &str) -> Option<Self> {
        let plain: String = heading.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let whose = ["patient", "person", "customer", "client", "member", "applicant", "resident", "employee", "voter"];
        let column = named(&plain);
        column.or_else(|| whose.iter().find_map(|whose| plain.strip_prefix(whose)).and_then(named))
    }
}

fn named(plain: &str) -> Option<Column> {
    Some(match plain {
        "fullname" | "name" | "personname" | "patientname" | "completename" | "namefull" | "displayname"
        | "nomcomplet" | "nombrecompleto" | "nomeprenom" | "nometprenom" | "nomecompleto" | "vollername" | "姓名"
        | "名字" | "居民姓名" | "患者姓名" | "客户姓名" | "病人姓名" | "学生姓名" | "员工姓名" => {
            Column::FullName
        }
        "givenname" | "givennames" | "given" | "namegiven" | "namefirst" | "firstname" | "firstnames" | "first"
        | "fname" | "forename" | "forenames" | "christianname" | "vorname" | "vornamen" | "rufname" | "prenom"
        | "prenoms" | "nombre" | "nombres" | "nome" | "voornaam" | "imie" | "名" => Column::GivenName,
        "surname" | "surnames" | "namefamily" | "namelast" | "lastname" | "lastnames" | "last" | "lname" | "sname"
        | "familyname" | "family" | "nachname" | "familienname" | "zuname" | "nom" | "nomdefamille" | "apellido"
        | "apellidos" | "cognome" | "sobrenome" | "apelido" | "achternaam" | "nazwisko" | "姓" | "姓氏" => {
            Column::Surname
        }
        "gender" | "sex" | "sexgender" | "gendercode" | "sexcode" | "geschlecht" | "sexe" | "sexo" | "sesso"
        | "genre" | "genero" | "plec" | "płec" | "性别" => Column::Gender,
        "birthyear" | "yearofbirth" | "yob" | "dobyear" | "geburtsjahr" | "出生年份" => Column::BirthYear,
        "birthmonth" | "monthofbirth" | "dobmonth" | "geburtsmonat" | "出生月份" => Column::BirthMonth,
        "dayofbirth" | "birthdayofmonth" | "dobday" => Column::BirthDay,
        "dob" | "dateofbirth" | "birthdate" | "birthday" | "birth" | "bday" | "born" | "borndate" | "borndat"
        | "geburtsdatum" | "geburtstag" | "gebdatum" | "gebdat" | "geboren" | "datedenaissance" | "datenaissance"
        | "naissance" | "fechadenacimiento" | "fechanacimiento" | "fnacimiento" | "datadenascimento"
        | "datanascimento" | "datadinascita" | "datanascita" | "dataurodzenia" | "geboortedatum" | "出生日期"
        | "生日" | "出生年月" | "出生年月日" | "出生时间" => Column::Dob,
        "nationalid"
        | "nationalidnumber"
        | "nationalidno"
        | "nationalidentitynumber"
        | "nationalinsurancenumber"
        | "nin"
        | "nino"
        | "socsecid"
        | "ssn"
        | "socialsecuritynumber"
        | "socialsecurityno"
        | "socialsecurity"
        | "sin"
        | "idnumber"
        | "idno"
        | "idcard"
        | "idcardnumber"
        | "idcardno"
        | "identitynumber"
        | "identityno"
        | "identitycard"
        | "governmentid"
        | "govid"
        | "nhsnumber"
        | "nhsno"
        | "taxid"
        | "taxnumber"
        | "aadhaar"
        | "aadhar"
        | "dni"
        | "nie"
        | "nif"
        | "nss"
        | "curp"
        | "cpf"
        | "codicefiscale"
        | "bsn"
        | "pesel"
        | "passport"
        | "passportno"
        | "passportnumber"
        | "ausweisnummer"
        | "svnr"
        | "ahvnummer"
        | "身份证"
        | "身份证号"
        | "身份证号码"
        | "证件号"
        | "证件号码"
        | "公民身份号码"
        | "居民身份证号"
        | "身份号码" => Column::NationalId,
        "phone" | "phonenumber" | "phoneno" | "phone1" | "telephone" | "telephonenumber" | "telephoneno" | "telno"
        | "mobile" | "mobilephone" | "mobilenumber" | "mobileno" | "mob" | "cell" | "cellphone" | "cellnumber"
        | "tel" | "contactnumber" | "contactno" | "contactphone" | "homephone" | "telefon" | "telefonnummer"
        | "rufnummer" | "handy" | "handynummer" | "mobil" | "mobilnummer" | "telefono" | "telefone" | "celular"
        | "movil" | "portable" | "telefoon" | "手机" | "手机号" | "手机号码" | "电话" | "联系电话" | "电话号码"
        | "联系方式" | "联系手机" => Column::Phone,
        "email" | "emailaddress" | "emailid" | "mail" | "mailaddress" | "emailadresse" | "courriel" | "correo"
        | "correoelectronico" | "邮箱" | "电子邮件" | "电子邮箱" => Column::Email,
        "streetnumber" | "housenumber" | "streetno" | "houseno" | "hausnummer" | "hausnr" | "buildingnumber"
        | "numerocalle" | "门牌号" | "门牌" => Column::StreetNumber,
        "address1" | "address" | "addr" | "addr1" | "addressline1" | "addressline" | "line1" | "street" | "street1"
        | "streetname" | "streetaddress" | "homeaddress" | "fulladdress" | "residentialaddress" | "postaladdress"
        | "mailingaddress" | "currentaddress" | "strasse" | "straße" | "str" | "anschrift" | "adresse" | "adresse1"
        | "rue" | "direccion" | "domicilio" | "calle" | "endereco" | "indirizzo" | "adres" | "地址" | "住址"
        | "家庭住址" | "联系地址" | "现住址" | "详细地址" | "家庭地址" | "居住地址" | "户籍地址" => {
            Column::Address1
        }
        "address2" | "addr2" | "addressline2" | "line2" | "street2" | "apartment" | "apt" | "unit" | "unitnumber"
        | "adresse2" | "adresszusatz" | "地址2" => Column::Address2,
        "suburb" | "city" | "town" | "village" | "locality" | "place" | "municipality" | "cityname" | "towncity"
        | "citytown" | "ort" | "wohnort" | "stadt" | "gemeinde" | "ville" | "commune" | "ciudad" | "localidad"
        | "municipio" | "cidade" | "citta" | "comune" | "woonplaats" | "miasto" | "parish" | "城市" | "市" | "区"
        | "区县" | "县" | "街道" | "社区" | "乡镇" => Column::Suburb,
        "postcode" | "postalcode" | "postal" | "zip" | "zipcode" | "zip5" | "pincode" | "eircode" | "plz"
        | "postleitzahl" | "codepostal" | "codigopostal" | "cp" | "cep" | "cap" | "kodpocztowy" | "postcodefake"
        | "邮编" | "邮政编码" => Column::Postcode,
        "state" | "province" | "county" | "region" | "statecode" | "stateprovince" | "bundesland" | "land"
        | "kanton" | "departement" | "provincia" | "estado" | "省" | "省份" => Column::State,
        "birthplace" | "placeofbirth" | "birthcity" | "birthtown" | "geburtsort" | "lieudenaissance"
        | "lieunaissance" | "lugardenacimiento" | "lugarnacimiento" | "出生地" | "出生地点" | "籍贯" => {
            Column::BirthPlace
        }
        "occupation" | "profession" | "job" | "jobtitle" | "trade" | "employment" | "beruf" | "metier"
        | "profesion" | "ocupacion" | "professione" | "职业" | "工作" => Column::Occupation,
        _ => return None,
    })
}
