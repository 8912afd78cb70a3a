//! Step 4: URLs and ids of the alert that belong to an instance.
//!
//! Which field of a provider can be recognised by what is declared with the field ([`Identifies`]); no provider is known
//! here by name.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::alert::{Alert, Identifier};
use crate::instance::{Instance, normalise};
use crate::policy::AlertPart;
use crate::provider::{Catalogue, Identifies};
use crate::resolution::Family;
use crate::value::{Config, Value};

use super::choice::Chosen;
use super::tags::Agreement;
use super::words::{joined, plain, quoted};

/// The most ruled out instances that are warned of one by one.
const MOST_WARNINGS: usize = 8;

/// What in an alert can point at an instance, alert by alert.
pub(super) struct Pointers {
    scopes: Vec<Vec<Pointer>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Pointer {
    target: Target,
    path: String,
}

/// In the order in which they narrow the instances down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Url(Address),
    Account(String),
    Region(String),
    Site(String),
    Cluster(String),
}

/// Host, port and path of a URL; what a URL belongs to is decided by these alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    host: String,
    port: u16,
    segments: Vec<String>,
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        // `Url` has lower-cased the host, filled in the default port and resolved `.` and `..` in the path.
        let host = url.host_str()?.trim_end_matches('.').to_owned();
        let mut segments: Vec<String> = url.path_segments()?.map(str::to_owned).collect();
        while segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        Some(Self { host, port: url.port_or_known_default()?, segments })
    }

    /// Whether a URL with this address lies under an instance's URL: same host and port, and its path begins with the
    /// instance's path, by whole segments.
    fn is_under(&self, base: &Self) -> bool {
        self.host == base.host && self.port == base.port && self.segments.starts_with(&base.segments)
    }

    fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "0.0.0.0" | "[::1]") || self.host.starts_with("127.")
    }
}

impl Pointers {
    /// The pointers of each alert of the group, with those of the group itself; the same pointers count once.
    pub(super) fn of(alert: &Alert) -> Self {
        let urls = alert.urls.iter().filter_map(|url| {
            Some(Pointer { target: Target::Url(Address::parse(&url.value)?), path: url.path.clone() })
        });
        let identifiers = alert.identifiers.iter().map(|found| Pointer {
            target: match &found.value {
                Identifier::AwsAccount(account) => Target::Account(account.clone()),
                Identifier::AwsRegion(region) => Target::Region(normalise(region)),
                Identifier::DatadogSite(site) => Target::Site(normalise(site)),
                Identifier::Cluster(cluster) => Target::Cluster(normalise(cluster)),
            },
            path: found.path.clone(),
        });
        let mut group = Vec::new();
        let mut single: BTreeMap<String, Vec<Pointer>> = BTreeMap::new();
        for pointer in urls.chain(identifiers) {
            match scope(&pointer.path) {
                None => group.push(pointer),
                Some(scope) => single.entry(scope.to_owned()).or_default().push(pointer),
            }
        }
        let mut seen = BTreeSet::new();
        let mut scopes = Vec::new();
        let scoped = if single.is_empty() { vec![Vec::new()] } else { single.into_values().collect() };
        for own in scoped {
            let mut pointers: Vec<Pointer> = group.iter().cloned().chain(own).collect();
            pointers.sort_by(|left, right| left.target.cmp(&right.target));
            pointers.dedup_by(|later, earlier| later.target == earlier.target);
            let targets: Vec<Target> = pointers.iter().map(|pointer| pointer.target.clone()).collect();
            if seen.insert(targets) {
                scopes.push(pointers);
            }
        }
        Self { scopes }
    }
}

/// `alerts[3]` of `alerts[3].labels.cluster`; `None` for what holds for the group.
fn scope(path: &str) -> Option<&str> {
    let start = path.find("alerts[")?;
    let end = start + path[start..].find(']')?;
    Some(&path[..=end])
}

/// What step 3 found.
#[derive(Default)]
pub(super) struct Identified {
    /// Instances that the alert points at unmistakably.
    pub(super) chosen: BTreeMap<usize, Chosen>,
    /// The path of what decided.
    pub(super) path: Option<String>,
    /// Where nothing is unmistakable: the instances that an alert of the group points at alike, for each such alert.
    pub(super) alike: Vec<Alike>,
    /// Instances that are known to be elsewhere than the alert says, with the warning if one is asked all the same.
    pub(super) mismatches: BTreeMap<usize, String>,
    pub(super) warnings: Vec<String>,
}

/// Instances that the alert points at alike.
pub(super) struct Alike {
    /// Their positions, in order, each with what points at it; never empty.
    pub(super) instances: Vec<(usize, Chosen)>,
    /// What points at them.
    pub(super) why: String,
    /// The path of it.
    pub(super) path: String,
}

impl Identified {
    /// All instances that the alert points at alike, in order; `None` where there are none.
    pub(super) fn all_alike(&self) -> Option<Vec<usize>> {
        let all: BTreeSet<usize> =
            self.alike.iter().flat_map(|alike| alike.instances.iter().map(|(position, _)| *position)).collect();
        (!all.is_empty()).then(|| all.into_iter().collect())
    }
}

/// What the instances of a family can be recognised by.
struct Known<'a> {
    family: &'a Family,
    traits: Vec<Traits>,
    by_host: BTreeMap<(String, u16), Vec<usize>>,
    /// Whether loopback URLs are not looked at, for each instance.
    local: Vec<bool>,
}

#[derive(Default)]
struct Traits {
    urls: Vec<Address>,
    accounts: Vec<String>,
    regions: Vec<String>,
    sites: Vec<String>,
    clusters: Vec<String>,
    /// Account and region of its clusters, where their ARNs say so. They tell that an instance is elsewhere, and choose
    /// none: most clusters have no ARN to compare.
    homes: Vec<Home>,
}

/// Where a cluster is.
struct Home {
    account: String,
    region: String,
}

/// Finds the instances that the alert points at. Ruled out instances are never among them.
pub(super) fn identify(
    catalogue: &Catalogue,
    family: &Family,
    pointers: &Pointers,
    agreement: &Agreement,
) -> Identified {
    let known = Known::of(catalogue, family);
    let mut found = Identified::default();
    let mut matched: BTreeMap<Target, Vec<usize>> = BTreeMap::new();
    let mut ruled_out: BTreeMap<usize, String> = BTreeMap::new();
    for (index, scope) in pointers.scopes.iter().enumerate() {
        let elsewhere = known.elsewhere(scope);
        found.mismatches.retain(|position, _| elsewhere.contains_key(position));
        if index == 0 {
            found.mismatches.clone_from(&elsewhere);
        }
        let result = known.narrow(scope, agreement, &elsewhere, &mut matched, &mut ruled_out);
        let Some(result) = result else { continue };
        if result.unmistakable {
            for (position, mut pointed) in result.instances {
                found.path.get_or_insert(pointed.path);
                pointed.chosen.certain = true;
                match found.chosen.get_mut(&position) {
                    Some(known) => known.or(pointed.chosen),
                    None => drop(found.chosen.insert(position, pointed.chosen)),
                }
            }
        } else if let Some(first) = result.instances.values().next() {
            let (why, path) = (first.chosen.why.clone(), first.path.clone());
            let positions: Vec<usize> = result.instances.keys().copied().collect();
            let is_known =
                |known: &Alike| known.instances.iter().map(|(position, _)| *position).eq(positions.iter().copied());
            if !found.alike.iter().any(is_known) {
                let instances = result.instances.into_iter().map(|(at, pointed)| (at, pointed.chosen)).collect();
                found.alike.push(Alike { instances, why, path });
            }
        }
    }
    if !found.chosen.is_empty() {
        found.alike.clear();
    }
    let more = ruled_out.len().saturating_sub(MOST_WARNINGS);
    found.warnings = ruled_out.into_values().take(MOST_WARNINGS).collect();
    if more > 0 {
        found.warnings.push(format!("the alert points at {more} more that are ruled out"));
    }
    found
}

/// The instances that one alert points at.
struct Narrowed {
    instances: BTreeMap<usize, Pointed>,
    /// Whether each of them is the only one that something in the alert fits.
    unmistakable: bool,
}

/// An instance that an alert points at.
#[derive(Clone)]
struct Pointed {
    chosen: Chosen,
    /// The path of the first thing that points at it.
    path: String,
}

impl<'a> Known<'a> {
    fn of(catalogue: &Catalogue, family: &'a Family) -> Self {
        let traits: Vec<Traits> = family.instances.iter().map(|instance| traits(catalogue, instance)).collect();
        let mut by_host: BTreeMap<(String, u16), Vec<usize>> = BTreeMap::new();
        for (position, own) in traits.iter().enumerate() {
            for url in &own.urls {
                by_host.entry((url.host.clone(), url.port)).or_default().push(position);
            }
        }
        // A local instance never beats a remote one without a hint: every Grafana that was not told its own URL writes
        // `http://localhost:3000` into its alerts.
        let remote = family.instances.iter().any(|instance| instance.service == family.key);
        let local = family.instances.iter().map(|instance| remote && instance.service != family.key).collect();
        Self { family, traits, by_host, local }
    }

    fn name(&self, position: usize) -> &str {
        self.family.instances[position].name.as_str()
    }

    /// The instances that a target fits; of URLs, those with the longest path.
    fn fits(&self, target: &Target) -> Vec<usize> {
        let all = |fits: &dyn Fn(&Traits) -> bool| -> Vec<usize> {
            self.traits.iter().enumerate().filter(|(_, own)| fits(own)).map(|(position, _)| position).collect()
        };
        match target {
            Target::Url(url) => {
                let mut longest: Option<usize> = None;
                let mut fitting = Vec::new();
                for position in self.by_host.get(&(url.host.clone(), url.port)).into_iter().flatten().copied() {
                    if self.local[position] && url.is_loopback() {
                        continue;
                    }
                    let bases = self.traits[position].urls.iter().filter(|base| url.is_under(base));
                    let Some(length) = bases.map(|base| base.segments.len()).max() else { continue };
                    if longest.is_none_or(|longest| length > longest) {
                        longest = Some(length);
                        fitting.clear();
                    }
                    if longest == Some(length) && !fitting.contains(&position) {
                        fitting.push(position);
                    }
                }
                fitting
            }
            Target::Account(account) => all(&|own| own.accounts.contains(account)),
            Target::Region(region) => all(&|own| own.regions.contains(region)),
            Target::Site(site) => all(&|own| own.sites.contains(site)),
            Target::Cluster(cluster) => all(&|own| own.clusters.contains(cluster)),
        }
    }

    /// Instances whose own account or site is known and is none that the alert names.
    fn elsewhere(&self, scope: &[Pointer]) -> BTreeMap<usize, String> {
        let mut accounts = Vec::new();
        let mut regions = Vec::new();
        let mut sites = Vec::new();
        for pointer in scope {
            match &pointer.target {
                Target::Account(account) => accounts.push(account.clone()),
                Target::Site(site) => sites.push(site.clone()),
                Target::Region(region) => regions.push(region.clone()),
                Target::Url(_) | Target::Cluster(_) => {}
            }
        }
        let mut elsewhere = BTreeMap::new();
        if accounts.is_empty() && regions.is_empty() && sites.is_empty() {
            return elsewhere;
        }
        for (position, own) in self.traits.iter().enumerate() {
            let home_accounts: Vec<String> = own.homes.iter().map(|home| home.account.clone()).collect();
            let home_regions: Vec<String> = own.homes.iter().map(|home| home.region.clone()).collect();
            for (what, named, known) in [
                ("AWS account", &accounts, &own.accounts),
                ("AWS account", &accounts, &home_accounts),
                ("AWS region", &regions, &home_regions),
                ("Datadog site", &sites, &own.sites),
            ] {
                if !named.is_empty() && !known.is_empty() && !known.iter().any(|one| named.contains(one)) {
                    elsewhere.insert(
                        position,
                        format!(
                            "the alert names {what} {}, but {} is configured for {}",
                            joined(named),
                            quoted(self.name(position)),
                            joined(known)
                        ),
                    );
                }
            }
        }
        elsewhere
    }

    /// Narrows the instances down by everything in one alert, kind by kind. What fits none of those that are left tells
    /// nothing.
    fn narrow(
        &self,
        scope: &[Pointer],
        agreement: &Agreement,
        elsewhere: &BTreeMap<usize, String>,
        matched: &mut BTreeMap<Target, Vec<usize>>,
        ruled_out: &mut BTreeMap<usize, String>,
    ) -> Option<Narrowed> {
        let mut left: Option<BTreeMap<usize, Pointed>> = None;
        let mut unmistakable: BTreeSet<usize> = BTreeSet::new();
        for same_kind in scope.chunk_by(|one, other| one.target.kind() == other.target.kind()) {
            let mut fitting: BTreeMap<usize, Pointed> = BTreeMap::new();
            for pointer in same_kind {
                let all = matched.entry(pointer.target.clone()).or_insert_with(|| self.fits(&pointer.target));
                let mut alone = Vec::new();
                let mut excluded = None;
                for position in all.iter().copied() {
                    if agreement.conflict(position).is_some() {
                        excluded = excluded.or(Some(position));
                    } else if left.as_ref().is_none_or(|left| left.contains_key(&position))
                        && !(elsewhere.contains_key(&position) && pointer.target.is_weak())
                    {
                        alone.push(position);
                    }
                }
                // A URL belongs to somebody; a region or a site to many, so that nobody misses those ruled out.
                if let (Target::Url(_), Some(position), true) = (&pointer.target, excluded, alone.is_empty()) {
                    ruled_out.entry(position).or_insert_with(|| self.ruled_out(pointer, position, agreement));
                }
                if let [only] = alone.as_slice() {
                    unmistakable.insert(*only);
                }
                for position in alone {
                    let path = pointer.path.clone();
                    let chosen = Chosen::by(self.why(pointer, position), pointer.target.part(), Some(path.clone()));
                    match fitting.get_mut(&position) {
                        Some(known) => known.chosen.or(chosen),
                        None => drop(fitting.insert(position, Pointed { chosen, path })),
                    }
                }
            }
            if !fitting.is_empty() {
                if let Some(earlier) = left {
                    // The first thing that pointed at an instance stays its reason.
                    for (position, pointed) in &mut fitting {
                        if let Some(first) = earlier.get(position) {
                            let mut both = first.clone();
                            both.chosen.why = format!("{}; {}", first.chosen.why, pointed.chosen.why);
                            both.chosen.or(std::mem::take(&mut pointed.chosen));
                            *pointed = both;
                        }
                    }
                }
                left = Some(fitting);
            }
        }
        let left = left?;
        let alone: BTreeMap<usize, Pointed> = left
            .iter()
            .filter(|(position, _)| unmistakable.contains(position))
            .map(|(position, pointed)| (*position, pointed.clone()))
            .collect();
        Some(if alone.is_empty() {
            Narrowed { instances: left, unmistakable: false }
        } else {
            Narrowed { instances: alone, unmistakable: true }
        })
    }

    fn ruled_out(&self, pointer: &Pointer, position: usize, agreement: &Agreement) -> String {
        let conflict = agreement.conflict(position).unwrap_or_default();
        let name = self.name(position);
        format!(
            "{} points at {}, which is ruled out: {conflict}; to ask it all the same, use --instance {}={}",
            plain(&pointer.path),
            quoted(name),
            self.family.key,
            plain(name)
        )
    }

    fn why(&self, pointer: &Pointer, position: usize) -> String {
        let path = plain(&pointer.path);
        match &pointer.target {
            Target::Url(url) => format!("{path} ({}) is under its URL", plain(&url.host)),
            Target::Account(account) => format!("{path} names its AWS account {account}"),
            Target::Region(region) => format!("{path} names its AWS region {}", plain(region)),
            Target::Site(site) => format!("{path} is on its Datadog site {}", plain(site)),
            Target::Cluster(cluster) => {
                let tagged = self.family.instances[position].tags.get("cluster").as_deref() == Some(cluster);
                format!("{path} names its cluster {}{}", plain(cluster), if tagged { " (tag)" } else { "" })
            }
        }
    }
}

impl Target {
    fn part(&self) -> AlertPart {
        match self {
            Self::Url(_) => AlertPart::Urls,
            Self::Account(_) | Self::Region(_) | Self::Site(_) | Self::Cluster(_) => AlertPart::Identifiers,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Url(_) => 0,
            Self::Account(_) => 1,
            Self::Region(_) => 2,
            Self::Site(_) => 3,
            Self::Cluster(_) => 4,
        }
    }

    /// Whether it says little about an instance of another account: many accounts have the same regions and cluster
    /// names.
    fn is_weak(&self) -> bool {
        matches!(self, Self::Region(_) | Self::Cluster(_))
    }
}

fn traits(catalogue: &Catalogue, instance: &Instance) -> Traits {
    let mut own = Traits::default();
    if let Some(spec) = catalogue.find(&instance.service) {
        for field in spec.fields.iter().filter(|field| !field.secret) {
            let Some(what) = field.identifies else { continue };
            for value in values(instance.config(), field.key) {
                match what {
                    Identifies::Url => own.urls.extend(Address::parse(&value)),
                    Identifies::AwsArn => own.accounts.extend(account_of(&value)),
                    Identifies::AwsAccount => own.accounts.push(value.trim().to_owned()),
                    Identifies::AwsRegion => own.regions.extend(value.split(',').map(normalise)),
                    Identifies::DatadogSite => own.sites.push(normalise(&value)),
                    Identifies::Cluster => {
                        if let Some((home, name)) = cluster_of(&value) {
                            own.homes.push(home);
                            own.clusters.push(name);
                        }
                        own.clusters.push(normalise(&value));
                    }
                }
            }
        }
    }
    own.clusters.extend(instance.tags.get("cluster").filter(|cluster| !cluster.is_empty()));
    own
}

fn values(config: &Config, key: &str) -> Vec<String> {
    match config.get(key) {
        Some(Value::Text(text)) if !text.trim().is_empty() => vec![text.clone()],
        Some(Value::Integer(number)) => vec![number.to_string()],
        Some(Value::List(items)) => items.iter().filter(|item| !item.trim().is_empty()).cloned().collect(),
        _ => Vec::new(),
    }
}

/// Account, region and name of `arn:aws:eks:eu-west-1:123456789012:cluster/shop`: so contexts are called that
/// `aws eks update-kubeconfig` makes.
fn cluster_of(arn: &str) -> Option<(Home, String)> {
    let parts: Vec<&str> = arn.trim().splitn(6, ':').collect();
    let ["arn", _, "eks", region, account, resource] = parts.as_slice() else { return None };
    let name = resource.strip_prefix("cluster/").filter(|name| !name.is_empty())?;
    Some((Home { account: (*account).to_owned(), region: normalise(region) }, normalise(name)))
}

/// The account of `arn:aws:iam::123456789012:role/name`.
fn account_of(arn: &str) -> Option<String> {
    let mut parts = arn.trim().split(':');
    (parts.next() == Some("arn")).then_some(())?;
    parts.nth(3).filter(|account| !account.is_empty()).map(str::to_owned)
}
