//! Mechanisms: the ways in which systems break, as data. A signature points at one, metrics can support one, and each
//! belongs to a category of root causes.

use opensre_model::evidence::Meaning;
use opensre_model::report::Category;

/// A way in which a system breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// Memory ran out.
    Memory,
    /// Disk space or inodes ran out.
    Disk,
    /// CPU time ran out.
    Cpu,
    /// A pool of connections or workers, or a queue, ran out.
    Pool,
    /// File descriptors, threads or processes ran out.
    Handles,
    /// A quota or rate limit was hit.
    Quota,
    /// The cluster has no room to place workloads.
    Capacity,
    /// Something that is called does not answer, or answers with failures.
    Peer,
    /// Credentials or permissions were refused.
    Access,
    /// A setting is missing or wrong.
    Setting,
    /// A certificate is expired or does not fit.
    Certificate,
    /// An image cannot be had.
    Image,
    /// The program fails by itself.
    Code,
    /// The program and the database disagree about the schema.
    Schema,
    /// Transactions or threads wait for each other.
    Lock,
    /// Data is malformed or breaks a rule.
    Data,
    /// Names do not resolve.
    Dns,
    /// Packets do not arrive.
    Network,
    /// A machine is not ready, or gone.
    Node,
    /// Storage fails (not: is full).
    Storage,
    /// No node may take a workload: taints, selectors, affinities.
    Placement,
    /// The autoscaler wants more than it may.
    Scaling,
    /// A replica does not keep up, or is cut off.
    Replication,
    /// A clock is wrong.
    Clock,
}

/// What is known about a mechanism in general.
#[derive(Debug)]
pub struct Facts {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// The category of root causes that it belongs to.
    pub category: Category,
    /// What happened, to follow a service's name: `ran out of memory`.
    pub happened: &'static str,
    /// Which metrics show it by themselves.
    pub meanings: &'static [Meaning],
    /// Words of an alert's title that speak of it.
    pub words: &'static [&'static str],
    /// What would confirm it or rule it out; places as in `next`.
    pub tells: &'static str,
    /// What to do next; `{service}`, `{namespace}` and `{peer}` are filled in, and a step with an unknown one is
    /// left out.
    pub next: &'static [&'static str],
}

impl Mechanism {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Memory,
        Self::Disk,
        Self::Cpu,
        Self::Pool,
        Self::Handles,
        Self::Quota,
        Self::Capacity,
        Self::Peer,
        Self::Access,
        Self::Setting,
        Self::Certificate,
        Self::Image,
        Self::Code,
        Self::Schema,
        Self::Lock,
        Self::Data,
        Self::Dns,
        Self::Network,
        Self::Node,
        Self::Storage,
        Self::Placement,
        Self::Scaling,
        Self::Replication,
        Self::Clock,
    ];

    /// What is known about it in general.
    pub fn facts(self) -> &'static Facts {
        match self {
            Self::Memory => &MEMORY,
            Self::Disk => &DISK,
            Self::Cpu => &CPU,
            Self::Pool => &POOL,
            Self::Handles => &HANDLES,
            Self::Quota => &QUOTA,
            Self::Capacity => &CAPACITY,
            Self::Peer => &PEER,
            Self::Access => &ACCESS,
            Self::Setting => &SETTING,
            Self::Certificate => &CERTIFICATE,
            Self::Image => &IMAGE,
            Self::Code => &CODE,
            Self::Schema => &SCHEMA,
            Self::Lock => &LOCK,
            Self::Data => &DATA,
            Self::Dns => &DNS,
            Self::Network => &NETWORK,
            Self::Node => &NODE,
            Self::Storage => &STORAGE,
            Self::Placement => &PLACEMENT,
            Self::Scaling => &SCALING,
            Self::Replication => &REPLICATION,
            Self::Clock => &CLOCK,
        }
    }

    /// Whether it is about something that the service calls, which has a name of its own.
    pub fn has_peer(self) -> bool {
        matches!(self, Self::Peer | Self::Quota | Self::Access | Self::Certificate | Self::Dns | Self::Network)
    }
}

static MEMORY: Facts = Facts {
    mechanism: Mechanism::Memory,
    category: Category::ResourceExhaustion,
    happened: "ran out of memory",
    meanings: &[Meaning::Memory],
    words: &["memory", "oom", "oomkilled", "heap", "rss"],
    tells: "containers whose last state is OOMKilled, or memory use of {service} against its limit",
    next: &[
        "compare memory use with its limit: kubectl -n {namespace} top pod, and kubectl -n {namespace} describe pod for `Last State: OOMKilled`",
        "raise the memory limit of {service} or roll back the release that made it grow, then take a heap profile to find what is kept",
    ],
};

static DISK: Facts = Facts {
    mechanism: Mechanism::Disk,
    category: Category::ResourceExhaustion,
    happened: "ran out of disk space",
    meanings: &[Meaning::Disk],
    words: &["disk", "filesystem", "volume", "inode", "inodes", "storage", "wal"],
    tells: "free space and inodes of its volumes over the last day (df -h; df -i)",
    next: &[
        "find what fills the volume: df -h; df -i; du -xh --max-depth=2 / | sort -h | tail",
        "free space or grow the volume of {service}, then fix what writes without bound (logs, WAL, temporary files)",
    ],
};

static CPU: Facts = Facts {
    mechanism: Mechanism::Cpu,
    category: Category::ResourceExhaustion,
    happened: "ran out of CPU",
    meanings: &[Meaning::Cpu],
    words: &["cpu", "throttling", "throttled", "load"],
    tells: "CPU use and throttling of {service} against its limit, from before the trouble on",
    next: &[
        "see who uses the CPU: kubectl -n {namespace} top pod --containers",
        "add replicas or CPU to {service}; take a CPU profile while it is busy",
    ],
};

static POOL: Facts = Facts {
    mechanism: Mechanism::Pool,
    category: Category::ResourceExhaustion,
    happened: "used up a pool of connections or workers",
    meanings: &[Meaning::Pool],
    words: &["pool", "connections", "connection", "threads", "queue", "backlog", "saturation", "lag"],
    tells: "connections or workers in use against their maximum, from before the trouble on",
    next: &[
        "list who holds the connections (PostgreSQL: select state, wait_event, query_start, query from pg_stat_activity order by query_start)",
        "look for work in {service} that holds a connection too long; raise the pool's size only if the server can take it",
    ],
};

static HANDLES: Facts = Facts {
    mechanism: Mechanism::Handles,
    category: Category::ResourceExhaustion,
    happened: "ran out of file descriptors or threads",
    meanings: &[],
    words: &["descriptors", "fd", "fds", "sockets"],
    tells: "open files and threads against their limits (cat /proc/<pid>/limits)",
    next: &[
        "count what is open: ls /proc/<pid>/fd | wc -l; cat /proc/<pid>/limits; ss -s",
        "look for sockets or files that {service} does not close; raise the limit only afterwards",
    ],
};

static QUOTA: Facts = Facts {
    mechanism: Mechanism::Quota,
    category: Category::ResourceExhaustion,
    happened: "hit a quota or rate limit",
    meanings: &[],
    words: &["quota", "throttled", "throttling", "429", "ratelimit"],
    tells: "the rate of calls against the limit, and who else uses it up",
    next: &[
        "compare the rate of calls of {service} with the limit that {peer} documents",
        "lower the rate of {service} (batch, cache, back off) or ask for a higher quota",
    ],
};

static CAPACITY: Facts = Facts {
    mechanism: Mechanism::Capacity,
    category: Category::ResourceExhaustion,
    happened: "could not be placed: the cluster has no room",
    meanings: &[],
    words: &["pending", "scheduling", "unschedulable", "replicas"],
    tells: "what the scheduler says: events of the pending pod",
    next: &[
        "see what does not fit: kubectl -n {namespace} describe pod, events at the end; kubectl describe nodes | grep -A6 Allocated",
        "add nodes or lower the requests of {service}",
    ],
};

static PEER: Facts = Facts {
    mechanism: Mechanism::Peer,
    category: Category::DependencyFailure,
    happened: "fails since something that it calls does not answer",
    meanings: &[],
    words: &["upstream", "dependency", "downstream", "timeout", "timeouts"],
    tells: "whether others that call {peer} fail too, and its own errors and restarts at that time",
    next: &[
        "check the health and the recent changes of {peer}",
        "see whether {service} can do without {peer} for now (fallback, cache, circuit breaker)",
    ],
};

static ACCESS: Facts = Facts {
    mechanism: Mechanism::Access,
    category: Category::ConfigurationError,
    happened: "is refused: its credentials or permissions are wrong",
    meanings: &[],
    words: &["401", "403", "auth", "unauthorized", "forbidden", "permission", "denied"],
    tells: "the same call by hand with the credential of {service}, and when that was last changed",
    next: &[
        "check which credential {service} uses, when it was rotated, and what it may do",
        "put the right credential or permission in place and restart {service}",
    ],
};

static SETTING: Facts = Facts {
    mechanism: Mechanism::Setting,
    category: Category::ConfigurationError,
    happened: "has a missing or wrong setting",
    meanings: &[],
    words: &["config", "configuration"],
    tells: "the configuration of {service} compared with the last one that worked",
    next: &[
        "compare the configuration of {service} with the last good one: kubectl -n {namespace} rollout history; helm history",
        "restore the setting, or roll back the change of {service}",
    ],
};

static CERTIFICATE: Facts = Facts {
    mechanism: Mechanism::Certificate,
    category: Category::ConfigurationError,
    happened: "has a certificate that is not accepted",
    meanings: &[],
    words: &["certificate", "cert", "tls", "ssl"],
    tells: "the dates, names and issuer of the certificate (openssl s_client -connect)",
    next: &[
        "look at the certificate: openssl s_client -connect {peer} -showcerts </dev/null | openssl x509 -noout -dates -subject -issuer",
        "renew the certificate and see why its renewal did not happen",
    ],
};

static IMAGE: Facts = Facts {
    mechanism: Mechanism::Image,
    category: Category::ConfigurationError,
    happened: "cannot start: its image cannot be pulled",
    meanings: &[],
    words: &["image", "imagepullbackoff"],
    tells: "whether the tag exists in the registry and the pull secret may read it",
    next: &[
        "check the tag and the pull secret: kubectl -n {namespace} describe pod, events at the end",
        "roll {service} back to an image that exists",
    ],
};

static CODE: Facts = Facts {
    mechanism: Mechanism::Code,
    category: Category::CodeDefect,
    happened: "fails by a fault in its code",
    meanings: &[],
    words: &["exception", "exceptions", "crash", "panic", "5xx", "500"],
    tells: "whether the release before the first failure has the same stack trace; a roll-back of one replica tells",
    next: &[
        "roll {service} back to the release before the first failure",
        "read the first stack trace of {service} in the window and write the test that it fails",
    ],
};

static SCHEMA: Facts = Facts {
    mechanism: Mechanism::Schema,
    category: Category::CodeDefect,
    happened: "does not fit its database's schema",
    meanings: &[],
    words: &["migration", "schema"],
    tells: "the migrations that ran against those that the release expects",
    next: &[
        "check which migrations ran and which the release of {service} expects",
        "finish or revert the migration, or roll {service} back",
    ],
};

static LOCK: Facts = Facts {
    mechanism: Mechanism::Lock,
    category: Category::CodeDefect,
    happened: "is held up by transactions or threads that wait for each other or stay open",
    meanings: &[],
    words: &["deadlock", "deadlocks", "lock", "locks", "blocked", "transaction", "transactions"],
    tells: "who waits for whom while it lasts (pg_blocking_pids, SHOW ENGINE INNODB STATUS, a thread dump)",
    next: &[
        "list the waits while they last (PostgreSQL: pg_locks with pg_stat_activity; MySQL: show engine innodb status)",
        "end the session that blocks the others if its work can be lost (PostgreSQL: select pg_terminate_backend(<pid>))",
        "make the transactions of {service} take locks in one order, and keep them short",
    ],
};

static DATA: Facts = Facts {
    mechanism: Mechanism::Data,
    category: Category::DataQuality,
    happened: "gets data that it cannot use",
    meanings: &[],
    words: &["schema", "validation", "freshness", "malformed", "rows", "quality", "etl", "pipeline"],
    tells: "one rejected record beside one that was accepted",
    next: &[
        "take one rejected record and compare it with what {service} expects",
        "find where the records come from and since when they look like this; set the bad ones aside and replay them",
    ],
};

static DNS: Facts = Facts {
    mechanism: Mechanism::Dns,
    category: Category::Infrastructure,
    happened: "cannot resolve names",
    meanings: &[],
    words: &["dns", "coredns", "resolve"],
    tells: "the name resolved from within the pod, and the health of the resolver",
    next: &[
        "resolve the name from where {service} runs: kubectl -n {namespace} exec deploy/{service} -- getent hosts {peer}",
        "check the health of the cluster's DNS: kubectl -n kube-system get pods -l k8s-app=kube-dns",
    ],
};

static NETWORK: Facts = Facts {
    mechanism: Mechanism::Network,
    category: Category::Infrastructure,
    happened: "cannot reach others over the network",
    meanings: &[],
    words: &["network", "packet", "packets", "unreachable"],
    tells: "a connection from the same pod and from another node to the same address (nc -vz)",
    next: &[
        "check routes, security groups and network policies between {service} and {peer}",
        "look at the provider's status page and at changes of the network in the window",
    ],
};

static NODE: Facts = Facts {
    mechanism: Mechanism::Node,
    category: Category::Infrastructure,
    happened: "runs on a machine that is not healthy",
    meanings: &[],
    words: &["node", "host", "kubelet", "nodenotready", "machine", "instance"],
    tells: "the conditions of the machine, and whether what runs elsewhere is well",
    next: &[
        "look at the machine: kubectl get nodes; kubectl describe node, conditions and events",
        "drain the machine and let its workloads move: kubectl drain <node> --ignore-daemonsets",
    ],
};

static STORAGE: Facts = Facts {
    mechanism: Mechanism::Storage,
    category: Category::Infrastructure,
    happened: "has storage that fails",
    meanings: &[],
    words: &["io", "volume", "ebs", "raid"],
    tells: "the kernel's messages about the device, and the state of the volume",
    next: &[
        "read the kernel's messages about the device: dmesg -T | grep -iE 'i/o error|remount|nvme|ext4|xfs'",
        "move {service} to healthy storage and restore what is damaged",
    ],
};

static PLACEMENT: Facts = Facts {
    mechanism: Mechanism::Placement,
    category: Category::ConfigurationError,
    happened: "cannot be placed: no node may take it",
    meanings: &[],
    words: &["pending", "scheduling", "unschedulable", "taint"],
    tells: "the pod's tolerations, selectors and affinities beside the nodes' taints and labels",
    next: &[
        "compare what {service} asks for with what nodes offer: kubectl -n {namespace} get pod -o yaml (nodeSelector, affinity, tolerations); kubectl get nodes --show-labels; kubectl describe nodes | grep -i taint",
        "add the toleration or label that is missing, or take the taint away",
    ],
};

static SCALING: Facts = Facts {
    mechanism: Mechanism::Scaling,
    category: Category::ResourceExhaustion,
    happened: "cannot scale any further: its autoscaler is at its maximum",
    meanings: &[],
    words: &["hpa", "autoscaler", "replicas", "maxed"],
    tells: "whether the trouble goes when the maximum of replicas is raised",
    next: &[
        "see what the autoscaler wants: kubectl -n {namespace} describe hpa",
        "raise the maximum of replicas of {service} if the cluster and what it calls can take it, or shed load",
    ],
};

static REPLICATION: Facts = Facts {
    mechanism: Mechanism::Replication,
    category: Category::Infrastructure,
    happened: "has a replica that does not keep up",
    meanings: &[],
    words: &["replication", "replica", "standby", "lag"],
    tells: "the replica's receiver, its long queries and its disk while it is behind",
    next: &[
        "see where it is held up: long queries on the replica, its disk, the network between (PostgreSQL: pg_stat_replication on the primary, pg_stat_wal_receiver on the standby)",
        "send reads elsewhere until it has caught up; set it up anew if its slot is lost",
    ],
};

static CLOCK: Facts = Facts {
    mechanism: Mechanism::Clock,
    category: Category::Infrastructure,
    happened: "runs with a clock that is wrong",
    meanings: &[],
    words: &["clock", "ntp", "skew", "drift"],
    tells: "the clocks of both sides, at the same moment (date -u; chronyc tracking)",
    next: &[
        "compare the clocks: chronyc tracking; timedatectl; date -u on both sides",
        "restart time synchronisation on the machine and see that it reaches its servers (UDP 123)",
    ],
};
