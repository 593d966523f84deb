//! One call of an operation: what handlers are given, and what they share.
use super::{
    entity::{Entity, View, whole_seconds},
    error::ServiceError,
    fault::{Faults, Target},
    filter::{Filter, Property},
    identity::Ids,
    lifecycle::EntityError,
    link::Links,
    operation::Route,
    page::Page,
    query::Query,
    reply::Reply,
    resource::Resource,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestBody {
    /// The media type without parameters, in small letters; None = the header is missing.
    pub media_type: Option<String>,
    /// Bytes received.
    pub size: usize,
    /// The body as JSON; None = it is none.
    pub json: Option<Value>,
}

/// A call of an operation.
pub struct Call<'a> {
    /// All Speech resources; a copy touches two.
    pub resources: &'a mut BTreeMap<String, Resource>,
    /// Faults that handlers look at (late lists, planned failures).
    pub faults: &'a mut Faults,
    /// The resource that is called.
    pub name: &'a str,
    /// The operation and its object.
    pub route: &'a Route,
    /// What faults are matched with.
    pub target: &'a Target,
    /// Builds links.
    pub links: &'a Links,
    /// The host by which the emulator was called.
    pub host: &'a str,
    /// The clock's time.
    pub now: Timestamp,
    /// Clock seconds per real second.
    pub rate: f64,
    /// Where the ids of new entities come from.
    pub ids: &'a Ids,
    /// Parameters.
    pub query: &'a Query,
    pub body: &'a RequestBody,
}

impl<'a> Call<'a> {
    /// The resource that is called.
    pub fn resource(&self) -> Result<&Resource, ServiceError> {
        self.resources.get(self.name).ok_or_else(ServiceError::no_such_resource)
    }

    /// The resource that is called, to be changed.
    pub fn resource_mut(&mut self) -> Result<&mut Resource, ServiceError> {
        let resource = self
            .resources
            .get_mut(self.name)
            .ok_or_else(ServiceError::no_such_resource)?;
        resource.touch();
        Ok(resource)
    }

    /// The JSON body, or the service's refusal of what is none.
    pub fn json(&self) -> Result<&'a Value, ServiceError> {
        let is_json = |media: &str| media == "application/json" || media == "text/json" || media.ends_with("+json");
        match &self.body.media_type {
            Some(media) if is_json(media) => {}
            None if self.body.size == 0 => {}
            Some(_) | None => return Err(ServiceError::media_type()),
        }
        if self.body.size == 0 {
            return Err(ServiceError::invalid(
                "EmptyRequest",
                "A non-empty request body is required.",
            ));
        }
        self.body.json.as_ref().ok_or_else(|| ServiceError::binding("$"))
    }

    /// An entity as this call shows it.
    pub fn render<T: Entity>(&self, entity: &T) -> Result<Value, ServiceError> {
        Ok(entity.render(View {
            links: self.links,
            within: self.resource()?,
        }))
    }

    /// Real seconds after which a look is worth while, for what is under way.
    pub fn poll_hint<T: Entity>(&self, entity: &T) -> Option<u64> {
        self.hint(entity.lifecycle()?.remaining(self.now)?)
    }

    /// Real seconds, between 1 and 30, for a remaining time of the clock.
    pub fn hint(&self, remaining: f64) -> Option<u64> {
        let seconds = if self.rate > 0.0 { remaining / self.rate } else { 30.0 };
        // In range by the clamp.
        Some(seconds.ceil().clamp(1.0, 30.0) as u64)
    }

    /// 200 with an entity, and Retry-After while it is under way.
    pub fn ok<T: Entity>(&self, entity: &T) -> Result<Reply, ServiceError> {
        Ok(Reply::ok(self.render(entity)?).retry_after(self.poll_hint(entity)))
    }

    /// 201 with a new entity.
    pub fn created<T: Entity>(&self, entity: &T) -> Result<Reply, ServiceError> {
        Ok(Reply::created(self.render(entity)?))
    }

    /// One page of a list.
    pub fn list<'e, T: Entity + 'e>(
        &self,
        entries: impl Iterator<Item = &'e T>,
        path: &str,
        filterable: &[&str],
    ) -> Result<Reply, ServiceError> {
        let resource = self.resource()?;
        let filter = self.filter(filterable)?;
        let page = Page::of(self.query, resource.settings.page_size, resource.settings.max_page_size)?;
        let newest_shown = self.newest_shown();
        let kept: Vec<&T> = entries
            .filter(|entry| newest_shown.is_none_or(|newest| entry.header().created_date_time <= newest))
            .filter(|entry| {
                filter
                    .as_ref()
                    .is_none_or(|filter| filter.holds(&|name| property(*entry, name, resource)))
            })
            .collect();
        let shown: Vec<&T> = kept.iter().skip(page.skip).take(page.top).copied().collect();
        let view = View {
            links: self.links,
            within: resource,
        };
        let mut members = Map::new();
        members.insert(
            "values".to_owned(),
            shown.iter().map(|entry| entry.render(view)).collect(),
        );
        if let Some(link) = page.next_link(self.links, path, self.query, kept.len()) {
            members.insert("@nextLink".to_owned(), json!(link));
        }
        let hint = shown.iter().filter_map(|entry| self.poll_hint(*entry)).min();
        Ok(Reply::ok(Value::Object(members)).retry_after(hint))
    }

    /// The filter of the request, if it has one.
    pub fn filter(&self, filterable: &[&str]) -> Result<Option<Filter>, ServiceError> {
        let Some(text) = self.query.get("filter") else {
            return Ok(None);
        };
        let refuse =
            |reason| ServiceError::invalid("UnsupportedFilter", format!("The filter is not supported: {reason}."));
        Filter::parse(text, filterable).map(Some).map_err(refuse)
    }

    /// With a list lag, the latest creation that lists show.
    pub fn newest_shown(&self) -> Option<Timestamp> {
        let lag = self.faults.list_lag(self.target)?;
        self.now.checked_sub(SignedDuration::try_from_secs_f64(lag).ok()?).ok()
    }

    /// The failure that a test planned for the next entity of this kind.
    pub fn planned_failure(&mut self, kind: &str) -> Option<EntityError> {
        self.faults.take_planned_failure(self.name, kind)
    }
}

fn property<'e, T: Entity>(entry: &'e T, name: &str, resource: &Resource) -> Property<'e> {
    let header = entry.header();
    match name {
        "displayName" => Property::Text(Some(&header.display_name)),
        "description" => Property::Text(header.description.as_deref()),
        "locale" => Property::Text(Some(&header.locale)),
        "createdDateTime" => Property::Time(whole_seconds(header.created_date_time)),
        "lastActionDateTime" => Property::Time(whole_seconds(entry.last_action())),
        "status" => Property::Text(entry.shown_status(&resource.settings).map(|status| status.name())),
        other => Property::Text(entry.other_property(other)),
    }
}
