//! A profile that is tried on a file without any hub.

use connector::{Profile, ProfileFeed, TrialLimits, try_out, unpacked};
use domain::Timestamp;
use test_support::scratch_dir;

use crate::hub::{NOW, TICKETS, ticket, ticket_file};

#[tokio::test]
async fn a_trial_shows_first_rows_before_and_after_and_each_complaint_with_line_and_column() {
    let profile = Profile::parse("test", TICKETS).expect("a profile");
    let feed = ProfileFeed::new(profile.clone()).expect("a feed");
    let good = ticket("E1", "张伟", "2022-03-01 10:00:00");
    let rows = [
        good.clone(),
        ticket("E2", "李娜", "yesterday"),
        good.replace("11010519491231002X", "110105194912310021"),
        good + ",7",
    ];
    let dir = scratch_dir("trial");
    let file = dir.join("tickets.csv");
    std::fs::write(&file, ticket_file(&rows)).expect("written");
    let stored = unpacked(&profile, &file, &dir).await.expect("read");
    let limits = TrialLimits { samples: 2, complaints: 2 };
    let now = Timestamp::parse(NOW).expect("an instant");
    let trial = try_out(&feed, &stored.path, now, limits).expect("tried");

    assert_eq!((trial.rows, trial.usable, trial.quarantined), (4, 1, 3));
    assert_eq!(trial.events["TripSegment"], 1);
    let [first, second] = &trial.samples[..] else { panic!("two samples: {:?}", trial.samples) };
    assert_eq!((first.row, first.line), (1, 2));
    assert!(first.before.contains(&("姓名".to_owned(), "张伟".to_owned())), "{:?}", first.before);
    let trip = first.after.iter().find(|made| made.event == "TripSegment").expect("a trip");
    assert_eq!((trip.operation, trip.record.as_str()), ("UPSERT", "ticket|E1"));
    assert!(trip.says.to_string().contains("G7301"), "{}", trip.says);
    assert!(second.after.is_empty() && second.failure.as_ref().is_some_and(|failure| failure.contains("操作时间")));
    // All are counted, as many are listed as were asked for.
    let complaints: Vec<_> =
        trial.complaints.iter().map(|at| (at.line, at.column, at.field.as_deref(), at.code)).collect();
    assert_eq!(
        complaints,
        [(3, Some(8), Some("操作时间"), "value-time"), (4, Some(7), Some("证件号码"), "identifier-invalid")]
    );
    let mut reasons: Vec<_> = trial.reasons.iter().map(|tally| (tally.code, tally.rows)).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [("identifier-invalid", 1), ("row-columns", 1), ("value-time", 1)]);
}
