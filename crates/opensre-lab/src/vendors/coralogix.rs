//! Coralogix's DataPrime query API: one call, whose answer is a sequence of JSON lines.
//!
//! Facts from the vendor's pages "Direct Archive Query HTTP API" (request, NDJSON answer: `queryId`, `result`,
//! `warning`, `error`), the DataPrime reference (commands, operators, literals) and "Understanding spans".

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::stage::Stage;

/// A log line or span.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `logs` or `spans`.
    pub source: &'static str,
    /// When it was.
    pub time: Timestamp,
    /// `$m`.
    pub metadata: Value,
    /// `$l`.
    pub labels: Value,
    /// `$d`.
    pub data: Value,
}

/// One team.
#[derive(Debug)]
pub struct Coralogix {
    /// Requests and misbehaviour.
    pub stage: Arc<Stage>,
    key: String,
    entries: Vec<Entry>,
}

type Shared = State<Arc<Coralogix>>;

impl Coralogix {
    /// A team with its key and data.
    pub fn new(key: &str, entries: Vec<Entry>) -> Arc<Self> {
        Arc::new(Self { stage: Arc::default(), key: key.to_owned(), entries })
    }

    /// The API.
    pub fn router(self: &Arc<Self>) -> Router {
        let router = Router::new()
            .route("/api/v1/dataprime/query", post(query))
            .layer(from_fn_with_state(Arc::clone(self), authenticated))
            .with_state(Arc::clone(self));
        self.stage.around(router)
    }
}

async fn authenticated(State(coralogix): Shared, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let right = given.and_then(|given| given.strip_prefix("Bearer ")) == Some(&coralogix.key);
    if right {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, Json(json!({"message": "Unauthorized"}))).into_response()
    }
}

async fn query(State(coralogix): Shared, Json(body): Json<Value>) -> Response {
    let time = |key: &str| body["metadata"][key].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let (Some(from), Some(to)) = (time("startDate"), time("endDate")) else {
        return (StatusCode::BAD_REQUEST, Json(json!({"message": "startDate and endDate are required"})))
            .into_response();
    };
    let mut lines = vec![json!({"queryId": {"queryId": "7f9d0c1e"}})];
    match run(&coralogix.entries, body["query"].as_str().unwrap_or_default(), from, to) {
        // Results come in several lines.
        Ok(rows) => lines.extend(rows.chunks(50).map(|rows| json!({"result": {"results": rows}}))),
        Err(why) => {
            lines.push(json!({"error": {"message": format!("Compilation errors: {why}"), "code": {"value": 3}}}));
        }
    }
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = lines.join("\n");
    ([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response()
}

/// Runs a pipeline of `source`, `filter`, `orderby`, `limit` and `groupby ... aggregate count()`.
pub fn run(entries: &[Entry], query: &str, from: Timestamp, to: Timestamp) -> Result<Vec<Value>, String> {
    let commands = commands(query)?;
    let mut rows: Vec<&Entry> = Vec::new();
    for (position, command) in commands.iter().enumerate() {
        let words: Vec<&str> = command.iter().map(|token| token.text.as_str()).collect();
        match (position, words.as_slice()) {
            (0, ["source", source @ ("logs" | "spans")]) => {
                rows = entries.iter().filter(|e| e.source == *source && e.time >= from && e.time < to).collect();
            }
            (1.., ["filter", ..]) => {
                let mut parser = Filter { tokens: &command[1..], at: 0 };
                let condition = parser.any()?;
                if parser.at < parser.tokens.len() {
                    return Err(format!("unexpected `{}`", parser.tokens[parser.at].text));
                }
                rows.retain(|entry| holds(&condition, entry));
            }
            (1.., ["orderby", "$m", ".", "timestamp", direction @ ("asc" | "desc")]) => {
                rows.sort_by_key(|entry| entry.time);
                if *direction == "desc" {
                    rows.reverse();
                }
            }
            (1.., ["limit", number]) => rows.truncate(number.parse().map_err(|_| "no number".to_owned())?),
            (
                1..,
                [
                    "groupby",
                    "roundTime",
                    "(",
                    "$m",
                    ".",
                    "timestamp",
                    ",",
                    step,
                    ")",
                    "as",
                    key,
                    "aggregate",
                    "count",
                    "(",
                    ")",
                    "as",
                    count,
                ],
            ) => {
                let step: i64 = step.trim_end_matches('m').parse().map_err(|_| "no interval".to_owned())?;
                let step = step * 60;
                let mut counts = std::collections::BTreeMap::<i64, usize>::new();
                for row in &rows {
                    let second = row.time.as_second();
                    *counts.entry(second - second.rem_euclid(step)).or_default() += 1;
                }
                let group = |(second, number): (i64, usize)| {
                    let data = json!({*key: second * 1_000_000_000, *count: number}).to_string();
                    json!({"metadata": [], "labels": [], "userData": data})
                };
                return Ok(counts.into_iter().map(group).collect());
            }
            _ => return Err(format!("unknown command `{}`", words.join(" "))),
        }
    }
    Ok(rows.into_iter().map(row).collect())
}

fn row(entry: &Entry) -> Value {
    let pairs = |object: &Value| -> Value {
        let pairs = object.as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        pairs.map(|(key, value)| json!({"key": key, "value": text(value)})).collect()
    };
    let mut metadata = pairs(&entry.metadata);
    let time = json!({"key": "timestamp", "value": entry.time.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string()});
    metadata.as_array_mut().into_iter().for_each(|list| list.push(time.clone()));
    json!({"metadata": metadata, "labels": pairs(&entry.labels), "userData": entry.data.to_string()})
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    quoted: bool,
}

/// Splits a query into commands and these into tokens; strings are in single quotes with backslash escapes, comments
/// begin with `#` or `//`.
fn commands(query: &str) -> Result<Vec<Vec<Token>>, String> {
    let mut commands = vec![Vec::new()];
    let mut characters = query.chars().peekable();
    while let Some(character) = characters.next() {
        let mut push = |text: String, quoted| {
            if let Some(command) = commands.last_mut() {
                command.push(Token { text, quoted });
            }
        };
        match character {
            c if c.is_whitespace() => {}
            '#' => while characters.next_if(|c| *c != '\n').is_some() {},
            '/' if characters.peek() == Some(&'/') => while characters.next_if(|c| *c != '\n').is_some() {},
            '\'' => {
                let mut text = String::new();
                loop {
                    match characters.next() {
                        None | Some('\n') => return Err("a string is not closed".to_owned()),
                        Some('\'') => break,
                        Some('\\') => match characters.next() {
                            Some('n') => text.push('\n'),
                            Some('r') => text.push('\r'),
                            Some('t') => text.push('\t'),
                            Some(other @ ('\'' | '\\')) => text.push(other),
                            _ => return Err("an unknown escape".to_owned()),
                        },
                        Some(other) => text.push(other),
                    }
                }
                push(text, true);
            }
            '|' if characters.next_if_eq(&'|').is_some() => push("||".to_owned(), false),
            '|' => commands.push(Vec::new()),
            '&' if characters.next_if_eq(&'&').is_some() => push("&&".to_owned(), false),
            '=' if characters.next_if_eq(&'=').is_some() => push("==".to_owned(), false),
            '(' | ')' | '[' | ']' | ',' | '.' | '>' | '~' => push(character.to_string(), false),
            c if c.is_alphanumeric() || matches!(c, '$' | '_') => {
                let mut word = c.to_string();
                while let Some(next) = characters.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(next);
                }
                push(word, false);
            }
            other => return Err(format!("unexpected `{other}`")),
        }
    }
    Ok(commands)
}

enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    /// A key path equals, contains or exceeds a value.
    Is(Vec<String>, String, String),
}

struct Filter<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Filter<'_> {
    fn next(&mut self) -> Result<&Token, String> {
        self.at += 1;
        self.tokens.get(self.at - 1).ok_or_else(|| "the query ends early".to_owned())
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| !token.quoted && token.text == sign);
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.sign("||") {
            parts.push(self.all()?);
        }
        Ok(Condition::Any(parts))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.one()?];
        while self.sign("&&") {
            parts.push(self.one()?);
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self) -> Result<Condition, String> {
        if self.sign("(") {
            let inner = self.any()?;
            return if self.sign(")") { Ok(inner) } else { Err("`)` is missing".to_owned()) };
        }
        let root = self.next()?.clone();
        if root.quoted || !matches!(root.text.as_str(), "$m" | "$l" | "$d") {
            return Err(format!("`{}` is no key path", root.text));
        }
        let mut path = vec![root.text];
        loop {
            if self.sign(".") {
                path.push(self.next()?.text.clone());
            } else if self.sign("[") {
                path.push(self.next()?.text.clone());
                if !self.sign("]") {
                    return Err("`]` is missing".to_owned());
                }
            } else {
                break;
            }
        }
        let operator = self.next()?.text.clone();
        if !matches!(operator.as_str(), "==" | "~" | ">") {
            return Err(format!("`{operator}` is no operator"));
        }
        Ok(Condition::Is(path, operator, self.next()?.text.clone()))
    }
}

fn holds(condition: &Condition, entry: &Entry) -> bool {
    match condition {
        Condition::All(parts) => parts.iter().all(|part| holds(part, entry)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, entry)),
        Condition::Is(path, operator, wanted) => {
            let root = match path[0].as_str() {
                "$m" => &entry.metadata,
                "$l" => &entry.labels,
                _ => &entry.data,
            };
            let value = path[1..].iter().fold(root, |here, key| &here[key.as_str()]);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match operator.as_str() {
                // Severities are names without quotes, in any case; numbers in the answer, names in the language.
                "==" if path[1] == "severity" => text == severity(wanted),
                "==" => !value.is_null() && text == *wanted,
                "~" => !value.is_null() && text.to_lowercase().contains(&wanted.to_lowercase()),
                _ => value.as_f64() > wanted.parse().ok(),
            }
        }
    }
}

fn severity(name: &str) -> String {
    let names = ["DEBUG", "VERBOSE", "INFO", "WARNING", "ERROR", "CRITICAL"];
    names.iter().position(|known| *known == name).map_or_else(String::new, |place| (place + 1).to_string())
}

/// `checkout-api` (application `shop`), whose calls to `payments-db` fail from the onset on; its logs say so too.
pub fn checkout(onset: Timestamp) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut log = |seconds: i64, application: &str, subsystem: &str, severity: u8, data: Value| {
        entries.push(Entry {
            source: "logs",
            time: onset + SignedDuration::from_secs(seconds),
            metadata: json!({"severity": severity.to_string(), "logid": format!("l{seconds}")}),
            labels: json!({"applicationname": application, "subsystemname": subsystem, "computername": "node-3"}),
            data,
        });
    };
    for seconds in (-6000..1800_i64).step_by(60) {
        log(seconds, "shop", "checkout-api", 3, json!({"message": format!("cart {seconds} served")}));
        log(seconds, "shop", "search", 3, json!({"message": "found"}));
        log(seconds, "staging", "checkout-api", 5, json!({"message": "staging is always broken"}));
        if seconds >= 0 {
            let trace = format!("{:032x}", 0xabc0_0000 + seconds);
            let message = "connection to payments-db refused: too many clients already";
            log(
                seconds + 1,
                "shop",
                "checkout-api",
                5,
                json!({"message": message, "trace_id": trace, "kubernetes": {"pod_name": "x-1"}}),
            );
        }
        if seconds % 600 == 0 {
            log(seconds, "shop", "checkout-api", 4, json!({"log": "cache is cold"}));
        }
    }
    for seconds in (-6000..1800_i64).step_by(60) {
        let failed = seconds >= 0;
        let trace = format!("{:032x}", if failed { 0xabc0_0000 + seconds } else { 0xdef0_0000 - seconds });
        let duration = if failed { 2_000_000 } else { 40_000 + seconds.rem_euclid(7) };
        for (id, parent, name, kind, duration) in
            [("a1", "", "POST /checkout", "server", duration), ("b2", "a1", "postgres.connect", "client", duration / 2)]
        {
            let mut tags = json!({"span.kind": kind, "server.address": "payments-db", "db.system": "postgresql"});
            if failed {
                tags["error"] = json!(true);
                tags["otel.status_description"] = json!("too many clients already");
            }
            entries.push(Entry {
                source: "spans",
                time: onset + SignedDuration::from_secs(seconds),
                metadata: json!({"duration": duration}),
                labels: json!({"applicationName": "shop", "subsystemName": "checkout-api", "serviceName": "checkout-api", "operationName": name}),
                data: json!({"traceID": trace, "spanID": id, "parentSpanID": parent, "tags": tags,
                             "process": {"serviceName": "checkout-api"}}),
            });
        }
    }
    entries
}
