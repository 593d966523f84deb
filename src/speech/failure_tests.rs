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
