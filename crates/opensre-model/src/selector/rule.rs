//! The selectors' rule, whatever holds the instances: what was resolved, the store's records, or a dictionary that a
//! caller of another language brings along.

use crate::instance::{Instance, InstanceName, Tags, Word};
use crate::record::StoredInstance;

/// Something that the selectors choose among.
pub trait Candidate {
    /// Whether it has this name. What has no name is called `default`.
    fn is_named(&self, name: &Word) -> bool;

    /// Whether it carries a tag with this value. Of several spellings of the tag's name the first counts.
    fn carries(&self, tag: &Word, value: &Word) -> bool;
}

impl Candidate for &Instance {
    fn is_named(&self, name: &Word) -> bool {
        self.name.as_str() == name.as_str()
    }

    fn carries(&self, tag: &Word, value: &Word) -> bool {
        self.tags.carry(tag, value)
    }
}

impl Candidate for StoredInstance {
    fn is_named(&self, name: &Word) -> bool {
        InstanceName::new(&self.instance.name).as_str() == name.as_str()
    }

    fn carries(&self, tag: &Word, value: &Word) -> bool {
        Tags::from_json(&self.instance.tags).0.carry(tag, value)
    }
}

/// What is asked of the selectors, apart from the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Nobody: the name, or one of the tags, was blank.
    Nobody,
    /// The default instance: neither name nor tags were given.
    Default,
    /// The first of that name; tags are not looked at.
    Name(Word),
    /// The first that carries all of these tags.
    Tags(Vec<(Word, Word)>),
}

impl Wish {
    /// Reads what is asked. With a name: by name alone. Else with tags: all of them. With neither: the default.
    pub fn new<'t>(name: Option<&str>, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        if let Some(name) = name {
            return Word::new(name).map_or(Self::Nobody, Self::Name);
        }
        match words(tags) {
            None => Self::Nobody,
            Some(tags) if tags.is_empty() => Self::Default,
            Some(tags) => Self::Tags(tags),
        }
    }
}

/// Tags as they are compared; `None` when a name or value is blank, which nothing carries.
pub fn words<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Option<Vec<(Word, Word)>> {
    tags.into_iter().map(|(tag, value)| Some((Word::new(tag)?, Word::new(value)?))).collect()
}

/// The one that a wish means. There is no fallback: what is not there is not replaced by something else.
pub fn select<C: Candidate>(
    wish: &Wish,
    candidates: impl IntoIterator<Item = C>,
    default: impl FnOnce() -> Option<C>,
) -> Option<C> {
    let mut candidates = candidates.into_iter();
    match wish {
        Wish::Nobody => None,
        Wish::Default => default(),
        Wish::Name(name) => candidates.find(|candidate| candidate.is_named(name)),
        Wish::Tags(tags) => candidates.find(|candidate| tags.iter().all(|(tag, value)| candidate.carries(tag, value))),
    }
}

/// The first of that name; a blank name is nobody's.
pub fn by_name<C: Candidate>(candidates: impl IntoIterator<Item = C>, name: &str) -> Option<C> {
    let name = Word::new(name)?;
    candidates.into_iter().find(|candidate| candidate.is_named(&name))
}

/// All that carry the tag with that value, in order; a blank name or value is carried by nobody.
pub fn by_tag<C: Candidate>(candidates: impl IntoIterator<Item = C>, tag: &str, value: &str) -> Vec<C> {
    let (Some(tag), Some(value)) = (Word::new(tag), Word::new(value)) else { return Vec::new() };
    candidates.into_iter().filter(|candidate| candidate.carries(&tag, &value)).collect()
}
