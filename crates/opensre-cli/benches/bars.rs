//! The bars of BENCHMARKS.md, measured on the built program: whole processes, their peak memory, and wall times against
//! simulators with 200 ms latency. Prints a table; judges nothing. Run it with
//! `cargo bench -p opensre-cli --bench bars`.

#![expect(clippy::print_stdout, reason = "the table is the output")]

#[path = "bars/ten_by_three.rs"]
mod ten_by_three;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = env!("CARGO_BIN_EXE_opensre");
    println!("| what | median | worst | peak memory |\n|---|---|---|---|");

    let store = folder.path().join("100.json");
    write(&store, &grafanas(100));
    report("`opensre --version`, whole process", &runs(21, program, folder.path(), &["--version"]));
    let list = ["--store", text(&store), "integrations", "list"];
    report("`integrations list`, 100 instances, whole process", &runs(21, program, folder.path(), &list));
    let store = folder.path().join("10000.json");
    write(&store, &grafanas(10_000));
    let list = ["--store", text(&store), "integrations", "list", "--json"];
    report("`integrations list`, 10,000 instances, whole process", &runs(5, program, folder.path(), &list));

    network(folder.path(), program);
}

/// Wall times against simulators that take 200 ms for every answer.
fn network(folder: &Path, program: &str) {
    const LATENCY: Duration = Duration::from_millis(200);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let address = slow_server(LATENCY).await;
        let instances = |number: usize| -> Vec<Json> {
            (0..number)
                .map(|index| json!({"name": format!("p{index}"), "tags": {"shard": format!("{index}")}, "credentials": {"base_url": format!("http://127.0.{}.{}:{}", index / 250, index % 250 + 2, address.port())}}))
                .collect()
        };
        let store = folder.join("verify.json");
        write(&store, &json!({"version": 2, "integrations": [{"id": "p", "service": "prometheus", "status": "active", "instances": instances(200)}]}));
        let verify = ["--store", text(&store), "integrations", "verify", "--json"];
        let measured = tokio::task::block_in_place(|| runs(3, program, folder, &verify));
        report("`integrations verify`, 200 instances of 200 ms each", &measured);

        let store = folder.join("gather.json");
        write(&store, &json!({"version": 2, "integrations": [{"id": "p", "service": "prometheus", "status": "active", "instances": instances(8)}]}));
        let alert = folder.join("alert.json");
        write(&alert, &json!({"title": "x", "prometheus_instance": "p0,p1,p2,p3,p4,p5,p6,p7", "commonLabels": {"service": "checkout"}, "startsAt": "2026-11-24T10:00:00Z"}));
        let gather = ["--store", text(&store), "investigate", "-i", text(&alert), "--format", "json"];
        let measured = tokio::task::block_in_place(|| runs(3, program, folder, &gather));
        report("`investigate`, 8 instances of 200 ms per answer", &measured);
        say_ratio(program, folder, &gather);

        let world = ten_by_three::TenByThree::start().await;
        let (store, alert) = (folder.join("ten.json"), folder.join("ten-alert.json"));
        ten_by_three::write(&world, &store, &alert);
        let gather = ["--store", text(&store), "investigate", "-i", text(&alert), "--format", "json"];
        let measured = tokio::task::block_in_place(|| runs(3, program, folder, &gather));
        report("`investigate`, ten providers of three instances, 200 ms per answer", &measured);
        let together = gathered(program, folder, &gather);
        let mut alone = Vec::new();
        for (service, store) in ten_by_three::each_alone(&world, folder) {
            let gather = ["--store", text(&store), "investigate", "-i", text(&alert), "--format", "json"];
            alone.push((gathered(program, folder, &gather).gather_ms, service));
        }
        let (slowest, service) = alone.into_iter().max().expect("ten providers");
        println!(
            "\n{} instances asked with {} calls in {} ms; the slowest provider alone, one instance of {service}: \
             {slowest} ms: ratio {:.2}\n",
            together.instances,
            together.calls,
            together.gather_ms,
            together.gather_ms as f64 / slowest as f64
        );
    });
}

/// What a report itself says about its gathering and its slowest back end.
fn say_ratio(program: &str, folder: &Path, gather: &[&str]) {
    let Gathered { gather_ms, slowest_ms, .. } = gathered(program, folder, gather);
    let ratio = gather_ms as f64 / slowest_ms as f64;
    println!("\ngathering {gather_ms} ms, slowest back end {slowest_ms} ms: ratio {ratio:.2}\n");
}

/// The timings of a report.
struct Gathered {
    gather_ms: u64,
    slowest_ms: u64,
    instances: usize,
    calls: u64,
}

fn gathered(program: &str, folder: &Path, gather: &[&str]) -> Gathered {
    let output = tokio::task::block_in_place(|| {
        Command::new(program).args(gather).env_clear().env("HOME", folder).output().expect("it runs")
    });
    let answer: Json = serde_json::from_slice(&output.stdout).expect("a report");
    let instances = answer["timings"]["instances"].as_array().map(Vec::as_slice).unwrap_or_default();
    let slowest_ms = instances.iter().filter_map(|pair| pair[1].as_u64()).max().unwrap_or(0);
    let number = |name: &str| answer["timings"][name].as_u64().unwrap_or(0);
    Gathered { gather_ms: number("gather_ms"), slowest_ms, instances: instances.len(), calls: number("calls") }
}

/// A Prometheus that knows nothing and takes its time, on all of 127.0.0.0/8.
async fn slow_server(latency: Duration) -> std::net::SocketAddr {
    let app = axum::Router::new().fallback(move |uri: axum::http::Uri| async move {
        tokio::time::sleep(latency).await;
        let data = match uri.path().rsplit('/').next() {
            Some("query" | "query_range") => json!({"resultType": "vector", "result": []}),
            Some("rules") => json!({"groups": []}),
            _ => json!([]),
        };
        axum::Json(json!({"status": "success", "data": data}))
    });
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

struct Run {
    wall: Duration,
    peak_kib: u64,
}

fn runs(number: usize, program: &str, home: &Path, arguments: &[&str]) -> Vec<Run> {
    (0..=number)
        .map(|_| {
            let begun = Instant::now();
            let mut child = Command::new(program)
                .args(arguments)
                .env_clear()
                .env("HOME", home)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it runs");
            let status = format!("/proc/{}/status", child.id());
            let mut peak_kib = 0;
            // The kernel keeps the high-water mark; the last reading before the end is as good as it gets from outside.
            while child.try_wait().expect("a child").is_none() {
                let line = std::fs::read_to_string(&status).unwrap_or_default();
                let mark = line.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                peak_kib = peak_kib.max(mark.and_then(|mark| mark.trim().split(' ').next()?.parse().ok()).unwrap_or(0));
                std::thread::sleep(Duration::from_micros(200));
            }
            Run { wall: begun.elapsed(), peak_kib }
        })
        // The first run warms the caches.
        .skip(1)
        .collect()
}

fn report(what: &str, runs: &[Run]) {
    let mut walls: Vec<Duration> = runs.iter().map(|run| run.wall).collect();
    walls.sort();
    let peak = runs.iter().map(|run| run.peak_kib).max().unwrap_or(0);
    println!(
        "| {what} | {:.1} ms | {:.1} ms | {:.1} MB |",
        walls[walls.len() / 2].as_secs_f64() * 1000.0,
        walls[walls.len() - 1].as_secs_f64() * 1000.0,
        peak as f64 / 1024.0
    );
}

fn grafanas(number: usize) -> Json {
    let instances: Vec<Json> = (0..number)
        .map(|index| {
            json!({"name": format!("team-{index}"), "tags": {"env": if index % 2 == 0 { "prod" } else { "staging" }, "team": format!("t{index}")},
                   "credentials": {"endpoint": format!("https://g{index}.example.net"), "api_key": format!("glsa_{index}")}})
        })
        .collect();
    json!({"version": 2, "integrations": [{"id": "grafana-1", "service": "grafana", "status": "active", "instances": instances}]})
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn write(path: &Path, document: &Json) {
    let mut file = std::fs::File::create(path).expect("a file");
    std::io::Write::write_all(&mut file, document.to_string().as_bytes()).expect("written");
}
