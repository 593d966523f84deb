//! Builds the URLs of the service in all its versions.
use crate::{
    base_url::{BaseUrl, ForeignLink, SERVICE},
    id::{EntityId, ModelId},
    version::ApiVersion,
};
use std::time::Duration;
use url::form_urlencoded::byte_serialize;

/// The parameter that names the version.
const VERSION: &str = "api-version";

/// Base URL and version: all that decides how a URL looks.
pub(super) struct Address {
    base: BaseUrl,
    version: ApiVersion,
}

impl Address {
    pub(super) fn new(base: BaseUrl, version: ApiVersion) -> Self {
        Self { base, version }
    }

    pub(super) fn base(&self) -> &BaseUrl {
        &self.base
    }

    pub(super) fn version(&self) -> ApiVersion {
        self.version
    }

    /// The URL of a path below the service, with the version where it belongs. The path must be encoded already.
    pub(super) fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        self.url_at(self.base.as_str(), path, query)
    }

    fn url_at(&self, base: &str, path: &str, query: &[(&str, &str)]) -> String {
        let in_path = self.version == ApiVersion::V3_2;
        let mut url = format!("{base}{SERVICE}");
        if in_path {
            url.push('/');
            url.push_str(self.version.as_str());
        }
        url.push_str(path);
        let version = (!in_path).then(|| (VERSION, self.version.as_str()));
        for (index, (name, value)) in query.iter().copied().chain(version).enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            encode(value, &mut url);
        }
        url
    }

    /// A link of an answer to the request for `at`, at our own endpoint and in the version at hand.
    pub(super) fn own(&self, link: &str, at: &str) -> Result<String, ForeignLink> {
        let mut own = self.base.own(link, at)?;
        let names_version = |(name, _): (std::borrow::Cow<'_, str>, _)| name.eq_ignore_ascii_case(VERSION);
        if self.version != ApiVersion::V3_2 && !own.query_pairs().any(names_version) {
            own.query_pairs_mut().append_pair(VERSION, self.version.as_str());
        }
        Ok(own.into())
    }

    /// The URL of a model.
    pub(super) fn model(&self, id: ModelId) -> String {
        self.url(&model_path(id), &[])
    }

    /// The URL of an entity of a collection, e.g. `datasets`.
    pub(super) fn entity(&self, collection: &str, id: EntityId) -> String {
        self.url(&format!("/{collection}/{id}"), &[])
    }

    /// The URI of an entity at another base, by which the service may know itself.
    pub(super) fn entity_at(&self, base: &str, collection: &str, id: EntityId) -> String {
        self.url_at(base, &format!("/{collection}/{id}"), &[])
    }

    /// How the version at hand asks for the lifetime of signed links.
    pub(super) fn link_lifetime(&self, lifetime: Duration) -> (&'static str, String) {
        let seconds = lifetime.as_secs();
        match self.version {
            ApiVersion::V3_2 => ("sasValidityInSeconds", seconds.to_string()),
            ApiVersion::V2024_11_15 | ApiVersion::V2025_10_15 => {
                ("sasLifetimeMinutes", seconds.div_ceil(60).to_string())
            }
        }
    }
}

/// The path of a model, whose kind decides where it lives.
pub(super) fn model_path(id: ModelId) -> String {
    match id {
        ModelId::Base(id) => format!("/models/base/{id}"),
        ModelId::Custom(id) => format!("/models/{id}"),
    }
}

/// A file's id as a path segment; none that could climb out of its folder, where a DELETE would take all of it.
pub(super) fn file_segment(id: &str) -> Option<String> {
    // Ids come out of `self` links as they stood there, so that an escape must not be escaped again.
    let decoded: String =
        url::form_urlencoded::parse(format!("id={}", id.replace('+', "%2B").replace('&', "%26")).as_bytes())
            .find_map(|(name, value)| (name == "id").then(|| value.into_owned()))?;
    let mut segment = String::new();
    encode(&decoded, &mut segment);
    (!matches!(decoded.as_str(), "" | "." | "..")).then_some(segment)
}

/// Percent-encodes; a space becomes `%20`, which every server reads alike in paths and queries.
fn encode(text: &str, to: &mut String) {
    for part in byte_serialize(text.as_bytes()) {
        to.push_str(if part == "+" { "%20" } else { part });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11";

    fn address(version: ApiVersion) -> Address {
        Address::new(BaseUrl::parse("https://x.example/", false).unwrap(), version)
    }

    #[test]
    fn the_version_stands_in_the_path_or_in_the_query() {
        let query = [("top", "100"), ("filter", "status eq 'Running' and a+b")];
        for (version, expected) in [
            (
                ApiVersion::V3_2,
                "https://x.example/speechtotext/v3.2/endpoints?top=100&filter=status%20eq%20%27Running%27%20and%20a%2Bb",
            ),
            (
                ApiVersion::V2024_11_15,
                "https://x.example/speechtotext/endpoints?top=100&filter=status%20eq%20%27Running%27%20and%20a%2Bb&api-version=2024-11-15",
            ),
            (
                ApiVersion::V2025_10_15,
                "https://x.example/speechtotext/endpoints?top=100&filter=status%20eq%20%27Running%27%20and%20a%2Bb&api-version=2025-10-15",
            ),
        ] {
            assert_eq!(address(version).url("/endpoints", &query), expected);
        }
    }

    #[test]
    fn references_are_full_uris_that_tell_base_from_custom_models() {
        let id: EntityId = ID.parse().unwrap();
        let new = address(ApiVersion::V2025_10_15);
        assert_eq!(
            new.model(ModelId::Base(id)),
            format!("https://x.example/speechtotext/models/base/{ID}?api-version=2025-10-15")
        );
        let old = address(ApiVersion::V3_2);
        assert_eq!(
            old.model(ModelId::Custom(id)),
            format!("https://x.example/speechtotext/v3.2/models/{ID}")
        );
        assert_eq!(
            old.entity("projects", id),
            format!("https://x.example/speechtotext/v3.2/projects/{ID}")
        );
    }

    #[test]
    fn the_id_of_a_file_cannot_climb_out_of_its_folder() {
        for id in ["", ".", "..", "%2e%2e", "%2E"] {
            assert_eq!(file_segment(id), None, "{id}");
        }
        assert_eq!(file_segment("2026-02-03_a.wav").as_deref(), Some("2026-02-03_a.wav"));
        assert_eq!(file_segment("a/../b").as_deref(), Some("a%2F..%2Fb"));
        assert_eq!(file_segment("a%2Fb c+d&e").as_deref(), Some("a%2Fb%20c%2Bd%26e"));
    }
}
