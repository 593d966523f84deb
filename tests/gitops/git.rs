//! A Git server over smart http, and the repository that a team keeps there.
use crate::harness::Folder;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, Response, StatusCode},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinHandle};

/// No request of a client of ours is larger.
const LARGEST: usize = 16 * 1024 * 1024;

/// A repository with a branch `main` that is served until this is dropped.
pub struct Repository {
    folder: Folder,
    address: String,
    serving: JoinHandle<()>,
}

impl Repository {
    /// Makes an empty one and serves it.
    pub async fn serve() -> Self {
        let folder = Folder::new("git").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new().fallback(answer).with_state(folder.path().to_owned());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let repository = Self {
            folder,
            address,
            serving,
        };
        std::fs::create_dir(repository.work()).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("http://{}/speech/.git", self.address)
    }

    /// Writes a file; without a text, removes it. Nothing is committed.
    pub fn write(&self, path: &str, text: Option<&str>) {
        let file = self.work().join(path);
        let Some(text) = text else {
            return std::fs::remove_file(file).unwrap();
        };
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.work().join(path)).unwrap()
    }

    /// Replaces a part of a file that it has once.
    pub fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {text}");
        self.write(path, Some(&text.replace(old, new)));
    }

    /// Commits everything; returns the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("speech")
    }

    fn git(&self, args: &[&str]) -> String {
        let output = isolated(Command::new("git"))
            .current_dir(self.work())
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Git with nothing of the person's own configuration.
fn isolated(mut command: Command) -> Command {
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "team");
        command.env(format!("GIT_{who}_EMAIL"), "team@example.com");
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// Hands a request to git's own server program, as CGI says.
async fn answer(State(root): State<PathBuf>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.unwrap();
    let header = |name: &str| {
        head.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let mut command = isolated(Command::new("git"));
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"));
    read(&run(command, &root, &body).await)
}

async fn run(command: Command, root: &Path, input: &[u8]) -> Vec<u8> {
    let mut child = tokio::process::Command::from(command)
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // It reads all that it was sent before it answers at length.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap().stdout
}

/// An answer of CGI: headers, among them the status, then the body.
fn read(output: &[u8]) -> Response<Body> {
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let (head, body) = output.split_at(end);
    let mut response = Response::builder().status(StatusCode::OK);
    for line in std::str::from_utf8(head).unwrap().split("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap()),
            _ => response.header(name.parse::<HeaderName>().unwrap(), value),
        };
    }
    response.body(Body::from(body[4..].to_vec())).unwrap()
}
