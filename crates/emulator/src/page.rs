//! Pages of a list: `skip`, `top` and the next link.
use super::{
    error::ServiceError,
    link::{Links, percent_encode},
    query::Query,
};

/// The part of a list that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Entries to leave out.
    pub skip: usize,
    /// Most entries of the page.
    pub top: usize,
}

impl Page {
    /// Reads `skip` and `top`; a `top` above the maximum is lowered to it.
    pub fn of(query: &Query, default: usize, maximum: usize) -> Result<Self, ServiceError> {
        let skip = number(query, "skip")?.unwrap_or(0);
        let top = number(query, "top")?.unwrap_or(default);
        if top == 0 {
            return Err(ServiceError::invalid(
                "UnsupportedPagination",
                "The parameter top must be greater than 0.",
            ));
        }
        Ok(Self {
            skip,
            top: top.min(maximum),
        })
    }

    /// The link to the page behind this one, if `total` reaches beyond it.
    pub fn next_link(self, links: &Links, path: &str, query: &Query, total: usize) -> Option<String> {
        let skip = self.skip.saturating_add(self.top);
        if skip >= total {
            return None;
        }
        let mut parameters = format!("skip={skip}&top={}", self.top);
        if let Some(filter) = query.get("filter") {
            parameters.push_str(&format!("&filter={}", percent_encode(filter)));
        }
        Some(links.with_query(path, &parameters))
    }
}

fn number(query: &Query, name: &str) -> Result<Option<usize>, ServiceError> {
    let Some(text) = query.get(name) else { return Ok(None) };
    match text.parse::<i32>().ok().and_then(|number| usize::try_from(number).ok()) {
        Some(number) => Ok(Some(number)),
        None => {
            let message = format!("The parameter {name} must be a whole number that is not negative.");
            Err(ServiceError::invalid("UnsupportedPagination", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::version::ApiVersion;
    use super::*;

    fn page(query: &str) -> Result<Page, ServiceError> {
        Page::of(&Query::parse(query), 100, 1000)
    }

    #[test]
    fn defaults_hold_and_a_large_top_is_lowered() {
        assert_eq!(page("").unwrap(), Page { skip: 0, top: 100 });
        assert_eq!(page("skip=3&top=5000").unwrap(), Page { skip: 3, top: 1000 });
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for query in ["skip=-1", "top=0", "top=x", "skip=99999999999"] {
            assert_eq!(page(query).unwrap_err().inner, Some("UnsupportedPagination"), "{query}");
        }
    }

    #[test]
    fn the_next_link_repeats_the_filter_and_the_version_and_ends_with_the_list() {
        let query = Query::parse("top=2&filter=locale%20eq%20'en-US'");
        let links = Links::new("host:1", "west", ApiVersion::V2024_11_15);
        let page = Page::of(&query, 100, 1000).unwrap();
        assert_eq!(
            page.next_link(&links, "/endpoints", &query, 3).as_deref(),
            Some(
                "http://host:1/west/speechtotext/endpoints?skip=2&top=2&filter=locale%20eq%20%27en-US%27&api-version=2024-11-15"
            )
        );
        assert_eq!(page.next_link(&links, "/endpoints", &query, 2), None);
    }
}
