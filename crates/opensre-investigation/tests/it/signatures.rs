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
    // What the table was checked with after it was written, from the same sources
    (Pool, "pq: sorry, too many clients already"),
    (Pool, "redis.clients.jedis.exceptions.JedisConnectionException: Could not get a resource from the pool"),
    (Pool, "MongoWaitQueueFullError: Timed out while checking out a connection from connection pool"),
    (Peer, "MongoServerSelectionError: connect ECONNREFUSED 10.0.0.4:27017"),
    (Peer, "ReplyError: READONLY You can't write against a read only replica."),
    (Peer, "io.grpc.StatusRuntimeException: UNAVAILABLE: io exception"),
    (Peer, "feign.RetryableException: Read timed out executing GET http://inventory/stock"),
    (Peer, "Polly.CircuitBreaker.BrokenCircuitException: The circuit is now open and is not allowing calls."),
    (Peer, "System.Net.Sockets.SocketException (111): Connection refused [::ffff:10.0.0.7]:5672"),
    (Peer, "kafka: client has run out of available brokers to talk to (Is your cluster reachable?)"),
    (Peer, "aiohttp.client_exceptions.ServerDisconnectedError: Server disconnected"),
    (Peer, "FetchError: request to http://catalog:3000/items failed, reason: connect ETIMEDOUT 10.1.1.1:3000"),
    (Peer, "AxiosError: timeout of 3000ms exceeded"),
    (Peer, "AxiosError: Request failed with status code 503"),
    (Peer, "psycopg2.OperationalError: server closed the connection unexpectedly"),
    (Peer, "PG::ConnectionBad: could not connect to server: Connection refused"),
    (Peer, "upstream prematurely closed connection while reading response header from upstream"),
    (Peer, "HTTP 504 gateway timeout from search-api"),
    (Dns, "curl: (6) Could not resolve host: api.partner.example"),
    (Dns, "java.net.UnknownHostException: redis: Name or service not known"),
    (Memory, "Exit code 137 (OOMKilled)"),
    (Memory, "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"),
    (Memory, "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB for an array"),
    (Disk, "ERROR: could not extend file \"base/16384/2619\": No space left on device"),
    (Handles, "java.net.SocketException: Too many open files"),
    (Handles, "OSError: [Errno 24] Too many open files"),
    (Quota, "openai.RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached for requests'}}"),
    (Quota, "com.amazonaws.SdkClientException: Throttling: Rate exceeded (Service: AmazonEC2; Status Code: 400)"),
    (Quota, "googleapi: Error 429: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'"),
    (Access, "kafka: SASL Authentication failed: Invalid username or password"),
    (Access, "io.jsonwebtoken.ExpiredJwtException: JWT expired at 2026-03-14T09:00:00Z"),
    (Access, "MongoServerError: Authentication failed."),
    (Access, "ORA-01017: invalid username/password; logon denied"),
    (Access, "remote: HTTP Basic: Access denied"),
    (Certificate, "Error: certificate has expired at TLSSocket.onConnectSecure"),
    (Certificate, "remote error: tls: bad certificate"),
    (Setting, "panic: required key DATABASE_URL missing value"),
    (Setting, "Error: Environment variable not found: DATABASE_URL."),
    (Setting, "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty."),
    (Setting, "Error: Config validation error: \"PORT\" must be a number"),
    (Setting, "failed to start: unknown flag: --max-conns"),
    (Capacity, "pod didn't trigger scale-up: 2 max node group size reached"),
    (Code, "Uncaught ReferenceError: cart is not defined"),
    (Code, "PHP Fatal error:  Uncaught Error: Call to undefined method App\\Cart::total()"),
    (Code, "NoMethodError (undefined method `each' for nil:NilClass):"),
    (Code, "java.lang.ArithmeticException: / by zero"),
    (Code, "System.IndexOutOfRangeException: Index was outside the bounds of the array."),
    (Code, "java.lang.NoSuchMethodError: 'void com.shop.Cart.add(java.lang.String)'"),
    (Code, "[Recovery] panic recovered: runtime error: slice bounds out of range"),
    (Code, "ModuleNotFoundError: No module named 'shop.discounts'"),
    (Data, "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    (Data, "pandas.errors.ParserError: Error tokenizing data. C error: Expected 5 fields in line 12, saw 6"),
    (Data, "org.apache.kafka.common.errors.SerializationException: Error deserializing Avro message for id 17"),
    (Data, "great_expectations: Expectation failed: expect_column_values_to_not_be_null(column=amount)"),
    (Data, "ERROR: invalid byte sequence for encoding \"UTF8\": 0xa0"),
    (Data, "ORA-01400: cannot insert NULL into (\"SHOP\".\"ORDERS\".\"ID\")"),
    (Data, "mapper_parsing_exception: failed to parse field [price] of type [long]"),
    (Schema, "FlywayException: Validate failed: Migrations have failed validation"),
    (Schema, "ActiveRecord::PendingMigrationError: Migrations are pending."),
    (Lock, "ERROR 1213 (40001): Deadlock found when trying to get lock; try restarting transaction"),
    (Lock, "org.postgresql.util.PSQLException: ERROR: canceling statement due to lock timeout"),
    (Lock, "sqlite3.OperationalError: database is locked"),
    (Node, "Node worker-3 became unreachable: kubelet stopped posting node status."),
    (Node, "Instance i-0abc has been marked for retirement: EC2 instance termination"),
    (Network, "connect: network is unreachable"),
    (Storage, "nfs: server nas01 not responding, still trying"),
    (Pool, "asyncpg.exceptions.TooManyConnectionsError: sorry, too many clients already"),
    (Pool, "go-redis: redis: connection pool timeout"),
    (Peer, "redis: connection to 10.0.0.9:6379 lost, reconnecting"),
    (Peer, "com.netflix.hystrix.exception.HystrixRuntimeException: getPrice short-circuited and fallback failed"),
    (Peer, "Error: Client network socket disconnected before secure TLS connection was established"),
    (Peer, "pika.exceptions.AMQPConnectionError: Connection to 10.0.0.2:5672 failed: timeout"),
    (Peer, "code = DeadlineExceeded desc = context deadline exceeded"),
    (Peer, "elasticsearch.exceptions.ConnectionTimeout: ConnectionTimeout caused by - ReadTimeoutError"),
    (Peer, "Downstream service 'ledger' returned HTTP 503"),
    (Peer, "Lost connection to MySQL server during query"),
    (Peer, "celery: Cannot connect to amqp://guest:**@rabbit:5672//: [Errno 111] Connection refused."),
    (Memory, "Container exceeded memory limit and was terminated"),
    (Memory, "dotnet: Out of memory. System.OutOfMemoryException"),
    (Memory, "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task=node,pid=81"),
    (Disk, "rsyslogd: file '/var/log/app.log' write error: No space left on device"),
    (Disk, "MySQL: Disk is full writing './shop/orders.MYD' (Errcode: 28)"),
    (Handles, "socket: too many open files (24)"),
    (Quota, "slack: ratelimited: retry after 30s"),
    (Quota, "Twilio error 20429: Too Many Requests"),
    (Quota, "DynamoDB: ThrottlingException: Throughput exceeds the current capacity of your table"),
    (Access, "FATAL: no pg_hba.conf entry for host \"10.0.0.3\", user \"app\", database \"shop\""),
    (Access, "rpc error: code = PermissionDenied desc = caller lacks role"),
    (Access, "vault: permission denied on secret/data/shop"),
    (Access, "Stripe: Invalid API Key provided: sk_live_****"),
    (Certificate, "x509: certificate is valid for old.example, not shop.example"),
    (Certificate, "curl: (60) SSL certificate problem: certificate has expired"),
    (Setting, "Error: Cannot find module '/app/config/production.json'"),
    (Setting, "FATAL: configuration file \"/etc/postgresql/postgresql.conf\" contains errors"),
    (Setting, "ValueError: STRIPE_KEY environment variable must be set"),
    (Setting, "Unsatisfied dependency expressed through constructor parameter 0: property 'queue.url' is required"),
    (Code, "TypeError: undefined is not a function"),
    (Code, "fatal error: concurrent map writes"),
    (Code, "Fatal Python error: Segmentation fault"),
    (Code, "java.lang.StackOverflowError: null"),
    (Code, "System.ArgumentOutOfRangeException: Index was out of range. Must be non-negative"),
    (Data, "Cannot deserialize the current JSON array because the type requires a JSON object"),
    (Data, "xml.etree.ElementTree.ParseError: not well-formed (invalid token): line 3"),
    (Data, "row 1021: expected 12 columns but got 11"),
    (Data, "dbt: Failure in test not_null_orders_id: Got 42 results, configured to fail if != 0"),
    (Data, "avro: unknown field 'loyalty' in record Order"),
    (Schema, "Table 'shop.discounts' doesn't exist"),
    (Node, "Node ip-10-2-3-4 has condition: NotReady"),
    (Storage, "XFS (nvme1n1): metadata I/O error in xfs_trans_read_buf_map at daddr 0x1"),
    (Network, "wget: can't connect to remote host (10.0.0.3): No route to host"),
    (
        Pool,
        "Npgsql.NpgsqlException: The connection pool has been exhausted, either raise 'Max Pool Size' (currently 100) or 'Timeout'",
    ),
    (
        Pool,
        "ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool within 5.000 seconds (waited 5.001 seconds); all pooled connections were in use",
    ),
    (
        Lock,
        "Transaction (Process ID 61) was deadlocked on lock resources with another process and has been chosen as the deadlock victim",
    ),
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
