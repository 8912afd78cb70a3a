//! What messages of real runtimes, databases, proxies, clouds and clusters are read as.

use opensre_investigation::mechanism::Mechanism::{self, *};
use opensre_investigation::signals::signatures::{find, peer_in, table};
use opensre_investigation::signals::templates::{self, Level};
use opensre_model::evidence::LogLine;
use proptest::prelude::*;

const CORPUS: &[(Mechanism, &str)] = &[
    // Java
    (Memory, "java.lang.OutOfMemoryError: Java heap space"),
    (Memory, "Terminating due to java.lang.OutOfMemoryError: GC overhead limit exceeded"),
    (
        Pool,
        "HikariPool-1 - Connection is not available, request timed out after 30001ms (total=10, active=10, idle=0, waiting=37)",
    ),
    (
        Pool,
        "org.apache.tomcat.jdbc.pool.PoolExhaustedException: [http-nio-8080-exec-7] Timeout: Pool empty. Unable to fetch a connection in 30 seconds",
    ),
    (
        Pool,
        "java.util.concurrent.RejectedExecutionException: Task rejected from java.util.concurrent.ThreadPoolExecutor@1b2c",
    ),
    (Handles, "java.lang.OutOfMemoryError: unable to create new native thread"),
    (Peer, "java.net.ConnectException: Connection refused (Connection refused)"),
    (Peer, "java.net.SocketTimeoutException: Read timed out"),
    (Dns, "java.net.UnknownHostException: inventory.shop.svc.cluster.local"),
    (
        Certificate,
        "javax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException",
    ),
    (Code, "java.lang.NullPointerException: Cannot invoke \"Order.getTotal()\" because \"order\" is null"),
    (Code, "java.lang.IllegalStateException: Cart already closed"),
    (Code, "java.lang.ClassCastException: class java.lang.String cannot be cast to class java.lang.Integer"),
    (
        Data,
        "com.fasterxml.jackson.databind.exc.InvalidFormatException: Cannot deserialize value of type `java.time.Instant` from String",
    ),
    (Data, "org.springframework.dao.DataIntegrityViolationException: could not execute statement"),
    (Setting, "Could not resolve placeholder 'payments.url' in value \"${payments.url}\""),
    (Access, "org.postgresql.util.PSQLException: FATAL: password authentication failed for user \"orders\""),
    // Python
    (Code, "TypeError: unsupported operand type(s) for +: 'int' and 'str'"),
    (Code, "AttributeError: 'NoneType' object has no attribute 'price'"),
    (Code, "KeyError: 'discount'"),
    (Setting, "KeyError: 'PAYMENT_GATEWAY_URL'"),
    (Memory, "MemoryError"),
    (
        Pool,
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
    ),
    (
        Peer,
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='pricing', port=8080): Max retries exceeded with url: /v1/prices (Caused by NewConnectionError: Failed to establish a new connection: [Errno 111] Connection refused)",
    ),
    (Peer, "redis.exceptions.ConnectionError: Error 111 connecting to redis-cache:6379. Connection refused."),
    (Schema, "psycopg2.errors.UndefinedColumn: column \"loyalty_tier\" does not exist"),
    (Disk, "OSError: [Errno 28] No space left on device: '/var/lib/app/spool'"),
    (Data, "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
    (Data, "pydantic.error_wrappers.ValidationError: 1 validation error for Order"),
    // Go
    (Peer, "dial tcp 10.96.14.7:5432: connect: connection refused"),
    (Peer, "rpc error: code = Unavailable desc = connection error: desc = \"transport: error while dialing\""),
    (
        Peer,
        "Get \"http://inventory:8080/stock\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    ),
    (Dns, "dial tcp: lookup inventory.internal on 10.96.0.10:53: no such host"),
    (
        Certificate,
        "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-03-14T10:00:00Z is after 2026-03-14T09:59:59Z",
    ),
    (Code, "panic: runtime error: invalid memory address or nil pointer dereference"),
    (Code, "panic: runtime error: index out of range [5] with length 3"),
    (Handles, "accept tcp [::]:8080: accept4: too many open files"),
    (Data, "json: cannot unmarshal string into Go struct field Order.total of type float64"),
    (Memory, "fatal error: runtime: out of memory"),
    (Lock, "fatal error: all goroutines are asleep - deadlock!"),
    // Node
    (Code, "TypeError: Cannot read properties of undefined (reading 'items')"),
    (Peer, "Error: connect ECONNREFUSED 10.0.3.17:6379"),
    (Peer, "Error: socket hang up"),
    (Dns, "Error: getaddrinfo ENOTFOUND api.partner.example"),
    (Memory, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
    (Handles, "Error: EMFILE: too many open files, open '/app/views/cart.hbs'"),
    (Disk, "Error: ENOSPC: no space left on device, write"),
    (Setting, "Error: Missing required environment variable: STRIPE_SECRET_NAME"),
    // .NET
    (Code, "System.NullReferenceException: Object reference not set to an instance of an object."),
    (
        Pool,
        "System.InvalidOperationException: Timeout expired. The timeout period elapsed prior to obtaining a connection from the pool.",
    ),
    (
        Peer,
        "System.Net.Http.HttpRequestException: No connection could be made because the target machine actively refused it.",
    ),
    (Certificate, "The remote certificate is invalid because of errors in the certificate chain: NotTimeValid"),
    (Data, "System.FormatException: Input string was not in a correct format: could not convert string to decimal"),
    // nginx, Envoy
    (
        Peer,
        "connect() failed (111: Connection refused) while connecting to upstream, client: 10.1.1.4, server: shop, request: \"GET / HTTP/1.1\", upstream: \"http://10.2.0.9:8080/\"",
    ),
    (Peer, "upstream timed out (110: Connection timed out) while reading response header from upstream"),
    (Peer, "no live upstreams while connecting to upstream"),
    (Pool, "1024 worker_connections are not enough"),
    (Setting, "nginx: [emerg] unknown directive \"proxy_bufer\" in /etc/nginx/conf.d/shop.conf:12"),
    (Peer, "upstream connect error or disconnect/reset before headers. reset reason: connection timeout"),
    // Databases and brokers
    (Pool, "FATAL:  sorry, too many clients already"),
    (Pool, "FATAL:  remaining connection slots are reserved for non-replication superuser connections"),
    (Lock, "ERROR:  deadlock detected"),
    (Lock, "ERROR 1205 (HY000): Lock wait timeout exceeded; try restarting transaction"),
    (Disk, "PANIC:  could not write to file \"pg_wal/xlogtemp.77\": No space left on device"),
    (Data, "ERROR:  duplicate key value violates unique constraint \"orders_pkey\""),
    (Data, "ERROR:  invalid input syntax for type numeric: \"12,50\""),
    (Data, "ERROR:  null value in column \"customer_id\" of relation \"orders\" violates not-null constraint"),
    (Schema, "ERROR:  relation \"order_discounts\" does not exist at character 15"),
    (Schema, "Unknown column 'o.tier' in 'field list'"),
    (Access, "Access denied for user 'shop'@'10.2.0.4' (using password: YES)"),
    (Pool, "ERROR 1040 (08004): Too many connections"),
    (Memory, "OOM command not allowed when used memory > 'maxmemory'."),
    (Access, "NOAUTH Authentication required."),
    (Peer, "Not enough in-sync replicas for partition orders-3"),
    (
        Disk,
        "flood stage disk watermark [95%] exceeded on [x1][es-data-0], all indices on this node will be marked read-only",
    ),
    (
        Memory,
        "[parent] Data too large, data for [<http_request>] would be [1.9gb/1.9gb], which is larger than the limit: circuit_breaking_exception",
    ),
    // Kubernetes
    (Memory, "OOMKilled: container checkout was killed, exit code 137"),
    (Memory, "Memory cgroup out of memory: Killed process 4121 (java) total-vm:8123456kB, anon-rss:2097152kB"),
    (
        Image,
        "Failed to pull image \"registry.example/checkout:v9\": rpc error: code = NotFound desc = manifest unknown",
    ),
    (Image, "Back-off pulling image \"registry.example/checkout:v9\": ErrImagePull"),
    (Setting, "MountVolume.SetUp failed for volume \"config\" : configmap \"checkout-config\" not found"),
    (Setting, "Error: couldn't find key DB_HOST in ConfigMap shop/checkout"),
    (Capacity, "0/6 nodes are available: 3 Insufficient cpu, 3 node(s) had untolerated taint."),
    (Node, "Node ip-10-0-3-4 status is now: NodeNotReady"),
    (Node, "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 512Mi."),
    (Network, "dial tcp 10.4.2.9:443: connect: no route to host"),
    (
        Storage,
        "EXT4-fs error (device nvme1n1): ext4_find_entry:1455: inode #131: comm postgres: reading directory lblock 0",
    ),
    (Storage, "Buffer I/O error on dev sdb1, logical block 7733, lost async page write"),
    // Clouds and vendors
    (Quota, "ThrottlingException: Rate exceeded"),
    (Quota, "429 Too Many Requests: rate limit exceeded for org acme"),
    (
        Quota,
        "ProvisionedThroughputExceededException: The level of configured provisioned throughput for the table was exceeded",
    ),
    (
        Access,
        "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/app is not authorized to perform: s3:GetObject",
    ),
    (Access, "The security token included in the request is expired: ExpiredToken"),
    (Access, "401 Unauthorized from https://api.partner.example/v2/quotes"),
    (Access, "403 Forbidden: caller does not have permission"),
    (Peer, "502 Bad Gateway from payments"),
    (Peer, "circuit breaker 'inventory' is OPEN and does not permit further calls"),
    (Schema, "Migration 0042_add_tier failed: syntax error at or near \"COLUM\""),
];

#[test]
fn known_messages_are_read_as_what_they_are() {
    let mut wrong = Vec::new();
    for (wanted, message) in CORPUS {
        let found = find(message).and_then(|found| found.signature.mechanism);
        if found != Some(*wanted) {
            wrong.push(format!("{message}\n    {found:?} instead of {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ordinary_lines_are_not_failures() {
    let lines = [
        "GET /orders/42 200 in 12 ms",
        "Started checkout in 4.1 seconds",
        "processed 120 records, 0 errors",
        "connected to postgres at db-1:5432",
        "checkpoint complete: wrote 41 buffers",
        "request succeeded after 2 attempts",
        "cache miss for key user:42",
        "certificate renewed, valid until 2027-01-01",
        "connection restored",
        "scaled up replica set checkout-7d9f to 3",
        "user 17 logged in",
        "health check ok",
        "pool stats: total=10 active=2 idle=8 waiting=0",
        "memory usage 45%",
        "loaded configuration from /etc/app.yaml",
    ];
    for line in lines {
        let found = find(line).map(|found| found.signature.means);
        assert_eq!(found, None, "{line}");
    }
}

#[test]
fn what_was_called_is_read_from_the_text() {
    let cases = [
        ("dial tcp 10.96.14.7:5432: connect: connection refused", Some("10.96.14.7:5432")),
        ("dial tcp: lookup inventory.internal on 10.96.0.10:53: no such host", Some("inventory.internal")),
        ("Error: connect ECONNREFUSED 10.0.3.17:6379", Some("10.0.3.17:6379")),
        ("getaddrinfo ENOTFOUND api.partner.example", Some("api.partner.example")),
        ("HTTPConnectionPool(host='pricing', port=8080): Max retries exceeded", Some("pricing")),
        ("upstream timed out, upstream: \"http://payments:8080/pay\"", Some("payments:8080")),
        ("Connection refused: inventory.shop.svc/10.2.3.4:8080", Some("inventory.shop.svc")),
        ("Get \"https://api.partner.example/v1\": deadline exceeded", Some("api.partner.example")),
        ("call to ledger timed out after 3 s", Some("ledger")),
        ("error at Order.java:42: connection refused", None),
        ("connection reset by peer", None),
    ];
    for (text, wanted) in cases {
        assert_eq!(peer_in(text).as_deref(), wanted, "{text}");
    }
}

#[test]
fn weights_are_shares() {
    for signature in table() {
        assert!((0.0..=1.0).contains(&signature.weight), "{}", signature.means);
    }
}

fn line(message: &str) -> LogLine {
    LogLine {
        time: "2026-03-14T10:00:00Z".parse().expect("constant"),
        level: None,
        message: message.to_owned(),
        labels: std::collections::BTreeMap::new(),
    }
}

#[test]
fn levels_are_read_from_the_line() {
    let cases = [
        ("2026-03-14T10:00:00Z ERROR c.s.Checkout - boom", Level::Error),
        ("[warn] upstream is slow", Level::Warning),
        ("level=error msg=\"boom\" err=\"no such host\"", Level::Error),
        ("{\"level\":\"warn\",\"message\":\"slow\"}", Level::Warning),
        ("{\"level\":50,\"msg\":\"pino error\"}", Level::Error),
        ("E0314 10:00:00.123456 1 main.go:12] boom", Level::Error),
        ("INFO all good", Level::Fine),
        ("just words", Level::Unsaid),
    ];
    for (text, wanted) in cases {
        assert_eq!(templates::read(&line(text)).level, wanted, "{text}");
    }
}

#[test]
fn stack_frames_only_continue_a_line() {
    for frame in [
        "\tat com.shop.Cart.total(Cart.java:42)",
        "    at Object.<anonymous> (/app/index.js:10:5)",
        "  File \"/app/cart.py\", line 42, in total",
        "\t... 23 more",
        "goroutine 17 [running]:",
    ] {
        assert!(templates::read(&line(frame)).continuation, "{frame}");
    }
    assert!(!templates::read(&line("Caused by: java.net.ConnectException: Connection refused")).continuation);
}

proptest! {
    #[test]
    fn variable_parts_do_not_make_new_templates(
        a in any::<u64>(), b in any::<u32>(), c in 0..255u8, d in 0..23u8,
    ) {
        let text = |a: u64, b: u32, c: u8, d: u8| format!(
            "2026-03-14T{d:02}:00:00.{c:03}Z request {a:016x} from 10.0.{c}.{c}:{b} took {b}ms for user \"u{a}\" order=ord-{a:x}{b}"
        );
        prop_assert_eq!(templates::template(&text(a, b, c, d)), templates::template(&text(7, 12, 3, 4)));
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,300}") {
        let reading = templates::read(&line(&text));
        let _ = find(&reading.text);
        let _ = peer_in(&text);
    }
}
