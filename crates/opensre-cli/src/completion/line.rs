//! Bash's line: words as a shell cuts them, and the part of the last one that bash keeps for itself.

/// The words of an unfinished line; the last one, possibly empty, is being written. Quotes and backslashes are taken
/// away; variables are not expanded.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut inside = false;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('"') | None, '\\') => word.extend(characters.next()),
            (None, '\'' | '"') => quote = Some(character),
            (None, _) if character.is_whitespace() => {
                if inside {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
                continue;
            }
            _ => word.push(character),
        }
        inside = true;
    }
    words.push(word);
    // `NAME=value opensre ...`: what stands before the program is not its.
    let assignment = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        })
    };
    let before = words.iter().take_while(|word| assignment(word)).count();
    words.drain(..before.min(words.len() - 1));
    words
}

/// The beginning of the word that bash does not want back: it cuts words at `=` and `:` and calls the rest the word.
pub(super) fn cut_off<'a>(current: &'a str, bash_word: &str) -> &'a str {
    let bash_word = bash_word.trim_start_matches(['\'', '"']);
    current.strip_suffix(bash_word).unwrap_or_default()
}

/// A candidate as it must stand on the line.
pub(super) fn escape(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./=:,@%+~".contains(character);
    text.chars().fold(String::new(), |mut escaped, character| {
        if !plain(character) {
            escaped.push('\\');
        }
        escaped.push(character);
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::{cut_off, escape, split};

    #[test]
    fn words_are_cut_as_a_shell_cuts_them() {
        assert_eq!(split("opensre integrations sh"), ["opensre", "integrations", "sh"]);
        assert_eq!(split("opensre  show "), ["opensre", "show", ""]);
        assert_eq!(
            split(r#"A=1 B='x y' opensre --store "my store" a\ b 'it'"'"'s"#),
            ["opensre", "--store", "my store", "a b", "it's"]
        );
        assert_eq!(split("opensre --text 'unfin"), ["opensre", "--text", "unfin"]);
        assert_eq!(split(""), [""]);
    }

    #[test]
    fn what_bash_keeps_is_what_stands_before_its_word() {
        assert_eq!(cut_off("grafana=pr", "pr"), "grafana=");
        assert_eq!(cut_off("grafana=", ""), "grafana=");
        assert_eq!(cut_off("gr", "gr"), "");
        assert_eq!(cut_off("aws=env=pr", "'aws=env=pr"), "");
    }

    #[test]
    fn candidates_are_escaped_for_the_line() {
        assert_eq!(escape("grafana/prod"), "grafana/prod");
        assert_eq!(escape("a b$(c)"), "a\\ b\\$\\(c\\)");
    }
}
