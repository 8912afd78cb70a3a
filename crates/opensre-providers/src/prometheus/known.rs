//! Metrics of known names, and how they are asked: data, in order of what they tell.
//!
//! Names are those of the usual exporters' documentation: node exporter, cAdvisor, kube-state-metrics, kubelet, the
//! Prometheus client libraries, Micrometer and HikariCP, and the exporters of PostgreSQL, MySQL, Redis and Kafka.

use opensre_model::evidence::Meaning;

use super::promql::Compare::{self, Equal, NotEqual, NotLike};

/// A rule about metrics of known names.
pub(super) struct Known {
    /// What the query shows.
    pub(super) title: &'static str,
    pub(super) meaning: Meaning,
    pub(super) unit: Option<&'static str>,
    /// All must be there.
    pub(super) metrics: &'static [&'static str],
    /// The query: `$0` stands for the first metric with its selector, `$1` for the second, `$R` for the range of a
    /// rate, `$G` for the labels that series are kept apart by, `$O` for the labels that both sides of a division are
    /// matched on, where they have not the same.
    pub(super) query: &'static str,
    /// Fixed matchers: (which metric, label, comparison, value). One whose label the metric does not have is left out.
    pub(super) only: &'static [(usize, &'static str, Compare, &'static str)],
    /// Labels that series are kept apart by besides those of the selector.
    pub(super) apart: &'static [&'static str],
    /// Metrics that say the same less well and need not be asked for any more.
    pub(super) instead_of: &'static [&'static str],
    /// Whether it is asked besides another rule that reads other series of the same metric.
    pub(super) besides: bool,
}

impl Known {
    const fn of(
        title: &'static str,
        meaning: Meaning,
        unit: Option<&'static str>,
        metrics: &'static [&'static str],
        query: &'static str,
    ) -> Self {
        Self { title, meaning, unit, metrics, query, only: &[], apart: &[], instead_of: &[], besides: false }
    }

    const fn only(mut self, matchers: &'static [(usize, &'static str, Compare, &'static str)]) -> Self {
        self.only = matchers;
        self
    }

    const fn apart(mut self, labels: &'static [&'static str]) -> Self {
        self.apart = labels;
        self
    }

    const fn besides(mut self) -> Self {
        self.besides = true;
        self
    }

    const fn instead_of(mut self, metrics: &'static [&'static str]) -> Self {
        self.instead_of = metrics;
        self
    }
}

const REAL_FILESYSTEM: &str = "tmpfs|ramfs|overlay|squashfs|iso9660|autofs|devtmpfs|nsfs|fuse.lxcfs";

const CONTAINER_MEMORY: &[&str] = &[
    "container_memory_usage_bytes",
    "container_memory_rss",
    "container_memory_cache",
    "container_memory_max_usage_bytes",
];

/// What tells something about any service or machine.
pub(super) const KNOWN: &[Known] = &[
    Known::of("scrape targets that are up", Meaning::Availability, None, &["up"], "$0")
        .instead_of(&["scrape_duration_seconds", "scrape_samples_scraped"]),
    Known::of("probes that succeed", Meaning::Availability, None, &["probe_success"], "$0"),
    Known::of(
        "share of the wanted replicas that is available",
        Meaning::Availability,
        Some("ratio"),
        &["kube_deployment_status_replicas_available", "kube_deployment_spec_replicas"],
        "sum by ($G) ($0) / sum by ($G) ($1)",
    )
    .apart(&["deployment"])
    .instead_of(&["kube_deployment_status_replicas", "kube_deployment_status_replicas_unavailable"]),
    Known::of(
        "available replicas",
        Meaning::Availability,
        None,
        &["kube_deployment_status_replicas_available"],
        "sum by ($G) ($0)",
    )
    .apart(&["deployment"]),
    Known::of(
        "share of the wanted replicas that is ready",
        Meaning::Availability,
        Some("ratio"),
        &["kube_statefulset_status_replicas_ready", "kube_statefulset_replicas"],
        "sum by ($G) ($0) / sum by ($G) ($1)",
    )
    .apart(&["statefulset"])
    .instead_of(&["kube_statefulset_status_replicas"]),
    Known::of("pods that are ready", Meaning::Availability, None, &["kube_pod_status_ready"], "max by ($G) ($0)")
        .only(&[(0, "condition", Equal, "true")])
        .apart(&["pod"]),
    Known::of(
        "restarts of containers",
        Meaning::Restarts,
        None,
        &["kube_pod_container_status_restarts_total"],
        "sum by ($G) ($0)",
    )
    .apart(&["pod", "container"]),
    Known::of(
        "containers killed since memory ran out",
        Meaning::Restarts,
        None,
        &["container_oom_events_total"],
        "sum by ($G) ($0)",
    )
    .apart(&["pod", "container"]),
    Known::of(
        "containers whose last end was an OOM kill",
        Meaning::Restarts,
        None,
        &["kube_pod_container_status_last_terminated_reason"],
        "max by ($G) ($0)",
    )
    .only(&[(0, "reason", Equal, "OOMKilled")])
    .apart(&["pod", "container", "reason"]),
    Known::of(
        "containers that wait to start",
        Meaning::Restarts,
        None,
        &["kube_pod_container_status_waiting_reason"],
        "max by ($G) ($0)",
    )
    .only(&[(0, "reason", NotEqual, "ContainerCreating")])
    .apart(&["pod", "container", "reason"])
    .instead_of(&["kube_pod_container_status_waiting"]),
    Known::of("nodes that are ready", Meaning::Availability, None, &["kube_node_status_condition"], "max by ($G) ($0)")
        .only(&[(0, "condition", Equal, "Ready"), (0, "status", Equal, "true")])
        .apart(&["node"]),
    // MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable, and what problem detectors add: bad when true.
    Known::of("troubles of nodes", Meaning::Other, None, &["kube_node_status_condition"], "max by ($G) ($0)")
        .only(&[(0, "condition", NotEqual, "Ready"), (0, "status", Equal, "true")])
        .apart(&["node", "condition"])
        .besides(),
    Known::of(
        "memory use of containers, of their limit",
        Meaning::Memory,
        Some("ratio"),
        &["container_memory_working_set_bytes", "kube_pod_container_resource_limits"],
        "sum by ($G) ($0) / sum by ($G) ($1)",
    )
    .only(&[(0, "container", NotLike, "|POD"), (1, "resource", Equal, "memory")])
    .apart(&["pod", "container"])
    .instead_of(CONTAINER_MEMORY),
    Known::of(
        "memory use of containers, of their limit",
        Meaning::Memory,
        Some("ratio"),
        &["container_memory_working_set_bytes", "container_spec_memory_limit_bytes"],
        "sum by ($G) ($0) / (sum by ($G) ($1) > 0)",
    )
    .only(&[(0, "container", NotLike, "|POD"), (1, "container", NotLike, "|POD")])
    .apart(&["pod", "container"])
    .instead_of(CONTAINER_MEMORY),
    Known::of(
        "memory use of containers",
        Meaning::Memory,
        Some("bytes"),
        &["container_memory_working_set_bytes"],
        "sum by ($G) ($0)",
    )
    .only(&[(0, "container", NotLike, "|POD")])
    .apart(&["pod", "container"])
    .instead_of(CONTAINER_MEMORY),
    Known::of(
        "heap use, of its limit",
        Meaning::Memory,
        Some("ratio"),
        &["jvm_memory_used_bytes", "jvm_memory_max_bytes"],
        "sum by ($G) ($0) / (sum by ($G) ($1 > 0))",
    )
    .only(&[(0, "area", Equal, "heap"), (1, "area", Equal, "heap")])
    .apart(&["pod", "instance"])
    .instead_of(&["jvm_memory_committed_bytes"]),
    Known::of(
        "memory use of machines",
        Meaning::Memory,
        Some("ratio"),
        &["node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"],
        "1 - $0 /$O $1",
    ),
    Known::of("memory use of processes", Meaning::Memory, Some("bytes"), &["process_resident_memory_bytes"], "$0")
        .instead_of(&["process_virtual_memory_bytes", "process_virtual_memory_max_bytes"]),
    Known::of(
        "share of periods in which containers were throttled",
        Meaning::Cpu,
        Some("ratio"),
        &["container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total"],
        "sum by ($G) (rate($0[$R])) / sum by ($G) (rate($1[$R]))",
    )
    .only(&[(0, "container", NotLike, "|POD"), (1, "container", NotLike, "|POD")])
    .apart(&["pod", "container"])
    .instead_of(&["container_cpu_cfs_throttled_seconds_total"]),
    Known::of(
        "CPU use of containers, of their limit",
        Meaning::Cpu,
        Some("ratio"),
        &["container_cpu_usage_seconds_total", "kube_pod_container_resource_limits"],
        "sum by ($G) (rate($0[$R])) / sum by ($G) ($1)",
    )
    .only(&[(0, "container", NotLike, "|POD"), (1, "resource", Equal, "cpu")])
    .apart(&["pod", "container"])
    .instead_of(&["container_cpu_usage_seconds_total"]),
    Known::of(
        "CPU use of containers",
        Meaning::Cpu,
        Some("cores"),
        &["container_cpu_usage_seconds_total"],
        "sum by ($G) (rate($0[$R]))",
    )
    .only(&[(0, "container", NotLike, "|POD")])
    .apart(&["pod", "container"]),
    Known::of(
        "CPU use of machines",
        Meaning::Cpu,
        Some("ratio"),
        &["node_cpu_seconds_total"],
        "1 - avg by ($G) (rate($0[$R]))",
    )
    .only(&[(0, "mode", Equal, "idle")])
    .apart(&["instance"])
    .instead_of(&["node_load1", "node_load5", "node_load15"]),
    Known::of("CPU use of processes", Meaning::Cpu, Some("ratio"), &["process_cpu_usage"], "$0")
        .instead_of(&["system_cpu_usage", "process_cpu_seconds_total"]),
    Known::of("CPU use of processes", Meaning::Cpu, Some("cores"), &["process_cpu_seconds_total"], "rate($0[$R])"),
    Known::of(
        "use of file systems",
        Meaning::Disk,
        Some("ratio"),
        &["node_filesystem_avail_bytes", "node_filesystem_size_bytes"],
        "1 - $0 /$O $1",
    )
    .only(&[(0, "fstype", NotLike, REAL_FILESYSTEM), (1, "fstype", NotLike, REAL_FILESYSTEM)])
    .instead_of(&["node_filesystem_free_bytes"]),
    Known::of(
        "use of inodes",
        Meaning::Disk,
        Some("ratio"),
        &["node_filesystem_files_free", "node_filesystem_files"],
        "1 - $0 /$O ($1 > 0)",
    )
    .only(&[(0, "fstype", NotLike, REAL_FILESYSTEM), (1, "fstype", NotLike, REAL_FILESYSTEM)]),
    Known::of(
        "use of volumes",
        Meaning::Disk,
        Some("ratio"),
        &["kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"],
        "1 - $0 /$O $1",
    )
    .instead_of(&["kubelet_volume_stats_used_bytes"]),
    Known::of(
        "time in which disks were busy",
        Meaning::Disk,
        Some("ratio"),
        &["node_disk_io_time_seconds_total"],
        "rate($0[$R])",
    )
    .only(&[(0, "device", NotLike, "dm-.*|loop.*|ram.*")]),
    Known::of(
        "connections of the pool in use",
        Meaning::Pool,
        Some("ratio"),
        &["hikaricp_connections_active", "hikaricp_connections_max"],
        "$0 /$O $1",
    )
    .instead_of(&["hikaricp_connections", "hikaricp_connections_idle", "hikaricp_connections_min"]),
    Known::of(
        "database connections in use",
        Meaning::Pool,
        Some("ratio"),
        &["pg_stat_activity_count", "pg_settings_max_connections"],
        "sum by ($G) ($0) / max by ($G) ($1)",
    )
    .apart(&["instance"])
    .instead_of(&["pg_stat_database_numbackends"]),
    Known::of(
        "database connections in use",
        Meaning::Pool,
        Some("ratio"),
        &["pg_stat_database_numbackends", "pg_settings_max_connections"],
        "sum by ($G) ($0) / max by ($G) ($1)",
    )
    .apart(&["instance"]),
    Known::of(
        "database connections in use",
        Meaning::Pool,
        Some("ratio"),
        &["mysql_global_status_threads_connected", "mysql_global_variables_max_connections"],
        "$0 /$O $1",
    ),
    Known::of(
        "connections in use",
        Meaning::Pool,
        Some("ratio"),
        &["redis_connected_clients", "redis_config_maxclients"],
        "$0 /$O $1",
    ),
    Known::of(
        "memory use of Redis, of its limit",
        Meaning::Memory,
        Some("ratio"),
        &["redis_memory_used_bytes", "redis_memory_max_bytes"],
        "$0 /$O ($1 > 0)",
    )
    .instead_of(&["redis_memory_used_rss_bytes"]),
    Known::of(
        "file descriptors in use",
        Meaning::Pool,
        Some("ratio"),
        &["process_open_fds", "process_max_fds"],
        "$0 /$O $1",
    ),
    Known::of(
        "file descriptors in use",
        Meaning::Pool,
        Some("ratio"),
        &["process_files_open_files", "process_files_max_files"],
        "$0 /$O $1",
    ),
    Known::of("lag of consumers", Meaning::Pool, Some("messages"), &["kafka_consumergroup_lag"], "sum by ($G) ($0)")
        .apart(&["consumergroup", "topic"])
        .instead_of(&["kafka_consumergroup_lag_sum"]),
];

/// What tells something about a process when nothing better does.
pub(super) const RUNTIME: &[Known] = &[
    Known::of("goroutines", Meaning::Other, None, &["go_goroutines"], "$0"),
    Known::of("starts of processes", Meaning::Restarts, None, &["process_start_time_seconds"], "changes($0[$R])"),
    Known::of(
        "time spent collecting garbage",
        Meaning::Cpu,
        Some("ratio"),
        &["jvm_gc_pause_seconds_sum"],
        "sum by ($G) (rate($0[$R]))",
    )
    .apart(&["pod", "instance"])
    .instead_of(&["jvm_gc_pause_seconds_count", "jvm_gc_pause_seconds_max"]),
];
