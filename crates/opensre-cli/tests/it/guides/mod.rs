//! The guides in `docs/` are true: every fence is executed, in order, page by page, in a home of its own.
//!
//! * ```` ```console ````: `$ ` begins a command (`> ` goes on with it), what follows is what it prints. Every command
//!   succeeds, unless `$ echo $?` follows it. `[..]` stands for a part of a line, `...` for any lines; ports, times
//!   of calls, ids of new records and the home folder need no placeholder.
//! * ```` ```console fails ````: every command fails.
//! * ```` ```console running ````: the command keeps running until the page ends.
//! * ```` ```json alert.json ```` (also `yaml`, `sh`, `env`, `ini`, `python`): a file that a later command reads.
//! * ```` ```text ````: not executed, and so counted here.
//!
//! `UPDATE_DOCS=1 cargo test -p opensre-cli --test it guides` writes what the commands print into the pages.

mod compare;
mod hints;
mod page;
mod session;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use compare::Exactness;
use page::{Kind, Page};
use session::Session;

/// The guides, in the order in which `docs/README.md` lists them.
const GUIDES: [&str; 7] = [
    "quickstart",
    "multi-instance",
    "selection-and-routing",
    "alert-formats",
    "migration",
    "security",
    "troubleshooting",
];

/// Most fences that are shown and not executed, in all guides together.
const MOST_UNEXECUTED: usize = 3;

#[test]
fn quickstart() {
    execute("docs/quickstart.md", Exactness::Exact);
}

#[test]
fn multi_instance() {
    execute("docs/multi-instance.md", Exactness::Exact);
}

#[test]
fn selection_and_routing() {
    execute("docs/selection-and-routing.md", Exactness::Exact);
}

#[test]
fn alert_formats() {
    execute("docs/alert-formats.md", Exactness::Exact);
}

#[test]
fn migration() {
    execute("docs/migration.md", Exactness::Exact);
}

#[test]
fn security() {
    execute("docs/security.md", Exactness::Exact);
}

#[test]
fn troubleshooting() {
    execute("docs/troubleshooting.md", Exactness::Exact);
}

/// The README's transcript is of the present, whose figures differ from minute to minute.
#[test]
fn the_readme_shows_what_the_demo_prints() {
    execute("README.md", Exactness::ButForNumbers);
}

#[test]
fn every_guide_is_listed_and_executed() {
    let written: BTreeSet<String> = std::fs::read_dir(root().join("docs"))
        .expect("a folder")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".md")?.to_owned()))
        .filter(|name| name != "README")
        .collect();
    assert_eq!(written, GUIDES.iter().map(|&name| name.to_owned()).collect());
    let index = std::fs::read_to_string(root().join("docs/README.md")).expect("a list of the guides");
    for name in GUIDES {
        assert!(index.contains(&format!("]({name}.md)")), "docs/README.md does not name {name}.md");
    }
}

#[test]
fn hardly_anything_is_shown_without_being_executed() {
    let unexecuted: Vec<String> = GUIDES
        .iter()
        .flat_map(|name| {
            let page = Page::read(&root().join(format!("docs/{name}.md")));
            page.fences
                .into_iter()
                .filter(|fence| matches!(fence.kind, Kind::Text))
                .map(move |fence| format!("docs/{name}.md:{}", fence.line))
        })
        .collect();
    assert!(unexecuted.len() <= MOST_UNEXECUTED, "{unexecuted:?}");
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let mut dead = Vec::new();
    let guides = GUIDES.iter().map(|name| format!("docs/{name}.md"));
    for path in guides.chain(["docs/README.md", "README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(str::to_owned)) {
        let file = root().join(&path);
        let text = std::fs::read_to_string(&file).expect("a page");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (target, anchor) = target.split_once('#').map_or((target, None), |(to, anchor)| (to, Some(anchor)));
            if target.contains("://") || target.contains(char::is_whitespace) {
                continue;
            }
            let there = if target.is_empty() { file.clone() } else { file.parent().expect("a folder").join(target) };
            let found = match anchor {
                None => there.exists(),
                Some(anchor) => std::fs::read_to_string(&there).is_ok_and(|text| page::anchors(&text).contains(anchor)),
            };
            if !found {
                dead.push(format!("{path}: {target}#{}", anchor.unwrap_or_default()));
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
}

/// Runs a page from its first fence to its last, and compares what is printed with what is shown.
fn execute(path: &str, exactness: Exactness) {
    let file = root().join(path);
    let mut page = Page::read(&file);
    let guide = exactness == Exactness::Exact;
    let mut session = Session::new();
    let (mut wrong, mut ended) = (Vec::new(), Vec::new());
    for index in 0..page.fences.len() {
        let fence = page.fences[index].clone();
        let at = format!("{path}:{}", fence.line);
        match &fence.kind {
            Kind::Console(style) => {
                let shown = page::steps(&fence, &at);
                let printed = session.run(&shown, *style, &at, &mut ended);
                let mut body = Vec::new();
                for (step, printed) in shown.iter().zip(printed) {
                    let printed = compare::fitted(&printed, &step.output, exactness);
                    if printed != step.output {
                        wrong.push(format!(
                            "{at}: $ {}\n{}",
                            step.command,
                            compare::difference(&step.output, &printed)
                        ));
                    }
                    body.extend(step.written.iter().cloned());
                    body.extend(printed.lines().map(str::to_owned));
                }
                page.fences[index].body = body;
            }
            Kind::File { language, name } if guide => {
                session.write(name, &fence.body.join("\n"));
                if language == "json" {
                    let read: Result<serde_json::Value, _> = serde_json::from_str(&fence.body.join("\n"));
                    assert!(read.is_ok(), "{at}: {name} is no JSON: {read:?}");
                }
                let read_later = page.fences[index..].iter().any(|later| {
                    matches!(later.kind, Kind::Console(_)) && later.body.iter().any(|line| line.contains(name.as_str()))
                });
                assert!(read_later, "{at}: no command reads {name}");
            }
            Kind::Text => {}
            Kind::File { .. } | Kind::Unknown if !guide => {}
            Kind::File { .. } | Kind::Unknown => panic!("{at}: a fence of an unknown kind ({})", fence.info),
        }
    }
    assert!(ended.is_empty(), "{}", ended.join("\n\n"));
    if updating() {
        page.write(&file);
    } else {
        assert!(wrong.is_empty(), "{}\n\nUPDATE_DOCS=1 writes what is printed into the page", wrong.join("\n\n"));
    }
}

/// Whether the pages are to be written anew instead of compared.
fn updating() -> bool {
    #[expect(clippy::disallowed_methods, reason = "UPDATE_DOCS tells these tests to write instead of compare")]
    std::env::var_os("UPDATE_DOCS").is_some()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}
