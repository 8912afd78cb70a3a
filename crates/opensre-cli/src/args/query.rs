//! `opensre query`.

use clap::Args;

/// `opensre query`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  opensre query grafana                                      the queries of a service, and their inputs
  opensre query grafana --format json                        the same with a JSON Schema of each input
  opensre query loki/@eu logs.related --input labels=service=checkout
  opensre query prometheus/eu query --input 'query=up == 0' --since 2h
  opensre query loki/prod logs.related --input 'labels=service=checkout,env=prod' --format json

An input is written in its type: a list as a,b,c, an object as name=value,name=value, either also as JSON.")]
pub struct QueryArgs {
    /// SERVICE/NAME, or SERVICE/@GROUP for each member; a service alone means its default instance
    pub instance: String,
    /// The query; without one, the queries of the service are listed
    pub query: Option<String>,
    /// An input of the query; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub input: Vec<String>,
    /// How far back to look
    #[arg(long, value_name = "DURATION", default_value = "1h")]
    pub since: String,
    /// The present: an RFC 3339 time [default: the clock]
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// When the answer must be there
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub deadline: String,
}
