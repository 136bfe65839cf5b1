//! The matrix of faults: each row and the tests that show it. A row whose test is renamed or goes is noticed here; how
//! many rows are shown is printed (`cargo test -- --nocapture the_rows`).

use std::fs;
use std::path::Path;

/// Row, and `file::test` below `tests/` for each variant.
const ROWS: &[(&str, &[&str])] = &[
    (
        "F1 hop is killed",
        &[
            "whole/killed.rs::an_upload_is_killed",
            "whole/killed.rs::a_download_is_killed",
            "whole/killed.rs::a_relay_is_killed",
            "whole/killed.rs::a_direct_copy_is_killed",
            "whole/killed.rs::a_tree_is_killed",
            "whole/resumes.rs::a_large_file_that_is_killed_late_is_not_sent_again",
            "whole/resumes.rs::a_hole_within_the_band_is_filled_and_the_rest_kept",
        ],
    ),
    (
        "F2 INT, TERM, HUP",
        &[
            "cron/signals.rs::each_way_ends_at_each_signal_and_leaves_no_process",
            "cron/signals.rs::a_second_signal_does_not_wait_for_a_reader",
        ],
    ),
    (
        "F4 a reset at byte N",
        &[
            "whole/cuts.rs::a_reset_on_the_way_up",
            "whole/cuts.rs::a_reset_on_the_way_down",
            "whole/cuts.rs::a_reset_between_two_hosts",
            "whole/cuts.rs::a_reset_of_the_peering_link",
            "whole/resumes.rs::a_large_file_that_is_cut_late_goes_on",
        ],
    ),
    (
        "F8 a byte a second",
        &[
            "whole/slow.rs::a_banner_of_a_byte_a_second_runs_out_of_time",
            "whole/slow.rs::a_key_exchange_or_a_login_of_a_byte_a_second_runs_out_of_time",
        ],
    ),
    ("F12 replies out of order", &["sftp/flight.rs::answers_out_of_order_find_their_requests"]),
    (
        "F13 the destination is full",
        &[
            "failures/disk.rs::the_servers_disk_is_full",
            "failures/disk.rs::the_servers_disk_fills_up_within_a_tree",
            "copy/failures.rs::a_disk_without_inodes_is_full_too",
        ],
    ),
    ("F14 this machine's disk is full", &["failures/disk.rs::this_machines_disk_is_full"]),
    (
        "F16 one of many cannot be read or written",
        &["failures/files.rs::an_unreadable_file_in_a_tree", "failures/files.rs::an_unwritable_folder_in_a_tree"],
    ),
    (
        "F17 the source changes",
        &[
            "copy/failures.rs::a_source_that_keeps_changing_is_given_up",
            "copy/hostile.rs::a_small_file_that_is_another_version_when_it_was_read_does_not_land",
        ],
    ),
    (
        "F18 the destination is replaced meanwhile",
        &[
            "copy/landing.rs::links_inside_the_destination_lead_nowhere",
            "copy/landing.rs::a_link_in_the_parts_place_is_refused",
            "copy/landing.rs::something_else_with_the_files_name_is_left_alone",
        ],
    ),
    (
        "F19 a rename is refused",
        &[
            "copy/renames.rs::the_old_content_stays_until_the_new_one_stands",
            "copy/landing.rs::a_server_that_cannot_replace_is_helped",
        ],
    ),
    (
        "F21 a server that lies",
        &[
            "failures/peers.rs::a_packet_of_four_gibibytes",
            "failures/peers.rs::an_answer_of_an_unknown_type",
            "failures/peers.rs::more_data_than_was_asked_for",
            "sftp/hostile.rs::lying_lengths_end_the_session",
            "sftp/hostile.rs::wrong_answers_end_the_session",
        ],
    ),
    (
        "F22 names that attack",
        &[
            "failures/peers.rs::names_that_would_escape",
            "failures/peers.rs::a_listing_without_end_stays_small",
            "copy/hostile.rs::a_folder_ten_thousand_deep_ends",
            "copy/hostile.rs::names_that_leave_their_folder_are_refused",
        ],
    ),
    (
        "F25 a host key changes",
        &["failures/keys.rs::a_changed_host_key_at_each_hop", "failures/keys.rs::an_unknown_host_key_at_each_hop"],
    ),
    (
        "F26 logins and sessions that are refused",
        &[
            "failures/keys.rs::the_wrong_key",
            "failures/keys.rs::too_many_tries",
            "failures/servers.rs::a_bastion_that_refuses_to_forward",
            "failures/servers.rs::no_sftp_subsystem",
            "failures/servers.rs::a_forced_command_instead_of_sftp",
            "failures/peers.rs::a_greeting_that_is_none",
        ],
    ),
    (
        "F29 two runs at once",
        &[
            "cron/locks.rs::a_second_run_is_told_who_is_there",
            "cron/locks.rs::a_run_with_patience_comes_next",
            "cron/locks.rs::two_runs_at_once_never_mix",
        ],
    ),
    (
        "F30 no terminal, no output",
        &[
            "cron/bare.rs::closed_streams_are_nobody_elses",
            "cron/bare.rs::a_full_standard_output_stops_no_copy_and_fails_a_listing",
            "cron/bare.rs::nobody_is_asked_where_nobody_is_and_a_failure_is_a_line_and_a_hint",
        ],
    ),
    ("F31 asleep", &["whole/slow.rs::a_laptop_that_slept_goes_on"]),
    (
        "F33 odd names, deep and wide trees",
        &[
            "end_to_end/names.rs::each_odd_name_alone_goes_up_across_and_down",
            "end_to_end/trees.rs::a_deep_tree_and_a_long_name_arrive",
            "copy/trees.rs::a_tree_of_many_small_files_arrives",
        ],
    ),
    (
        "F34 what is no ordinary file",
        &[
            "whole/odd.rs::empty_and_sparse_files_arrive_and_what_is_no_file_is_told",
            "copy/trees.rs::a_fifo_and_a_socket_are_told_and_nothing_waits_for_them",
        ],
    ),
    (
        "F35 bare surroundings",
        &[
            "cron/bare.rs::the_home_folder_and_the_keys_are_found_without_home_and_path",
            "cron/bare.rs::files_of_its_own_are_private_whatever_the_umask",
        ],
    ),
];

/// Rows of the whole matrix; F32 is none.
const ALL: usize = 34;

#[test]
fn the_rows_of_the_matrix_are_shown() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut missing = Vec::new();
    for (row, shown_by) in ROWS {
        for place in *shown_by {
            let (file, test) = place.split_once("::").expect("file::test");
            let text = fs::read_to_string(tests.join(file)).unwrap_or_default();
            if !text.contains(&format!("fn {test}(")) {
                missing.push(format!("{row}: {place}"));
            }
        }
    }
    let variants: usize = ROWS.iter().map(|(_, shown_by)| shown_by.len()).sum();
    println!("{} of {ALL} rows of the matrix are shown, by {variants} tests", ROWS.len());
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}
