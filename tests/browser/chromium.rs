//! A headless Chromium, spoken to through a pair of pipes in the words of the Chrome DevTools Protocol.
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::unix::pipe,
    process::{Child, Command},
};

/// The longest that an answer, or the end of a navigation, may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Where pictures go that somebody wants to look at.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/browser");

/// A running browser with one page. It ends with this process: it reads the end of its pipe then.
pub struct Chromium {
    to: pipe::Sender,
    from: BufReader<pipe::Receiver>,
    session: Option<String>,
    last: u64,
    /// What happened and nobody has asked for yet.
    events: Vec<Value>,
    process: Child,
    folder: PathBuf,
}

/// How a page is looked at.
#[derive(Clone, Copy)]
pub struct Look {
    pub scheme: &'static str,
    pub width: u32,
    pub height: u32,
}

pub const LIGHT: Look = Look {
    scheme: "light",
    width: 1440,
    height: 1000,
};
pub const DARK: Look = Look {
    scheme: "dark",
    ..LIGHT
};
pub const NARROW: Look = Look {
    width: 390,
    height: 844,
    ..LIGHT
};
pub const NARROW_DARK: Look = Look {
    scheme: "dark",
    ..NARROW
};

fn program() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/install.sh");
    let output = std::process::Command::new(&script).arg("--print").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .last()
        .unwrap()
        .to_owned()
}

impl Chromium {
    /// Starts it with an empty page.
    pub async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("speech-operator-browser-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        let (to, from) = (folder.join("to"), folder.join("from"));
        let made = std::process::Command::new("mkfifo")
            .args([&to, &from])
            .status()
            .unwrap();
        assert!(made.success());
        // Opened for both ways, so that it needs no reader yet.
        let sender = pipe::OpenOptions::new().read_write(true).open_sender(&to).unwrap();
        let receiver = pipe::OpenOptions::new().read_write(true).open_receiver(&from).unwrap();
        let process = Command::new("sh")
            .args(["-c", r#"to=$1 from=$2; shift 2; exec "$@" 3<"$to" 4>"$from""#, "sh"])
            .args([&to, &from])
            .arg(program())
            // The sandbox needs rights that containers lack; only our own pages are opened.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-pipe",
            ])
            .args([
                "--hide-scrollbars",
                "--no-first-run",
                "--disable-background-networking",
                "--force-color-profile=srgb",
            ])
            .arg(format!("--user-data-dir={}", folder.join("profile").display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log")).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut browser = Self {
            to: sender,
            from: BufReader::new(receiver),
            session: None,
            last: 0,
            events: Vec::new(),
            process,
            folder,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Audits", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// One command and its answer.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).await.unwrap();
        loop {
            let message = self.read(method).await;
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    /// The next message; an event is kept as well.
    async fn read(&mut self, waits_for: &str) -> Value {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(DEADLINE, self.from.read_until(0, &mut bytes)).await;
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        read.unwrap_or_else(|_| panic!("Chromium is silent, {waits_for} is waited for: {}", log()))
            .unwrap();
        assert_eq!(bytes.pop(), Some(0), "Chromium has ended: {}", log());
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        if message["method"].is_string() {
            self.events.push(message.clone());
        }
        message
    }

    /// Waits for an event that came after the last `forget`.
    pub async fn event(&mut self, method: &str) -> Value {
        loop {
            let known = self.events.iter().find(|event| event["method"] == method);
            if let Some(event) = known {
                return event["params"].clone();
            }
            self.read(method).await;
        }
    }

    /// Forgets all events.
    pub fn forget(&mut self) {
        self.events.clear();
    }

    /// How the page is looked at from now on.
    pub async fn look(&mut self, look: Look) {
        let metrics = json!({"width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": look.scheme}]});
        self.call("Emulation.setEmulatedMedia", features).await;
    }

    /// Opens a page and waits until all of it is there.
    pub async fn open(&mut self, url: &str) {
        self.forget();
        let answer = self.call("Page.navigate", json!({"url": url})).await;
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.event("Page.loadEventFired").await;
    }

    /// What an expression is; a promise is waited for.
    pub async fn value(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true,
        });
        let answer = self.call("Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Clicks into the middle of what a selector finds first.
    pub async fn click(&mut self, selector: &str) {
        let place = format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'center'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let place = self.value(&place).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Presses a key that writes no letter: its name, and its code as Windows numbers it.
    pub async fn key(&mut self, name: &str, code: u32) {
        let text = if name == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({
                "type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text,
            });
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// What the browser complained of since the last `forget`: errors of scripts, of the content policy, of the network.
    pub fn complaints(&self) -> Vec<String> {
        let bad = [
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Audits.issueAdded",
            "Network.loadingFailed",
        ];
        let bad = self
            .events
            .iter()
            .filter(|event| bad.iter().any(|name| event["method"] == *name));
        bad.map(Value::to_string).collect()
    }

    /// A picture of the page from the top, as PNG in `target/browser`; gives its path. All of it where no height is given.
    pub async fn picture(&mut self, name: &str, height: Option<u32>) -> PathBuf {
        let metrics = self.call("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        let height = height.map_or_else(|| size["height"].clone(), Value::from);
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        let params = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let answer = self.call("Page.captureScreenshot", params).await;
        let path = Path::new(PICTURES).join(format!("{name}.png"));
        std::fs::create_dir_all(PICTURES).unwrap();
        std::fs::write(&path, decoded(answer["data"].as_str().unwrap())).unwrap();
        path
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.start_kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Base64 as RFC 4648 has it.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{other} is no digit of Base64"),
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let bits = group.iter().fold(0, |bits, byte| bits << 6 | digit(*byte)) << (6 * (4 - group.len()));
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
