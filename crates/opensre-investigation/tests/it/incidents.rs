//! Generated incidents: each category with random services, numbers, texts, times and noise.
//!
//! The verdict's category must be the incident's, whatever the names are, in whatever order the evidence comes, and
//! however much goes on besides.

use opensre_investigation::diagnose;
use opensre_model::evidence::{EventKind, Evidence, EvidenceData, Meaning};
use opensre_model::report::{Category, HypothesisStatus};
use proptest::prelude::*;

use crate::world::{World, labels};

const SERVICES: &[&str] =
    &["checkout", "cart-service", "billing_api", "media-transcoder", "ledger", "fulfilment", "Search"];
const OTHERS: &[&str] = &["recommendation", "newsletter", "avatar-store", "reporting", "geo-index"];

/// Puts an incident into a world; returns the category it must be found to be.
type Incident = fn(&mut World) -> Category;

const INCIDENTS: &[(&str, Incident)] = &[
    ("memory", memory),
    ("leak", leak),
    ("disk", disk),
    ("pool", pool),
    ("load", load),
    ("quota", quota),
    ("dependency", dependency),
    ("slow dependency", slow_dependency),
    ("dependency in traces", dependency_in_traces),
    ("deployment", deployment),
    ("deployment without words", deployment_without_words),
    ("crash", crash),
    ("migration", migration),
    ("setting", setting),
    ("changed setting", changed_setting),
    ("credential", credential),
    ("certificate", certificate),
    ("image", image),
    ("data", data),
    ("constraint", constraint),
    ("names", names),
    ("node", node),
    ("storage", storage),
    ("machine down", machine_down),
];

fn errors(world: &mut World, from: i64) {
    let own = world.own();
    let usual = world.dice.between(0.0, 0.004);
    let bad = world.dice.between(0.08, 0.6);
    let points = world.step(usual, bad, from, None);
    world.condition(0.05, points.clone());
    world.metric(Meaning::Errors, "ratio", own, points);
}

fn traffic(world: &mut World) {
    let own = world.own();
    let level = world.dice.between(5.0, 400.0);
    let points = world.step(level, level, 0, None);
    world.metric(Meaning::Traffic, "per_second", own, points);
}

fn tell(world: &mut World, from: i64, level: &'static str, messages: &[&str]) {
    let own = world.own();
    let message = world.dice.pick(messages).to_owned();
    let per_minute = 1 + (world.dice.next() % 6) as usize;
    let mut lines = world.repeated(from, 30, per_minute, Some(level), |salt| {
        message.replace("{id}", &format!("{salt:x}")).replace("{n}", &(salt % 1000).to_string())
    });
    // A stack frame after a failure is no failure of its own.
    if let Some(first) = lines.first().cloned() {
        lines.push((first.0, None, "\tat com.shop.Handler.handle(Handler.java:42)".to_owned()));
    }
    world.logs(&own, lines);
}

fn memory(world: &mut World) -> Category {
    let from = -(world.dice.between(1.0, 5.0) as i64);
    errors(world, from);
    traffic(world);
    let own = world.own();
    let start = world.at(from);
    let restarts = world
        .points(|time, _| if time < start { 2.0 } else { 3.0 + (time.duration_since(start).as_mins() / 9) as f64 });
    world.metric(Meaning::Restarts, "count", own, restarts);
    tell(
        world,
        from,
        "error",
        &[
            "java.lang.OutOfMemoryError: Java heap space while handling {id}",
            "container killed: OOMKilled, exit code 137, attempt {n}",
            "worker {n} died: MemoryError",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        ],
    );
    Category::ResourceExhaustion
}

fn leak(world: &mut World) -> Category {
    errors(world, -1);
    traffic(world);
    let own = world.own();
    let full = world.at(-1);
    let points = world.points(|time, dice| {
        // It climbs until it is full, is restarted, and climbs faster.
        let minutes = time.duration_since(full).as_secs_f64() / 60.0;
        let level = if minutes <= 0.0 { 0.985 + 0.005 * minutes } else { 0.5 + 0.048 * (minutes % 10.0) };
        (level + 0.004 * dice.normal()).min(0.999)
    });
    world.metric(Meaning::Memory, "ratio", own.clone(), points);
    let start = world.at(-1);
    let restarts = world
        .points(|time, _| if time < start { 0.0 } else { 1.0 + (time.duration_since(start).as_mins() / 12) as f64 });
    world.metric(Meaning::Restarts, "count", own, restarts);
    Category::ResourceExhaustion
}

fn disk(world: &mut World) -> Category {
    errors(world, 0);
    let own = world.own();
    let from = world.window.baseline_start;
    let points = world.points(|time, _| {
        let minutes = time.duration_since(from).as_secs_f64() / 60.0;
        (0.70 + 0.0030 * minutes).min(1.0)
    });
    world.metric(Meaning::Disk, "ratio", own, points);
    tell(
        world,
        -2,
        "error",
        &[
            "PANIC:  could not write to file \"pg_wal/xlogtemp.{n}\": No space left on device",
            "OSError: [Errno 28] No space left on device: '/var/spool/{id}'",
            "write /data/segment-{n}.log: no space left on device",
        ],
    );
    Category::ResourceExhaustion
}

fn pool(world: &mut World) -> Category {
    errors(world, 0);
    traffic(world);
    let own = world.own();
    let latency = world.step(0.12, 4.5, -1, None);
    world.metric(Meaning::Latency, "seconds", own.clone(), latency);
    let used = world.points(|time, dice| if time.as_second() % 7 == 0 { 0.42 } else { 0.4 + 0.01 * dice.normal() });
    let start = world.at(-2);
    let used = used.into_iter().map(|(time, value)| (time, if time >= start { 1.0 } else { value })).collect();
    world.metric(Meaning::Pool, "ratio", own, used);
    tell(
        world,
        -2,
        "error",
        &[
            "HikariPool-1 - Connection is not available, request timed out after {n}ms (total=10, active=10, idle=0, waiting={n})",
            "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
            "Timeout expired. The timeout period elapsed prior to obtaining a connection from the pool.",
            "FATAL:  sorry, too many clients already",
        ],
    );
    Category::ResourceExhaustion
}

fn load(world: &mut World) -> Category {
    let own = world.own();
    let latency = world.step(0.2, 2.4, -1, None);
    world.condition(1.0, latency.clone());
    world.metric(Meaning::Latency, "seconds", own.clone(), latency);
    let requests = world.step(100.0, 420.0, -6, None);
    world.metric(Meaning::Traffic, "per_second", own.clone(), requests);
    let start = world.at(-4);
    let cpu = world
        .points(|time, dice| if time >= start { 0.985 + 0.005 * dice.normal() } else { 0.35 + 0.02 * dice.normal() });
    world.metric(Meaning::Cpu, "ratio", own, cpu);
    tell(world, -90, "info", &["handled {n} requests"]);
    Category::ResourceExhaustion
}

fn quota(world: &mut World) -> Category {
    errors(world, 0);
    tell(
        world,
        -1,
        "warn",
        &[
            "ThrottlingException: Rate exceeded (request {id})",
            "geocoder answered 429 Too Many Requests for {id}",
            "quota exceeded for quota metric 'Requests' and limit 'Requests per minute'",
        ],
    );
    Category::ResourceExhaustion
}

fn dependency(world: &mut World) -> Category {
    errors(world, 0);
    traffic(world);
    tell(
        world,
        -1,
        "error",
        &[
            "payment {id} failed: dial tcp 10.96.14.7:5432: connect: connection refused",
            "Error: connect ECONNREFUSED 10.0.3.17:6379 for {id}",
            "connect() failed (111: Connection refused) while connecting to upstream, request {n}, upstream: \"http://pricing:8080/\"",
            "java.net.ConnectException: Connection refused: pricing.shop.svc/10.2.3.4:8080",
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='pricing', port=8080): Max retries exceeded with url: /p/{n}",
        ],
    );
    Category::DependencyFailure
}

fn slow_dependency(world: &mut World) -> Category {
    let own = world.own();
    let latency = world.step(0.15, 5.2, 0, None);
    world.condition(1.0, latency.clone());
    world.metric(Meaning::Latency, "seconds", own, latency);
    tell(
        world,
        0,
        "error",
        &[
            "call to ledger-db timed out after 5000 ms (request {id})",
            "Get \"http://inventory:8080/stock/{n}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            "upstream timed out (110: Connection timed out) while reading response header from upstream, upstream: \"http://quotes:9000/q/{n}\"",
        ],
    );
    let peer = labels(&[("service", "inventory"), ("namespace", "shop"), ("env", "prod")]);
    let slow = world.step(0.05, 5.0, -1, None);
    world.metric(Meaning::Latency, "seconds", peer, slow);
    Category::DependencyFailure
}

fn dependency_in_traces(world: &mut World) -> Category {
    errors(world, 0);
    let service = world.service.clone();
    world.traces(&["edge", &service, "tax-engine"], -1, "upstream connect error: connection refused");
    Category::DependencyFailure
}

fn deployment(world: &mut World) -> Category {
    let minute = -(world.dice.between(1.0, 9.0) as i64);
    let title = format!("Deployed {} v2.8.1", world.service);
    let own = world.own();
    world.event(EventKind::Deploy, minute, &title, own);
    errors(world, minute + 1);
    traffic(world);
    tell(
        world,
        minute + 1,
        "error",
        &[
            "java.lang.NullPointerException: Cannot invoke \"Order.total()\" because \"order\" is null, id {id}",
            "TypeError: Cannot read properties of undefined (reading 'items') {id}",
            "KeyError: 'discount' while handling order {n}",
            "System.NullReferenceException: Object reference not set to an instance of an object. order {n}",
            "panic: runtime error: index out of range [{n}] with length 3",
            "undefined method 'total' for nil:NilClass (NoMethodError) {id}",
        ],
    );
    Category::CodeDefect
}

fn deployment_without_words(world: &mut World) -> Category {
    let title = format!("Release {} 2026.3.1", world.service);
    let own = world.own();
    world.event(EventKind::Deploy, -4, &title, own.clone());
    errors(world, -3);
    let latency = world.step(0.1, 0.9, -3, None);
    world.metric(Meaning::Latency, "seconds", own.clone(), latency);
    world.logs(&own, Vec::new());
    Category::CodeDefect
}

fn crash(world: &mut World) -> Category {
    errors(world, 0);
    let own = world.own();
    let start = world.at(-1);
    let restarts = world
        .points(|time, _| if time < start { 0.0 } else { 1.0 + (time.duration_since(start).as_mins() / 3) as f64 });
    world.metric(Meaning::Restarts, "count", own, restarts);
    tell(
        world,
        -1,
        "error",
        &[
            "panic: runtime error: invalid memory address or nil pointer dereference [signal SIGSEGV {id}]",
            "thread 'main' panicked at src/cart.rs:{n}: called `Option::unwrap()` on a `None` value",
            "Segmentation fault (core dumped) pid {n}",
            "Unhandled exception. System.IndexOutOfRangeException: Index was outside the bounds of the array. {id}",
        ],
    );
    Category::CodeDefect
}

fn migration(world: &mut World) -> Category {
    let title = format!("Deploy {} v5", world.service);
    let own = world.own();
    world.event(EventKind::Deploy, -5, &title, own);
    errors(world, -4);
    tell(
        world,
        -4,
        "error",
        &[
            "psycopg2.errors.UndefinedColumn: column \"tier\" does not exist, statement {id}",
            "ERROR:  relation \"order_discounts\" does not exist at character {n}",
            "Unknown column 'o.tier' in 'field list' ({id})",
        ],
    );
    Category::CodeDefect
}

fn setting(world: &mut World) -> Category {
    let title = format!("Deploy {} v7.0.0", world.service);
    let own = world.own();
    world.event(EventKind::Deploy, -3, &title, own.clone());
    errors(world, -2);
    let start = world.at(-2);
    let restarts =
        world.points(|time, _| if time < start { 0.0 } else { time.duration_since(start).as_mins() as f64 / 2.0 });
    let restarts = restarts.into_iter().map(|(time, value)| (time, value.floor())).collect();
    world.metric(Meaning::Restarts, "count", own, restarts);
    tell(
        world,
        -2,
        "error",
        &[
            "Error: Missing required environment variable: LEDGER_ENDPOINT (pid {n})",
            "KeyError: 'PAYMENT_GATEWAY_URL'",
            "failed to load config: yaml: line {n}: mapping values are not allowed in this context",
            "Could not resolve placeholder 'ledger.url' in value \"${ledger.url}\"",
            "nginx: [emerg] unknown directive \"proxy_bufer\" in /etc/nginx/conf.d/shop.conf:{n}",
            "MountVolume.SetUp failed for volume \"config\" : configmap \"app-config\" not found",
        ],
    );
    Category::ConfigurationError
}

fn changed_setting(world: &mut World) -> Category {
    let title = format!("config change: {} connection pool max 50 -> 5", world.service);
    let own = world.own();
    world.event(EventKind::Change, -4, &title, own);
    errors(world, -2);
    tell(world, -2, "error", &["HikariPool-1 - Connection is not available, request timed out after {n}ms"]);
    Category::ConfigurationError
}

fn credential(world: &mut World) -> Category {
    errors(world, 0);
    tell(
        world,
        -1,
        "error",
        &[
            "FATAL:  password authentication failed for user \"orders\" (attempt {n})",
            "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/app is not authorized to perform: s3:GetObject ({id})",
            "quotes api answered: 401 Unauthorized, request {id}",
            "Access denied for user 'shop'@'10.2.0.4' (using password: YES)",
        ],
    );
    Category::ConfigurationError
}

fn certificate(world: &mut World) -> Category {
    errors(world, 0);
    tell(
        world,
        0,
        "error",
        &[
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid ({id})",
            "javax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path {n}",
            "SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed: certificate has expired (_ssl.c:{n})",
        ],
    );
    Category::ConfigurationError
}

fn image(world: &mut World) -> Category {
    errors(world, 0);
    let own = world.own();
    world.event(
        EventKind::Other,
        -2,
        "Failed to pull image \"registry.example/app:v9\": rpc error: code = NotFound desc = manifest unknown",
        own,
    );
    Category::ConfigurationError
}

fn data(world: &mut World) -> Category {
    errors(world, 0);
    traffic(world);
    tell(
        world,
        -1,
        "error",
        &[
            "cannot parse record {id}: json.decoder.JSONDecodeError: Expecting ',' delimiter: line {n}",
            "InvalidFormatException: Cannot deserialize value of type `java.time.Instant` from String \"14/03/2026\" ({id})",
            "schema validation failed for message {id}: field 'amount' is missing",
            "ERROR:  invalid input syntax for type numeric: \"12,{n}\"",
        ],
    );
    Category::DataQuality
}

fn constraint(world: &mut World) -> Category {
    errors(world, 0);
    tell(
        world,
        -1,
        "error",
        &[
            "ERROR:  null value in column \"customer_id\" of relation \"orders\" violates not-null constraint, row {n}",
            "IntegrityError: duplicate key value violates unique constraint \"orders_pkey\" ({id})",
        ],
    );
    Category::DataQuality
}

fn names(world: &mut World) -> Category {
    errors(world, 0);
    tell(
        world,
        -1,
        "error",
        &[
            "dial tcp: lookup inventory.internal on 10.96.0.10:53: server misbehaving ({id})",
            "getaddrinfo EAI_AGAIN pricing.internal {n}",
            "urllib3: Failed to resolve 'pricing.internal' ([Errno -3] Temporary failure in name resolution) {id}",
        ],
    );
    Category::Infrastructure
}

fn node(world: &mut World) -> Category {
    errors(world, 0);
    world.event(
        EventKind::Other,
        -2,
        "Node ip-10-0-3-4 status is now: NodeNotReady",
        labels(&[("reason", "NodeNotReady"), ("node", "ip-10-0-3-4")]),
    );
    let own = world.own();
    let up = world.step(1.0, 0.3, -2, None);
    world.metric(Meaning::Availability, "ratio", own, up);
    Category::Infrastructure
}

fn storage(world: &mut World) -> Category {
    errors(world, 0);
    tell(
        world,
        -1,
        "error",
        &[
            "Buffer I/O error on dev sdb1, logical block {n}, lost async page write",
            "open /data/segment-{n}: read-only file system",
            "could not read block {n} in file \"base/16384\": Input/output error",
        ],
    );
    Category::Infrastructure
}

fn machine_down(world: &mut World) -> Category {
    let start = world.at(-3);
    let host = labels(&[("instance", "10.0.3.4:9100"), ("job", "node")]);
    "HostDown".clone_into(&mut world.alert.title);
    world.alert.labels = host.clone();
    world.alert.items[0].labels = host.clone();
    let up = world.points(|time, _| f64::from(time < start));
    world.metric(Meaning::Availability, "up", host, up);
    Category::Infrastructure
}

fn made(position: usize, seed: u64, noisy: bool) -> (World, Category) {
    let mut dice = crate::world::Dice::new(seed);
    let service = dice.pick(SERVICES);
    let mut world = World::new("HighErrorRate", service, seed);
    let wanted = INCIDENTS[position].1(&mut world);
    if noisy {
        let other = dice.pick(OTHERS);
        world.noise(other);
    }
    (world, wanted)
}

#[test]
fn every_incident_is_found_plain() {
    let mut wrong = Vec::new();
    for (position, (name, _)) in INCIDENTS.iter().enumerate() {
        let (world, wanted) = made(position, 17, false);
        let verdict = world.diagnose().verdict;
        if verdict.category != wanted {
            wrong.push(format!("{name}: {:?} ({}) {}", verdict.category, verdict.confidence, verdict.root_cause));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_incident_is_found_among_noise(position in 0..INCIDENTS.len(), seed in any::<u64>()) {
        let (world, wanted) = made(position, seed, true);
        let found = world.diagnose();
        prop_assert_eq!(found.verdict.category, wanted, "{}: {:#?}", INCIDENTS[position].0, found);
        prop_assert!(found.verdict.confidence >= 0.3, "{:?}", found.verdict);
        for claim in &found.claims {
            prop_assert!(!claim.evidence.is_empty());
        }
        // The other service's deployment is never the cause.
        for hypothesis in found.hypotheses.iter().filter(|one| one.status == HypothesisStatus::Confirmed) {
            prop_assert!(!OTHERS.iter().any(|other| hypothesis.title.contains(other)), "{}", hypothesis.title);
        }
    }

    #[test]
    fn names_do_not_matter(position in 0..INCIDENTS.len(), seed in any::<u64>(), name in "[a-z]{4,9}(-[a-z]{3,8})?") {
        let (mut world, wanted) = made(position, seed, false);
        rename(&mut world, &name);
        prop_assert_eq!(world.diagnose().verdict.category, wanted, "{} as {}", INCIDENTS[position].0, name);
    }

    #[test]
    fn the_order_of_evidence_does_not_matter(position in 0..INCIDENTS.len(), seed in any::<u64>()) {
        let (world, _) = made(position, seed, true);
        let straight = world.diagnose();
        let reversed: Vec<Evidence> = world.evidence.iter().rev().cloned().collect();
        let turned = diagnose(&world.alert, world.window, &reversed, &world.gaps);
        prop_assert_eq!(straight.verdict.category, turned.verdict.category);
        prop_assert!((straight.verdict.confidence - turned.verdict.confidence).abs() < 1e-9);
        let titles = |found: &opensre_investigation::Diagnosis| {
            found.hypotheses.iter().map(|one| (one.title.clone(), one.status)).collect::<Vec<_>>()
        };
        prop_assert_eq!(titles(&straight), titles(&turned));
    }

    #[test]
    fn the_same_evidence_gives_the_same_words(position in 0..INCIDENTS.len(), seed in any::<u64>()) {
        let (world, _) = made(position, seed, true);
        prop_assert_eq!(world.diagnose(), world.diagnose());
    }
}

/// Gives the service another name everywhere.
fn rename(world: &mut World, name: &str) {
    let old = std::mem::replace(&mut world.service, name.to_owned());
    let swap = |labels: &mut std::collections::BTreeMap<String, String>| {
        for value in labels.values_mut().filter(|value| **value == old) {
            name.clone_into(value);
        }
    };
    swap(&mut world.alert.labels);
    for item in &mut world.alert.items {
        swap(&mut item.labels);
    }
    for one in &mut world.evidence {
        match &mut one.data {
            EvidenceData::Metrics { series, .. } => series.iter_mut().for_each(|series| swap(&mut series.labels)),
            EvidenceData::Logs { lines } => lines.iter_mut().for_each(|line| swap(&mut line.labels)),
            EvidenceData::Events { events } => {
                for event in events {
                    swap(&mut event.labels);
                    event.title = event.title.replace(&old, name);
                }
            }
            EvidenceData::Spans { spans } => {
                for span in spans {
                    if span.service == old {
                        name.clone_into(&mut span.service);
                    }
                }
            }
            EvidenceData::States { states } => states.iter_mut().for_each(|state| swap(&mut state.attributes)),
        }
    }
}
