//! The process's surroundings, read once: everything else takes them as arguments.

use std::io::{IsTerminal, Read};
use std::path::Path;

use jiff::Timestamp;
use opensre_model::provider::EnvironmentMap;

use crate::failure::Failure;

/// What the process was given.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The environment, with the `--env-file`'s variables where the process has none of that name.
    pub(crate) environment: EnvironmentMap,
    /// Whether standard input is a terminal: questions can be asked.
    pub(crate) interactive: bool,
    /// Whether standard error is a terminal: progress can be drawn.
    pub(crate) progress: bool,
    /// Columns of the terminal, 80 where there is none.
    pub(crate) width: usize,
    /// Whether the terminal's language can show block characters.
    pub(crate) unicode: bool,
}

impl Surroundings {
    /// Reads them. The only place of the program that reads the process's environment and clock.
    pub(crate) fn of_process() -> Self {
        // Variables that are no Unicode cannot be ours.
        let environment: EnvironmentMap = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let terminal = std::io::stdout().is_terminal();
        let width = terminal.then(terminal_width).flatten().unwrap_or(80).clamp(40, 140);
        let unicode = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| environment.get(*name).filter(|value| !value.is_empty()))
            .is_none_or(|language| language.to_lowercase().replace('-', "").contains("utf8"));
        Self {
            interactive: std::io::stdin().is_terminal(),
            progress: std::io::stderr().is_terminal(),
            width,
            unicode,
            environment,
        }
    }

    /// Adds the variables of a `.env` file; those of the process win.
    pub(crate) fn read_env_file(&mut self, path: &Path) -> Result<(), Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::input(format!("cannot read --env-file {}: {error}", path.display())))?;
        for (key, value) in parse_env_file(&text)
            .map_err(|line| Failure::input(format!("{}: line {line} is not NAME=VALUE", path.display())))?
        {
            self.environment.entry(key).or_insert(value);
        }
        Ok(())
    }

    /// The present.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub(crate) fn now() -> Timestamp {
        Timestamp::now()
    }
}

fn terminal_width() -> Option<usize> {
    // comfy-table's terminal back end is the one already in the tree.
    comfy_table::Table::new().width().map(usize::from)
}

/// An input's name in words.
pub(crate) fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads a file, or standard input for `-`; at most 16 MiB, so that a wrong file cannot fill the memory.
pub(crate) fn read_input(path: &Path) -> Result<Vec<u8>, Failure> {
    const MOST: u64 = 16 * 1024 * 1024;
    let shown = shown(path);
    let failed = |error: std::io::Error| Failure::input(format!("cannot read {shown}: {error}"));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        std::fs::File::open(path).map_err(failed)?.take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() as u64 > MOST {
        return Err(Failure::input(format!("{shown} is larger than 16 MiB, the most that is read")));
    }
    Ok(bytes)
}

/// The variables of a `.env` file: `NAME=VALUE` lines, `export` allowed, `#` comments, values bare, in single quotes
/// (as they are) or in double quotes (`\n`, `\"`, `\\` and `\$` understood). Nothing is expanded. The number of the
/// first line that is none of these is the error.
fn parse_env_file(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut variables = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let (name, value) = line.split_once('=').ok_or(number + 1)?;
        let name = name.trim();
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(number + 1);
        }
        variables.push((name.to_owned(), env_value(value.trim()).ok_or(number + 1)?));
    }
    Ok(variables)
}

fn env_value(written: &str) -> Option<String> {
    if let Some(rest) = written.strip_prefix('\'') {
        return rest.strip_suffix('\'').map(str::to_owned);
    }
    let Some(rest) = written.strip_prefix('"') else {
        let bare = written.split_once(" #").map_or(written, |(value, _)| value);
        return Some(bare.trim_end().to_owned());
    };
    let mut value = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return characters.as_str().trim().is_empty().then_some(value),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_env_file;

    #[test]
    fn reads_the_usual_spellings() {
        let text = "# c\nexport A=1\nB='x # y'\nC=\"a\\\"b\\n\"\nD=plain # note\n\nE=\n";
        let read = parse_env_file(text).expect("a good file");
        let read: Vec<(&str, &str)> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(read, [("A", "1"), ("B", "x # y"), ("C", "a\"b\n"), ("D", "plain"), ("E", "")]);
    }

    #[test]
    fn names_the_first_bad_line() {
        assert_eq!(parse_env_file("A=1\nnonsense\n"), Err(2));
        assert_eq!(parse_env_file("A=\"open\n"), Err(1));
    }
}
