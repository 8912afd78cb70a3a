//! A Markdown page as its fences and the text around them.

use std::collections::BTreeSet;
use std::path::Path;

/// A page.
pub(super) struct Page {
    /// The text before each fence, and after the last one.
    between: Vec<Vec<String>>,
    /// The fences.
    pub(super) fences: Vec<Fence>,
}

/// A fenced block.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    /// Line of the page, from 1.
    pub(super) line: usize,
    /// What stands behind the opening marks.
    pub(super) info: String,
    /// What is to be done with it.
    pub(super) kind: Kind,
    /// Its lines.
    pub(super) body: Vec<String>,
}

/// What is to be done with a fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Commands and what they print.
    Console(Style),
    /// A file.
    File {
        /// Its language.
        language: String,
        /// Its name.
        name: String,
    },
    /// Shown only.
    Text,
    /// Nothing of these.
    Unknown,
}

/// How commands end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// In success, or followed by `$ echo $?`.
    Succeeds,
    /// In failure.
    Fails,
    /// With the page.
    Running,
}

/// A command and what it prints.
#[derive(Debug)]
pub(super) struct Step {
    /// The command, lines joined.
    pub(super) command: String,
    /// Its lines as written on the page.
    pub(super) written: Vec<String>,
    /// What the page says that it prints; ends with a line break unless empty.
    pub(super) output: String,
}

impl Page {
    pub(super) fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut page = Self { between: vec![Vec::new()], fences: Vec::new() };
        let mut open = false;
        for (number, line) in text.lines().enumerate() {
            match (open, line.strip_prefix("```")) {
                (false, Some(info)) => {
                    let info = info.trim().to_owned();
                    page.fences.push(Fence { line: number + 1, kind: kind(&info), info, body: Vec::new() });
                    page.between.push(Vec::new());
                    open = true;
                }
                (true, Some(_)) => open = false,
                (true, None) => page.fences.last_mut().expect("an open fence").body.push(line.to_owned()),
                (false, None) => page.between.last_mut().expect("never empty").push(line.to_owned()),
            }
        }
        assert!(!open, "{}: the last fence is not closed", file.display());
        page
    }

    pub(super) fn write(&self, file: &Path) {
        let mut lines = self.between[0].clone();
        for (fence, after) in self.fences.iter().zip(&self.between[1..]) {
            lines.push(format!("```{}", fence.info));
            lines.extend(fence.body.iter().cloned());
            lines.push("```".to_owned());
            lines.extend(after.iter().cloned());
        }
        let text = lines.join("\n") + "\n";
        let mut open = std::fs::File::create(file).expect("a page that can be written");
        std::io::Write::write_all(&mut open, text.as_bytes()).expect("written");
    }
}

fn kind(info: &str) -> Kind {
    let words: Vec<&str> = info.split_whitespace().collect();
    match words[..] {
        ["console"] => Kind::Console(Style::Succeeds),
        ["console", "fails"] => Kind::Console(Style::Fails),
        ["console", "running"] => Kind::Console(Style::Running),
        [language @ ("json" | "yaml" | "sh" | "env" | "ini" | "python"), name] => {
            Kind::File { language: language.to_owned(), name: name.to_owned() }
        }
        ["text"] => Kind::Text,
        _ => Kind::Unknown,
    }
}

/// The commands of a console fence.
pub(super) fn steps(fence: &Fence, at: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in &fence.body {
        match (line.strip_prefix("$ "), line.strip_prefix("> "), steps.last_mut()) {
            (Some(command), ..) => {
                steps.push(Step { command: command.to_owned(), written: vec![line.clone()], output: String::new() });
            }
            (None, Some(more), Some(step)) if step.output.is_empty() => {
                step.command.push('\n');
                step.command.push_str(more);
                step.written.push(line.clone());
            }
            (None, _, Some(step)) => {
                step.output.push_str(line);
                step.output.push('\n');
            }
            (None, _, None) => panic!("{at}: a console fence begins with `$ `"),
        }
    }
    steps
}

/// The anchors of a page's headings, as GitHub makes them.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
            kept.map(|character| if character == ' ' { '-' } else { character }).collect()
        })
        .collect()
}
