//! What else answers, and what the service refuses: gateways in its place, refusals that pass and that last, work that does
//! not end for months. Each follows from the seed and the time alone.
use http::{HeaderValue, Method, Response, StatusCode, header};
use jiff::Timestamp;
use speech_fuzz::{is_below, weigh};
use tokio_util::bytes::Bytes;

/// How long a gateway stands in the way, when it does so for a while.
const GATEWAY_SPELL: i64 = 6 * 3600;
/// How long a kind of step is refused, when that lasts.
const REFUSAL_SPELL: i64 = 8 * 24 * 3600;
/// How long work takes that seems never to end.
pub const ENDLESS: f64 = 90.0 * 24.0 * 3600.0;

/// How often the world is impolite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manners {
    /// Share of requests that somebody else answers, one by one.
    pub answered_by_others: f64,
    /// Share of all spans of six hours in which somebody else answers every request.
    pub gateway_spells: f64,
    /// Share of changing requests that the service refuses for a reason that passes.
    pub refused_requests: f64,
    /// Share of all spans of eight days in which it refuses every change or order of one kind.
    pub refusal_spells: f64,
    /// Share of deployments, trainings and evaluations that seem never to end.
    pub endless_work: f64,
    /// Endpoints and models that somebody deletes in the service, in a year and Speech resource.
    pub vanishings: f64,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            answered_by_others: 0.002,
            gateway_spells: 0.002,
            refused_requests: 0.01,
            refusal_spells: 0.01,
            endless_work: 0.005,
            vanishings: 3.0,
        }
    }
}

/// What comes in place of the service's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Somebody else answers, in one of some ways.
    Gateway(u64),
    /// The service refuses.
    Refused {
        /// With this status.
        status: u16,
        /// Whether it does so for days.
        lasts: bool,
    },
}

/// What comes of a request at this time, if the service does not see to it.
pub fn instead(seed: u64, manners: &Manners, now: Timestamp, method: &Method, target: &str) -> Option<Instead> {
    let path = target.split('?').next().unwrap_or_default();
    let asked = (now, method.as_str(), target);
    let spell = |span: i64| now.as_second().div_euclid(span);
    let gateway = weigh(seed, ("gateway spell", spell(GATEWAY_SPELL)));
    if is_below(gateway, manners.gateway_spells) {
        return Some(Instead::Gateway(gateway));
    }
    let once = weigh(seed, ("gateway", asked));
    if is_below(once, manners.answered_by_others) {
        return Some(Instead::Gateway(once));
    }
    if method == Method::GET {
        return None;
    }
    let step = (method.as_str(), kind(path), spell(REFUSAL_SPELL));
    let spell = weigh(seed, ("refusal spell", step));
    let request = weigh(seed, ("refusal", asked));
    let lasts = is_below(spell, manners.refusal_spells);
    (lasts || is_below(request, manners.refused_requests)).then(|| {
        let statuses = [400, 405, 409, 415, 422];
        let chosen = if lasts { spell } else { request } % statuses.len() as u64;
        let status = statuses.into_iter().nth(usize::try_from(chosen).unwrap_or(0));
        Instead::Refused {
            status: status.unwrap_or(400),
            lasts,
        }
    })
}

/// `endpoints`, `models` or `evaluations`.
fn kind(path: &str) -> &'static str {
    let kinds = ["endpoints", "models", "evaluations"];
    kinds
        .into_iter()
        .find(|kind| path.split('/').any(|part| part == *kind))
        .unwrap_or_default()
}

/// The answer of whoever stands in the way.
pub fn answer(instead: Instead, method: &Method, path: &str) -> Response<Bytes> {
    const GATEWAY: &str = r#"{"error":{"code":"404","message":"Resource not found"}}"#;
    const RETIRED: &str = r#"{"code":"NotFound","message":"The API version is not supported any more."}"#;
    const REFUSED: &str = r#"{"code":"InvalidRequest","message":"The request cannot be taken now."}"#;
    let is_list = ["endpoints", "models", "evaluations", "datasets", "base"]
        .iter()
        .any(|kind| path.ends_with(kind));
    let (status, text) = match instead {
        Instead::Gateway(way) if way % 4 == 0 && method == Method::GET && is_list => (200, r#"{"values":[]}"#),
        Instead::Gateway(way) if way % 4 == 0 && method == Method::DELETE => (204, ""),
        Instead::Gateway(way) if way % 4 == 1 => (404, "<html><body>Not here</body></html>"),
        Instead::Gateway(way) if way % 4 == 2 => (404, RETIRED),
        Instead::Gateway(_) => (404, GATEWAY),
        Instead::Refused { status, .. } => (status, REFUSED),
    };
    let mut answer = Response::new(Bytes::from_static(text.as_bytes()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_and_spells_last() {
        let manners = Manners {
            answered_by_others: 0.0,
            refused_requests: 0.0,
            gateway_spells: 0.25,
            refusal_spells: 0.25,
            ..Manners::default()
        };
        let at = |hour: i64| Timestamp::from_second(1_800_000_000 + hour * 3600).unwrap();
        let asked = |hour, method: &Method| instead(1, &manners, at(hour), method, "/a/speechtotext/endpoints/1?x=y");
        let lies = (0..4_000).filter(|hour| asked(*hour, &Method::GET).is_some()).count();
        assert!((700..1_300).contains(&lies), "{lies}");
        let refused = (0..4_000)
            .filter(|hour| matches!(asked(*hour, &Method::PATCH), Some(Instead::Refused { lasts: true, .. })));
        assert!(refused.count() > 100);
        let changes =
            (1..4_000).filter(|hour| asked(*hour, &Method::GET).is_some() != asked(*hour - 1, &Method::GET).is_some());
        assert!(changes.count() < 400, "a spell lasts for hours");
    }
}
