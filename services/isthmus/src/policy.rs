//! `isthmus policy`: whether policies can be used, and what they decide.

use std::path::PathBuf;
use std::process::ExitCode;

use access::{Action, Caller, CaseReference, Decision, FieldGroup, Policy, Purpose, Request, Role, Subject};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use domain::{PersonId, TokenKey};
use ledger::{Released, SubjectHandle};
use runtime::keys;
use store::lineage;

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::hub::{self, AdminDatabase};
use crate::on_record::{OnRecord, OperatorArgs};
use crate::rules;

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether permits can be used, or what is wrong with them and where. Without a file: those in force.
    #[command(after_help = "Example:\n  isthmus policy check permits.cedar")]
    Check(CheckArgs),
    /// Say what a caller would be shown, group by group, and which policies decide it.
    #[command(
        after_help = "Examples:\n  isthmus policy explain --role cdc-tracer --unit CDC-01 --purpose PUBHLTH --case C-7 --action read-person --handle operator-1\n  isthmus policy explain --role community-worker --unit 320506001007 --purpose PUBHLTH --person 3f2504e0-4f89-51d3-9a0c-123456789012 --handle operator-1"
    )]
    Explain(Box<ExplainArgs>),
}

/// Options of `policy check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Permits in Cedar.
    file: Option<PathBuf>,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `policy explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Role of the caller.
    #[arg(long, value_parser = role)]
    role: Role,
    /// Community unit of the caller.
    #[arg(long)]
    unit: Option<String>,
    /// Purpose, an HL7 code.
    #[arg(long, value_parser = purpose)]
    purpose: Purpose,
    /// Organisation of the caller, where cases name it before the unit.
    #[arg(long)]
    organisation: Option<String>,
    /// The case that the caller would state: whether it is open and the caller's is looked up in the hub that is here, on record.
    #[arg(long)]
    case: Option<String>,
    /// Only this question; without it every one.
    #[arg(long, value_parser = action)]
    action: Option<Action>,
    /// A person of the hub, whose units are looked up; the look is on record. Without one: somebody in no unit.
    #[arg(long, value_name = "ID")]
    person: Option<uuid::Uuid>,
    /// Suppose a person in this unit.
    #[arg(long, value_name = "UNIT", conflicts_with = "person")]
    in_unit: Option<String>,
    /// Suppose that the person is the caller.
    #[arg(long)]
    own: bool,
    /// Suppose that the records are under review.
    #[arg(long)]
    under_review: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

pub(crate) async fn run(command: PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check(args) => check(&args)?,
        PolicyCommand::Explain(args) => explain(*args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let config = Config::resolve(&args.common)?;
    let policy = rules::policy(args.file.as_deref().or(config.permits.as_deref()))?;
    println!("The policies can be used. Their hash is {}.", policy.hash());
    Ok(())
}

async fn explain(args: ExplainArgs) -> anyhow::Result<()> {
    let config = Config::resolve(&args.common)?;
    let policy = rules::policy(config.permits.as_deref())?;
    let units = match args.person {
        Some(person) => units_of(&config, &args.operator, PersonId::from_uuid(person)).await?,
        None => args.in_unit.into_iter().collect(),
    };
    let subject = Subject { units, is_self: args.own, is_under_review: args.under_review };
    let case = args.case.as_deref().map(CaseReference::parse).transpose().context("--case")?;
    // As the hub does: what opens nothing for a role is nothing that it could state.
    let case = case.filter(|_| policy.asks_for_a_case(args.role));
    let supposed = || "supposed".to_owned();
    let (handle, organisation) = (supposed(), args.organisation.unwrap_or_else(supposed));
    let caller = Caller { handle, organisation, role: args.role, unit: args.unit, own_claim: None };
    let looked = match &case {
        Some(case) => look_up(&config, &args.operator, case, &caller).await?,
        None => CaseLook::NoCase,
    };
    for &action in Action::ALL.iter().filter(|action| args.action.is_none_or(|only| only == **action)) {
        let request = Request { action, purpose: args.purpose, case: case.clone(), grant: None };
        print!("{}", told(&policy, &caller, &request, &subject, looked));
    }
    Ok(())
}

/// What was found of the case that the caller would state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaseLook {
    /// None is stated.
    NoCase,
    /// There is no hub here to look it up in.
    NoHub,
    /// It is open, and no other unit's.
    Opens,
    /// It opens nothing, for this reason.
    Shut(&'static str),
}

/// Whether a case opens anything for a caller now, by the rule that the hub goes by. Who asks is put on record before it is told.
async fn look_up(
    config: &Config,
    operator: &OperatorArgs,
    case: &CaseReference,
    caller: &Caller,
) -> anyhow::Result<CaseLook> {
    if config.database_url.is_none() && !config.data_dir.join("postgres").is_dir() {
        return Ok(CaseLook::NoHub);
    }
    let operator = operator.operator()?;
    let database = AdminDatabase::open(config).await?;
    let mut conn = database.store.acquire().await?;
    let refusal = query_api::case_refusal(&mut conn, case.expose(), caller, hub::now()).await;
    drop(conn);
    database.close().await?;
    let refusal = refusal.context("the cases cannot be read")?;
    let record = OnRecord::open(config, operator).await?;
    let given = record.give("explain-policy", Released { count: 1, ..Released::default() }, refusal).await;
    record.close().await;
    let (refusal, _) = given?;
    Ok(refusal.map_or(CaseLook::Opens, CaseLook::Shut))
}

/// One question: allowed or why not, then each group that its answer could hold.
fn told(policy: &Policy, caller: &Caller, request: &Request, subject: &Subject, looked: CaseLook) -> String {
    // A case that is not open or another unit's is refused whatever the policies say.
    if let CaseLook::Shut(reason) = looked {
        let why = match reason {
            "case-unknown" => "there is no such case",
            "case-closed" => "the case is closed",
            "case-foreign" => "another unit works on the case",
            "case-ambiguous" => "several cases have this number; the id of one says which",
            reason => reason,
        };
        return format!("{}\trefused: {why}\n", request.action);
    }
    let outcome = match policy.decide(caller, request, subject) {
        Decision::Allowed { .. } => match looked {
            CaseLook::NoHub => {
                "allowed, if the case is open and not another unit's; there is no hub here to look it up in".to_owned()
            }
            CaseLook::Opens => "allowed; the case is open and not another unit's".to_owned(),
            CaseLook::NoCase | CaseLook::Shut(_) => "allowed".to_owned(),
        },
        Decision::Refused(refusal) => format!("refused: {refusal}"),
    };
    let mut text = format!("{}\t{outcome}\n", request.action);
    for (group, allowed, policies) in policy.explain(caller, request, subject).parts {
        if group.is_some_and(|group| !request.action.shows().contains(&group)) {
            continue;
        }
        let name = group.map_or("answer", FieldGroup::code);
        let verdict = if allowed { "shown" } else { "withheld" };
        let by = if policies.is_empty() { "nothing permits it".to_owned() } else { policies.join(", ") };
        text.push_str(&format!("  {name}\t{verdict}\t{by}\n"));
    }
    text
}

/// The units that look after a person now. Who asks for them is put on record first.
async fn units_of(config: &Config, operator: &OperatorArgs, person: PersonId) -> anyhow::Result<Vec<String>> {
    let operator = operator.operator()?;
    let database = AdminDatabase::open(config).await?;
    let holders = lineage::list_holders(&mut *database.store.acquire().await?, person).await;
    database.close().await?;
    let holders = holders.context("the person files cannot be read")?;
    let token_key = TokenKey::from_bytes(&keys::key_file(&config.keys().join("token.key"))?);
    let handle = |person: PersonId| SubjectHandle(token_key.opaque("subject", &person.as_uuid().to_string()));
    let subjects: Vec<SubjectHandle> = holders.iter().map(|holder| handle(holder.person_id)).collect();
    let count = subjects.len() as u64;
    let record = OnRecord::open(config, operator).await?;
    let groups = vec![ledger::Code::parse(access::FieldGroup::Residence.code())?];
    let released = Released { subjects, groups, withheld: Vec::new(), count, matter: None };
    let given = record.give("explain-policy", released, holders).await;
    record.close().await;
    let (holders, _) = given?;
    if holders.is_empty() {
        bail!("there is no such person");
    }
    Ok(holders.into_iter().flat_map(|holder| holder.units).collect())
}

fn one_of<T: Copy>(kind: &str, all: &[T], code: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let found = all.iter().copied().find(|item| code(*item) == text);
    let known = || all.iter().copied().map(code).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("there is no such {kind}; there are {}", known()))
}

fn role(text: &str) -> Result<Role, String> {
    one_of("role", Role::ALL, Role::code, text)
}

fn purpose(text: &str) -> Result<Purpose, String> {
    one_of("purpose", Purpose::ALL, Purpose::code, text)
}

fn action(text: &str) -> Result<Action, String> {
    one_of("action", Action::ALL, Action::code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_says_what_is_shown_and_which_policy_decides() {
        let policy = Policy::builtin().expect("valid");
        let caller = Caller {
            handle: "worker-1".to_owned(),
            organisation: "org".to_owned(),
            role: Role::CommunityWorker,
            unit: Some("320506001007".to_owned()),
            own_claim: None,
        };
        let request = Request { action: Action::FindPersons, purpose: Purpose::PublicHealth, case: None, grant: None };
        let of = |unit: &str| Subject { units: vec![unit.to_owned()], ..Subject::default() };
        let own = "find-persons\tallowed\n  identity\tshown\tcommunity-looks-after-own-grid\n  contact\tshown\t\
                   community-looks-after-own-grid\n  residence\tshown\tcommunity-looks-after-own-grid\n";
        let told = |caller: &Caller, request: &Request, unit: &str, looked| {
            super::told(&policy, caller, request, &of(unit), looked)
        };
        assert_eq!(told(&caller, &request, "320506001007G03", CaseLook::NoCase), own);
        let other = told(&caller, &request, "320506001008G01", CaseLook::NoCase);
        assert!(other.starts_with("find-persons\trefused: the person is not the caller's\n"), "{other}");
        assert!(other.contains("identity\twithheld\tworkers-see-their-own-unit-only"), "{other}");
        let tracer = Caller { role: Role::CdcTracer, unit: Some("CDC-01".to_owned()), ..caller };
        let case = CaseReference::parse("C-7").ok();
        let stated = Request { case, ..request.clone() };
        for (looked, expected) in [
            (CaseLook::NoHub, "find-persons\tallowed, if the case is open and not another unit's; there is no hub"),
            (CaseLook::Opens, "find-persons\tallowed; the case is open and not another unit's\n  identity\tshown"),
        ] {
            let text = told(&tracer, &stated, "320506001007", looked);
            assert!(text.starts_with(expected), "{text}");
        }
        let shut = told(&tracer, &stated, "320506001007", CaseLook::Shut("case-foreign"));
        assert_eq!(shut, "find-persons\trefused: another unit works on the case\n", "and nothing is shown");
        let none = told(&tracer, &request, "320506001007", CaseLook::NoCase);
        assert!(none.starts_with("find-persons\trefused: a case"), "{none}");
    }
}
