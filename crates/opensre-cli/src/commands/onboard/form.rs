//! Which questions an instance takes, derived from its provider's declaration. Pure: no terminal, no store.
//!
//! The order is that of the declaration. Where the rule of a provider has alternatives (a token, or user name and
//! password), the way is asked first and only its fields after it, so that two ways are never given together by
//! accident. What hardly anybody changes (certificate checks, limits) comes behind one question of its own.

use opensre_model::provider::{FieldKind, FieldSpec, ProviderSpec, Rule};
use opensre_model::rule;

/// What is asked at one point of an instance.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Its name.
    Name,
    /// Its tags.
    Tags,
    /// Which of several ways to fill a rule.
    Way(usize),
    /// A field.
    Field(&'static FieldSpec),
    /// Whether to look at the fields that hardly anybody changes.
    More,
}

/// Alternatives of a provider: one of them is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ways {
    /// The ways, each with its fields in declared order. The first field decides where the question stands.
    pub(super) ways: Vec<Vec<&'static str>>,
    /// Whether none of them is a way too: a server that lets everybody in.
    pub(super) optional: bool,
}

/// The form of one provider.
pub(super) struct Form {
    pub(super) spec: &'static ProviderSpec,
    pub(super) ways: Vec<Ways>,
}

/// What decides which fields are asked.
pub(super) struct Shape<'a> {
    /// For each [`Ways`] the chosen one; `None` for none of them, or where nothing is chosen yet.
    pub(super) chosen: &'a [Option<usize>],
    /// Whether the rarely changed fields are wanted too.
    pub(super) more: bool,
}

impl Form {
    pub(super) fn new(spec: &'static ProviderSpec) -> Self {
        Self { spec, ways: ways(spec) }
    }

    /// All steps, in order.
    pub(super) fn steps(&self, shape: &Shape<'_>) -> Vec<Step> {
        let mut steps = vec![Step::Name, Step::Tags];
        let mut rare = Vec::new();
        let mut asked = vec![false; self.ways.len()];
        for field in self.spec.fields {
            let group = self.ways.iter().position(|ways| ways.ways.iter().flatten().any(|key| *key == field.key));
            if let Some(group) = group {
                if !asked[group] {
                    asked[group] = true;
                    steps.push(Step::Way(group));
                    let chosen = shape.chosen.get(group).copied().flatten();
                    let fields = chosen.and_then(|way| self.ways[group].ways.get(way)).into_iter().flatten();
                    steps.extend(fields.filter_map(|key| self.spec.field(key)).map(Step::Field));
                }
            } else if self.is_rare(field) {
                rare.push(Step::Field(field));
            } else {
                steps.push(Step::Field(field));
            }
        }
        if !rare.is_empty() {
            steps.push(Step::More);
            if shape.more {
                steps.extend(rare);
            }
        }
        steps
    }

    /// Whether hardly anybody changes a field: limits, switches, header maps, what only a proxy needs. What the rule
    /// asks for, what an alert can point at, and where to connect is never rare.
    pub(super) fn is_rare(&self, field: &FieldSpec) -> bool {
        if rule::fields(&self.spec.configured).contains(&field.key) || field.identifies.is_some() && !field.extension {
            return false;
        }
        match field.kind {
            FieldKind::Number { .. } | FieldKind::SecretMap => true,
            // The one switch that a rule turns on is named by it in words alone.
            FieldKind::Boolean { .. } => !describes(&self.spec.configured, field.key),
            FieldKind::Integer { max, .. } => max != HIGHEST_PORT,
            FieldKind::List { .. } => field.identifies.is_none() && field.example.is_none(),
            FieldKind::Url { .. } => field.extension,
            FieldKind::Text { .. } => field.extension && field.identifies.is_none() && field.example.is_none(),
        }
    }

    /// The rarely changed fields.
    pub(super) fn rare(&self) -> impl Iterator<Item = &'static FieldSpec> {
        let in_a_way =
            |field: &&FieldSpec| self.ways.iter().any(|ways| ways.ways.iter().flatten().any(|key| *key == field.key));
        self.spec.fields.iter().filter(move |field| !in_a_way(field) && self.is_rare(field))
    }

    /// Whether a field must be given: no way around it, and nothing stands in for it.
    pub(super) fn is_required(&self, field: &FieldSpec) -> bool {
        is_required(&self.spec.configured, field.key)
            || self.ways.iter().any(|ways| {
                let ruled = rule::fields(&self.spec.configured).contains(&field.key);
                ruled && ways.ways.iter().flatten().any(|key| *key == field.key)
            })
    }

    /// A way in words: the prompts of its fields.
    pub(super) fn way_in_words(&self, way: &[&str]) -> String {
        let prompts: Vec<String> = way
            .iter()
            .filter_map(|key| self.spec.field(key))
            .enumerate()
            .map(|(position, field)| if position == 0 { field.prompt.to_owned() } else { lower_first(field.prompt) })
            .collect();
        match prompts.as_slice() {
            [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => prompts.join(""),
        }
    }
}

const HIGHEST_PORT: i64 = 65_535;

/// A prompt in the middle of a sentence; abbreviations keep their capitals.
fn lower_first(prompt: &str) -> String {
    let mut characters = prompt.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            format!("{}{second}{}", first.to_lowercase(), characters.as_str())
        }
        _ => prompt.to_owned(),
    }
}

/// Whether the words of a provider's own check name a field.
fn describes(rule: &Rule, key: &str) -> bool {
    match rule {
        Rule::Check { words, .. } => words.contains(&format!("`{key}`")),
        Rule::All(rules) | Rule::Any(rules) => rules.iter().any(|rule| describes(rule, key)),
        Rule::Set(_) | Rule::Changed(_) | Rule::Never => false,
    }
}

/// Whether a rule cannot hold without a field, whatever else is set.
fn is_required(rule: &Rule, key: &str) -> bool {
    match rule {
        Rule::Set(wanted) | Rule::Changed(wanted) => *wanted == key,
        Rule::All(rules) => rules.iter().any(|rule| is_required(rule, key)),
        Rule::Any(rules) => !rules.is_empty() && rules.iter().all(|rule| is_required(rule, key)),
        Rule::Check { .. } | Rule::Never => false,
    }
}

/// The alternatives of a provider: those of its rule, and those that its optional credentials are.
fn ways(spec: &'static ProviderSpec) -> Vec<Ways> {
    let mut groups = Vec::new();
    collect(&spec.configured, &mut groups);
    let ruled = rule::fields(&spec.configured);
    let mut free = Vec::new();
    for unit in units(spec, &ruled) {
        let position = |key: &str| spec.fields.iter().position(|field| field.key == key);
        let start = unit.first().and_then(|key| position(key));
        // A secret outside the rule belongs to the way whose field stands last before it: the external id to the
        // role, the session token to the keys.
        let owner = groups
            .iter_mut()
            .flat_map(|group: &mut Ways| &mut group.ways)
            .filter_map(|way| {
                Some((way.iter().filter_map(|key| position(key)).filter(|at| Some(*at) < start).max()?, way))
            })
            .max_by_key(|(at, _)| *at);
        match owner {
            Some((_, way)) => way.extend(unit),
            None => free.push(unit),
        }
    }
    if free.len() > 1 {
        groups.push(Ways { ways: free, optional: true });
    }
    groups
}

/// The alternatives of a rule, where every one of them names fields and none is another's.
fn collect(rule: &Rule, groups: &mut Vec<Ways>) {
    match rule {
        Rule::All(rules) => rules.iter().for_each(|rule| collect(rule, groups)),
        Rule::Any(rules) => {
            let ways: Vec<Vec<&'static str>> = rules.iter().map(rule::fields).collect();
            let distinct = ways.iter().enumerate().all(|(at, way)| {
                !way.is_empty() && ways.iter().take(at).all(|other| other.iter().all(|key| !way.contains(key)))
            });
            if ways.len() > 1 && distinct {
                groups.push(Ways { ways, optional: false });
            }
        }
        Rule::Set(_) | Rule::Changed(_) | Rule::Check { .. } | Rule::Never => {}
    }
}

/// The credentials outside the rule: each secret, together with the text just before it that is of no use without it
/// (the user name of a password).
fn units(spec: &'static ProviderSpec, ruled: &[&str]) -> Vec<Vec<&'static str>> {
    let is_free_text = |field: &&FieldSpec| {
        !field.secret
            && matches!(field.kind, FieldKind::Text { default: None })
            && !ruled.contains(&field.key)
            && field.identifies.is_none()
    };
    spec.fields
        .iter()
        .enumerate()
        .filter(|(_, field)| {
            field.secret && matches!(field.kind, FieldKind::Text { .. }) && !ruled.contains(&field.key)
        })
        .map(|(at, field)| {
            let user = at.checked_sub(1).and_then(|before| spec.fields.get(before)).filter(is_free_text);
            user.map(|user| user.key).into_iter().chain([field.key]).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use opensre_providers::catalogue;

    use super::{Form, Shape, Step};

    fn form(key: &str) -> Form {
        Form::new(catalogue().find(key).expect("a provider"))
    }

    /// The fields that are asked, a way as its words.
    fn asked(form: &Form, chosen: &[Option<usize>]) -> Vec<String> {
        form.steps(&Shape { chosen, more: false })
            .into_iter()
            .map(|step| match step {
                Step::Name => "NAME".to_owned(),
                Step::Tags => "TAGS".to_owned(),
                Step::More => "MORE".to_owned(),
                Step::Field(field) => field.key.to_owned(),
                Step::Way(group) => {
                    let ways = &form.ways[group];
                    let mut words: Vec<String> = ways.ways.iter().map(|way| form.way_in_words(way)).collect();
                    if ways.optional {
                        words.insert(0, "none".to_owned());
                    }
                    format!("{{{}}}", words.join(" | "))
                }
            })
            .collect()
    }

    #[test]
    fn what_hardly_anybody_changes_comes_behind_one_question() {
        let form = form("grafana");
        assert_eq!(asked(&form, &[]), ["NAME", "TAGS", "endpoint", "api_key", "MORE"]);
        let rare: Vec<&str> = form.rare().map(|field| field.key).collect();
        assert_eq!(rare, ["loki_datasource_uid", "tempo_datasource_uid", "verify_ssl", "ca_bundle"]);
    }

    #[test]
    fn alternatives_of_a_rule_are_asked_as_one_and_secrets_follow_their_way() {
        let form = form("aws");
        let way = "{Role ARN and external id | Access key id, secret access key and session token | Profile}";
        assert_eq!(asked(&form, &[None])[2], way);
        assert_eq!(asked(&form, &[Some(0)])[3..5], ["role_arn", "external_id"]);
        assert_eq!(asked(&form, &[Some(1)])[3..6], ["access_key_id", "secret_access_key", "session_token"]);
        assert!(!asked(&form, &[Some(2)]).contains(&"role_arn".to_owned()));
    }

    #[test]
    fn optional_credentials_are_a_way_too_and_none_is_one_of_them() {
        let form = form("prometheus");
        let expected = ["NAME", "TAGS", "base_url", "{none | Bearer token | User name and password}", "tenant", "MORE"];
        assert_eq!(asked(&form, &[None]), expected);
    }

    #[test]
    fn every_provider_has_a_form_that_names_each_field_once() {
        for spec in catalogue().iter() {
            let form = Form::new(spec);
            let mut seen: Vec<&str> = form.ways.iter().flat_map(|ways| ways.ways.iter().flatten().copied()).collect();
            for step in form.steps(&Shape { chosen: &[], more: true }) {
                if let Step::Field(field) = step {
                    seen.push(field.key);
                }
            }
            let mut all: Vec<&str> = spec.fields.iter().map(|field| field.key).collect();
            seen.sort_unstable();
            all.sort_unstable();
            assert_eq!(seen, all, "{}", spec.key);
        }
    }
}
