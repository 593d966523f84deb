//! A service in this process whose clock stands still until a test moves it.
use axum::{
    Router,
    body::{Body, to_bytes},
};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use speech_emulator::{Emulator, Seed};
use tower::ServiceExt as _;

/// Every API version.
pub const VERSIONS: [&str; 3] = ["v3.2", "2024-11-15", "2025-10-15"];

pub const BASE_OLD: &str = "10000000-0000-4000-8000-000000000001";
pub const BASE_NEW: &str = "10000000-0000-4000-8000-000000000002";
pub const BASE_FUTURE: &str = "10000000-0000-4000-8000-000000000003";
pub const BASE_WHISPER: &str = "10000000-0000-4000-8000-000000000004";
pub const BASE_GERMAN: &str = "10000000-0000-4000-8000-000000000005";
pub const TEXT_DATA: &str = "20000000-0000-4000-8000-000000000001";
pub const TEST_DATA: &str = "20000000-0000-4000-8000-000000000002";
pub const MODEL: &str = "30000000-0000-4000-8000-000000000001";
pub const OTHER_MODEL: &str = "30000000-0000-4000-8000-000000000002";
pub const FAILED_MODEL: &str = "30000000-0000-4000-8000-000000000003";

/// Whose assertions the Entra authority accepts, and the public key of them. Nobody has the private one any more.
pub const ISSUER: &str = "https://cluster.test";
const KEYS: &str = r#"{"keys": [{"kid": "one", "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB", "n":
    "vd2bzWGF1JCWdLYOiKkijLf7II8Gzrh5s-EsXmQNN-jVuCNhY3tjQkS9aHaOacaDT1MNAeFktqghTtelmRqmu0HzRirG-8IcJc2hHnL4j3aENYf8k30HqzzDteJ2YrO4F9j-nKRWoDG7PIrvqR_r6qmXrj87VXNY3Pjb3gUL5cjzyqjHYquQt-0uRQvccGOitwd5hEqtfz1zc5XixaLyr2mrWxQK_RX6-Jg1vDUsyZYBP0o9xAYAnIe9llEnyYpyYv1esdaYVxHJ5s7lNGLnGbD6KmgD_1VSxJMSCOpGgasDLV3W7tYC4G0Vub1mgdRw0H_Z8_mlT_L-j1e9uSbpXQ"}]}"#;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {pointer} in {}", self.body))
    }

    /// The last path segment of `self`.
    pub fn id(&self) -> String {
        id_of(self.text("/self"))
    }

    /// Outer and inner code.
    pub fn codes(&self) -> (u16, &str, Option<&str>) {
        let inner = self.body.pointer("/innerError/code").and_then(Value::as_str);
        (self.status, self.body["code"].as_str().unwrap_or("none"), inner)
    }
}

pub fn id_of(link: &str) -> String {
    let url = url::Url::parse(link).unwrap();
    url.path_segments().unwrap().next_back().unwrap().to_owned()
}

/// What a router answers.
async fn answer_of(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.unwrap();
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap()
    };
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    }
}

/// The emulator with one API version to speak.
#[derive(Clone)]
pub struct Service {
    router: Router,
    authority: Router,
    pub version: &'static str,
    pub resource: &'static str,
}

impl Service {
    /// Three resources, the clock stopped at 2026-02-02T08:00:00Z, no request limit.
    pub fn new(version: &'static str) -> Self {
        let seed = Seed::parse(&seed().to_string()).unwrap();
        let emulator = Emulator::new(seed);
        emulator.trust(ISSUER, KEYS).unwrap();
        Self {
            router: emulator.router(),
            authority: emulator.authority(),
            version,
            resource: "west",
        }
    }

    /// The same emulator, another Speech resource.
    pub fn of(&self, resource: &'static str) -> Self {
        Self {
            resource,
            ..self.clone()
        }
    }

    /// The same emulator, another API version.
    pub fn speaking(&self, version: &'static str) -> Self {
        Self {
            version,
            ..self.clone()
        }
    }

    /// The URL of a path in this version.
    pub fn url(&self, path: &str) -> String {
        let root = format!("http://emulator.test/{}/speechtotext", self.resource);
        if self.version == "v3.2" {
            return format!("{root}/v3.2{path}");
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        format!("{root}{path}{separator}api-version={}", self.version)
    }

    pub fn reference(&self, path: &str) -> Value {
        json!({ "self": self.url(path) })
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        answer_of(&self.router, request).await
    }

    /// Asks the Entra authority for a token, with parameters of a form.
    pub async fn ask_token(&self, tenant: &str, form: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(format!("/{tenant}/oauth2/v2.0/token")).body(Body::from(form));
        answer_of(&self.authority, request.unwrap()).await
    }

    /// Gets something of the Entra authority.
    pub async fn ask_authority(&self, path: &str) -> Answer {
        answer_of(&self.authority, Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// An answer that may break while its body is read.
    pub async fn try_send(&self, request: Request<Body>) -> Result<Vec<u8>, axum::Error> {
        let response = self.router.clone().oneshot(request).await.unwrap();
        to_bytes(response.into_body(), 64 << 20).await.map(Vec::from)
    }

    pub fn request(&self, method: &str, url: &str, body: Option<&Value>) -> Request<Body> {
        let url = url::Url::parse(url).unwrap();
        let target = &url[url::Position::BeforePath..];
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", url.authority())
            .header("ocp-apim-subscription-key", format!("key-1-{}", self.resource));
        match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string()))
                .unwrap(),
            None => request.body(Body::empty()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", &self.url(path), None)).await
    }

    /// Follows a link as it is given.
    pub async fn follow(&self, link: &str) -> Answer {
        self.send(self.request("GET", link, None)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", &self.url(path), Some(body))).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("PATCH", &self.url(path), Some(body))).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", &self.url(path), None)).await
    }

    pub async fn control(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let url = format!("http://emulator.test/control{path}");
        self.send(self.request(method, &url, body)).await
    }

    /// Moves the clock.
    pub async fn advance(&self, span: &str) {
        let answer = self.control("PUT", "/clock", Some(&json!({ "advance": span }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Changes settings of the Speech resource.
    pub async fn set(&self, settings: Value) {
        let answer = self
            .control("PUT", &format!("/resources/{}", self.resource), Some(&settings))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// Sets a fault.
    pub async fn fault(&self, fault: Value) -> u64 {
        let answer = self.control("POST", "/faults", Some(&fault)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["id"].as_u64().unwrap()
    }

    /// Creates an endpoint and waits until it is deployed.
    pub async fn deployed(&self, model: &str) -> String {
        let body = json!({ "displayName": "Hotline", "locale": "en-US", "model": self.reference(model) });
        let created = self.post("/endpoints", &body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        self.advance("10s").await;
        created.id()
    }

    /// The model that answers at an endpoint, and whether it stands in for another.
    pub async fn answering(&self, endpoint: &str) -> (String, bool) {
        let url = format!(
            "http://emulator.test/{}/stt/speech/universal/v2?cid={endpoint}",
            self.resource
        );
        let answer = self.send(self.request("POST", &url, None)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.text("/RecognitionStatus"), "Success");
        (
            id_of(answer.header("x-emulator-answered-by").unwrap()),
            answer.header("x-emulator-fallback") == Some("true"),
        )
    }
}

fn base(id: &str, locale: &str, created: &str) -> Value {
    json!({ "id": id, "displayName": created[..10].replace('-', ""), "locale": locale, "createdDateTime": created })
}

fn resource(name: &str) -> Value {
    let mut whisper = base(BASE_WHISPER, "en-US", "2026-01-20T00:00:00Z");
    whisper["features"] = json!({ "supportsEndpoints": false });
    json!({
        "key1": format!("key-1-{name}"),
        "key2": format!("key-2-{name}"),
        "region": "westeurope",
        "armId": format!("/subscriptions/0/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/{name}"),
        "rateLimit": { "requests": 0, "perSeconds": 10.0 },
        "timings": { "endpointCreate": 10, "endpointUpdate": 10, "training": 10, "dataset": 10, "evaluation": 10, "copy": 10 },
        "baseModels": [
            base(BASE_OLD, "en-US", "2024-12-01T00:00:00Z"),
            base(BASE_NEW, "en-US", "2025-11-20T12:39:52Z"),
            base(BASE_FUTURE, "en-US", "2026-06-01T00:00:00Z"),
            whisper,
            base(BASE_GERMAN, "de-DE", "2025-11-20T12:39:52Z"),
        ],
    })
}

fn seed() -> Value {
    let mut west = resource("west");
    west["datasets"] = json!([
        { "id": TEXT_DATA, "displayName": "Phrases", "kind": "Language", "locale": "en-US",
          "contentUrl": "https://contoso.blob.core.windows.net/speech/related-text.txt",
          "createdDateTime": "2025-10-01T00:00:00Z" },
        { "id": TEST_DATA, "displayName": "Test", "kind": "AudioFiles", "locale": "en-US",
          "contentUrl": "https://contoso.blob.core.windows.net/speech/test.zip",
          "createdDateTime": "2025-10-02T00:00:00Z" },
    ]);
    west["models"] = json!([
        { "id": MODEL, "displayName": "Claims 1", "locale": "en-US", "baseModel": BASE_OLD, "datasets": [TEXT_DATA],
          "createdDateTime": "2025-10-10T00:00:00Z" },
        { "id": OTHER_MODEL, "displayName": "Claims 2", "locale": "en-US", "baseModel": BASE_NEW, "datasets": [TEXT_DATA],
          "createdDateTime": "2026-01-10T00:00:00Z" },
        { "id": FAILED_MODEL, "displayName": "Claims 3", "locale": "en-US", "baseModel": BASE_NEW,
          "createdDateTime": "2026-01-20T00:00:00Z", "status": "Failed",
          "error": { "code": "FailedDataset", "message": "The data could not be read." } },
    ]);
    let mut free = resource("free");
    free["tier"] = json!("F0");
    json!({
        "now": "2026-02-02T08:00:00Z",
        "rate": 0.0,
        "resources": { "west": west, "north": resource("north"), "free": free },
    })
}
