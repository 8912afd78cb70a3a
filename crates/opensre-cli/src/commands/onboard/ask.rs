//! Questions as data, and who answers them: a person at a terminal, or flags.
//!
//! A question knows what it asks, how an answer is checked, which flag answers it in a script, and what is taken when
//! nobody is there. What an answer *does* is decided by whoever asks.

use std::fmt;
use std::sync::Arc;

use crate::failure::Failure;

/// Checks a typed answer; the error is shown beside the question, and it is asked again.
pub(in crate::commands) type Check = Arc<dyn Fn(&str) -> Result<(), String>>;

/// One question.
#[derive(Clone)]
pub(in crate::commands) struct Question {
    /// What is asked, without a colon or question mark of its own where it names a field.
    pub(in crate::commands) prompt: String,
    /// What helps to answer, in one or two sentences; wrapped to the terminal by whoever shows it.
    pub(in crate::commands) help: String,
    /// The flag that answers it, as a person writes it (`--set endpoint=VALUE`).
    pub(in crate::commands) flag: String,
    /// What is asked for.
    pub(in crate::commands) kind: Kind,
    /// What a script gets that does not give the flag; `None` where it must.
    pub(in crate::commands) otherwise: Option<Reply>,
}

/// What a question asks for.
#[derive(Clone)]
pub(in crate::commands) enum Kind {
    /// One of a list. Long lists can be searched.
    Choice {
        /// What there is to choose from; never empty.
        options: Vec<Choice>,
        /// Position of the one that Enter takes.
        start: usize,
    },
    /// A line of text.
    Text {
        /// What stands there already.
        initial: String,
        /// What an empty answer means, shown beside the question.
        default: Option<String>,
        /// Completions.
        suggest: Suggest,
        /// Whether an answer will do.
        check: Check,
    },
    /// A secret: never shown. An empty answer keeps what there is.
    Secret {
        /// How what there is may be shown: `set`, or a reference.
        has: Option<String>,
        /// Whether an answer will do.
        check: Check,
    },
    /// Yes or no.
    YesNo {
        /// What Enter means.
        default: bool,
    },
}

/// One of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) struct Choice {
    /// The line that is shown; cut to the terminal's width.
    pub(in crate::commands) label: String,
    /// More words by which it is found, lower case.
    pub(in crate::commands) words: String,
}

impl Choice {
    /// A choice that is found by its label alone.
    pub(in crate::commands) fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), words: String::new() }
    }

    /// How well a search fits: every word of it must be in the label or among the words, in any letter case. What
    /// begins with the search comes first. `None` when it does not fit.
    pub(in crate::commands) fn fits(&self, search: &str) -> Option<i64> {
        let search = search.trim().to_lowercase();
        let label = self.label.to_lowercase();
        let fits = search.split_whitespace().all(|word| label.contains(word) || self.words.contains(word));
        let begins = label.starts_with(&search) || self.words.split_whitespace().any(|word| word.starts_with(&search));
        fits.then_some(match (begins, label.contains(&search)) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        })
    }
}

/// How a line of text is completed: from what is typed to whole lines.
#[derive(Clone, Default)]
pub(in crate::commands) enum Suggest {
    /// Not at all.
    #[default]
    Nothing,
    /// The whole line is one of these.
    Lines(Vec<String>),
    /// The line is a list with commas between; the part after the last comma is completed by these.
    Parts(Vec<String>),
}

impl Suggest {
    /// The lines that what is typed can be completed to, in order; none that says what is typed already.
    pub(in crate::commands) fn lines(&self, typed: &str) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Lines(lines) => {
                let typed = typed.trim().to_lowercase();
                let fits = |line: &&String| line.to_lowercase().starts_with(&typed) && line.to_lowercase() != typed;
                lines.iter().filter(fits).cloned().collect()
            }
            Self::Parts(parts) => {
                let (before, part) = match typed.rfind(',') {
                    Some(comma) => (&typed[..comma], typed[comma + 1..].trim().to_lowercase()),
                    None => ("", typed.trim().to_lowercase()),
                };
                let key = |part: &str| part.split('=').next().unwrap_or_default().trim().to_lowercase();
                let taken: Vec<String> = before.split(',').map(key).collect();
                let lead = if before.trim().is_empty() { String::new() } else { format!("{}, ", before.trim_end()) };
                parts
                    .iter()
                    .filter(|line| !taken.contains(&key(line)))
                    .filter(|line| line.to_lowercase().starts_with(&part) && line.to_lowercase() != part)
                    .map(|line| format!("{lead}{line}"))
                    .collect()
            }
        }
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::commands) enum Reply {
    /// A text, or a secret; empty means the default, or keeping what there is.
    Text(String),
    /// Position of a choice.
    Choice(usize),
    /// Yes or no.
    YesNo(bool),
    /// Back to the question before (Esc).
    Back,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // It may be a secret.
            Self::Text(_) => f.write_str("Text"),
            Self::Choice(position) => write!(f, "Choice({position})"),
            Self::YesNo(yes) => write!(f, "YesNo({yes})"),
            Self::Back => f.write_str("Back"),
        }
    }
}

/// Who answers questions.
pub(in crate::commands) trait Ask {
    /// Asks until the answer passes its check. A person who leaves (Ctrl-C) is a failure that ends the program.
    fn ask(&mut self, question: &Question) -> Result<Reply, Failure>;

    /// Says something between two questions; lines of its own, wrapped to the terminal.
    fn say(&mut self, text: &str);
}

/// Flags alone: whatever a flag has not answered is taken as the question says, or is an error that names the flag.
pub(in crate::commands) struct Script {
    pub(in crate::commands) say: Box<dyn FnMut(&str)>,
}

impl Ask for Script {
    fn ask(&mut self, question: &Question) -> Result<Reply, Failure> {
        let Some(reply) = &question.otherwise else {
            let prompt = question.prompt.trim_end_matches(['?', ':']);
            return Err(Failure::input(format!("not answered, and there is no terminal to ask at: {prompt}"))
                .hint(format!("give {}", question.flag)));
        };
        if let (Kind::Text { check, .. } | Kind::Secret { check, .. }, Reply::Text(text)) = (&question.kind, reply)
            && !text.is_empty()
        {
            check(text).map_err(|reason| Failure::input(reason).hint(format!("give {}", question.flag)))?;
        }
        Ok(reply.clone())
    }

    fn say(&mut self, text: &str) {
        (self.say)(text);
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Suggest};

    #[test]
    fn a_search_looks_at_label_and_words_and_puts_beginnings_first() {
        let choice = Choice { label: "Redis, Valkey".to_owned(), words: "redis valkey data stores".to_owned() };
        assert_eq!(choice.fits(""), Some(2));
        assert_eq!(choice.fits("VALK"), Some(2));
        assert_eq!(choice.fits("edis"), Some(1));
        assert_eq!(choice.fits("redis data"), Some(0));
        assert_eq!(choice.fits("kafka"), None);
    }

    #[test]
    fn the_last_part_of_a_list_is_completed_and_no_key_is_offered_twice() {
        let tags = Suggest::Parts(vec!["env=prod".to_owned(), "env=staging".to_owned(), "region=".to_owned()]);
        assert_eq!(tags.lines("en"), ["env=prod", "env=staging"]);
        assert_eq!(tags.lines("env=prod"), Vec::<String>::new());
        assert_eq!(tags.lines("env=prod,"), ["env=prod, region="]);
        assert_eq!(tags.lines("team=pay, env=s"), ["team=pay, env=staging"]);
    }

    #[test]
    fn lines_are_completed_as_a_whole() {
        let sites = Suggest::Lines(vec!["datadoghq.com".to_owned(), "datadoghq.eu".to_owned()]);
        assert_eq!(sites.lines("datadoghq.e"), ["datadoghq.eu"]);
        assert_eq!(sites.lines("datadoghq.eu"), Vec::<String>::new());
    }
}
