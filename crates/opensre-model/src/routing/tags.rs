//! Step 5: tags that agree with the alert's labels, and tags that contradict them.

use std::collections::{BTreeMap, BTreeSet};

use crate::alert::{Alert, AlertItem, Labels, standard_name};
use crate::instance::normalise;
use crate::policy::{AlertPart, Way};
use crate::resolution::Family;

use super::RouteStep;
use super::choice::{Choice, Chosen, Doubt, Tie};
use super::words::{joined, plain};

/// Standard labels whose other spellings mean the very same thing, so that a tag `environment` and a label `env` can
/// agree and contradict each other. (`app` and `service`, or `host` and `instance`, often differ in the same alert.)
const SAME_THING: [&str; 4] = ["env", "cluster", "region", "namespace"];

/// How the tags of a family's instances stand to the labels of an alert.
#[derive(Debug)]
pub(super) struct Agreement {
    views: Vec<Scored>,
    /// Instances that contradict every view, with why.
    ruled_out: BTreeMap<usize, String>,
}

/// The instances that agree with one view of the alert and contradict it nowhere.
#[derive(Debug)]
struct Scored {
    agreeing: Vec<(usize, Vec<Agreed>)>,
}

#[derive(Debug, Clone)]
struct Agreed {
    /// The tag as it is written: `env=prod`.
    tag: String,
    path: Option<String>,
}

/// What one alert of the group says about the tags of a family: tag name → label name, value, path.
type View = BTreeMap<String, (String, String, Option<String>)>;

impl Agreement {
    /// No tag is looked at.
    pub(super) fn ignored() -> Self {
        Self { views: Vec::new(), ruled_out: BTreeMap::new() }
    }

    pub(super) fn of(family: &Family, alert: &Alert) -> Self {
        let keys: BTreeSet<String> =
            family.instances.iter().flat_map(|instance| instance.tags.normalised().map(|(key, _)| key)).collect();
        if keys.is_empty() {
            return Self::ignored();
        }
        let views = views(alert, &keys);
        let mut scored: Vec<Scored> = views.iter().map(|_| Scored { agreeing: Vec::new() }).collect();
        let mut ruled_out = BTreeMap::new();
        for (position, instance) in family.instances.iter().enumerate() {
            let tags: Vec<(String, String)> = instance.tags.normalised().collect();
            let mut conflicts = Vec::new();
            for (view, scored) in views.iter().zip(&mut scored) {
                let said: Vec<_> = tags.iter().filter_map(|tag| Some((tag, view.get(&tag.0)?))).collect();
                match said.iter().find(|((_, own), (_, value, _))| normalise(value) != *own) {
                    Some(((key, own), (label, value, path))) => {
                        let at = path.as_ref().map(|path| format!(" ({})", plain(path))).unwrap_or_default();
                        conflicts.push(format!(
                            "its tag {}={} contradicts the alert's label {}={}{at}",
                            plain(key),
                            plain(own),
                            plain(label),
                            plain(value)
                        ));
                    }
                    None if said.is_empty() => {}
                    None => {
                        let agreed = said.into_iter().map(|((key, own), (_, _, path))| Agreed {
                            tag: format!("{}={}", plain(key), plain(own)),
                            path: path.clone(),
                        });
                        scored.agreeing.push((position, agreed.collect()));
                    }
                }
            }
            if conflicts.len() == views.len()
                && let Some(first) = conflicts.into_iter().next()
            {
                ruled_out.insert(position, first);
            }
        }
        Self { views: scored, ruled_out }
    }

    /// Why an instance is ruled out, if it is.
    pub(super) fn conflict(&self, position: usize) -> Option<&str> {
        self.ruled_out.get(&position).map(String::as_str)
    }

    /// Says of the ruled out instances why they are.
    pub(super) fn explain(&self, rejected: &mut BTreeMap<usize, String>) {
        for (position, conflict) in &self.ruled_out {
            rejected.insert(*position, format!("ruled out: {conflict}"));
        }
    }

    /// The instances with most agreeing tags, among the candidates (in order) if there are
    /// some. Alerts of a group that point at
    /// different instances each get theirs.
    pub(super) fn winners(&self, candidates: Option<&[usize]>) -> Option<Choice> {
        let mut choice = Choice::new(RouteStep::Tags, "no tag of it agrees with the alert's labels");
        for view in &self.views {
            let agreeing: Vec<&(usize, Vec<Agreed>)> = view
                .agreeing
                .iter()
                .filter(|(position, _)| candidates.is_none_or(|these| these.binary_search(position).is_ok()))
                .collect();
            let Some(most) = agreeing.iter().map(|(_, agreed)| agreed.len()).max() else { continue };
            let winners: Vec<_> = agreeing.iter().filter(|(_, agreed)| agreed.len() == most).collect();
            for (position, agreed) in &agreeing {
                if agreed.len() < most {
                    choice
                        .rejected
                        .entry(*position)
                        .or_insert_with(|| format!("fewer of its tags agree ({} of at most {most})", agreed.len()));
                }
            }
            let certain = winners.len() == 1;
            let winners: Vec<(usize, Chosen)> =
                winners.into_iter().map(|(position, agreed)| (*position, chosen(agreed, certain))).collect();
            if !certain {
                let tie = Tie {
                    alike: ("as many tags of".to_owned(), "agree with the alert's labels".to_owned()),
                    remedy: ", a hint or another tag",
                };
                let why = "what the labels say".to_owned();
                choice.doubts.push(Doubt { candidates: winners.clone(), why, tie: Some(tie) });
            }
            for (position, chosen) in winners {
                if choice.path.is_none() {
                    choice.path = chosen.ways.iter().find_map(|way| way.path.clone());
                }
                choice.choose(position, chosen);
            }
        }
        (!choice.chosen.is_empty()).then_some(choice)
    }
}

/// An instance that is chosen by tags that agree.
fn chosen(agreed: &[Agreed], certain: bool) -> Chosen {
    let tags: Vec<String> = agreed.iter().map(|one| one.tag.clone()).collect();
    let verb = if tags.len() == 1 { "its tag agrees" } else { "its tags agree" };
    Chosen {
        why: format!("{verb} with the alert's labels: {}", joined(&tags)),
        ways: agreed.iter().map(|one| Way { part: AlertPart::Tags, path: one.path.clone() }).collect(),
        by_name: false,
        certain,
    }
}

/// What each alert of the group says about the tags; alerts that say the same are one view.
fn views(alert: &Alert, keys: &BTreeSet<String>) -> Vec<View> {
    let mut seen = BTreeSet::new();
    let mut views = Vec::new();
    for item in &alert.items {
        let view: View = keys
            .iter()
            .filter_map(|key| {
                let Found { label, value, path } = look(alert, item, key)?;
                Some((key.clone(), (label.to_owned(), value.trim().to_owned(), path)))
            })
            .collect();
        let what: Vec<(String, String)> =
            view.iter().map(|(key, (_, value, _))| (key.clone(), normalise(value))).collect();
        if seen.insert(what) {
            views.push(view);
        }
    }
    views
}

/// A label that a tag or a rule means.
pub(super) struct Found<'a> {
    pub(super) label: &'a str,
    pub(super) value: &'a str,
    /// Where it stands in the payload.
    pub(super) path: Option<String>,
}

/// The label of one alert of a group that a name means: its own before the group's, its own spelling before another.
pub(super) fn look<'a>(alert: &'a Alert, item: &'a AlertItem, key: &str) -> Option<Found<'a>> {
    let spelt = |spelling: Spelling| {
        let own = find(&item.labels, key, spelling).map(|found| (true, found));
        own.or_else(|| find(&alert.labels, key, spelling).map(|found| (false, found)))
    };
    let (own, (label, value)) = spelt(Spelling::Same).or_else(|| spelt(Spelling::Other))?;
    let path = (own && !item.path.is_empty()).then(|| format!("{}.labels.{label}", item.path));
    Some(Found { label, value, path: path.or_else(|| alert.label_paths.get(label).cloned()) })
}

#[derive(Clone, Copy)]
enum Spelling {
    /// The tag's own name, in any letter case.
    Same,
    /// Another name for the very same thing.
    Other,
}

/// The label that a tag's name means.
fn find<'a>(labels: &'a Labels, key: &str, spelling: Spelling) -> Option<(&'a str, &'a str)> {
    let standard = standard_name(key).filter(|name| SAME_THING.contains(name));
    labels
        .iter()
        .find(|(label, value)| {
            let named = match spelling {
                Spelling::Same => normalise(label) == key,
                Spelling::Other => standard.is_some() && standard_name(label) == standard,
            };
            named && !value.trim().is_empty()
        })
        .map(|(label, value)| (label.as_str(), value.as_str()))
}
