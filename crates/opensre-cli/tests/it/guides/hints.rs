//! Every hint that the program can give has its place in `docs/troubleshooting.md`, and every hint there is one that it
//! can give. The hints are read from the sources: wherever a text is handed over as a hint, `{...}` becomes `…`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crates whose hints reach a person. The lab's reach its own developers only.
const CRATES: [&str; 7] = [
    "opensre-cli",
    "opensre-http",
    "opensre-investigation",
    "opensre-model",
    "opensre-providers",
    "opensre-report",
    "opensre-store",
];

#[test]
fn troubleshooting_covers_every_hint() {
    let root = super::root();
    let page = std::fs::read_to_string(root.join("docs/troubleshooting.md")).expect("a page");
    let covered: BTreeSet<String> =
        page.lines().filter_map(|line| line.strip_prefix("- hint: ")).map(|hint| hint.trim().to_owned()).collect();
    let mut given = BTreeMap::new();
    for name in CRATES.iter().map(|&name| root.join("crates").join(name)).chain(other_crates(&root)) {
        let sources = sources(&name.join("src"));
        assert!(!sources.is_empty(), "{} has no sources", name.display());
        read(&sources, &mut given);
    }
    assert!(given.len() > 100, "the sources are not read as they should: {given:#?}");
    if super::updating() {
        return update(&root.join("docs/troubleshooting.md"), &page, &covered, &given);
    }
    let missing: Vec<String> = given
        .iter()
        .filter(|(hint, _)| !covered.contains(*hint))
        .map(|(hint, at)| format!("- hint: {hint}\n    ({at})"))
        .collect();
    assert!(missing.is_empty(), "docs/troubleshooting.md lacks, each under its section:\n{}", missing.join("\n"));
    let gone: Vec<&String> = covered.iter().filter(|hint| !given.contains_key(*hint)).collect();
    assert!(gone.is_empty(), "docs/troubleshooting.md has hints that are given no more: {gone:#?}");
}

/// Takes hints that are gone out of the page and puts new ones at its end, for a person to move to their section.
fn update(file: &Path, page: &str, covered: &BTreeSet<String>, given: &Hints) {
    let gone = |line: &&str| line.strip_prefix("- hint: ").is_some_and(|hint| !given.contains_key(hint.trim()));
    let mut lines: Vec<String> = page.lines().filter(|line| !gone(line)).map(str::to_owned).collect();
    for hint in given.keys().filter(|hint| !covered.contains(*hint)) {
        lines.push(format!("- hint: {hint}"));
    }
    let mut open = std::fs::File::create(file).expect("a page that can be written");
    std::io::Write::write_all(&mut open, (lines.join("\n") + "\n").as_bytes()).expect("written");
}

#[test]
fn hints_are_found_in_every_way_they_are_written() {
    let source = r#"
        const LOOK: &str = "look at it by hand";
        fn hint(&self) -> Option<String> { Some("free some space".to_owned()) }
        fn fail(reason: &str, hint: &str) {}
        fn main() {
            failure("no such thing").hint("write it properly");
            failure("is not there").with_hint(format!("did you mean {near} instead?"));
            fail("a reason that is none", "a hint in a parameter");
            Failure { reason: "a reason too", hint: Some("a hint in a field".to_owned()) };
            let hint = "a hint in a variable";
            failure("by hand").with_hint(LOOK);
        }
        const ROWS: &[(&str, &str)] = &[("a word", "a hint in a table"), ("another", "and one more")];
        fn look(word: &str) { let Some((_, hint)) = ROWS.iter().find(|(known, ..)| *known == word) else { return }; }
        #[error("it does not work\nhint: try \
                 again")]
        struct Error;
    "#;
    let mut found = BTreeMap::new();
    read(&[(PathBuf::from("a.rs"), source.to_owned())], &mut found);
    let found: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        found,
        [
            "a hint in a field",
            "a hint in a parameter",
            "a hint in a table",
            "a hint in a variable",
            "and one more",
            "did you mean … instead?",
            "free some space",
            "look at it by hand",
            "try again",
            "write it properly",
        ]
    );
}

/// Crates that are neither listed above nor without hints for people: a new one is read too.
fn other_crates(root: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(root.join("crates"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("src").is_dir() && !path.ends_with("opensre-lab"))
        .filter(|path| !CRATES.iter().any(|name| path.ends_with(name)))
        .collect()
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.push((path, text));
        }
    }
    found
}

/// Hints, each with a file that gives it.
type Hints = BTreeMap<String, String>;

/// Reads the hints of one crate's sources.
fn read(sources: &[(PathBuf, String)], hints: &mut Hints) {
    let streams: Vec<(&PathBuf, Vec<TokenTree>)> = sources
        .iter()
        .map(|(path, text)| {
            let stream = TokenStream::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, stream.into_iter().collect())
        })
        .collect();
    let mut constants = BTreeMap::new();
    for (_, tokens) in &streams {
        walk(tokens, &mut |tokens, index| {
            if let Some((name, text)) = constant(&tokens[index..]) {
                constants.insert(name, text);
            }
        });
    }
    for (path, tokens) in &streams {
        let mut takers: Vec<(String, usize)> = Vec::new();
        let mut tables = BTreeMap::new();
        walk(tokens, &mut |tokens, index| {
            takers.extend(taker(&tokens[index..]));
            tables.extend(table(&tokens[index..]));
        });
        let mut add = |texts: Vec<String>| {
            // No hint: pieces that join others, and the word itself where one is printed.
            let hint =
                |text: &String| text.trim().contains(' ') && text.len() > 8 && !text.to_lowercase().contains("hint:");
            for text in texts.into_iter().filter(hint) {
                hints.entry(text.trim().to_owned()).or_insert_with(|| path.display().to_string());
            }
        };
        walk(tokens, &mut |tokens, index| add(given(tokens, index, &takers, &constants, &tables)));
    }
}

/// Calls with every list of tokens and every position in it; tests are left out.
fn walk(tokens: &[TokenTree], visit: &mut dyn FnMut(&[TokenTree], usize)) {
    let mut skip = false;
    for (index, token) in tokens.iter().enumerate() {
        visit(tokens, index);
        if let TokenTree::Group(group) = token {
            let below: Vec<TokenTree> = group.stream().into_iter().collect();
            skip |=
                group.delimiter() == Delimiter::Bracket && group.stream().to_string().replace(' ', "") == "cfg(test)";
            if skip && group.delimiter() == Delimiter::Brace {
                skip = false;
                continue;
            }
            walk(&below, visit);
        }
    }
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn parentheses(token: Option<&TokenTree>) -> Option<Vec<TokenTree>> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            Some(group.stream().into_iter().collect())
        }
        _ => None,
    }
}

/// `const NAME: &str = "text"`.
fn constant(tokens: &[TokenTree]) -> Option<(String, String)> {
    if !is_ident(tokens.first(), "const") {
        return None;
    }
    let name = tokens.get(1)?.to_string();
    let end = tokens.iter().position(|token| is_punct(Some(token), ';'))?;
    let [text] = &texts(&tokens[..end], &BTreeMap::new())[..] else { return None };
    Some((name, text.clone()))
}

/// `const NAME: ... = &[(...), (...)]`: its rows.
fn table(tokens: &[TokenTree]) -> Option<(String, Vec<TokenTree>)> {
    if !is_ident(tokens.first(), "const") {
        return None;
    }
    let end = tokens.iter().position(|token| is_punct(Some(token), ';'))?;
    match tokens[..end].last() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            Some((tokens.get(1)?.to_string(), group.stream().into_iter().collect()))
        }
        _ => None,
    }
}

/// The hints of a table, where a row of it is taken apart here: `(_, meaning, hint) = ... TABLE.iter()`.
fn rows(pattern: &[TokenTree], after: &[TokenTree], tables: &BTreeMap<String, Vec<TokenTree>>) -> Vec<String> {
    // `Some((_, meaning, hint))`: the row stands in parentheses of its own.
    let inner = (pattern.len() == 1).then(|| parentheses(pattern.first())).flatten();
    let parts = arguments(inner.as_deref().unwrap_or(pattern));
    let Some(at) = parts.iter().position(|part| part.len() == 1 && is_ident(part.first(), "hint")) else {
        return Vec::new();
    };
    let table = after.iter().take(8).find_map(|token| tables.get(&token.to_string()));
    let rows = table.map(Vec::as_slice).unwrap_or_default().iter().filter_map(|token| parentheses(Some(token)));
    rows.flat_map(|row| arguments(&row).get(at).map(|part| texts(part, &BTreeMap::new())).unwrap_or_default()).collect()
}

/// A function or closure with a parameter called `hint`: its name, and which argument that is.
fn taker(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let name = tokens.get(1)?.to_string();
    let parameters = if is_ident(tokens.first(), "fn") {
        parentheses(tokens.iter().skip(2).find(|token| parentheses(Some(token)).is_some()))?
    } else if is_ident(tokens.first(), "let") && is_punct(tokens.get(2), '=') && is_punct(tokens.get(3), '|') {
        let end = tokens.iter().skip(4).position(|token| is_punct(Some(token), '|'))?;
        tokens[4..4 + end].to_vec()
    } else {
        return None;
    };
    let parameters = arguments(&parameters);
    let method = parameters.first().is_some_and(|first| first.iter().any(|token| is_ident(Some(token), "self")));
    let at = parameters.iter().position(|parameter| {
        is_ident(parameter.first(), "hint") || (is_punct(parameter.first(), '|') && is_ident(parameter.get(1), "hint"))
    })?;
    Some((name, at - usize::from(method)))
}

/// A list cut at its commas; those inside `<...>` do not count.
fn arguments(tokens: &[TokenTree]) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    let mut depth = 0;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            TokenTree::Punct(punct) if punct.as_char() == ',' && depth <= 0 => {
                parts.push(Vec::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("never empty").push(token.clone());
    }
    parts
}

/// The hints that are given at this position.
fn given(
    tokens: &[TokenTree],
    index: usize,
    takers: &[(String, usize)],
    constants: &BTreeMap<String, String>,
    tables: &BTreeMap<String, Vec<TokenTree>>,
) -> Vec<String> {
    let here = &tokens[index];
    if let TokenTree::Literal(literal) = here {
        return text(&literal.to_string())
            .and_then(|text| text.split_once("\nhint: ").map(|(_, hint)| hint.to_owned()))
            .into_iter()
            .collect();
    }
    if let Some(pattern) = parentheses(Some(here)) {
        return rows(&pattern, &tokens[index + 1..], tables);
    }
    let TokenTree::Ident(name) = here else { return Vec::new() };
    let name = name.to_string();
    let defined = index > 0 && is_ident(tokens.get(index - 1), "fn");
    let next = tokens.get(index + 1);
    if defined {
        // A function that makes hints: what its body says.
        let body = tokens[index..]
            .iter()
            .find(|token| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace));
        let named = name == "hint" || name.starts_with("hint_") || name.ends_with("_hint");
        let signature = tokens[index..]
            .iter()
            .take_while(|token| !matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace));
        let makes_text =
            signature.skip_while(|token| !is_punct(Some(token), '>')).any(|token| is_ident(Some(token), "String"));
        return match body {
            Some(TokenTree::Group(group)) if named && makes_text => {
                let body: Vec<TokenTree> = group.stream().into_iter().collect();
                texts(&body, constants)
            }
            _ => Vec::new(),
        };
    }
    let called = parentheses(next);
    if let Some(inside) = &called
        && (name == "hint" || name == "with_hint")
    {
        return texts(inside, constants);
    }
    if let Some(inside) = &called
        && let Some((_, at)) = takers.iter().find(|(taker, _)| *taker == name)
    {
        return arguments(inside).get(*at).map(|argument| texts(argument, constants)).unwrap_or_default();
    }
    let field = is_punct(next, ':') && !is_punct(tokens.get(index + 2), ':');
    if name == "hint" && (field || is_punct(next, '=')) {
        let value = &tokens[index + 2..];
        let end = value.iter().position(|token| is_punct(Some(token), ';') || (field && is_punct(Some(token), ',')));
        return texts(&value[..end.unwrap_or(value.len())], constants);
    }
    Vec::new()
}

/// All texts among tokens, at any depth, and those of named constants.
fn texts(tokens: &[TokenTree], constants: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Literal(literal) => found.extend(text(&literal.to_string())),
            TokenTree::Group(group) => {
                found.extend(texts(&group.stream().into_iter().collect::<Vec<_>>(), constants));
            }
            TokenTree::Ident(name) => found.extend(constants.get(&name.to_string()).cloned()),
            TokenTree::Punct(_) => {}
        }
    }
    found
}

/// The text of a string literal, `{...}` as `…`.
fn text(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return Some(raw.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut characters = inside.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                'n' => text.push('\n'),
                '\n' => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                other => text.push(other),
            },
            '{' if characters.next_if_eq(&'{').is_some() => text.push('{'),
            '}' if characters.next_if_eq(&'}').is_some() => text.push('}'),
            '{' if text.ends_with('$') => text.push('{'),
            '{' => {
                while characters.next().is_some_and(|next| next != '}') {}
                text.push('…');
            }
            other => text.push(other),
        }
    }
    Some(text)
}
