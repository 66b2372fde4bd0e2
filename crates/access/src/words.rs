//! The closed lists that policies are written in.

use std::collections::BTreeSet;
use std::fmt;

use domain::{IdScheme, SourceKind};
use serde::{Deserialize, Serialize};

macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $code)] $item,)+
        }

        impl $name {
            /// Every item of the list.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// The code that files, columns and headers use.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$item => $code,)+ }
            }

            /// The item with this code, letter for letter.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|item| item.code() == code)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

closed_list! {
    /// What a caller is.
    Role {
        /// Looks after the residents of one community unit.
        CommunityWorker = "community-worker",
        /// Traces cases for disease control.
        CdcTracer = "cdc-tracer",
        /// Reads the log of looks, and no person.
        Auditor = "auditor",
        /// A person who asks for the own file.
        Resident = "resident",
        /// Decides about pairs of records that linkage is not sure of.
        DataSteward = "data-steward",
        /// Pushes feeds and reads the receipts of its own.
        Department = "department",
        /// Runs the machines, and reads no data.
        Operator = "operator",
        /// A downstream system that keeps its references to persons right, and reads no value of a person.
        Subscriber = "subscriber",
        /// Stands up for residents: approves and reviews emergency grants and the names behind handles, and reads no person.
        PrivacyOfficer = "privacy-officer",
        /// Answers for a unit of disease control: approves emergency grants, releases figures, and reads no person.
        CdcLead = "cdc-lead",
        /// Works on figures, and reads no person.
        CdcAnalyst = "cdc-analyst",
    }
}

closed_list! {
    /// What for. The codes are those of HL7 PurposeOfUse (<http://terminology.hl7.org/ValueSet/v3-PurposeOfUse>).
    Purpose {
        /// Treatment of the person.
        Treatment = "TREAT",
        /// Treatment of the person in an emergency.
        EmergencyTreatment = "ETREAT",
        /// Public health: looking after residents, tracing cases.
        PublicHealth = "PUBHLTH",
        /// Operations: keeping registers right, audit.
        Operations = "HOPERAT",
        /// The person's own request.
        PatientRequest = "PATRQT",
        /// Research.
        Research = "HRESCH",
    }
}

closed_list! {
    /// A part of a person file that is granted or withheld as one.
    FieldGroup {
        /// Names, birth date, sex, nationality, identity documents.
        Identity = "identity",
        /// Phones.
        Contact = "contact",
        /// Address, division and community unit, and the card that opens its gate.
        Residence = "residence",
        /// Household, and relation to its head.
        Household = "household",
        /// Which key groups the person belongs to, and until when a quarantine lasts: never the reason.
        Care = "care",
        /// Tests, hospital stays and hospital numbers; what hospitals state.
        Health = "health",
        /// Where the person was: presences, trips, gates, and the tickets for it.
        Trail = "trail",
        /// What the person paid, and by which account.
        Payment = "payment",
        /// Which source said what, when, and what was the runner-up.
        Provenance = "provenance",
        /// Why records were taken for one person.
        Links = "links",
    }
}

closed_list! {
    /// What a caller asks for.
    Action {
        /// Find persons by identifiers or by name and birth date.
        FindPersons = "find-persons",
        /// Read a person's golden record.
        ReadPerson = "read-person",
        /// Read the source records of a person.
        ReadRecords = "read-records",
        /// Read the facts of a person between two instants.
        ReadTimeline = "read-timeline",
        /// Read where a person was and what they did there: stays, trips, gaps.
        ReadItinerary = "read-itinerary",
        /// Read whom a person was near, and where.
        ReadContacts = "read-contacts",
        /// Read the colour of a person's health code, and why it is so.
        ReadHealthCode = "read-health-code",
        /// Read the risk of townships.
        ReadRisk = "read-risk",
        /// Read why the records of a person belong together.
        ReadLinks = "read-links",
        /// Read what became of a person: created, merged, split.
        ReadLineage = "read-lineage",
        /// Read who looked at the own file.
        ReadAccesses = "read-accesses",
        /// Read cases, and what suggests one.
        ReadCases = "read-cases",
        /// Make the contacts of a case follow-ups, and say by hand who has one.
        DirectFollowUps = "direct-follow-ups",
        /// Read what is done about people who met a case.
        ReadFollowUps = "read-follow-ups",
        /// Take a step in the follow-up of somebody.
        StepFollowUp = "step-follow-up",
        /// Read what does not fit together: somebody in quarantine who is elsewhere, a contact on a train.
        ReadSignals = "read-signals",
        /// Appeal against the colour of the own health code.
        AppealHealthCode = "appeal-health-code",
        /// Read such appeals.
        ReadAppeals = "read-appeals",
        /// Decide such appeals.
        DecideAppeal = "decide-appeal",
        /// Say that a value or a record of the own file is wrong.
        ContestFile = "contest-file",
        /// Read what residents say so.
        ReadContests = "read-contests",
        /// Decide it.
        DecideContest = "decide-contest",
        /// Count the residents of a unit.
        ReadUnit = "read-unit",
        /// List the residents of a unit.
        ReadResidents = "read-residents",
        /// Fill a report with the residents of a unit.
        ExportResidents = "export-residents",
        /// List pairs of records that a reviewer is asked about.
        ListReviews = "list-reviews",
        /// Read the two records of such a pair.
        ReadReview = "read-review",
        /// Decide whether two records are of one person, or take that back.
        DecideLink = "decide-link",
        /// List such decisions.
        ReadDecisions = "read-decisions",
        /// Read the log of looks.
        ReadLedger = "read-ledger",
        /// Follow which persons changed and which ids lead where.
        ReadChanges = "read-changes",
        /// Say that a person is invented or known to many, so that looks at it are told.
        MarkPersons = "mark-persons",
        /// Ask for an emergency grant.
        RequestGrant = "request-grant",
        /// Approve one.
        ApproveGrant = "approve-grant",
        /// Stop one.
        StopGrant = "stop-grant",
        /// Say afterwards whether one was right.
        ReviewGrant = "review-grant",
        /// Read which grants there are and were.
        ReadGrants = "read-grants",
        /// Ask for the name behind a handle of the log, and see it once.
        AskName = "ask-name",
        /// Agree that somebody else sees one.
        ApproveName = "approve-name",
        /// Draft, verify and edit figures for the public.
        WorkOnFigures = "work-on-figures",
        /// Release them.
        ReleaseFigures = "release-figures",
        /// Read figures that are not released yet.
        ReadFigures = "read-figures",
        /// Keep looks for a case out of residents' trackers until a date.
        SealCase = "seal-case",
    }
}

impl Role {
    /// Whether it is disease control, whose units work on cases.
    pub const fn works_on_cases(self) -> bool {
        matches!(self, Self::CdcTracer | Self::CdcLead)
    }

    /// Whether an organisation's people act in it. Where there is an OpenID provider, it says who they are.
    pub const fn is_of_staff(self) -> bool {
        matches!(
            self,
            Self::CommunityWorker
                | Self::CdcTracer
                | Self::Auditor
                | Self::DataSteward
                | Self::PrivacyOfficer
                | Self::CdcLead
                | Self::CdcAnalyst
        )
    }
}

impl FieldGroup {
    /// The group of an identifier: a hospital's number tells that somebody is a patient there, a wallet where they pay.
    pub const fn of_scheme(scheme: IdScheme) -> Self {
        match scheme {
            IdScheme::Other
            | IdScheme::Record
            | IdScheme::CnId
            | IdScheme::Passport
            | IdScheme::HkMoPermit
            | IdScheme::TwPermit
            | IdScheme::ForeignPr => Self::Identity,
            IdScheme::Msisdn | IdScheme::Imsi => Self::Contact,
            IdScheme::Mrn | IdScheme::HealthCard => Self::Health,
            IdScheme::BankCard | IdScheme::Wallet => Self::Payment,
            IdScheme::Household | IdScheme::MeterAccount => Self::Household,
            IdScheme::GateCard => Self::Residence,
            IdScheme::Ticket => Self::Trail,
        }
    }

    /// The group that the mere existence of a source's record belongs to: who is in a hospital's register is a patient.
    pub const fn of_source(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Other => Self::Identity,
            SourceKind::Hospital => Self::Health,
            SourceKind::Telecom => Self::Contact,
            SourceKind::Transport => Self::Trail,
            SourceKind::Payment => Self::Payment,
            SourceKind::Community => Self::Residence,
        }
    }
}

impl Action {
    /// Whether the answer can disclose something of a person's file. The change feed holds ids only, the risk of townships
    /// numbers; the name behind a handle is shown by the agreement of two people, not by what relates them to the person.
    pub const fn concerns_a_person(self) -> bool {
        !matches!(
            self,
            Self::ReadLedger
                | Self::ReadChanges
                | Self::ReadRisk
                | Self::MarkPersons
                | Self::RequestGrant
                | Self::ApproveGrant
                | Self::StopGrant
                | Self::ReviewGrant
                | Self::ReadGrants
                | Self::AskName
                | Self::ApproveName
                | Self::WorkOnFigures
                | Self::ReleaseFigures
                | Self::ReadFigures
                | Self::SealCase
        )
    }

    /// Whether it is a part of reviewing what linkage is not sure of.
    pub const fn is_review(self) -> bool {
        matches!(
            self,
            Self::ListReviews
                | Self::ReadReview
                | Self::DecideLink
                | Self::ReadDecisions
                | Self::ReadContests
                | Self::DecideContest
        )
    }

    /// The groups that an answer to this action may hold when they are granted. Others are neither released nor
    /// said to be withheld.
    pub const fn shows(self) -> &'static [FieldGroup] {
        match self {
            Self::FindPersons => &[FieldGroup::Identity, FieldGroup::Contact, FieldGroup::Residence],
            Self::ReadPerson | Self::ReadRecords => &[
                FieldGroup::Identity,
                FieldGroup::Contact,
                FieldGroup::Residence,
                FieldGroup::Household,
                FieldGroup::Health,
                FieldGroup::Trail,
                FieldGroup::Payment,
                FieldGroup::Provenance,
            ],
            Self::ReadTimeline => &[
                FieldGroup::Household,
                FieldGroup::Health,
                FieldGroup::Trail,
                FieldGroup::Payment,
                FieldGroup::Provenance,
            ],
            Self::ReadItinerary => {
                &[FieldGroup::Health, FieldGroup::Trail, FieldGroup::Payment, FieldGroup::Provenance]
            }
            Self::ReadContacts => {
                &[FieldGroup::Household, FieldGroup::Health, FieldGroup::Trail, FieldGroup::Provenance]
            }
            Self::ReadLinks | Self::ReadLineage | Self::DecideLink | Self::ReadDecisions => &[FieldGroup::Links],
            Self::ContestFile | Self::ReadContests | Self::DecideContest => &[FieldGroup::Provenance],
            Self::ReadCases | Self::AppealHealthCode | Self::ReadAppeals | Self::DecideAppeal => &[FieldGroup::Health],
            Self::DirectFollowUps | Self::ReadFollowUps | Self::StepFollowUp => {
                &[FieldGroup::Identity, FieldGroup::Contact, FieldGroup::Residence, FieldGroup::Care]
            }
            Self::ReadSignals => {
                &[FieldGroup::Household, FieldGroup::Health, FieldGroup::Trail, FieldGroup::Provenance]
            }
            Self::ReadUnit => &[FieldGroup::Care],
            Self::ReadResidents | Self::ExportResidents => &[
                FieldGroup::Identity,
                FieldGroup::Contact,
                FieldGroup::Residence,
                FieldGroup::Household,
                FieldGroup::Care,
            ],
            Self::ListReviews => &[FieldGroup::Provenance, FieldGroup::Links],
            Self::ReadReview => &[
                FieldGroup::Identity,
                FieldGroup::Contact,
                FieldGroup::Residence,
                FieldGroup::Household,
                FieldGroup::Health,
                FieldGroup::Trail,
                FieldGroup::Payment,
                FieldGroup::Provenance,
                FieldGroup::Links,
            ],
            Self::ReadHealthCode => &[FieldGroup::Health, FieldGroup::Trail, FieldGroup::Provenance],
            Self::ReadAccesses
            | Self::ReadLedger
            | Self::ReadChanges
            | Self::ReadRisk
            | Self::MarkPersons
            | Self::RequestGrant
            | Self::ApproveGrant
            | Self::StopGrant
            | Self::ReviewGrant
            | Self::ReadGrants
            | Self::AskName
            | Self::ApproveName
            | Self::WorkOnFigures
            | Self::ReleaseFigures
            | Self::ReadFigures
            | Self::SealCase => &[],
        }
    }

    /// The groups of which a policy must grant one, because the action would have nothing to answer without.
    pub const fn needs_one_of(self) -> &'static [FieldGroup] {
        match self {
            Self::ReadPerson | Self::ReadResidents | Self::ExportResidents => Self::FindPersons.shows(),
            // Figures may be all that is shown.
            Self::ReadUnit => &[],
            Self::ReadRecords => &[FieldGroup::Provenance],
            Self::ReadTimeline => &[FieldGroup::Household, FieldGroup::Health, FieldGroup::Trail, FieldGroup::Payment],
            Self::ReadHealthCode => &[FieldGroup::Health],
            Self::ReadItinerary | Self::ReadContacts => &[FieldGroup::Trail],
            Self::DirectFollowUps | Self::ReadFollowUps | Self::StepFollowUp => &[FieldGroup::Care],
            Self::ReadSignals => &[FieldGroup::Household, FieldGroup::Health, FieldGroup::Trail],
            Self::ListReviews | Self::ReadReview => &[FieldGroup::Links],
            _ => self.shows(),
        }
    }
}

/// A set of field groups.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldGroups(BTreeSet<FieldGroup>);

impl FieldGroups {
    /// Every group.
    pub fn all() -> Self {
        FieldGroup::ALL.iter().copied().collect()
    }

    /// Whether the group is in the set.
    pub fn contains(&self, group: FieldGroup) -> bool {
        self.0.contains(&group)
    }

    /// Whether no group is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The groups, in the order of [`FieldGroup::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = FieldGroup> + '_ {
        self.0.iter().copied()
    }

    /// The groups that are not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        FieldGroup::ALL.iter().copied().filter(|group| !self.contains(*group)).collect()
    }

    /// The groups of the set that are among these.
    #[must_use]
    pub fn among(&self, groups: &[FieldGroup]) -> Self {
        self.iter().filter(|group| groups.contains(group)).collect()
    }

    /// The groups in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// The codes of the groups.
    pub fn codes(&self) -> Vec<String> {
        self.iter().map(|group| group.code().to_owned()).collect()
    }
}

impl FromIterator<FieldGroup> for FieldGroups {
    fn from_iter<I: IntoIterator<Item = FieldGroup>>(groups: I) -> Self {
        Self(groups.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_letter_for_letter() {
        assert_eq!(Purpose::from_code("PUBHLTH"), Some(Purpose::PublicHealth));
        for code in ["pubhlth", "PUBHLTH ", "", "*", "PUBHLTH,TREAT"] {
            assert_eq!(Purpose::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn a_set_and_its_complement_hold_every_group_once() {
        let some: FieldGroups = [FieldGroup::Health, FieldGroup::Identity].into_iter().collect();
        assert_eq!(some.union(&some.complement()), FieldGroups::all());
        assert!(some.iter().all(|group| !some.complement().contains(group)));
    }
}
