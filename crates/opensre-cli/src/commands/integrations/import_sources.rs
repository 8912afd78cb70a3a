//! Where the sources of `integrations import` are read from: the usual files of other tools, this shell's variables, a
//! Grafana's answer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opensre_import::sources::{File, aws, env, grafana, grafanactl, holmes, kubeconfig, mcp, opensre};
use opensre_import::{Found, Malformed};
use opensre_providers::driver::{Access, Neighbours, ProbeStatus, verify};

use super::address::Address;
use super::list;
use crate::app::App;
use crate::args::{ImportArgs, ImportSource};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::surroundings::read_input;

/// How long a Grafana may take to list its data sources.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a source holds, and what it was read from, in words.
pub(super) struct Read {
    pub(super) found: Found,
    pub(super) from: String,
}

/// A file that was read.
struct Text {
    path: PathBuf,
    text: String,
}

impl Text {
    fn file<'a>(&'a self, shown: &'a str) -> File<'a> {
        File { path: shown, text: &self.text }
    }
}

pub(super) fn read(app: &App, args: &ImportArgs) -> Result<Read, Failure> {
    let takes_files = !matches!(args.source, ImportSource::Env | ImportSource::Grafana);
    if !takes_files && !args.from.is_empty() {
        return Err(Failure::input("this source is no file, so --from does not fit"));
    }
    if args.instance.is_some() && args.source != ImportSource::Grafana {
        return Err(Failure::input("--instance belongs to the source grafana"));
    }
    let variables = &app.surroundings.environment;
    match args.source {
        ImportSource::Env => {
            let found = env::read(&app.catalogue, variables);
            Ok(Read { found, from: "the variables of this shell".to_owned() })
        }
        ImportSource::Grafana => data_sources(app, args),
        ImportSource::Kubeconfig => read_kubeconfigs(app, args),
        ImportSource::Aws => read_aws(app, args),
        ImportSource::Opensre => {
            let texts = files(app, args, || store_candidates(app))?;
            each(&texts, |file| opensre::read(file, &app.catalogue))
        }
        ImportSource::Holmes => {
            let texts = files(app, args, || Ok(vec![home(app)?.join(".holmes/config.yaml")]))?;
            each(&texts, |file| holmes::read(file, &app.catalogue, variables))
        }
        ImportSource::Grafanactl => {
            let texts = files(app, args, || tool_file(app, "grafanactl", "GRAFANACTL_CONFIG"))?;
            each(&texts, grafanactl::read)
        }
        ImportSource::Gcx => {
            let texts = files(app, args, || tool_file(app, "gcx", "GCX_CONFIG"))?;
            each(&texts, grafanactl::read)
        }
        ImportSource::Mcp => {
            let texts = files(app, args, || mcp_files(app))?;
            each(&texts, |file| mcp::read(file, &app.catalogue, variables))
        }
    }
}

fn home(app: &App) -> Result<PathBuf, Failure> {
    let home = app.surroundings.environment.get("HOME").map(|home| home.trim()).filter(|home| !home.is_empty());
    home.map(PathBuf::from).ok_or_else(|| {
        Failure::input("HOME is not set, so the usual files cannot be found").hint("name the file with --from")
    })
}

/// A variable that names a file.
fn named(app: &App, variable: &str) -> Option<PathBuf> {
    let value = app.surroundings.environment.get(variable)?.trim();
    (!value.is_empty()).then(|| PathBuf::from(value))
}

/// The files of `--from`, or the usual ones.
fn files(
    app: &App,
    args: &ImportArgs,
    usual: impl FnOnce() -> Result<Vec<PathBuf>, Failure>,
) -> Result<Vec<Text>, Failure> {
    if args.from.is_empty() { files_at(app, usual()?, true) } else { files_at(app, args.from.clone(), false) }
}

/// Reads files. That a usual one is not there means that there is nothing to import.
fn files_at(app: &App, paths: Vec<PathBuf>, usual: bool) -> Result<Vec<Text>, Failure> {
    let read = |path: PathBuf| {
        if usual && !path.exists() {
            let message = format!("there is nothing to import: {} does not exist", path.display());
            return Err(Failure::new(Exit::NothingConfigured, message).hint("name the file with --from"));
        }
        if path == Path::new("-") && app.surroundings.interactive {
            app.output.note("reading standard input");
        }
        Ok(Text { text: read_text(&path)?, path })
    };
    paths.into_iter().map(read).collect()
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = read_input(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
        Failure::input(format!("{} is not text (line {line} is no UTF-8)", path.display()))
    })
}

/// Reads every file; one that is not what it should be is an error that names it and the place in it.
fn each(texts: &[Text], read: impl Fn(File<'_>) -> Result<Found, Malformed>) -> Result<Read, Failure> {
    let mut found = Found::default();
    let mut from = Vec::new();
    for text in texts {
        let shown = text.path.display().to_string();
        match read(text.file(&shown)) {
            Ok(more) => found.extend(more),
            Err(malformed) => {
                let failure = Failure::input(format!("cannot import {shown}: {malformed}"));
                return Err(match malformed.hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                });
            }
        }
        from.push(shown);
    }
    Ok(Read { found, from: from.join(", ") })
}

/// The store of the Python product, unless that is our own.
fn store_candidates(app: &App) -> Result<Vec<PathBuf>, Failure> {
    let usual = home(app)?.join(".tracer").join("integrations.json");
    let own = app.store()?.path().to_owned();
    let same = match (usual.canonicalize(), own.canonicalize()) {
        (Ok(usual), Ok(own)) => usual == own,
        _ => usual == own,
    };
    if same {
        return Err(Failure::input(format!("which store? {} is the one in use already", usual.display()))
            .hint("name the other with --from; a version 1 store is migrated when it is used, without an import"));
    }
    Ok(vec![usual])
}

/// The configuration of grafanactl or gcx: the first that is there, or the first of all, for the message.
fn tool_file(app: &App, tool: &str, variable: &str) -> Result<Vec<PathBuf>, Failure> {
    if let Some(path) = named(app, variable) {
        return Ok(vec![path]);
    }
    let home = home(app)?;
    let below = |folder: PathBuf| folder.join(tool).join("config.yaml");
    let mut candidates = vec![below(home.join(".config"))];
    candidates.extend(named(app, "XDG_CONFIG_HOME").map(below));
    candidates.push(below(home.join("Library/Application Support")));
    let there = candidates.iter().find(|path| path.exists()).or(candidates.first()).cloned();
    Ok(there.into_iter().collect())
}

/// The person's own files only. One in the folder at hand may be somebody else's: it is named with --from.
fn mcp_files(app: &App) -> Result<Vec<PathBuf>, Failure> {
    let home = home(app)?;
    let usual = [
        ".claude.json",
        ".config/Claude/claude_desktop_config.json",
        "Library/Application Support/Claude/claude_desktop_config.json",
        ".cursor/mcp.json",
        ".codeium/windsurf/mcp_config.json",
        ".config/Code/User/mcp.json",
        "Library/Application Support/Code/User/mcp.json",
        ".gemini/settings.json",
    ];
    let all = usual.iter().map(|path| home.join(path));
    let there: Vec<PathBuf> = all.filter(|path| path.exists()).collect();
    if there.is_empty() {
        return Err(Failure::new(Exit::NothingConfigured, "no file with MCP servers was found in your home folder")
            .hint("name one with --from, such as .mcp.json or .vscode/mcp.json of a project that you trust"));
    }
    Ok(there)
}

fn read_kubeconfigs(app: &App, args: &ImportArgs) -> Result<Read, Failure> {
    let listed = app.surroundings.environment.get("KUBECONFIG").map(|list| list.trim()).filter(|list| !list.is_empty());
    let (paths, optional) = match (args.from.is_empty(), listed) {
        (false, _) => {
            let split = args.from.iter().flat_map(|list| std::env::split_paths(list).collect::<Vec<_>>());
            (split.collect(), false)
        }
        // As with kubectl, a file of the list may be missing.
        (true, Some(list)) => (std::env::split_paths(list).collect::<Vec<_>>(), true),
        (true, None) => (vec![home(app)?.join(".kube").join("config")], false),
    };
    let mut absolute = Vec::new();
    for path in paths.into_iter().filter(|path| !path.as_os_str().is_empty()) {
        if path == Path::new("-") {
            return Err(Failure::input("a kubeconfig is not read from standard input: an instance keeps its path")
                .hint("write it to a file and name that"));
        }
        let path = match path.strip_prefix("~") {
            Ok(rest) => home(app)?.join(rest),
            Err(_) => std::path::absolute(&path).unwrap_or(path),
        };
        if !optional || path.exists() {
            absolute.push(path);
        }
    }
    let texts = files_at(app, absolute.clone(), args.from.is_empty())?;
    let shown: Vec<String> = absolute.iter().map(|path| path.display().to_string()).collect();
    let read: Vec<File<'_>> = texts.iter().zip(&shown).map(|(text, shown)| text.file(shown)).collect();
    let from = shown.join(":");
    Ok(Read { found: kubeconfig::read(&read, &from), from })
}

fn read_aws(app: &App, args: &ImportArgs) -> Result<Read, Failure> {
    let (mut config, mut credentials) = (Vec::new(), Vec::new());
    if args.from.is_empty() {
        let folder = home(app)?.join(".aws");
        config.push(named(app, "AWS_CONFIG_FILE").unwrap_or_else(|| folder.join("config")));
        credentials.push(named(app, "AWS_SHARED_CREDENTIALS_FILE").unwrap_or_else(|| folder.join("credentials")));
        config.retain(|path| path.exists());
        credentials.retain(|path| path.exists());
        if config.is_empty() && credentials.is_empty() {
            return Err(Failure::new(
                Exit::NothingConfigured,
                format!("there is nothing to import: {} has neither config nor credentials", folder.display()),
            )
            .hint("name the files with --from, or run `aws configure`"));
        }
    }
    for path in &args.from {
        if path.is_dir() {
            config.extend(Some(path.join("config")).filter(|path| path.exists()));
            credentials.extend(Some(path.join("credentials")).filter(|path| path.exists()));
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().contains("credentials")) {
            credentials.push(path.clone());
        } else {
            config.push(path.clone());
        }
    }
    if config.len() > 1 || credentials.len() > 1 {
        return Err(Failure::input("more than one file of a kind").hint("import them one after the other"));
    }
    let read = |paths: Vec<PathBuf>| {
        paths.into_iter().next().map(|path| {
            let text = read_text(&path)?;
            Ok::<_, Failure>((path.display().to_string(), text))
        })
    };
    let (config, credentials) = (read(config).transpose()?, read(credentials).transpose()?);
    let from: Vec<&str> = [&config, &credentials].into_iter().flatten().map(|(path, _)| path.as_str()).collect();
    let mut found = aws::read(
        config.as_ref().map(|(path, text)| File { path, text }),
        credentials.as_ref().map(|(path, text)| File { path, text }),
        args.copy_secrets,
    );
    if !args.from.is_empty() && !args.copy_secrets {
        found.notes.push(
            "a profile is looked up in ~/.aws when it is used: set AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE if \
             these files stay elsewhere"
                .to_owned(),
        );
    }
    Ok(Read { found, from: from.join(", ") })
}

/// Asks a Grafana for its data sources, as its own instance.
fn data_sources(app: &App, args: &ImportArgs) -> Result<Read, Failure> {
    let spec = &opensre_providers::grafana::declaration::SPEC;
    let address = Address::parse(&app.catalogue, args.instance.as_deref().unwrap_or(spec.family))?;
    if address.family != spec.family {
        return Err(Failure::input(format!("{} is no Grafana", address.family))
            .hint(format!("write --instance {}/NAME", spec.family)));
    }
    let effective = app.effective()?;
    app.report(&effective.resolved.diagnostics);
    let found = list::find(&effective.resolved.families, &address)?;
    let default = effective.resolved.family(&address.family).and_then(|family| family.default());
    let instance = match (&address.name, default) {
        (None, Some(default)) => default,
        _ => found[0],
    };
    let provider = app
        .providers
        .iter()
        .find(|provider| provider.spec.key == instance.service)
        .ok_or_else(|| Failure::new(Exit::Internal, "the Grafana's provider is not there"))?;
    let (http, secrets) = app.network();
    let neighbours = Neighbours::of(&effective.resolved);
    let deadline = Instant::now() + PATIENCE;
    let access = Access { instance: instance.clone(), http, secrets, deadline, neighbours };
    let sources = App::runtime()?.block_on(async {
        // Whoever it must be is proved first, as before every question to a pinned instance.
        if !instance.expect.is_empty() {
            let probe = verify(provider, &access).await;
            if probe.status != ProbeStatus::Passed {
                let failure = Failure::failed(format!("{} is not asked: {}", instance.address(), probe.detail));
                return Err(match probe.hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                });
            }
        }
        opensre_providers::grafana::described(&access, grafana::is_known).await.map_err(|failure| {
            let said = Failure::failed(format!("{}: {}", instance.address(), failure.reason));
            match failure.hint {
                Some(hint) => said.hint(hint),
                None => said,
            }
        })
    })?;
    let asked = grafana::Asked {
        address: instance.address(),
        endpoint: instance.config().text("endpoint").unwrap_or_default().to_owned(),
        tags: instance.tags.as_json().iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
    };
    Ok(Read { found: grafana::read(&sources, &asked), from: format!("the data sources of {}", asked.address) })
}
