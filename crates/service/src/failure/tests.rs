//! The shapes of refusals that were seen on the wire.
use super::*;

const KEY: &str = "0123456789abcdef";

fn read(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    Failure::read("create_model", &answer.body(body.to_owned()).unwrap(), KEY)
}

#[test]
fn the_envelope_of_the_service_gives_outer_and_inner_code() {
    let failure = read(
        400,
        &[("apim-request-id", "abc-1"), ("retry-after", "7")],
        r#"{"code": "InvalidRequest", "message": "The specified model is deprecated and cannot be used for this operation.",
            "innerError": {"code": "ModelDeprecated", "message": "The specified model is deprecated."}}"#,
    );
    assert_eq!((failure.status, failure.code.as_str()), (400, "InvalidRequest"));
    assert_eq!(failure.inner_code.as_deref(), Some("ModelDeprecated"));
    assert_eq!(failure.request_id.as_deref(), Some("abc-1"));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(7)));
    assert!(failure.from_service);
    assert_eq!(
        failure.to_string(),
        "create_model answered 400 InvalidRequest/ModelDeprecated: The specified model is deprecated and cannot be used for this operation."
    );
}

#[test]
fn nulls_count_as_absent_and_the_content_type_does_not_matter() {
    let body = r#"{"code": "InvalidRequest", "details": null, "message": "No entity.", "target": null,
        "innerError": {"code": "InvalidPayload", "details": null, "message": "No entity.", "target": null, "innerError": null}}"#;
    let failure = read(401, &[("content-type", "text/plain")], body);
    assert_eq!(
        (failure.code.as_str(), failure.inner_code.as_deref()),
        ("InvalidRequest", Some("InvalidPayload"))
    );
    assert_eq!(failure.message, "No entity.");
}

#[test]
fn the_deepest_inner_code_is_the_exact_one() {
    let body = r#"{"code": "A", "message": "", "innerError": {"code": "B", "message": "inner",
        "innerError": {"code": "C", "innerError": {"message": "no code"}}}}"#;
    let failure = read(400, &[], body);
    assert_eq!(failure.inner_code.as_deref(), Some("C"));
}

#[test]
fn a_gateways_envelope_gets_a_code_that_is_a_word() {
    let body = r#"{"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}}"#;
    let failure = read(401, &[], body);
    assert_eq!(failure.code, "Unauthorized");
    assert!(!failure.from_service);
    assert!(failure.message.starts_with("Access denied"));
    assert!(failure.to_string().contains("check the key in the Secret"));
    assert_eq!(
        read(429, &[], r#"{"error": {"code": "429", "message": "Slow"}}"#).code,
        "TooManyRequests"
    );
    assert_eq!(
        read(
            404,
            &[],
            r#"{"error": {"code": "404", "message": "Resource not found"}}"#
        )
        .code,
        "NotFound"
    );
    assert_eq!(
        read(403, &[], r#"{"statusCode": 403, "message": "Out of quota"}"#).message,
        "Out of quota"
    );
}

#[test]
fn empty_plain_and_html_bodies_are_refusals_too() {
    assert_eq!(read(415, &[], "").code, "UnsupportedMediaType");
    let plain = read(503, &[("content-type", "text/plain")], " upstream connect error\n");
    assert_eq!(
        (plain.code.as_str(), plain.message.as_str()),
        ("ServiceUnavailable", "upstream connect error")
    );
    let html = read(502, &[], "<html><body>Bad gateway</body></html>");
    assert_eq!((html.code.as_str(), html.message.as_str()), ("ServiceUnavailable", ""));
    for body in ["[]", "null", "\"words\"", "{", "{\"error\": 5}"] {
        assert_eq!(read(404, &[], body).code, "NotFound", "{body}");
    }
}

#[test]
fn no_secret_gets_through_a_message_of_the_service() {
    let body = r#"{"code": "InvalidRequest", "message": "Cannot read https://a.example/f?sig=SIGNATURE with key 0123456789abcdef"}"#;
    let failure = read(400, &[], body);
    let shown = format!("{failure} {failure:?}");
    assert!(!shown.contains("SIGNATURE") && !shown.contains(KEY), "{shown}");
    assert!(shown.contains("https://a.example/f?..."));
}

#[test]
fn a_404_of_the_service_speaks_of_the_entity_and_of_a_gateway_of_the_address() {
    let service = read(
        404,
        &[],
        r#"{"code": "NotFound", "message": "The entity does not exist."}"#,
    );
    assert!(service.from_service && !service.to_string().contains("check the path"));
    let gateway = read(404, &[], "");
    assert!(!gateway.from_service && gateway.to_string().contains("check the path"));
}

#[test]
fn a_403_that_speaks_of_calls_is_throttling_and_one_that_counts_entities_is_not() {
    const WAIT: &[(&str, &str)] = &[("retry-after", "30")];
    for (status, headers, body, wait) in [
        (429, WAIT, "", Some(30)),
        (
            403,
            &[][..],
            r#"{"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 00:01:00."}"#,
            Some(60),
        ),
        (
            403,
            WAIT,
            r#"{"error": {"code": "403", "message": "Out of call volume quota."}}"#,
            Some(30),
        ),
        (
            403,
            &[][..],
            r#"{"error": {"code": "QuotaExceeded", "message": "no more today"}}"#,
            None,
        ),
        (
            403,
            &[][..],
            r#"{"code": "Forbidden", "innerError": {"code": "RateLimitExceeded"}}"#,
            None,
        ),
        (403, &[][..], "Request was throttled.", None),
    ] {
        let failure = read(status, headers, body);
        assert!(failure.is_throttling(), "{failure:?}");
        assert_eq!(failure.retry_after.map(|wait| wait.as_secs()), wait, "{failure:?}");
        assert!(failure.to_string().contains("too many requests"), "{failure}");
        let error = crate::Error::from(Box::new(failure));
        assert_eq!(error.kind(), crate::ErrorKind::Throttled);
    }
    for (status, body) in [
        (403, ""),
        (
            403,
            r#"{"code": "Forbidden", "message": "Access denied due to Virtual Network/Firewall rules."}"#,
        ),
        (
            403,
            r#"{"code": "Forbidden", "innerError": {"code": "QuotaViolation", "message": "The quota of endpoints is 50."}}"#,
        ),
        (403, r#"{"code": "SkuLimitsExist", "message": "Quota of the tier"}"#),
        (401, "call volume quota"),
        (
            400,
            r#"{"code": "InvalidRequest", "innerError": {"code": "QuotaViolation"}}"#,
        ),
        (503, "throttled"),
    ] {
        let failure = read(status, &[], body);
        assert!(!failure.is_throttling(), "{failure:?}");
        assert_ne!(
            crate::Error::from(Box::new(failure)).kind(),
            crate::ErrorKind::Throttled
        );
    }
}

#[test]
fn what_was_not_sent_is_no_answer() {
    for (wait, words) in [
        (None, "spec.requestBudget had no room"),
        (Some(std::time::Duration::from_secs(9)), "the service asked for a pause"),
    ] {
        let text = Failure::no_turn("list_models", wait).to_string();
        assert!(text.contains(words) && !text.contains("answered"), "{text}");
    }
    let text = Failure::withheld("update_endpoint").to_string();
    assert!(
        text.contains("the connection has changed meanwhile") && !text.contains("requestBudget"),
        "{text}"
    );
}

#[test]
fn a_404_speaks_of_an_entity_or_of_the_way_to_it_or_of_the_version() {
    let bare = |code: &str, message: &str| format!(r#"{{"code": "{code}", "message": "{message}"}}"#);
    for (status, body, entity, version) in [
        (
            404,
            bare("NotFound", "The specified endpoint was not found."),
            true,
            false,
        ),
        (404, bare("EntityNotFound", "No such model."), true, false),
        (404, bare("NotFound", ""), true, false),
        (
            404,
            r#"{"code": "InvalidRequest", "innerError": {"code": "NotFound", "message": "gone"}}"#.to_owned(),
            true,
            false,
        ),
        (
            410,
            bare("NotFound", "The specified endpoint was not found."),
            false,
            false,
        ),
        (
            400,
            bare("NotFound", "The specified endpoint was not found."),
            false,
            false,
        ),
        (404, bare("InvalidRequest", "No."), false, false),
        (404, bare("NotFound", "Version v3.2 is not supported."), false, true),
        (404, bare("NotFound", "There is no API version v3.0"), false, true),
        (410, bare("NotFound", "This version was retired."), false, true),
        (
            410,
            r#"{"error": {"code": "410", "message": "v3.1 versions are retired"}}"#.to_owned(),
            false,
            true,
        ),
        (404, bare("UnsupportedApiVersionNotFound", ""), false, true),
        (404, bare("NotFound", "The api-version is unknown"), false, true),
        (400, bare("InvalidRequest", "The api-version is unknown"), false, true),
        (
            400,
            bare("InvalidRequest", "This version of the model is gone"),
            false,
            false,
        ),
        (503, bare("ServiceUnavailable", "api-version"), false, false),
        (404, bare("NotFound", "Resource not found"), false, false),
        (404, bare("NotFound", "There is no such path."), false, false),
        (404, bare("NotFound", "no Route matched"), false, false),
        (
            404,
            r#"{"error": {"code": "NotFound", "message": "The endpoint was not found."}}"#.to_owned(),
            false,
            false,
        ),
        (
            404,
            r#"{"statusCode": 404, "message": "Resource not found"}"#.to_owned(),
            false,
            false,
        ),
        (404, "<html>404 Not Found</html>".to_owned(), false, false),
        (404, "404 page not found".to_owned(), false, false),
        (404, String::new(), false, false),
        (404, "[]".to_owned(), false, false),
    ] {
        let failure = read(status, &[], &body);
        let found = (failure.speaks_of_entity(), failure.speaks_of_version());
        assert_eq!(found, (entity, version), "{status} {body}");
    }
}
