//! What `-v` shows: this program's own events on standard error. Never headers, queries or secrets: the HTTP crate does
//! not put them into its events.

use tracing_subscriber::EnvFilter;

use crate::args::GlobalArgs;

/// Starts logging as `-v`, `-vv` or `-vvv` ask; without it nothing is logged, whatever the environment says.
pub(crate) fn start(global: &GlobalArgs) {
    let level = match global.verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let ours = ["cli", "http", "investigation", "lab", "model", "providers", "store"];
    let directives: Vec<String> = ours.iter().map(|name| format!("opensre_{name}={level}")).collect();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives.join(",")))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time();
    // A second start is no use and no harm.
    let _ = subscriber.try_init();
}
