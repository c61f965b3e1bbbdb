//! What a caller can say by headers: for clients that cannot add a field to the body. A wish stands in one place only, so that
//! nobody has to know which one would win.

use decision::nearest;
use http::{HeaderMap, HeaderName};

use super::{FALLBACKS_FIELD, Spelling, Wishes};
use crate::json::{LimitsJson, PolicyJson, SessionJson};
use crate::status::Rejection;

const POLICY: HeaderName = HeaderName::from_static("x-pointsman-policy");
const SESSION: HeaderName = HeaderName::from_static("x-pointsman-session");
const CANDIDATES: HeaderName = HeaderName::from_static("x-pointsman-candidates");
const FALLBACKS: HeaderName = HeaderName::from_static("x-pointsman-fallbacks");
const TENANT: HeaderName = HeaderName::from_static("x-pointsman-tenant");
const EXPLAIN: HeaderName = HeaderName::from_static("x-pointsman-explain");
const MAX_COST: HeaderName = HeaderName::from_static("x-pointsman-max-cost-usd");
const REGIONS: HeaderName = HeaderName::from_static("x-pointsman-regions");
const ZERO_RETENTION: HeaderName = HeaderName::from_static("x-pointsman-zero-data-retention");

/// The router's names for what these headers say.
const SPELLED: [(&str, HeaderName); 8] = [
    ("policy", POLICY),
    ("session.id", SESSION),
    ("candidates", CANDIDATES),
    (FALLBACKS_FIELD, FALLBACKS),
    ("tenant", TENANT),
    ("limits.max_cost_usd", MAX_COST),
    ("limits.regions", REGIONS),
    ("limits.zero_data_retention", ZERO_RETENTION),
];

impl Wishes {
    /// Takes over what the headers say.
    pub(super) fn heed(&mut self, headers: &HeaderMap, spelling: &mut Spelling) -> Result<(), Rejection> {
        all_known(headers)?;
        for (field, name) in SPELLED.iter().filter(|(_, name)| headers.contains_key(name)) {
            spelling.say(field, name.as_str());
        }
        if let Some(text) = text(headers, &POLICY, self.policy.is_some())? {
            self.policy = Some(PolicyJson::Named(text.to_owned()));
        }
        if let Some(text) = text(headers, &SESSION, self.session.is_some())? {
            self.session = Some(SessionJson::of_id(text));
        }
        if let Some(text) = text(headers, &CANDIDATES, !self.candidates.is_empty())? {
            self.candidates = names(&CANDIDATES, text)?;
        }
        if let Some(text) = text(headers, &FALLBACKS, !self.fallbacks.is_empty())? {
            self.fallbacks = names(&FALLBACKS, text)?;
        }
        if let Some(text) = text(headers, &TENANT, self.tenant.is_some())? {
            self.tenant = Some(text.to_owned());
        }
        if let Some(text) = text(headers, &EXPLAIN, self.explain.is_some())? {
            self.explain = Some(flag(&EXPLAIN, text)?);
        }
        self.heed_limits(headers)
    }

    fn heed_limits(&mut self, headers: &HeaderMap) -> Result<(), Rejection> {
        let given = self.limits.is_some();
        let mut limits = LimitsJson::default();
        let cost = text(headers, &MAX_COST, given)?;
        let regions = text(headers, &REGIONS, given)?;
        let retention = text(headers, &ZERO_RETENTION, given)?;
        if cost.is_none() && regions.is_none() && retention.is_none() {
            return Ok(());
        }
        if let Some(text) = cost {
            let usd = text.parse::<f64>().ok().filter(|usd| usd.is_finite());
            let complaint = "expected an amount in US dollars, as 0.01";
            limits.max_cost_usd = Some(usd.ok_or_else(|| Rejection::field(MAX_COST.as_str(), complaint))?);
        }
        if let Some(text) = regions {
            limits.regions = names(&REGIONS, text)?;
        }
        if let Some(text) = retention {
            limits.zero_data_retention = flag(&ZERO_RETENTION, text)?;
        }
        self.limits = Some(limits);
        Ok(())
    }
}

/// A wish that is misspelt must not be passed over: it may be the one that keeps a prompt out of a region.
fn all_known(headers: &HeaderMap) -> Result<(), Rejection> {
    let (spelled, explain) = (SPELLED, EXPLAIN);
    let known: Vec<&str> = spelled.iter().map(|(_, name)| name).chain([&explain]).map(HeaderName::as_str).collect();
    let stranger = headers.keys().map(HeaderName::as_str).find(|name| {
        name.starts_with("x-pointsman-") && !known.contains(name) //
    });
    let Some(stranger) = stranger else { return Ok(()) };
    let complaint = match nearest(stranger, known.iter().copied()) {
        Some(near) => format!("no such header; the nearest known one is `{near}`"),
        None => format!("no such header; known: {}", known.join(", ")),
    };
    Err(Rejection::field(stranger, complaint))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName, in_body: bool) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Rejection::field(name.as_str(), "expected it once, found it several times"));
    }
    if in_body {
        return Err(Rejection::field(name.as_str(), "expected it here or under `pointsman` in the body, found both"));
    }
    let text = value.to_str().map(str::trim).ok().filter(|text| !text.is_empty());
    text.map(Some).ok_or_else(|| Rejection::field(name.as_str(), "expected printable ASCII, found something else"))
}

/// A list that was begun and names nobody would otherwise mean everybody.
fn names(name: &HeaderName, text: &str) -> Result<Vec<String>, Rejection> {
    let names: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.is_empty() {
        true => Err(Rejection::field(name.as_str(), "expected names parted by commas, found none")),
        false => Ok(names),
    }
}

fn flag(name: &HeaderName, text: &str) -> Result<bool, Rejection> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Rejection::field(name.as_str(), "expected true or false")),
    }
}
