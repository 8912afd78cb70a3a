//! What every command works with: surroundings, global options, catalogue, store, and what is in effect.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use opensre_http::Http;
use opensre_model::alert::Alert;
use opensre_model::diagnostic::{Diagnostic, Severity};
use opensre_model::provider::Catalogue;
use opensre_model::resolution::Precedence;
use opensre_model::routing::RouteOptions;
use opensre_model::secret::SecretSource;
use opensre_model::window;
use opensre_providers::driver::Provider;
use opensre_store::references::LocalSecrets;
use opensre_store::{Effective, Store};

use crate::args::{Format, GlobalArgs, RoutingArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::surroundings::Surroundings;

/// What every command works with.
pub(crate) struct App {
    pub(crate) surroundings: Surroundings,
    pub(crate) global: GlobalArgs,
    pub(crate) output: Output,
    pub(crate) providers: Vec<Provider>,
    pub(crate) catalogue: Catalogue,
}

impl App {
    pub(crate) fn new(mut surroundings: Surroundings, global: GlobalArgs, output: Output) -> Result<Self, Failure> {
        if let Some(path) = &global.env_file {
            surroundings.read_env_file(path)?;
        }
        let providers = opensre_providers::providers();
        let catalogue = Catalogue::new(providers.iter().map(|provider| provider.spec).collect());
        Ok(Self { surroundings, global, output, providers, catalogue })
    }

    /// The same program with another store and without this machine's variables.
    pub(crate) fn for_store(&self, store: PathBuf) -> Self {
        let mut app = Self {
            surroundings: self.surroundings.clone(),
            global: self.global.clone(),
            output: self.output,
            providers: self.providers.clone(),
            catalogue: self.catalogue.clone(),
        };
        app.surroundings.environment.clear();
        app.global.store = Some(store);
        app.global.precedence = None;
        app
    }

    /// Whether questions may be asked: there is a terminal, nobody forbids it, and it is not what secrets are read from.
    pub(crate) fn may_ask(&self, no_input: bool, secret_stdin: &[String]) -> bool {
        self.surroundings.interactive && !no_input && secret_stdin.is_empty()
    }

    /// The store file.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        match &self.global.store {
            Some(path) => Ok(Store::at(path)),
            None => Ok(Store::from_environment(&self.surroundings.environment)?),
        }
    }

    /// Reads the store and the environment and resolves them. Never fails for what is written in them: that is among
    /// the diagnostics.
    pub(crate) fn effective(&self) -> Result<Effective, Failure> {
        Ok(Effective::load(&self.store()?, &self.catalogue, &self.surroundings.environment, self.precedence()?))
    }

    /// The same without changing anything: a version 1 store stays one.
    pub(crate) fn glance(&self) -> Result<Effective, Failure> {
        Ok(Effective::glance(&self.store()?, &self.catalogue, &self.surroundings.environment, self.precedence()?))
    }

    fn precedence(&self) -> Result<Precedence, Failure> {
        option(self.global.precedence.as_deref(), "--precedence (or OPENSRE_PRECEDENCE)")
    }

    /// The output format, one of those that the command knows; the first is the default.
    pub(crate) fn format(&self, known: &[Format]) -> Result<Format, Failure> {
        let wanted = match (self.global.format, self.global.json) {
            (Some(format), _) => format,
            (None, true) => Format::Json,
            (None, false) => known.first().copied().unwrap_or(Format::Text),
        };
        if known.contains(&wanted) {
            return Ok(wanted);
        }
        Err(Failure::input("this command does not print Markdown").hint("use --format text or --format json"))
    }

    /// Whether a listing is wanted as JSON.
    pub(crate) fn wants_json(&self) -> Result<bool, Failure> {
        Ok(self.format(&[Format::Text, Format::Json])? == Format::Json)
    }

    /// Prints warnings and errors among the diagnostics to standard error; notes only with `-v`.
    pub(crate) fn report(&self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            let word = match diagnostic.severity {
                Severity::Note if self.global.verbose == 0 => continue,
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            self.output.note(&crate::text::printable(&format!("{word}: {diagnostic}")));
            if let Some(hint) = &diagnostic.hint {
                self.output.note(&crate::text::printable(&format!("  hint: {hint}")));
            }
        }
    }

    /// The shared HTTP layer and the resolver of secret references.
    pub(crate) fn network(&self) -> (Http, Arc<dyn SecretSource>) {
        let secrets = LocalSecrets::new(self.surroundings.environment.clone());
        (Http::default(), Arc::new(secrets))
    }

    /// A runtime for the commands that use the network; nothing else pays for one.
    pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Exit::Internal, format!("cannot start the runtime: {error}")))
    }

    /// An alert from a file or standard input.
    pub(crate) fn read_alert(path: &std::path::Path) -> Result<Alert, Failure> {
        let bytes = crate::surroundings::read_input(path)?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            let shown = crate::surroundings::shown(path);
            return Err(Failure::input(format!("{shown} is empty, which no alert is")));
        }
        Ok(Alert::parse(&bytes))
    }
}

/// An option that stands for one of a few words; the default when it is absent or blank.
fn option<T>(written: Option<&str>, name: &str) -> Result<T, Failure>
where
    T: FromStr<Err: std::fmt::Display> + Default,
{
    match written.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(T::default()),
        Some(text) => text.parse().map_err(|error| Failure::input(format!("{name}: {error}"))),
    }
}

/// How to choose instances, as flags and variables say; what they leave open, the store says.
pub(crate) fn routing(args: &RoutingArgs) -> Result<RouteOptions, Failure> {
    let in_doubt = |written: &Option<String>, name: &str| {
        let word = written.as_deref().filter(|text| !text.trim().is_empty());
        word.map(|word| option(Some(word), name)).transpose()
    };
    Ok(RouteOptions {
        mode: option(args.routing.as_deref(), "--routing (or OPENSRE_ROUTING)")?,
        on_unknown: in_doubt(&args.on_unknown, "--on-unknown (or OPENSRE_ON_UNKNOWN)")?,
        on_ambiguous: in_doubt(&args.on_ambiguous, "--on-ambiguous (or OPENSRE_ON_AMBIGUOUS)")?,
    })
}

/// Reads a duration such as `90m`, `6h` or `2d`.
pub(crate) fn duration(name: &str, text: &str) -> Result<jiff::SignedDuration, Failure> {
    window::parse_duration(text)
        .map_err(|error| Failure::input(format!("{name}: {error}")).hint("write a duration as 30s, 15m, 2h or 1d"))
}
