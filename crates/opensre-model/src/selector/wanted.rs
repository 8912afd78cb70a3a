//! What a hint or `--instance SERVICE=WANTED` names.

use crate::instance::{Instance, normalise};

use super::language::{Selector, SelectorError};

/// A name, a comma list of names, or a tag selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Names, trimmed and lower-cased, in written order, without blanks and repetitions; empty for a blank text.
    Names(Vec<String>),
    /// A tag selector.
    Selector(Selector),
}

impl Wanted {
    /// Reads what is wanted. A text with `=`, `!=`, `!`, ` in (` or ` notin (` is a tag selector; anything else is a
    /// name or a comma list of names. (`gpu` alone is therefore a name; `gpu,env=prod` is a selector.)
    ///
    /// ```
    /// use opensre_model::selector::Wanted;
    ///
    /// assert_eq!(Wanted::parse(" Prod , staging")?, Wanted::Names(vec!["prod".into(), "staging".into()]));
    /// assert!(matches!(Wanted::parse("env=prod,region!=eu")?, Wanted::Selector(_)));
    /// assert!(Wanted::parse("env=").is_err());
    /// # Ok::<(), opensre_model::selector::SelectorError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if looks_like_selector(text) {
            return Selector::parse(text).map(Self::Selector);
        }
        let mut names: Vec<String> = Vec::new();
        for name in text.split(',').map(normalise).filter(|name| !name.is_empty()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Self::Names(names))
    }

    /// The instances that are meant, in their order, and the names that no instance has. Of several instances with
    /// the same name the first is meant.
    pub fn pick<'a, 'w>(&'w self, instances: &[&'a Instance]) -> (Vec<&'a Instance>, Vec<&'w str>) {
        match self {
            Self::Selector(selector) => {
                (instances.iter().copied().filter(|instance| selector.matches(&instance.tags)).collect(), Vec::new())
            }
            Self::Names(names) => {
                let mut positions = Vec::new();
                let mut unknown = Vec::new();
                for name in names {
                    match instances.iter().position(|instance| instance.name.answers_to(name)) {
                        Some(position) => positions.push(position),
                        None => unknown.push(name.as_str()),
                    }
                }
                positions.sort_unstable();
                positions.dedup();
                (positions.into_iter().map(|position| instances[position]).collect(), unknown)
            }
        }
    }
}

fn looks_like_selector(text: &str) -> bool {
    if text.contains(['=', '!']) {
        return true;
    }
    // ` in (` and ` notin (`, with any white space around the word and any letter case.
    let text = text.to_lowercase();
    text.match_indices('(').any(|(at, _)| {
        let mut words = text[..at].split_whitespace().rev();
        matches!(words.next(), Some("in" | "notin")) && words.next().is_some()
    })
}
