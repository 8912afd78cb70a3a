//! Error signatures: what known messages of runtimes, databases, proxies, clouds and Kubernetes mean.
//!
//! A table, read from the top: the first row that matches a text decides, so what is specific stands above what is
//! general (`OutOfMemoryError` is a Java exception, too). A row says nothing about guilt by itself: only texts that
//! are new or burst against the baseline are looked up for symptoms.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::Sign;
use super::pattern::{compile, compile_set};

use crate::mechanism::Mechanism as M;

/// A known message.
#[derive(Debug)]
pub struct Signature {
    /// What it points at; `None` for signs of trouble that do not say which.
    pub mechanism: Option<M>,
    /// What it says, as a phrase after a colon: `out of memory`.
    pub means: &'static str,
    /// How far one such message carries: 0 to 1.
    pub weight: f64,
    /// Whether a single line is as telling as many (a kernel does not kill twice).
    pub single: bool,
    /// The message; groups `what...` capture the thing at fault.
    pattern: &'static str,
}

/// A signature that was found in a text.
#[derive(Debug, Clone)]
pub struct Match {
    /// The signature.
    pub signature: &'static Signature,
    /// What was called, where the text says: a host, host and port, or a service.
    pub peer: Option<String>,
    /// The thing at fault, where the text says: a key, a column, an image.
    pub what: Option<String>,
    /// The line of the text that says it.
    pub line: String,
}

impl Match {
    /// What it is a sign of.
    pub fn into_sign(self) -> Sign {
        Sign::Failure {
            mechanism: self.signature.mechanism,
            means: self.signature.means,
            peer: self.peer,
            what: self.what,
            weight: self.signature.weight,
        }
    }
}

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
static TABLE: &[Signature] = &[
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
        r"\bmemoryerror\b|cannot allocate memory|\benomem\b|std::bad_alloc|failed to allocate \d+ bytes|\bout of memory\b|allocation of \d+ bytes failed",
    ),
    row(
        M::Memory,
        0.75,
        "memory limit of the store reached",
        r"oom command not allowed|used memory > 'maxmemory'|circuit_?breaking_?exception|data too large, data for",
    ),
    once(M::Node, 0.65, "evicted for memory", r"evict.*(?:low on resource: memory|memory pressure)|memorypressure"),
    // Disk.
    once(
        M::Disk,
        0.85,
        "no space left on the device",
        r"no space left on device|\benospc\b|disk (?:is )?full|not enough (?:free )?(?:disk )?space|out of disk|insufficient disk space|disk quota exceeded",
    ),
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
        r"disk ?pressure|nodehasdiskpressure|imagegcfailed|freediskspacefailed",
    ),
    // Pools, before everything that times out.
    row(
        M::Pool,
        0.8,
        "the connection pool is exhausted",
        r"(?:connection|thread|session|worker|object)? ?pool (?:is )?(?:exhausted|full|depleted)|connection is not available, request timed out|timeout(?: expired)?.* obtaining a connection from the pool|queuepool limit|poolexhausted|could not (?:get|acquire|obtain) .*(?:connection|resource) (?:from|in) .*pool|unable to acquire (?:jdbc )?connection|timed? ?out (?:waiting|while waiting|acquiring|trying to acquire).*(?:connection|pool)|acquir\w+ (?:a )?connection.*(?:timed? ?out|timeout)|timeout acquiring a connection|pool\.acquire.*timeout",
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
    // Placement.
    once(
        M::Capacity,
        0.8,
        "no node has room",
        r"\d+/\d+ nodes are available.*insufficient|insufficient (?:cpu|memory|pods|nvidia\.com/gpu)\b|failedscheduling|unschedulable|insufficientinstancecapacity|exceeded quota: |(?:max|maximum) node group size reached",
    ),
    // Quotas.
    row(
        M::Quota,
        0.75,
        "rate limited",
        r"\b429\b.*(?:too many|rate|limit|status)|(?:status|code|http|returned|error)[ :=]+429\b|too many requests|rate[- _]?limit(?:ed|ing)?[- _]*(?:exceeded|reached|hit|error)|rate exceeded|throttl(?:ing|ed)(?:exception|error)?\b|requestlimitexceeded|provisionedthroughputexceeded|slowdown: please reduce",
    ),
    row(
        M::Quota,
        0.75,
        "quota used up",
        r"quota (?:has been )?(?:exceeded|exhausted|reached)|exceeded (?:your |the )?(?:current )?quota|quotaexceeded|resource_?exhausted|insufficient_quota|limitexceeded(?:exception)?|usage limit (?:reached|exceeded)",
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
        r"x509: |certificate verify failed|pkix path building failed|unable to find valid certification path|self[- ]signed certificate|depth_zero_self_signed|unknown (?:ca|certificate authority)|certificate signed by unknown|hostname.*(?:does(?:n't| not) match|mismatch).*cert|cert_?(?:authority_invalid|common_name_invalid)|the remote certificate is invalid|err_tls_cert",
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
    // Settings.
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
        r"(?:missing|required|undefined|unknown|unrecognized) (?:mandatory |required )?(?:config(?:uration)?|setting|property|option|parameter)(?: key| value)?\b|config(?:uration)? (?:key|value|option|property|setting) [\x22'`]?(?P<what>[\w.-]+)[\x22'`]? (?:is |was )?(?:not (?:set|found)|missing|required|undefined)|could not resolve placeholder [\x22'`](?P<what2>[\w.-]+)",
    ),
    once(
        M::Setting,
        0.8,
        "the configuration is not valid",
        r"invalid (?:config(?:uration)?|setting|yaml|toml)\b|(?:failed|unable|error|cannot|could not|problem)[^.]{0,40}(?:load|pars|read|open|bind|validat)\w* (?:the )?(?:\w+ )?(?:config(?:uration)?|settings|application\.ya?ml|\S+\.(?:ya?ml|toml|ini|conf|properties))\b|config(?:uration)? (?:is )?(?:error|invalid|malformed|validation failed|parse error)|configurationexception|invalidconfiguration|\[emerg\]|beancreationexception|no such (?:flag|option)|unknown (?:directive|flag|command[- ]line option)|unrecognized (?:option|argument)|invalid value .{0,40} for (?:option|flag|setting|property)",
    ),
    row(
        M::Setting,
        0.6,
        "a feature flag is at fault",
        r"feature[ _-]?flag .*(?:fail|error|not found|unknown|invalid|missing)|flag evaluation (?:fail|error)",
    ),
    row(
        M::Setting,
        0.65,
        "the bound is set too low",
        r"read-?only (?:replica|transaction)|can't write against a read only|cannot execute \w+ in a read-only transaction|misconf redis",
    ),
    // Access.
    row(
        M::Access,
        0.8,
        "the credential is refused",
        r"(?:password )?authentication failed(?: for user [\x22'`](?P<what>[^\x22'`]+))?|access denied for user [\x22'`](?P<what2>[^\x22'`]+)|login failed for user|invalid (?:api[- ]?key|access key|credentials?|username or password|client secret|signature|token)\b|expired ?token|token (?:has )?(?:is )?expired|(?:jwt|credential)s? (?:has |have )?expired|invalidclienttokenid|signaturedoesnotmatch|unrecognizedclient|noauth authentication required|wrongpass|invalid_grant|bad credentials|authentication (?:required|error|failure)",
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
        r"migrations? .{0,60}(?:fail|error|abort|dirty)|(?:fail|error)\w* .{0,40}\bmigrat(?:e|ion|ing)|flyway.*(?:fail|validate)|liquibase.*(?:exception|fail)|dirty database version|pending migrations?",
    ),
    // Locks.
    row(M::Lock, 0.75, "deadlock", r"deadlock(?: found| detected|ed)?|all goroutines are asleep"),
    row(
        M::Lock,
        0.65,
        "waiting for locks",
        r"lock wait timeout|lock (?:request )?time ?out|could not obtain lock|database is locked|canceling statement due to lock timeout|could not serialize access|locktimeout",
    ),
    // Names and networks.
    row(
        M::Dns,
        0.75,
        "a name does not resolve",
        r"no such host|server misbehaving|\benotfound\b|name or service not known|temporary failure in name resolution|name(?:_| )resolution|nodename nor servname|getaddrinfo (?:failed|eai_again)|eai_again|nxdomain|servfail|unknownhostexception|no address associated with hostname|name does not resolve|(?:could not|couldn't|cannot|can't|failed to|unable to) resolve (?:host|address|name|[\x22'`]?[\w-]+\.)|could not translate host name|host not found in upstream",
    ),
    row(
        M::Network,
        0.75,
        "no route to the network",
        r"no route to host|network is unreachable|\behostunreach\b|\benetunreach\b|destination host unreachable|packet loss|networkplugin.*not ready|cni .*(?:fail|error)|failedcreatepodsandbox|link is down",
    ),
    // Machines and storage.
    once(
        M::Node,
        0.8,
        "the node is not ready",
        r"node ?not ?ready|nodenotready|node .{0,60}(?:is not ready|status is now: nodenotready|became unreachable|has been terminated|lost contact)|kubelet stopped posting|nodestatusunknown|node .* not ready|(?:spot|instance) (?:interruption|termination|retirement)|status ?check ?failed|taintmanagereviction|machine check",
    ),
    once(M::Node, 0.65, "evicted from the node", r"\bevicted\b|\bpreempt(?:ed|ing)\b"),
    once(
        M::Storage,
        0.8,
        "storage fails",
        r"\bi/o error\b|input/output error|buffer i/o error|remount(?:ed|ing) .*read-only|read-only file system|\berofs\b|ext4-fs error|xfs .*(?:corruption|shutdown)|nvme.*(?:timeout|reset)|failedattachvolume|failedmount|unable to attach or mount volumes|multi-attach error|stale (?:nfs )?file handle|medium error",
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
        r"connection reset|\beconnreset\b|socket hang up|broken pipe|unexpected eof|upstream prematurely closed|server closed the connection unexpectedly|connection (?:was |is )?(?:closed|aborted|lost|terminated)\b|remote end closed|lost connection to|server has gone away|recv failure|\bgoaway\b",
    ),
    row(
        M::Peer,
        0.7,
        "the other side answers with failures",
        r"no live upstreams|no healthy upstream|upstream (?:connect error|request timeout|unavailable|returned|responded|error)|bad gateway|gateway time-?out|service (?:temporarily )?unavailable|(?:status|code|http|returned|response|got|error)(?: code)?[ :=\x22]+50[234]\b|\b50[234] (?:bad gateway|service|gateway)|code = unavailable|statuscode\.unavailable|circuit ?breaker .*(?:open|trip)|circuitbreakeropen|callnotpermitted|\b[\w-]+ (?:is |service is |currently )(?:unavailable|unreachable)",
    ),
    row(
        M::Peer,
        0.7,
        "a broker or replica is away",
        r"(?:leader|coordinator|broker|controller)(?:_| )?(?:is )?not(?:_| )?available|not enough (?:in-sync )?replicas|notleaderforpartition|no (?:primary|master|reachable servers?|brokers?)\b|(?:replica|primary|master) (?:is )?(?:down|unreachable|lost)|serverselection(?:timeout)?error|brokers? (?:are )?down|cluster_?down|masterdown|failover (?:started|in progress)",
    ),
    row(
        M::Peer,
        0.55,
        "a call takes too long",
        r"deadline ?exceeded|deadline_exceeded|statement timeout|query timeout|read(?:ing)? timed? ?out|sockettimeoutexception|timeoutexception|taskcanceledexception|request timed? ?out|i/o timeout|timed out after|operation timed out|(?:read|connect)timeout|\btimeouterror\b",
    ),
    // Data.
    row(
        M::Data,
        0.8,
        "records break the expected schema",
        r"schema (?:validation|mismatch|violation|registry|evolution|error)|(?:json|avro|protobuf|parquet|xml|csv)[\w ]{0,20}(?:schema|parse|pars\w+|decode|decod\w+|deserializ\w+|format) ?(?:error|exception|fail\w*)|(?:deseriali[sz]ation|serialization|unmarshal\w*|decod\w+|parsing|parse) ?(?:exception|error|fail\w*)|(?:failed|unable|cannot|could not|error) (?:to )?(?:deseriali[sz]\w+|unmarshal\w*|decod\w+|pars\w+)\b|jsondecodeerror|jsonparseexception|jsonmappingexception|invalidformatexception|mismatchedinput|unexpected (?:token|end of json|character|column|field|type)\b|invalid character .* looking for|malformed (?:record|json|message|payload|row|input|data|csv|xml)|corrupt(?:ed)? (?:record|message|data|file|block|row)",
    ),
    row(
        M::Data,
        0.75,
        "values break the expected form",
        r"validation ?(?:error|fail\w*|exception)|(?:invalid|unexpected) (?:input syntax for|date|timestamp|number|format|value|data|literal|enum|encoding|record|payload)\b|null value in column [\x22'`]?(?P<what>\w+)|column [\x22'`]?(?P<what2>\w+)[\x22'`]? cannot be null|(?:missing|required) (?:field|column|attribute)s?:? ?[\x22'`]?(?P<what3>[\w.]+)?|(?:field|column) [\x22'`]?(?P<what4>[\w.]+)[\x22'`]? (?:is |was )?(?:missing|required|not found|null)|numberformatexception|could not convert string|cannot (?:cast|convert|parse|coerce)|value too long for type|data too long for column|out of range (?:for|value)|unicodedecodeerror|type mismatch|data quality|expectation failed|(?:null|duplicate) (?:rate|count|rows|values|ids?|keys?).*(?:exceed|above|found|detected)|(?:stale|late) data|row count (?:mismatch|below|is 0)",
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
        r"panic: |panicked at|fatal error: |segmentation fault|\bsigsegv\b|core dumped|unhandled (?:exception|promise rejection|rejection|error)|uncaught (?:exception|typeerror|referenceerror|error)|stack ?overflow|assertion ?(?:error|failed)|terminate called after",
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
    sign(
        0.35,
        "a probe fails",
        r"(?:readiness|liveness|startup|health)[ -]?(?:check|probe)?s? ?(?:probe )?failed|unhealthy|health ?check.*fail",
    ),
    row(M::Code, 0.3, "an exception of the program", r"\b[a-z]\w*(?:exception|error): "),
];

/// Texts that mention failures and report none.
const ALL_IS_WELL: &str = r"(?i)\b(?:0|no|zero|without) (?:errors?|failures?|exceptions?|warnings?)\b|\b(?:errors?|failures?|failed|timeouts?)[ =:]+0\b|\b(?:recovered|succeeded after|retry succeeded|is healthy again|back to normal|reconnected|connection restored)\b";

/// What a text means, if it is a known message.
pub fn find(text: &str) -> Option<Match> {
    static ROWS: LazyLock<Vec<Regex>> =
        LazyLock::new(|| TABLE.iter().map(|row| compile(&format!("(?is){}", row.pattern))).collect());
    // All rows at once, in one pass: nearly every line matches none.
    static ANY: LazyLock<RegexSet> =
        LazyLock::new(|| compile_set(TABLE.iter().map(|row| format!("(?is){}", row.pattern))));
    static FINE: LazyLock<Regex> = LazyLock::new(|| compile(ALL_IS_WELL));
    let first = ANY.matches(text).iter().next()?;
    if FINE.is_match(text) {
        return None;
    }
    let (signature, pattern) = (&TABLE[first], &ROWS[first]);
    let found = pattern.captures(text)?;
    let what = pattern
        .capture_names()
        .flatten()
        .find_map(|name| found.name(name))
        .map(|group| bare(group.as_str()))
        .filter(|captured| !captured.is_empty());
    let peer = signature.mechanism.filter(|mechanism| mechanism.has_peer()).and_then(|_| peer_in(text));
    let at = found.get(0).map_or(0, |whole| whole.start());
    let start = text[..at].rfind('\n').map_or(0, |line_break| line_break + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim().to_owned();
    Some(Match { signature, peer, what, line })
}

/// Where texts say what was called, the most telling form first.
const PEERS: &[&str] = &[
    r#"upstream: "?(?:\w+://)?([^"/\s,]+)"#,
    r"read (?:tcp|udp) \S+->([\w.:\[\]-]+)",
    r"dial (?:tcp|udp):? (?:lookup )?([\w.\[\]-]+(?::\d+)?)",
    r"lookup ([\w.-]+)(?: on|:)",
    r"(?:econnrefused|enotfound|etimedout|eai_again|econnreset) ([\w.:\[\]-]+)",
    r#"server at "([\w.-]+)""#,
    r#"translate host name "([\w.-]+)""#,
    r"unknownhostexception: ([\w.-]+)",
    r"host=['\x22]?([\w.-]+)",
    r"https?://(?:[^@/\s]*@)?([\w.-]+(?::\d+)?)",
    r"\b([a-z][\w.-]*)/\d{1,3}(?:\.\d{1,3}){3}:\d+",
    r"\b((?:[a-z0-9][\w-]*)(?:\.[\w-]+)*:\d{2,5})\b",
    r"(?:connect(?:ing|ion)? to|call(?:ing)?(?: to)?|contacting|requests? to|reach(?:ing)?|querying|talking to|response from|waiting for|resolve(?: host)?|upstream|service) ['\x22`]?([a-z][\w.-]*(?::\d+)?)",
    r"\b([a-z][\w-]*) (?:service )?(?:is )?(?:currently )?(?:unavailable|unreachable|timed out|refused)",
    r"\b(postgres(?:ql)?|mysql|mariadb|redis|mongo(?:db)?|kafka|rabbitmq|elasticsearch|opensearch|memcached|cassandra|s3|dynamodb|vault|consul|etcd)\b",
];

/// What a text says was called.
pub fn peer_in(text: &str) -> Option<String> {
    static COMPILED: LazyLock<Vec<Regex>> =
        LazyLock::new(|| PEERS.iter().map(|pattern| compile(&format!("(?i){pattern}"))).collect());
    COMPILED
        .iter()
        .filter_map(|pattern| pattern.captures(text))
        .filter_map(|found| found.get(1).map(|group| bare(group.as_str())))
        .find(|peer| names_something(peer))
}

fn bare(captured: &str) -> String {
    captured.trim_matches(|c: char| ".:,;[]()'\"`".contains(c)).to_owned()
}

/// Not the words, clock times and source lines that stand where a peer's name would.
fn names_something(peer: &str) -> bool {
    const WORDS: &[&str] = &[
        "the",
        "a",
        "an",
        "server",
        "host",
        "upstream",
        "service",
        "remote",
        "backend",
        "database",
        "db",
        "peer",
        "it",
        "be",
        "get",
        "response",
        "client",
        "connect",
        "complete",
        "localhost",
        "acquire",
        "request",
        "all",
        "other",
        "connection",
        "api",
        "is",
        "currently",
        "for",
        "this",
        "that",
        "not",
        "read",
        "write",
        "reply",
        "http",
        "https",
        "error",
        "call",
        "operation",
        "query",
        "timeout",
        "headers",
        "data",
        "and",
        "after",
        "was",
        "has",
        "temporarily",
    ];
    static SOURCE_LINE: LazyLock<Regex> =
        LazyLock::new(|| compile(r"(?i)^\d+:\d+$|\.(?:java|py|go|js|ts|rb|cs|rs|php|kt|scala|c|cpp|cc):\d+$"));
    peer.chars().any(char::is_alphanumeric)
        && !WORDS.contains(&peer.to_lowercase().as_str())
        && !SOURCE_LINE.is_match(peer)
}

/// All signatures, for tests and reference docs.
pub fn table() -> &'static [Signature] {
    TABLE
}
