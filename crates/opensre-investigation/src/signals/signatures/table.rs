//! The table of known messages, read from the top: what is specific stands above what is general.

use super::Signature;
use crate::mechanism::Mechanism as M;

const fn row(mechanism: M, weight: f64, means: &'static str, pattern: &'static str) -> Signature {
    Signature { mechanism: Some(mechanism), means, weight, single: false, pattern }
}

const fn once(mechanism: M, weight: f64, means: &'static str, pattern: &'static str) -> Signature {
    Signature { mechanism: Some(mechanism), means, weight, single: true, pattern }
}

const fn sign(weight: f64, means: &'static str, pattern: &'static str) -> Signature {
    Signature { mechanism: None, means, weight, single: false, pattern }
}

/// The table. Patterns ignore letter case.
pub(super) static TABLE: &[Signature] = &[
    // What a kubelet or load balancer says of its probe is about the program that is probed, not about what that calls.
    // Probes that run a command quote its output, which may tell more: they are read by the rows below.
    sign(
        0.35,
        "a probe fails",
        r"(?:readiness|liveness|startup) probe (?:failed|errored)[^:]{0,40}: *(?:http probe failed|get \x22?https?://|dial tcp|timeout|context deadline|command .{0,200}timed ?out|service unhealthy|nc: )|health checks failed(?: with these codes)?|target\.(?:timeout|failedhealthchecks|responsecodemismatch)|failed (?:elb|container|target group) health checks|is unhealthy in \(?target-group",
    ),
    // Time that a platform gives a program is the program's own: what took it, the message does not say.
    sign(
        0.4,
        "it ran out of the time that it is given",
        r"\btask timed out after [\d.]+ seconds|\bworker timeout \(pid|function execution took .{1,40}timeout|job was active longer than specified deadline|deadlineexceeded: job",
    ),
    // Threads: Java calls this an OutOfMemoryError, too.
    row(
        M::Handles,
        0.8,
        "no more threads or processes",
        r"unable to create (?:new )?native thread|can't start new thread|resource temporarily unavailable.*(?:fork|thread)|fork: (?:retry|cannot allocate)|pthread_create failed|no available ephemeral ports|cannot assign requested address|eaddrnotavail",
    ),
    // Memory.
    once(
        M::Memory,
        0.85,
        "killed for using too much memory",
        r"oom[-_ ]?kill|memory cgroup out of memory|killed process \d+ .*(?:rss|vm)",
    ),
    once(
        M::Memory,
        0.8,
        "out of memory",
        r"outofmemory(?:error|exception)|java heap space|gc overhead limit exceeded|metaspace\b.*(?:out|exhaust)|javascript heap out of memory|reached heap limit|(?:runtime|fatal error): out of memory",
    ),
    once(
        M::Memory,
        0.8,
        "out of memory",
        r"exceed\w* (?:the |its |their )?memory limit|memory limit (?:exceeded|reached)|memoryerror|unable to allocate [\d.]+ ?[kmgt]i?b|cannot allocate memory|\benomem\b|std::bad_alloc|failed to allocate \d+ bytes|\bout of memory\b|allocation of \d+ bytes failed",
    ),
    row(
        M::Memory,
        0.75,
        "memory limit of the store reached",
        r"oom command not allowed|used memory > 'maxmemory'|circuit_?breaking_?exception|data too large, data for",
    ),
    once(M::Node, 0.65, "evicted for memory", r"evict.*(?:low on resource: memory|memory pressure)"),
    once(M::Node, 0.7, "memory pressure on the node", r"memory ?pressure|insufficientmemory"),
    once(M::Node, 0.7, "no process ids left on the node", r"pid ?pressure|insufficientpid"),
    once(M::Node, 0.75, "the node has no network", r"networkunavailable|noroutecreated"),
    // A taint that a node has since it is in trouble.
    once(
        M::Node,
        0.6,
        "no node is fit: they are in trouble",
        r"untolerated taint \{node\.kubernetes\.io/(?:not-ready|unreachable|disk-pressure|memory-pressure|network-unavailable)",
    ),
    // Disk.
    once(
        M::Disk,
        0.85,
        "no space left on the device",
        r"no space left on device|\benospc\b|disk (?:is )?full|not enough (?:free )?(?:disk )?space|out of disk|insufficient disk space|disk quota exceeded|storage[- ]full|storage (?:has been |is )?exhausted|free storage (?:capacity|space) .{0,60}\blow\b|out of storage",
    ),
    row(M::Disk, 0.6, "a replication slot that nobody reads keeps files from being removed", r"nobody reads the slot"),
    row(
        M::Disk,
        0.8,
        "disk watermark reached",
        r"flood[- ]stage disk watermark|(?:high|low) disk watermark \[?.*exceeded|read[-_]only[-_]allow[-_]delete",
    ),
    once(
        M::Node,
        0.75,
        "evicted for disk space",
        r"evict.*(?:ephemeral-storage|disk ?pressure)|low on resource: ephemeral-storage|exceeds? .*ephemeral.storage",
    ),
    once(
        M::Node,
        0.7,
        "disk pressure on the node",
        r"disk ?pressure|nodehasdiskpressure|imagegcfailed|freediskspacefailed|evictionthresholdmet.*ephemeral-storage",
    ),
    // Pools, before everything that times out.
    row(
        M::Pool,
        0.8,
        "the connection pool is exhausted",
        r"(?:connection|thread|session|worker|object)? ?pool (?:is |has been |was )?(?:exhausted|full|depleted|empty)|connection is not available, request timed out|timeout(?: expired)?.* obtaining a connection from the pool|wait ?queue ?full|check(?:ing|ed)? out a connection|connection pool timeout|queuepool limit|poolexhausted|could not (?:get|acquire|obtain) .*(?:connection|resource) (?:from|in) .*pool|unable to acquire (?:jdbc )?connection|timed? ?out (?:waiting|while waiting|acquiring|trying to acquire).*(?:connection|pool)|acquir\w+ (?:a )?connection.*(?:timed? ?out|timeout)|timeout acquiring a connection|pool\.acquire.*timeout",
    ),
    row(
        M::Pool,
        0.8,
        "the server has no connection left",
        r"too many (?:clients|connections)|remaining connection slots are reserved|max(?:imum)?(?: number of)?[_ ](?:client )?connections(?:[_ ]\w+)? (?:reached|exceeded)|worker_connections are not enough|connection limit (?:exceeded|reached)",
    ),
    row(
        M::Pool,
        0.7,
        "a queue or executor is full",
        r"rejectedexecution|es_rejected_execution|(?:task )?queue (?:is )?full|queue capacity|backlog (?:is )?full|listen queue overflow|server reached pm\.max_children|buffer (?:is )?full.*drop|threadpool.*(?:saturated|exhausted|starv)",
    ),
    // File descriptors and threads.
    row(M::Handles, 0.85, "too many open files", r"too many open files|\bemfile\b|\benfile\b|file descriptor limit"),
    // CPU.
    row(
        M::Cpu,
        0.6,
        "starved of CPU",
        r"cpu throttl|event loop (?:is )?(?:blocked|lag)|thread starvation or clock leap|watchdog: bug: soft lockup|heartbeat thread starv",
    ),
    // Placement, the reason that is given first.
    row(
        M::Quota,
        0.85,
        "a resource quota is used up",
        r"exceeded quota: (?P<what>[\w.-]+)|quota reached: (?P<what2>[\w./-]+)",
    ),
    once(
        M::Capacity,
        0.8,
        "no node has room",
        r"\d+/\d+ nodes are available.*(?:insufficient|too many pods)|insufficient (?:cpu|memory|pods|nvidia\.com/gpu)\b|insufficientinstancecapacity|(?:max|maximum) node group size reached|reason: resource:(?:cpu|memory)",
    ),
    once(
        M::Storage,
        0.5,
        "its volume claim is not bound",
        r"unbound immediate persistentvolumeclaims|waiting for first consumer|claim is not bound",
    ),
    once(
        M::Placement,
        0.8,
        "no node fits its taints, selectors or affinities",
        r"untolerated taint(?:\(s\))? (?P<what>\{[^}]*\})|had taints? (?P<what2>\{[^}]*\})|didn't match pod(?:'s)? (?P<what3>node (?:affinity|selector)[\w/ ]*|(?:anti-)?affinity rules|topology spread constraints)|volume node affinity conflict|didn't match node selector|didn't have free ports",
    ),
    once(M::Capacity, 0.6, "it cannot be placed", r"failedscheduling|unschedulable"),
    sign(0.3, "autoscaling does not work", r"failedgetresourcemetric|failedcomputemetricsreplicas|scalingactive: "),
    once(
        M::Scaling,
        0.4,
        "the autoscaler wants more replicas than it may have",
        r"toomanyreplicas|desired replica count is (?:more|greater) than the maximum",
    ),
    // Quotas.
    row(
        M::Quota,
        0.75,
        "rate limited",
        r"\b429\b.*(?:too many|rate|limit|status)|(?:status|code|http|returned|error)[ :=]+429\b|\bratelimited\b|rate[- ]limited|too many requests|rate[- _]?limit(?:ed|ing)?[- _]*(?:exceeded|reached|hit|error)|rate exceeded|throttl(?:ing|ed)(?:exception|error)?\b|requestlimitexceeded|provisionedthroughputexceeded|slowdown: please reduce",
    ),
    row(
        M::Quota,
        0.75,
        "quota used up",
        r"quota (?:has been )?(?:exceeded|exhausted|reached)|exceeded (?:your |the )?(?:current )?quota|quotaexceeded|resource_?exhausted|insufficient_quota|\b(?:service|account|subscriber|concurrency|policy|stack)?limitexceeded(?:exception)?\b|usage limit (?:reached|exceeded)",
    ),
    // Clocks, before the tokens and certificates that they spoil.
    row(
        M::Clock,
        0.75,
        "a clock is wrong",
        r"clock ?(?:skew|drift)|clock is (?:out of sync|not synchroni[sz]ed|unsynchroni[sz]ed)|token used before issued|(?:jwt|token) (?:is )?not (?:yet )?valid yet|not active yet|issued in the future|requesttimetooskewed|signature not yet current|request time .{0,60}too (?:skewed|large)|system clock (?:time )?(?:is )?(?:wrong|unsynchronized)",
    ),
    // Certificates, before connections.
    row(
        M::Certificate,
        0.85,
        "the certificate is expired",
        r"certificate (?:has )?expired|certificate is (?:not yet valid|expired)|cert(?:ificate)?_?(?:has_)?expired|certificate verify failed: certificate has expired|notafter",
    ),
    row(
        M::Certificate,
        0.75,
        "the certificate is not trusted or does not fit",
        r"bad certificate|tls: .{0,40}certificate|x509: |certificate verify failed|pkix path building failed|unable to find valid certification path|self[- ]signed certificate|depth_zero_self_signed|unknown (?:ca|certificate authority)|certificate signed by unknown|hostname.*(?:does(?:n't| not) match|mismatch).*cert|cert_?(?:authority_invalid|common_name_invalid)|the remote certificate is invalid|err_tls_cert",
    ),
    row(
        M::Certificate,
        0.55,
        "the TLS handshake fails",
        r"ssl_do_handshake\(\) failed|tls handshake (?:error|fail)|sslhandshakeexception|ssl(?:v3)? alert|handshake failure|wrong version number",
    ),
    // Images.
    once(
        M::Image,
        0.85,
        "the image cannot be pulled",
        r"(?:failed to pull|pulling|pull) image [\x22'`]?(?P<what>[^\s\x22'`]+).*(?:fail|not found|denied|unauthorized|error|back-?off)|failed to pull image [\x22'`]?(?P<what2>[^\s\x22'`]+)|errimagepull|imagepullbackoff|invalidimagename|manifest (?:for .* |unknown|not found)|exec format error",
    ),
    // Records, before the settings whose words they share.
    row(
        M::Data,
        0.8,
        "records break the expected schema",
        r"(?:json_?schema|avro|protobuf|fastjsonschema|ajv)\S*\.?(?:exceptions?\.)?.{0,20}(?:validation ?(?:error|exception)|exception)|is a required property|is not valid under any of the (?:given )?schemas|must have required property|(?:message|record|event|payload|row)s? .{0,40}(?:rejected|dropped|moved to \S*(?:dlq|dead)\S*): .{0,80}(?:missing|required|invalid)",
    ),
    // Settings.
    once(
        M::Setting,
        0.85,
        "the cluster refuses the manifest",
        r"\b[\w.]+ \x22?(?P<what>[\w.-]+)\x22? is invalid: |objects? failed to apply|error validating data|validationerror\((?P<what2>[\w.]+)\)|field is immutable|no matches for kind \x22?(?P<what3>\w+)|admission webhook \x22?(?P<what4>[\w.-]+)\x22? denied the request|unable to recognize \x22|failed to (?:generate|render) manifests?|manifest generation error",
    ),
    once(
        M::Setting,
        0.85,
        "a storage or priority class is missing",
        r"(?:storage|priority|runtime|ingress)class(?:\.[\w.]+)? [\x22'`]?(?P<what>[\w.-]+)[\x22'`]? not found|no priorityclass with name (?P<what2>[\w.-]+)",
    ),
    once(
        M::Setting,
        0.85,
        "a secret or config map is missing",
        r"(?:configmap|secret|persistentvolumeclaim) [\x22'`]?(?P<what>[\w./-]+)[\x22'`]? not found|couldn't find key (?P<what2>[\w.-]+) in (?:configmap|secret)|createcontainerconfigerror|references non-existent (?:config|secret) key",
    ),
    once(
        M::Setting,
        0.8,
        "a required setting is missing",
        r"(?:missing|required|undefined|unset|no) (?:required )?(?:environment|env)(?:ironment)?[ _-]?var(?:iable)?s?:? ?[\x22'`]?(?P<what>(?-i:[A-Z][A-Z0-9_]+))?|(?:environment|env) ?var(?:iable)? [\x22'`]?(?P<what2>\w+)[\x22'`]? (?:is |was )?(?:not set|missing|required|undefined|not defined|unset|empty)|keyerror: [\x22'`](?P<what3>(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+))[\x22'`]|\b(?P<what4>(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+)) (?:is |was )?(?:not set|must be set|is required|not defined|is missing|undefined)",
    ),
    once(
        M::Setting,
        0.8,
        "a required setting is missing",
        r"(?:missing|required|undefined|unknown|unrecognized) (?:mandatory |required )?(?:config(?:uration)?|setting|property|option|parameter)(?: key| value)?\b|config(?:uration)? (?:key|value|option|property|setting) [\x22'`]?(?P<what>[\w.-]+)[\x22'`]? (?:is |was )?(?:not (?:set|found)|missing|required|undefined)|required key .{1,60} missing|(?:environment|env) variables? not found|(?:environment|env)(?: |_)?variables? must be set|could not resolve placeholder [\x22'`](?P<what2>[\w.-]+)",
    ),
    once(
        M::Setting,
        0.8,
        "the configuration is not valid",
        r"invalid (?:config(?:uration)?|setting|yaml|toml)\b|(?:failed|unable|error|cannot|could not|problem)[^.]{0,40}(?:load|pars|read|open|bind|validat)\w* (?:the )?(?:\w+ )?(?:config(?:uration)?|settings|application\.ya?ml|\S+\.(?:ya?ml|toml|ini|conf|properties))\b|config(?:uration)? (?:is )?(?:error|invalid|malformed|validation failed|parse error)|config(?:uration)? file \S+ (?:contains errors|not found|is missing)|cannot find module [\x22'`]\S*(?:config|settings|\.json|\.ya?ml)|property [\x22'`][\w.-]+[\x22'`] is required|improperlyconfigured|config(?:uration)? validation error|failed to bind properties|address already in use|eaddrinuse|configurationexception|invalidconfiguration|\[emerg\]|beancreationexception|no such (?:flag|option)|unknown (?:directive|flag|command[- ]line option)|unrecognized (?:option|argument)|invalid value .{0,40} for (?:option|flag|setting|property)",
    ),
    row(
        M::Setting,
        0.6,
        "a feature flag is at fault",
        r"feature[ _-]?flag .*(?:fail|error|not found|unknown|invalid|missing)|flag evaluation (?:fail|error)",
    ),
    once(
        M::Setting,
        0.8,
        "the container cannot be started as it is told to",
        r"exec: \x22?(?P<what>[^\s\x22]+)\x22?: .{0,60}(?:no such file|not found|permission denied)|executable file not found|unable to start container process|runcontainererror|createcontainererror|starterror",
    ),
    once(
        M::Setting,
        0.8,
        "what is configured does not exist there",
        r"\b(?:database|role|catalog|keyspace|bucket|topic|index|queue|virtual host) [\x22'`]?(?P<what>[\w.-]+)[\x22'`]? (?:does not|doesn't) exist|unknown database [\x22'`]?(?P<what2>[\w.-]+)|nosuchbucket|unknown_?topic_?or_?partition|nonexistentqueue",
    ),
    // Access.
    row(
        M::Access,
        0.8,
        "the credential is refused",
        r"(?:password )?authentication failed(?: for user [\x22'`](?P<what>[^\x22'`]+))?|access denied for user [\x22'`](?P<what2>[^\x22'`]+)|login failed for user|invalid (?:api[- ]?key|access key|credentials?|username or password|client secret|signature)\b|(?:^|[^(])invalid token\b|expired ?token|token (?:has )?(?:is )?expired|(?:jwt|credential)s? (?:has |have )?expired|invalidclienttokenid|signaturedoesnotmatch|unrecognizedclient|noauth authentication required|wrongpass|no pg_hba\.conf entry|invalid username|logon denied|invalid_grant|bad credentials|authentication (?:required|error|failure)",
    ),
    row(
        M::Access,
        0.75,
        "access is denied",
        r"access ?denied(?:exception)?\b|permission ?denied|permissiondenied|is not authorized to perform: (?P<what>[\w:]+)|not authorized|unauthorized(?:operation)?\b|(?:status|code|http|returned|response|error)[ :=\x22]+40[13]\b|\b40[13] (?:unauthorized|forbidden|client error)|\bforbidden\b|\beacces\b|\beperm\b|insufficient (?:privilege|permission|scope)|unauthenticated|accessdenied",
    ),
    // Schema of databases, before data.
    row(
        M::Schema,
        0.8,
        "the database has no such table or column",
        r"(?:relation|table|column|view) [\x22'`]?(?P<what>[\w.]+)[\x22'`]? (?:of relation \S+ )?(?:does not|doesn't) exist|unknown column [\x22'`]?(?P<what2>[\w.]+)|no such (?:table|column): (?P<what3>[\w.]+)|undefined(?:table|column)|invalid (?:object|column) name|ora-00942|ora-00904",
    ),
    once(
        M::Schema,
        0.8,
        "a migration failed",
        r"migrations? .{0,60}(?:fail|error|abort|dirty)|(?:fail|error)\w* .{0,40}\bmigrat(?:e|ion|ing)|flyway.*(?:fail|validate)|liquibase.*(?:exception|fail)|pendingmigration|migrations? (?:are|is) pending|dirty database version|pending migrations?",
    ),
    // Locks.
    row(M::Lock, 0.75, "deadlock", r"deadlock(?: found| detected|ed)?|all goroutines are asleep"),
    row(
        M::Lock,
        0.65,
        "waiting for locks",
        r"lock wait timeout|lock (?:request )?time ?out|could not obtain lock|database is locked|canceling statement due to lock timeout|could not serialize access|locktimeout",
    ),
    row(
        M::Lock,
        0.6,
        "a transaction is left open and does nothing",
        r"\bidle in transaction (?:\(aborted\) )?for\b|idle[- ]in[- ]transaction (?:session )?timeout",
    ),
    row(
        M::Replication,
        0.75,
        "a standby is behind or cut off",
        r"the standby (?:is .{1,20} behind|does not receive)|the slot is (?:lost|about to be lost)|replication (?:slot .{0,80}(?:lost|invalidated)|terminated|lag (?:of|is|above|exceed))|requested wal segment .{0,60}removed|canceling statement due to conflict with recovery|seconds_behind_master|slave_(?:io|sql)_running: no",
    ),
    // Names and networks.
    row(
        M::Dns,
        0.75,
        "a name does not resolve",
        r"lookup \S+ on \S+:53: |lookup \S{1,120}: (?:i/o timeout|.{0,60}timed? ?out)|no such host|server misbehaving|\benotfound\b|name or service not known|temporary failure in name resolution|name(?:_| )resolution|nodename nor servname|getaddrinfo (?:failed|eai_again)|eai_again|nxdomain|servfail|unknownhostexception|no address associated with hostname|name does not resolve|(?:could not|couldn't|cannot|can't|failed to|unable to) resolve (?:host|address|name|[\x22'`]?[\w-]+\.)|could not translate host name|host not found in upstream",
    ),
    row(
        M::Network,
        0.75,
        "no route to the network",
        r"no route to host|network is unreachable|\behostunreach\b|\benetunreach\b|destination host unreachable|packet loss|networkplugin.*not ready|cni .*(?:fail|error)|failedcreatepodsandbox|link is down",
    ),
    // Not storage: what HTTP clients call an I/O error.
    row(
        M::Peer,
        0.7,
        "a call over the network fails",
        r"i/o error on (?:get|post|put|patch|delete|head) request|: io exception$",
    ),
    // Machines and storage.
    once(
        M::Node,
        0.8,
        "the node is not ready",
        r"node ?not ?ready|condition:? ?(?:is )?notready|nodenotready|node .{0,60}(?:is not ready|status is now: nodenotready|became unreachable|has been terminated|lost contact)|kubelet stopped posting|nodestatusunknown|node .* not ready|(?:spot|instance) (?:interruption|termination|retirement)|status ?check ?failed|(?:system|instance)_check: impaired|taintmanagereviction|machine check",
    ),
    once(M::Node, 0.65, "evicted from the node", r"\bevicted\b|\bpreempt(?:ed|ing)\b"),
    once(
        M::Storage,
        0.8,
        "storage fails",
        r"\bi/o error\b|input/output error|buffer i/o error|remount(?:ed|ing) .*read-only|read-only file system|\berofs\b|ext4-fs error|xfs .*(?:corruption|shutdown)|nvme.*(?:timeout|reset)|failedattachvolume|failedmount|unable to attach or mount volumes|multi-attach error|nfs: server .{1,60} not responding|misconf redis|stale (?:nfs )?file handle|medium error",
    ),
    // Things that are called.
    row(
        M::Peer,
        0.75,
        "the other side refuses connections",
        r"connection (?:was )?refused|\beconnrefused\b|actively refused|could not connect to|can't connect to|(?:failed|unable|cannot) to connect to|connection (?:to .{1,60} )?failed|connectexception",
    ),
    row(
        M::Peer,
        0.7,
        "the other side does not answer in time",
        r"upstream timed out|\be(?:socket)?timedout\b|(?:timed? ?out|timeout)[^.]{0,30}\b(?:connecting to|calling|contacting|reaching|talking to|querying|waiting for (?:response|reply|answer)|awaiting)|(?:call|request|connection|query|response) (?:to|from) \S+ (?:has )?timed? ?out|dial (?:tcp|udp) .*(?:i/o timeout|timed? ?out)|https?://\S+.{0,60}(?:deadline exceeded|timed? ?out|timeout)|max retries exceeded",
    ),
    row(
        M::Peer,
        0.7,
        "the other side breaks connections off",
        r"connection reset|\beconnreset\b|socket hang up|broken pipe|unexpected eof|upstream prematurely closed|server closed the connection unexpectedly|connection (?:was |is )?(?:closed|aborted|lost|terminated)\b|server ?disconnected|connection to \S{1,60} (?:was )?(?:lost|closed|aborted)|socket disconnected|remote end closed|lost connection to|server has gone away|recv failure|\bgoaway\b",
    ),
    row(
        M::Peer,
        0.7,
        "the other side answers with failures",
        r"no live upstreams|no healthy upstream|upstream (?:connect error|request timeout|unavailable|returned|responded|error)|bad gateway|gateway time-?out|service (?:temporarily )?unavailable|(?:status|code|http|returned|response|got|error)(?: code)?[ :=\x22]+50[234]\b|\b50[234] (?:bad gateway|service|gateway)|code = unavailable|statuscode\.unavailable|circuit ?breaker .*(?:open|trip)|short-circuited|circuit is (?:now )?open|brokencircuit|\bunavailable: |circuitbreakeropen|callnotpermitted|\b[\w-]+ (?:is |service is |currently )(?:unavailable|unreachable)",
    ),
    row(
        M::Peer,
        0.7,
        "a broker or replica is away",
        r"(?:leader|coordinator|broker|controller)(?:_| )?(?:is )?not(?:_| )?available|not enough (?:in-sync )?replicas|notleaderforpartition|no (?:primary|master|reachable servers?|brokers?)\b|(?:replica|primary|master) (?:is )?(?:down|unreachable|lost)|serverselection(?:timeout)?error|run out of available brokers|broker may not be available|can't write against a read only|read-?only (?:replica|transaction)|cannot execute \w+ in a read-only transaction|brokers? (?:are )?down|cluster_?down|masterdown|failover (?:started|in progress)",
    ),
    row(
        M::Peer,
        0.55,
        "a call takes too long",
        r"deadline ?exceeded|deadline_exceeded|statement timeout|query timeout|read(?:ing)? timed? ?out|timeout of \d+ ?ms exceeded|sockettimeoutexception|timeoutexception|taskcanceledexception|request timed? ?out|i/o timeout|timed out after|operation timed out|(?:read|connect)timeout|\btimeouterror\b",
    ),
    // Data.
    row(
        M::Data,
        0.8,
        "records break the expected schema",
        r"schema (?:validation|mismatch|violation|registry|evolution|error)|(?:json|avro|protobuf|parquet|xml|csv)[\w ]{0,20}(?:schema|parse|pars\w+|decode|decod\w+|deserializ\w+|format) ?(?:error|exception|fail\w*)|(?:deseriali[sz]ation|serialization|unmarshal\w*|decod\w+|parsing|parse) ?(?:exception|error|fail\w*)|(?:failed|unable|cannot|could not|error) (?:to )?(?:deseriali[sz]\w+|unmarshal\w*|decod\w+|pars\w+)\b|not well-formed|expected \d+ (?:columns|fields|values)|unknown field\b|got \d+ results, configured to fail|parsererror|error tokenizing|jsondecodeerror|jsonparseexception|jsonmappingexception|invalidformatexception|mismatchedinput|unexpected (?:token|end of json|character|column|field|type)\b|invalid character .* looking for|malformed (?:record|json|message|payload|row|input|data|csv|xml)|corrupt(?:ed)? (?:record|message|data|file|block|row)",
    ),
    row(
        M::Data,
        0.75,
        "values break the expected form",
        r"validation ?(?:error|fail\w*|exception)|(?:invalid|unexpected) (?:input syntax for|date|timestamp|number|format|value|data|literal|enum|encoding|record|payload)\b|null value in column [\x22'`]?(?P<what>\w+)|column [\x22'`]?(?P<what2>\w+)[\x22'`]? cannot be null|(?:missing|required) (?:field|column|attribute)s?:? ?[\x22'`]?(?P<what3>[\w.]+)?|(?:field|column) [\x22'`]?(?P<what4>[\w.]+)[\x22'`]? (?:is |was )?(?:missing|required|not found|null)|invalid byte sequence|cannot insert null|numberformatexception|could not convert string|cannot (?:cast|convert|parse|coerce)|value too long for type|data too long for column|out of range (?:for|value)|unicodedecodeerror|type mismatch|data quality|expectation failed|(?:null|duplicate) (?:rate|count|rows|values|ids?|keys?).*(?:exceed|above|found|detected)|(?:stale|late) data|row count (?:mismatch|below|is 0)",
    ),
    row(
        M::Data,
        0.65,
        "records break a constraint",
        r"(?:duplicate key|unique constraint|foreign key constraint|check constraint|integrity constraint|not-null constraint)|duplicate entry|integrityerror|dataintegrityviolation|constraintviolation|e11000",
    ),
    // The program itself.
    row(
        M::Code,
        0.8,
        "null or undefined is used as a value",
        r"nullpointerexception|nullreferenceexception|nil pointer dereference|object reference not set|cannot read propert(?:y|ies) (?:[\x22'`]?\w+[\x22'`]? )?of (?:undefined|null)|'nonetype' object|undefined method .* for nil|null is not an object|undefined is not (?:an object|a function)|is not a function|invalid memory address",
    ),
    once(
        M::Code,
        0.75,
        "the program crashes",
        r"panic recovered|runtime error: |panic: |panicked at|fatal error: |segmentation fault|\bsigsegv\b|core dumped|unhandled (?:exception|promise rejection|rejection|error)|uncaught (?:exception|typeerror|referenceerror|error)|stack ?overflow|assertion ?(?:error|failed)|terminate called after",
    ),
    row(
        M::Code,
        0.7,
        "an error in the program's logic",
        r"\b(?:typeerror|attributeerror|nameerror|keyerror|indexerror|importerror|modulenotfounderror|syntaxerror|referenceerror|unboundlocalerror|zerodivisionerror|rangeerror|recursionerror|nomethoderror|argumenterror|valueerror)\b|(?:classcast|indexoutofbounds|arrayindexoutofbounds|stringindexoutofbounds|illegalargument|illegalstate|concurrentmodification|nosuchmethod|classnotfound|nosuchelement|unsupportedoperation|arithmetic|invalidoperation|invalidcast|argumentnull|argument|keynotfound|notimplemented|missingmethod|typeload|formatexception|dividebyzero)(?:exception|error)|noclassdeffounderror|index out of (?:range|bounds)|division by zero|divide by zero|undefined (?:variable|index|offset|function)|call to undefined|syntax error",
    ),
    row(
        M::Code,
        0.4,
        "unhandled failures",
        r"traceback \(most recent call last\)|exception in thread|unexpected (?:error|exception)|internal server error|unhandled",
    ),
    // Signs of trouble that do not say which.
    sign(
        0.45,
        "restarts in a loop",
        r"crashloopbackoff|back-?off restarting failed|exited with (?:code|status) [1-9]|exit code:? [1-9]|process exited|terminated with (?:exit|signal)",
    ),
    sign(0.4, "a job gave up after its retries", r"backofflimitexceeded|reached the specified backoff limit"),
    sign(
        0.35,
        "a probe fails",
        r"(?:readiness|liveness|startup|health)[ -]?(?:check|probe)?s? ?(?:probe )?failed|unhealthy|health ?check.*fail",
    ),
    row(M::Code, 0.3, "an exception of the program", r"\b[a-z]\w*(?:exception|error): "),
];
