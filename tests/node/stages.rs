//! What is tested on the node, in order: each stage stands on those before it.
mod handover;
mod keyless;
mod manifests;
mod observe;
mod policy;
mod readme;
mod replicas;
mod upgrade;
mod versions;

use crate::cluster::Cluster;
use futures::future::LocalBoxFuture;

pub struct Stage {
    pub name: &'static str,
    pub run: fn(&mut Cluster) -> LocalBoxFuture<'_, ()>,
}

macro_rules! stages {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$(Stage { name: stringify!($name), run: |cluster| Box::pin($module::$name(cluster)) }),*]
    };
}

pub static ALL: &[Stage] = stages![
    keyless::an_empty_node_reaches_a_swap_without_any_key_in_ten_minutes,
    versions::the_page_names_the_versions_that_run_here,
    replicas::both_replicas_are_ready_under_the_restricted_standard_and_one_leads,
    policy::the_shipped_network_policy_lets_the_operator_reach_what_it_needs_and_nothing_else,
    observe::the_forwarded_port_shows_the_fleet_and_the_service_shows_metrics_alone,
    handover::an_evicted_leader_hands_over_in_seconds_and_its_pod_comes_back,
    handover::a_leader_that_stands_still_is_replaced_and_its_container_restarted,
    upgrade::an_upgrade_with_other_values_writes_nothing_and_changes_no_ready,
    policy::the_narrowed_network_policy_lets_nobody_in_but_prometheus,
    upgrade::the_operators_own_projected_token_opens_a_resource,
    upgrade::an_emulator_in_the_cluster_is_reached_through_its_service,
    readme::an_uninstallation_leaves_everything_and_use_it_of_the_readme_finds_it_again,
    manifests::the_manifests_run_and_the_chart_takes_them_over,
];
