//! Starting and stopping real servers, and the two small peers they need: an exporter and a webhook receiver.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a real server may take to do what a test waits for. Generous: CI machines are slow, and it only costs time
/// when something is broken.
const PATIENCE: Duration = Duration::from_secs(90);

/// A real server, stopped when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free now. Another process may take it before the server does; then the server's start fails loudly.
fn free_port(ip: Ipv4Addr) -> SocketAddr {
    TcpListener::bind((ip, 0)).and_then(|listener| listener.local_addr()).expect("a free loopback port")
}

fn start(program: &str, package: &str, arguments: &[String], log: &Path, address: SocketAddr, ready: &str) -> Server {
    let log_file = std::fs::File::create(log).expect("a log file");
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(log_file.try_clone().expect("a log file"))
        .stderr(log_file)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start ({error}); run `cargo xtask setup` ({package})"));
    let server = Server { child, address };
    let log = log.to_path_buf();
    wait_for(
        || get(address, ready).is_some_and(|(status, _)| status < 500),
        || format!("{program} is not ready: {}", std::fs::read_to_string(&log).unwrap_or_default()),
    );
    server
}

/// Waits until something holds; tells what is the matter if it never does.
pub(crate) fn wait_for(mut holds: impl FnMut() -> bool, otherwise: impl Fn() -> String) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{}", otherwise());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A plain GET; status and body.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split_whitespace().nth(1)?.parse().ok()?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Some((status, body))
}

/// A real Prometheus that scrapes one exporter each second, judges one alert rule and writes down every query.
pub(crate) struct Prometheus {
    /// The server.
    pub(crate) server: Server,
    query_log: PathBuf,
}

impl Prometheus {
    pub(crate) fn start(
        folder: &Path,
        environment: &str,
        exporter: SocketAddr,
        alertmanager: Option<SocketAddr>,
    ) -> Self {
        let folder = folder.join(format!("prometheus-{environment}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let query_log = folder.join("queries.log");
        let alerting = alertmanager
            .map(|address| {
                format!("alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: ['{address}']\n")
            })
            .unwrap_or_default();
        let config = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n  query_log_file: {}\n  external_labels:\n    env: {environment}\n\
             {alerting}rule_files: ['rules.yml']\n\
             scrape_configs:\n  - job_name: checkout\n    static_configs:\n      - targets: ['{exporter}']\n        labels:\n          service: checkout\n",
            query_log.display()
        );
        write(&folder.join("prometheus.yml"), &config);
        write(
            &folder.join("rules.yml"),
            "groups:\n  - name: checkout\n    rules:\n      - alert: HighErrorRate\n        \
             expr: sum by (service) (rate(http_requests_total{status=~\"5..\"}[10s])) / sum by (service) (rate(http_requests_total[10s])) > 0.05\n        \
             labels:\n          severity: critical\n        annotations:\n          summary: 'checkout answers with errors'\n",
        );
        let address = free_port(Ipv4Addr::LOCALHOST);
        let arguments = [
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address={address}"),
        ];
        let server = start("/usr/bin/prometheus", "prometheus", &arguments, &folder.join("log"), address, "/-/ready");
        Self { server, query_log }
    }

    /// The queries it was asked, rule evaluations left out.
    pub(crate) fn queries(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.query_log).unwrap_or_default();
        log.lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|entry| entry.get("httpRequest").is_some())
            .filter_map(|entry| entry["params"]["query"].as_str().map(str::to_owned))
            .collect()
    }

    /// The value of an instant query's first result.
    pub(crate) fn value(&self, query: &str) -> Option<f64> {
        let (_, body) = get(self.server.address, &format!("/api/v1/query?query={query}"))?;
        let body: serde_json::Value = serde_json::from_str(&body).ok()?;
        body["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

/// A real Alertmanager that sends every alert to one webhook.
pub(crate) fn alertmanager(folder: &Path, webhook: SocketAddr) -> Server {
    let folder = folder.join("alertmanager");
    std::fs::create_dir_all(&folder).expect("a folder");
    write(
        &folder.join("alertmanager.yml"),
        &format!(
            "route:\n  receiver: hook\n  group_wait: 0s\n  group_interval: 1s\n  group_by: ['alertname']\n\
             receivers:\n  - name: hook\n    webhook_configs:\n      - url: http://{webhook}/hook\n        send_resolved: true\n"
        ),
    );
    let address = free_port(Ipv4Addr::LOCALHOST);
    let arguments = [
        format!("--config.file={}", folder.join("alertmanager.yml").display()),
        format!("--storage.path={}", folder.join("data").display()),
        format!("--web.listen-address={address}"),
        "--cluster.listen-address=".to_owned(),
    ];
    start(
        "/usr/bin/prometheus-alertmanager",
        "prometheus-alertmanager",
        &arguments,
        &folder.join("log"),
        address,
        "/-/ready",
    )
}

/// A real nginx that behaves like a Grafana before one Prometheus: lists it as a data source, passes its proxy path on
/// untouched, and lets nobody in without the token. Listens on 127.0.0.2, since 127.0.0.1 would be a local Grafana.
pub(crate) struct GrafanaProxy {
    /// The server.
    pub(crate) server: Server,
    access_log: PathBuf,
}

impl GrafanaProxy {
    pub(crate) fn start(folder: &Path, name: &str, prometheus: SocketAddr, token: &str) -> Self {
        let folder = folder.join(format!("nginx-{name}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let address = free_port(Ipv4Addr::new(127, 0, 0, 2));
        let access_log = folder.join("access.log");
        let data_sources = serde_json::json!([{
            "id": 1, "uid": "prom-uid", "orgId": 1, "name": "Prometheus", "type": "prometheus", "access": "proxy",
            "url": format!("http://{prometheus}"), "isDefault": true, "jsonData": {}, "readOnly": false
        }]);
        let at = folder.display();
        let config = format!(
            "daemon off;\nworker_processes 1;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{ worker_connections 64; }}\n\
             http {{\n  access_log {at}/access.log;\n  client_body_temp_path {at}/body;\n  proxy_temp_path {at}/proxy;\n  fastcgi_temp_path {at}/f;\n  uwsgi_temp_path {at}/u;\n  scgi_temp_path {at}/s;\n\
             server {{\n    listen {address};\n    default_type application/json;\n\
             if ($http_authorization != 'Bearer {token}') {{ return 401 '{{\"message\":\"Invalid API key\"}}'; }}\n\
             location = /api/datasources {{ return 200 '{data_sources}'; }}\n\
             location /api/datasources/proxy/uid/prom-uid/ {{ proxy_set_header Authorization ''; proxy_pass http://{prometheus}/; }}\n\
             location / {{ return 404 '{{\"message\":\"Not found\"}}'; }}\n  }}\n}}\n"
        );
        write(&folder.join("nginx.conf"), &config);
        let arguments = ["-p".to_owned(), folder.display().to_string(), "-c".to_owned(), format!("{at}/nginx.conf")];
        let server = start("/usr/sbin/nginx", "nginx-light", &arguments, &folder.join("log"), address, "/");
        Self { server, access_log }
    }

    /// The request lines it saw, the one that waited for it to be ready left out.
    pub(crate) fn requests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.access_log).unwrap_or_default();
        log.lines()
            .filter_map(|line| line.split('"').nth(1))
            .filter(|request| !request.starts_with("GET / "))
            .map(str::to_owned)
            .collect()
    }
}

/// An exporter of one service: a request counter whose share of errors can be switched on.
pub(crate) struct Exporter {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    failing: Arc<AtomicBool>,
}

impl Exporter {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let failing = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&failing);
        let (good, bad) = (AtomicU64::new(0), AtomicU64::new(0));
        serve(listener, move |_| {
            good.fetch_add(100, Ordering::SeqCst);
            bad.fetch_add(if switch.load(Ordering::SeqCst) { 50 } else { 0 }, Ordering::SeqCst);
            let (good, bad) = (good.load(Ordering::SeqCst), bad.load(Ordering::SeqCst));
            format!(
                "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n\
                 http_requests_total{{status=\"200\"}} {good}\nhttp_requests_total{{status=\"500\"}} {bad}\n\
                 # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 52000000\n"
            )
        });
        Self { address, failing }
    }

    /// From the next scrape on every third request fails.
    pub(crate) fn fail(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }
}

/// A receiver of webhooks.
pub(crate) struct Webhook {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    bodies: Mutex<Receiver<String>>,
}

impl Webhook {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let (sender, bodies): (Sender<String>, _) = channel();
        serve(listener, move |body| {
            let _ = sender.send(body.to_owned());
            String::new()
        });
        Self { address, bodies: Mutex::new(bodies) }
    }

    /// The next webhook's body.
    pub(crate) fn next(&self) -> String {
        self.bodies.lock().expect("no poison").recv_timeout(PATIENCE).expect("a webhook")
    }
}

/// Serves each connection one answer, on a thread that ends with the process.
fn serve(listener: TcpListener, answer: impl Fn(&str) -> String + Send + 'static) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(copy) = stream.try_clone() else { continue };
            let mut reader = BufReader::new(copy);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let text = answer(&String::from_utf8_lossy(&body));
            let mut stream = stream;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                text.len()
            );
        }
    });
}

fn write(path: &Path, text: &str) {
    let mut file = std::fs::File::create(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}
