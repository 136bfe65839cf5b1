//! The matrix of faults: each row and the tests that show it. Whether they are there is asked in `shown.rs`. These are the
//! faults that meet one run; the others are in `matrix_of_many.rs`.

/// A row, and `file::test` below `tests/` for each variant.
pub type Row = (&'static str, &'static [&'static str]);

/// The faults that meet one run.
pub const OF_ONE: &[Row] = &[
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
            "direct/life.rs::nothing_is_left_after_a_kill",
        ],
    ),
    (
        "F2 INT, TERM, HUP",
        &[
            "cron/signals.rs::each_way_ends_at_each_signal_and_leaves_no_process",
            "cron/signals.rs::a_second_signal_does_not_wait_for_a_reader",
            "direct/life.rs::nothing_is_left_after_an_interrupt",
        ],
    ),
    (
        "F3 a server or its session is killed",
        &[
            "whole/strikes.rs::f3_servers_are_killed_on_the_way_up",
            "whole/strikes.rs::f3_servers_are_killed_on_the_way_down",
            "whole/strikes.rs::f3_servers_are_killed_between_two_hosts",
            "direct/life.rs::a_login_that_is_lost_is_said_and_the_next_run_converges",
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
    ("F5 a half-close", &["whole/strikes.rs::f5_a_half_close_is_no_end"]),
    (
        "F6 silence",
        &[
            "whole/strikes.rs::f6_silence_is_noticed_and_gone_around",
            "whole/strikes.rs::f6_silence_while_it_connects_again_is_gone_around",
            "whole/strikes.rs::f6_silence_that_stays_ends_in_time",
            "whole/late.rs::all_links_fall_silent_for_good",
            "whole/late.rs::a_tree_and_a_sync_whose_links_fall_silent",
        ],
    ),
    (
        "F7 a bastion restarts",
        &["whole/strikes.rs::f7_a_bastion_restarts", "whole/strikes.rs::f7_a_bastion_that_stays_away_is_named"],
    ),
    (
        "F8 a byte a second",
        &[
            "whole/slow.rs::a_banner_of_a_byte_a_second_runs_out_of_time",
            "whole/slow.rs::a_key_exchange_or_a_login_of_a_byte_a_second_runs_out_of_time",
        ],
    ),
    (
        "F9 a server stops, or does not answer one request",
        &[
            "whole/strikes.rs::f9_a_server_that_stops_reading_is_left",
            "whole/late.rs::what_writes_at_the_destination_of_a_direct_copy_stands_still",
            "whole/late.rs::a_host_that_never_greets_is_left_in_time",
            "whole/meddlers.rs::f9_one_answer_of_many_that_never_comes_is_a_stall",
        ],
    ),
    (
        "F10 packets beyond some size vanish",
        &[
            "whole/packets.rs::f10_packets_beyond_a_size_vanish",
            "whole/packets.rs::f10_packets_beyond_a_size_vanish_from_the_first_on",
        ],
    ),
    ("F11 packets are lost, late and slow", &["whole/packets.rs::f11_lost_late_and_slow_packets_arrive_in_the_end"]),
    ("F12 replies out of order", &["sftp/flight.rs::answers_out_of_order_find_their_requests"]),
    (
        "F13 the destination is full",
        &[
            "failures/disk.rs::the_servers_disk_is_full",
            "failures/disk.rs::the_servers_disk_fills_up_within_a_tree",
            "copy/failures.rs::a_disk_without_inodes_is_full_too",
            "whole/limits.rs::f13_a_servers_disk_fills_up",
            "whole/limits.rs::f13_another_servers_disk_fills_up",
            "whole/limits.rs::f13_the_destinations_disk_fills_up_in_a_direct_copy",
        ],
    ),
    (
        "F14 this machine's disk is full",
        &["failures/disk.rs::this_machines_disk_is_full", "whole/limits.rs::f14_this_machines_disk_fills_up"],
    ),
    (
        "F15 files may not be as long, or a quota is used up",
        &[
            "whole/limits.rs::f15_a_limit_on_the_size_of_files_here",
            "whole/limits.rs::f15_a_limit_on_the_size_of_files_on_a_server",
            "whole/limits.rs::f20_a_server_fails_to_write_to_flush_or_to_rename",
        ],
    ),
    (
        "F16 one of many cannot be read or written",
        &[
            "failures/files.rs::an_unreadable_file_in_a_tree",
            "failures/files.rs::an_unwritable_folder_in_a_tree",
            "whole/trees.rs::f16_one_of_two_thousand_cannot_be_read",
            "whole/trees.rs::f16_one_folder_of_twenty_cannot_be_written",
        ],
    ),
    (
        "F17 the source changes",
        &[
            "copy/failures.rs::a_source_that_keeps_changing_is_given_up",
            "copy/hostile.rs::a_small_file_that_is_another_version_when_it_was_read_does_not_land",
            "whole/sources.rs::f17_a_source_here_that_changes_once",
            "whole/sources.rs::f17_a_source_on_a_server_that_changes_once",
            "whole/sources.rs::f17_a_source_of_a_direct_copy_that_changes_once",
            "whole/sources.rs::f17_a_source_that_vanishes_is_said_or_was_opened_in_time",
        ],
    ),
    (
        "F18 the destination is replaced meanwhile",
        &[
            "copy/landing.rs::links_inside_the_destination_lead_nowhere",
            "copy/parts.rs::f40_a_part_with_a_second_name_or_a_link_is_not_written_to",
            "copy/landing.rs::something_else_with_the_files_name_is_left_alone",
            "whole/destinations.rs::f18_the_old_file_is_replaced_or_removed",
            "whole/destinations.rs::f18_the_old_file_becomes_a_folder_or_a_link",
            "whole/destinations.rs::f18_the_part_is_removed_or_becomes_a_link",
            "whole/destinations.rs::f18_the_folder_becomes_a_link_to_another_one",
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
        "F20 an error in closing or flushing",
        &[
            "whole/limits.rs::f20_a_server_fails_to_write_to_flush_or_to_rename",
            "whole/limits.rs::f20_another_server_fails_to_write_to_flush_or_to_rename",
            "whole/limits.rs::f20_this_machine_fails_to_write_to_flush_to_close_or_to_rename",
            "whole/liars.rs::f20_a_server_that_fails_to_close_has_not_got_it",
            "whole/meddlers.rs::f20_an_error_on_closing_is_no_success",
            "whole/meddlers.rs::f20_an_error_on_flushing_is_no_success",
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
        "F23 a changed byte",
        &[
            "whole/liars.rs::f23_a_server_that_changes_a_byte_is_caught",
            "whole/meddlers.rs::f23_a_changed_byte_is_caught_by_verify",
            "whole/meddlers.rs::f23_a_byte_changed_on_the_way_down_is_caught_by_verify",
        ],
    ),
    ("F24 clocks apart, times beyond the range", &["whole/clocks.rs::f24_clocks_apart_never_hide_a_change"]),
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
            "whole/refusals.rs::f26_a_user_that_nobody_knows",
            "whole/refusals.rs::f26_a_key_that_is_refused",
            "whole/refusals.rs::f26_too_many_tries",
            "whole/refusals.rs::f26_a_bastion_with_too_many_logins_at_once",
            "whole/refusals.rs::f26_a_bastion_that_punishes_this_address",
            "whole/refusals.rs::f26_one_session_at_a_time_is_enough",
            "whole/refusals.rs::f26_a_host_that_forwards_nothing",
            "whole/refusals.rs::f26_hosts_that_forward_no_agent",
            "whole/refusals.rs::f26_without_sftp_and_with_a_forced_command",
            "whole/refusals.rs::f26_a_login_shell_that_prints",
            "whole/refusals.rs::f26_an_account_without_a_shell",
        ],
    ),
    (
        "F27 attacks on a lent agent",
        &[
            "lent/attacks.rs::nothing_but_the_one_login_is_signed",
            "lent/attacks.rs::a_bad_binding_spoils_its_channel",
            "lent/attacks.rs::a_replay_and_a_second_signature_are_refused_and_then_the_door_is_shut",
            "lent/attacks.rs::of_two_who_race_one_gets_a_login_and_the_theft_is_seen",
            "lent/attacks.rs::floods_and_giants_meet_their_limits",
            "lent/attacks.rs::before_and_after_there_is_nobody_to_ask",
            "direct/attacked.rs::what_is_asked_for_besides_the_login_is_refused_and_counted",
            "direct/attacked.rs::what_was_refused_is_told_though_the_login_came_to_nothing",
            "direct/attacked.rs::a_login_that_was_taken_by_another_ends_the_copy",
            "lent/old.rs::in_tier_c_a_session_that_nobody_overheard_is_not_signed",
            "lent/old.rs::a_lie_about_the_version_buys_nothing",
        ],
    ),
    (
        "F28 the source does not reach the destination",
        &[
            "direct/unreachable.rs::the_sources_sshd_tells_what_is_in_the_way",
            "direct/unreachable.rs::the_sources_ssh_tells_what_is_in_the_way",
            "direct/refusals.rs::another_host_at_that_address",
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
            "cron/bare.rs::a_full_standard_output_stops_no_copy_and_fails_it_in_the_end",
            "cron/bare.rs::what_was_asked_for_and_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none",
            "cron/bare.rs::nobody_is_asked_where_nobody_is_and_a_failure_is_a_line_and_a_hint",
        ],
    ),
    (
        "F31 asleep, another address",
        &[
            "whole/slow.rs::a_laptop_that_slept_goes_on",
            "whole/moved.rs::f31_an_upload_goes_on_from_another_address",
            "whole/moved.rs::f31_a_download_goes_on_at_another_address",
        ],
    ),
    (
        "F33 odd names, deep and wide trees",
        &[
            "end_to_end/names.rs::each_odd_name_alone_goes_up_across_and_down",
            "end_to_end/trees.rs::a_deep_tree_and_a_long_name_arrive",
            "copy/trees.rs::a_tree_of_many_small_files_arrives",
            "direct/files.rs::odd_names_arrive_as_they_are",
            "whole/trees.rs::f33_a_hundred_thousand_files_two_hundred_deep_with_any_names",
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
            "cron/bare.rs::closed_streams_are_nobody_elses",
        ],
    ),
];
