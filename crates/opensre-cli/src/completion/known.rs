//! What is known when a shell asks: the words so far, and what is configured.

use std::ffi::OsString;
use std::sync::OnceLock;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use opensre_model::resolution::{Family, Resolved};
use opensre_providers::driver::Provider;

use crate::app::App;
use crate::args::{Cli, GlobalArgs};
use crate::output::Output;
use crate::surroundings::Surroundings;

/// What is known. Read when a completer first needs it.
pub(super) struct Known {
    matches: Option<ArgMatches>,
    app: Option<App>,
    resolved: OnceLock<Option<Resolved>>,
}

impl Known {
    /// From the words before the one that is being written.
    pub(super) fn before(words: &[OsString]) -> Self {
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok();
        let app = matches.as_ref().and_then(|matches| {
            let global = GlobalArgs::from_arg_matches(matches).ok()?;
            let output = Output::new(&global);
            App::new(Surroundings::of_process(), global, output).ok()
        });
        Self { matches, app, resolved: OnceLock::new() }
    }

    /// All providers.
    pub(super) fn providers(&self) -> &[Provider] {
        self.app.as_ref().map_or(&[], |app| &app.providers)
    }

    /// What is configured, read without changing anything.
    pub(super) fn resolved(&self) -> Option<&Resolved> {
        let read = || Some(self.app.as_ref()?.glance().ok()?.resolved);
        self.resolved.get_or_init(read).as_ref()
    }

    /// The families that are configured.
    pub(super) fn families(&self) -> &[Family] {
        self.resolved().map_or(&[], |resolved| &resolved.families)
    }

    /// The family that a written service means.
    pub(super) fn family(&self, service: &str) -> Option<&Family> {
        let key = self.app.as_ref()?.catalogue.family(service);
        self.families().iter().find(|family| family.key == key)
    }

    /// The value that an argument has among the words so far.
    pub(super) fn written(&self, argument: &str) -> Option<&str> {
        let mut matches = self.matches.as_ref()?;
        let mut found = None;
        loop {
            if let Ok(Some(value)) = matches.try_get_one::<String>(argument) {
                found = Some(value.as_str());
            }
            match matches.subcommand() {
                Some((_, below)) => matches = below,
                None => return found,
            }
        }
    }

    /// The provider that the words so far are about: that of the instance, where it is configured.
    pub(super) fn provider(&self) -> Option<&Provider> {
        let written = self.written("instance").or_else(|| self.written("service"))?;
        let (service, name) = written.split_once('/').map_or((written, None), |(service, name)| (service, Some(name)));
        let configured = self.family(service).and_then(|family| match name {
            Some(name) => family.instances.iter().find(|instance| instance.name.answers_to(name)),
            None => family.default(),
        });
        let key = match configured {
            Some(instance) => instance.service.as_str(),
            None => self.app.as_ref()?.catalogue.find(service)?.key,
        };
        self.providers().iter().find(|provider| provider.spec.key == key)
    }
}
