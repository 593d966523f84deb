//! Bad input from the service: bodies, refusals, links, dates, ids.
use super::{
    ApiVersion, BaseUrl, Budget, Client, EntityId, InProcess, ModelId, SubscriptionKey,
    allowed_hosts::{AllowedHosts, HostPattern},
    entity::{
        BaseModel, CopyOperation, CustomModel, Dataset, Endpoint, Evaluation, File, Header, Manifest, Project, Scores,
        Status,
    },
    error::BodyProblem,
    failure::Failure,
    redact,
    retry_after::retry_after,
    wire::{FromDocument, FromWord, read_one, read_page},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use speech_fuzz::{Garble, feed};
use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

const EXAMPLES: &str = include_str!("testdata/examples.json");
const KEY: &str = "0123456789abcdef0123456789abcdef";
const ID: &str = "5b0c7a3e-1f0a-4a53-9a55-2f6f1f0f6b11";

/// Bodies as the service gives them, alone and as pages.
static BODIES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap();
    let mut bodies: Vec<Value> = examples.as_object().unwrap().values().cloned().collect();
    bodies.push(json!({"self": format!("https://x.example/models/{ID}/manifest"), "model": {"self": format!("https://x.example/models/{ID}")},
        "modelFiles": [{"name": "a.lm", "contentUrl": "https://b.example/a?sig=x"}]}));
    bodies.push(json!({"self": format!("https://x.example/endpoints/{ID}/files/logs/a.wav"), "name": "a.wav", "kind": "Audio",
        "createdDateTime": "2026-02-03T08:15:00Z", "properties": {"size": 3}, "links": {"contentUrl": "https://b.example/a"}}));
    let pages: Vec<Value> = bodies
        .iter()
        .map(
            |body| json!({"values": [body, body], "@nextLink": "https://x.example/west/speechtotext/endpoints?skip=2"}),
        )
        .collect();
    bodies.extend(pages);
    bodies
});

/// A body: soup, valid text with mistakes, or a well-formed lie.
fn body(garble: &mut Garble) -> Vec<u8> {
    let mut body = garble.pick(&BODIES).clone();
    match garble.below(8) {
        0 => garble.bytes(),
        1..=3 => garble.mistakes(body.to_string().as_bytes()),
        _ => {
            garble.lie(&mut body);
            body.to_string().into_bytes()
        }
    }
}

/// What holds of every entity that was understood: it fits into memory and into a status.
fn assert_bounded(header: &Header) {
    assert!(header.self_uri.len() <= 2048 && header.display_name.len() <= 1024 && header.description.len() <= 8192);
    assert!(header.locale.len() <= 128 && header.foreign_properties.len() <= 64);
    assert_eq!(header.self_uri.parse::<EntityId>().unwrap(), header.id);
    if let Status::Other(word) = &header.status {
        assert!(word.len() <= 128 && !["Succeeded", "Failed", "Running", "NotStarted"].contains(&&**word));
    }
    if let Some(error) = &header.error {
        assert!(error.code.len() <= 1027 && error.message.len() <= 1027);
    }
}

fn assert_rates(scores: Option<Scores>) {
    let Some(scores) = scores else { return };
    assert!(scores.word_error_rate >= 0.0 && scores.token_error_rate.is_none_or(|rate| rate >= 0.0));
    assert!(scores.word_count.is_none_or(|count| count >= 0));
}

fn read<T: FromDocument>(body: &[u8], check: impl Fn(&T)) {
    match read_one::<T>(body) {
        Ok(entity) => check(&entity),
        Err(problem) => assert!(problem.to_string().len() < 1200, "{problem}"),
    }
    match read_page::<T>(body) {
        Ok(page) => page.values.iter().for_each(check),
        Err(problem) => assert!(problem.to_string().len() < 1200, "{problem}"),
    }
}

#[test]
fn no_answer_of_the_service_is_taken_for_more_than_it_is() {
    feed(
        "answers",
        20_000,
        || (),
        |(), garble| {
            let body = body(garble);
            read::<Endpoint>(&body, |endpoint| {
                assert_bounded(&endpoint.header);
                assert!(endpoint.links.len() <= 32);
            });
            read::<CustomModel>(&body, |model| {
                assert_bounded(&model.header);
                assert!(model.datasets.len() <= 1000);
            });
            read::<BaseModel>(&body, |model| assert_bounded(&model.header));
            read::<Dataset>(&body, |dataset| assert_bounded(&dataset.header));
            read::<Evaluation>(&body, |evaluation| {
                assert_bounded(&evaluation.header);
                assert_rates(evaluation.scores1);
                assert_rates(evaluation.scores2);
                // Numbers that stand there before the end are none.
                let ended = evaluation.header.status == Status::Succeeded;
                assert!(ended || (evaluation.scores1.is_none() && evaluation.scores2.is_none()));
            });
            read::<Project>(&body, |_| ());
            read::<File>(&body, |_| ());
            read::<CopyOperation>(&body, |copy| assert!(copy.self_uri.len() <= 2048));
            read::<Manifest>(&body, |_| ());
        },
    );
}

#[test]
fn no_refusal_of_the_service_shows_the_key_or_grows_without_bound() {
    let envelopes = [
        json!({"code": "InvalidRequest", "message": "No.", "innerError": {"code": "ModelDeprecated", "innerError": {"code": "X"}}}),
        json!({"error": {"code": "401", "message": format!("key {KEY} of https://x.example/?sig=SECRET")}}),
        json!(format!("key {KEY}")),
    ];
    feed(
        "refusals",
        20_000,
        || (),
        |(), garble| {
            let mut envelope = garble.pick(&envelopes).clone();
            let body = match garble.below(4) {
                0 => garble.bytes(),
                1 => garble.mistakes(envelope.to_string().as_bytes()),
                _ => {
                    garble.lie(&mut envelope);
                    envelope.to_string().into_bytes()
                }
            };
            let mut answer = Response::new(body);
            let statuses = [
                400, 401, 403, 404, 408, 409, 410, 415, 422, 429, 500, 503, 599, 300, 999,
            ];
            *answer.status_mut() = http::StatusCode::from_u16(*garble.pick(&statuses)).unwrap();
            for name in ["retry-after", "date", "apim-request-id", "x-requestid"] {
                if let Ok(value) = HeaderValue::from_bytes(&garble.bytes()) {
                    answer.headers_mut().insert(HeaderName::from_static(name), value);
                }
            }
            let failure = Failure::read("route", &answer, KEY);
            let shown = format!("{failure} {failure:?}");
            assert!(!shown.contains(KEY), "{shown}");
            assert!(shown.len() < 20_000, "{} bytes", shown.len());
            assert!(
                failure
                    .retry_after
                    .is_none_or(|wait| wait <= Duration::from_secs(86_400))
            );
            let error = super::Error::from(Box::new(failure));
            let _ = (error.kind(), error.perhaps_sent(), error.retry_after());
        },
    );
}

fn client() -> Client {
    Client::new(
        Arc::new(InProcess(axum::Router::new())),
        BaseUrl::parse("https://x.example/west", false).unwrap(),
        ApiVersion::V2025_10_15,
        SubscriptionKey::parse(KEY.as_bytes()).unwrap(),
        Arc::new(Budget::unlimited()),
        Arc::new(()),
    )
}

#[test]
fn no_link_leads_the_key_to_another_place() {
    let links = [
        "https://x.example/west/speechtotext/endpoints?skip=2&top=100&api-version=2025-10-15",
        "https://X.example:443/west/speechtotext/models/copy/1",
        "https://x.example@evil.example/west/",
        "https://x.example\\@evil.example/west/",
        "https://x.example/west/..%2f..%2feast",
        "https://x.example:444/west/",
        "//evil.example/west/",
        "https:x.example/west/",
        "https://x.example./west/",
    ];
    feed("links", 50_000, client, |client, garble| {
        let link = *garble.pick(&links);
        let link = if garble.hits(0.1) {
            garble.text()
        } else {
            garble.mistake(link)
        };
        if let Ok(followed) = client.own_link(&link) {
            // Judged by another parser than that which let it through: the one whose verdict is sent.
            let sent: http::Uri = match followed.parse() {
                Ok(uri) => uri,
                Err(_) => return,
            };
            let authority = sent.authority().unwrap();
            assert!(!authority.as_str().contains('@'), "{link}");
            assert!(
                authority.host() == "x.example" && authority.port_u16().is_none_or(|port| port == 443),
                "{link}: {sent}"
            );
            assert_eq!(sent.scheme_str(), Some("https"), "{link}");
            assert!(
                sent.path().starts_with("/west/") && !sent.path().split('/').any(|part| part == ".."),
                "{link}: {sent}"
            );
        }
        let redacted = redact::without_queries(&link);
        assert!(redacted.len() <= 1027);
        if let Ok(id) = link.parse::<EntityId>() {
            assert_eq!(id.to_string().parse::<EntityId>().unwrap(), id);
            let model = ModelId::from_self_uri(&link).unwrap();
            assert_eq!(model.entity(), id);
        }
    });
}

#[test]
fn no_date_is_misread_or_makes_a_wait_endless() {
    let dates = [
        "2026-02-03T08:15:00Z",
        "2026-02-03T08:15:00.1234567+05:30",
        "2026-02-03T08:15:00",
        "9999-12-31T23:59:59.999999999Z",
        "Tue, 03 Feb 2026 08:16:10 GMT",
        "120",
    ];
    feed(
        "dates",
        50_000,
        || (),
        |(), garble| {
            let texts: Vec<String> = (0..2)
                .map(|_| {
                    let date = *garble.pick(&dates);
                    if garble.hits(0.1) {
                        garble.text()
                    } else {
                        garble.mistake(date)
                    }
                })
                .collect();
            for text in &texts {
                if let Some(at) = Timestamp::from_word(text) {
                    // Whatever was understood can be written and read again.
                    assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at, "{text}");
                }
            }
            let mut headers = HeaderMap::new();
            for (name, text) in ["retry-after", "date"].into_iter().zip(&texts) {
                if let Ok(value) = HeaderValue::from_str(text) {
                    headers.insert(name, value);
                }
            }
            assert!(retry_after(&headers).is_none_or(|wait| wait <= Duration::from_secs(86_400)));
        },
    );
}

/// What no spelling may lead to; written again, from the tables of the registries, so that an error is not mirrored.
fn is_dangerous(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let number = u32::from(address);
            number >> 24 == 127
                || number >> 24 == 0
                || number >> 16 == 0xa9fe
                || number >> 28 >= 14 && number >> 28 != 15
                || number == u32::MAX
        }
        IpAddr::V6(address) => {
            let number = u128::from(address);
            number <= 1 || number >> 118 == 0x3fa || number >> 120 == 0xff
        }
    }
}

#[test]
fn no_endpoint_of_a_connection_leads_to_a_forbidden_address() {
    let hosts = [
        "westeurope.api.cognitive.microsoft.com",
        "169.254.169.254",
        "2852039166",
        "0xa9.0376.43518",
        "127.1",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "localhost",
        "\u{ff11}27.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "x.cognitiveservices.azure.com@127.0.0.1",
    ];
    let any = AllowedHosts::new([HostPattern::Any]);
    let azure = AllowedHosts::new(super::allowed_hosts::AZURE.split(',').map(|text| text.parse().unwrap()));
    feed(
        "endpoints of connections",
        50_000,
        || (),
        |(), garble| {
            let host = *garble.pick(&hosts);
            let host = if garble.hits(0.05) {
                garble.text()
            } else {
                garble.mistake(host)
            };
            let _ = host.parse::<HostPattern>();
            let Ok(base) = BaseUrl::parse(&format!("https://{host}/"), false) else {
                return;
            };
            if any.check(&base).is_ok() {
                // As the one who connects would read it.
                let Ok(sent) = base.as_str().parse::<http::Uri>() else {
                    return;
                };
                let host = sent.host().unwrap().trim_matches(['[', ']']);
                let address: Option<IpAddr> = host.parse().ok();
                assert!(!address.is_some_and(is_dangerous), "{host}");
                assert!(host != "localhost" && !host.ends_with(".localhost"), "{host}");
            }
            if azure.check(&base).is_ok() {
                let host = base.host();
                let ends = [
                    ".microsoft.com",
                    ".microsoft.us",
                    ".azure.com",
                    ".azure.us",
                    ".azure.cn",
                ];
                assert!(ends.iter().any(|end| host.ends_with(end)), "{host}");
            }
        },
    );
}

/// Small texts that become large values, each as long as a body may be.
#[test]
fn a_body_that_would_burst_the_memory_is_refused_before_it_is_parsed() {
    let limit = super::client::BODY_LIMIT;
    for part in [
        "{},",
        "[],",
        "{\"\":0},",
        "0,",
        "[",
        "{\"a\":",
        "[[],[[]]],",
        "{\"self\":\"\"},",
    ] {
        let list = format!("{{\"values\":[{}{{}}]}}", part.repeat((limit - 20) / part.len()));
        let began = std::time::Instant::now();
        for body in [list.as_str(), &list[10..list.len() - 1]] {
            for problem in [
                read_page::<Endpoint>(body.as_bytes()).map(drop).unwrap_err(),
                read_one::<Endpoint>(body.as_bytes()).map(drop).unwrap_err(),
            ] {
                assert!(
                    matches!(problem, BodyProblem::TooManyValues { .. }),
                    "{part}: {problem}"
                );
            }
            let failure = Failure::read("route", &Response::new(body.to_owned()), KEY);
            assert!(failure.message.len() < 1100);
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{part}");
    }
}

#[test]
fn long_texts_in_an_answer_are_cut_or_refused() {
    let with = |member: &str, value: Value| {
        let mut body = BODIES[0].clone();
        body[member] = value;
        read_one::<Endpoint>(body.to_string().as_bytes())
    };
    let long = "x".repeat(100_000);
    let named = with("displayName", json!(long)).unwrap();
    assert_eq!(named.header.display_name.len(), 1024);
    let links: serde_json::Map<_, _> = (0..5000)
        .map(|n| (format!("link{n}"), json!("wss://x.example")))
        .collect();
    assert_eq!(with("links", Value::Object(links)).unwrap().links.len(), 32);
    for (member, value) in [
        ("locale", json!(long)),
        ("self", json!(format!("https://x.example/{long}/{ID}"))),
        ("customProperties", json!({"a": long})),
    ] {
        assert!(
            matches!(with(member, value), Err(BodyProblem::Unexpected(_))),
            "{member}"
        );
    }
}
