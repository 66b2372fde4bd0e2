//! One set of behaviours, run on both backends. A backend that is not there is skipped loudly (see `test_support::kafka`).

#[path = "conformance/behaviours.rs"]
mod behaviours;
#[path = "conformance/only_kafka.rs"]
mod only_kafka;
#[path = "conformance/only_table.rs"]
mod only_table;
#[path = "conformance/subject.rs"]
mod subject;

macro_rules! on_both_backends {
    ($($behaviour:ident),+ $(,)?) => {
        mod on_a_table {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                super::behaviours::$behaviour(super::subject::table().await).await;
            })+
        }

        mod on_kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                if let Some(subject) = super::subject::kafka().await {
                    super::behaviours::$behaviour(subject).await;
                }
            })+
        }
    };
}

on_both_backends!(
    records_of_a_key_keep_their_order,
    appended_records_are_there_for_a_new_reader_of_another_client,
    positions_name_the_records,
    a_reader_goes_on_from_kept_positions,
    a_reader_begins_in_the_middle,
    concurrent_writers_leave_no_gap_and_lose_nothing,
    a_reader_among_concurrent_writers_sees_every_record_once_and_in_order,
    a_waiting_reader_wakes_soon,
    an_empty_wait_ends_in_time_and_empty,
    end_positions_move_with_appends,
    headers_and_binary_keys_come_back_intact,
    large_records_pass_and_too_large_ones_are_refused,
    an_unknown_topic_is_an_error,
    a_position_out_of_range_is_an_error_that_names_it,
    a_call_that_was_given_up_loses_nothing,
    a_busy_topic_does_not_starve_another,
    making_topics_again_changes_nothing,
    retention_drops_the_old_and_tells_a_reader_that_stood_there,
    names_that_no_topic_can_have_are_refused,
    appending_nothing_is_nothing,
);
