//! However the operator ends, its log says why; and that nobody reads the log is no reason to end.
use crate::harness::{Folder, OPERATOR};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// An operator whose cluster is this listener, with its log in a pipe.
struct Alone {
    child: Child,
    log: Option<BufReader<std::process::ChildStderr>>,
    _folder: Folder,
}

impl Alone {
    fn start(cluster: &str) -> Self {
        let folder = Folder::new("last-word").unwrap();
        let path = folder.path().join("kubeconfig");
        let kubeconfig = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: 'http://{cluster}'}}}}], contexts: [{{name: c, context: {{cluster: c, user: u}}}}], users: [{{name: u, user: {{}}}}]}}"
        );
        std::fs::write(&path, kubeconfig).unwrap();
        Self::with_kubeconfig(&path, folder)
    }

    fn with_kubeconfig(path: &Path, folder: Folder) -> Self {
        let mut child = Command::new(&*OPERATOR)
            .args(["run", "--listen", "127.0.0.1:0"])
            .env("KUBECONFIG", path)
            .env("POD_NAME", "last-word")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = child.stderr.take().map(BufReader::new);
        Self {
            child,
            log,
            _folder: folder,
        }
    }

    /// The next line of its log.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.log.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    /// The last line of its log, and its exit code.
    fn end(mut self) -> (Value, Option<i32>) {
        let mut rest = String::new();
        self.log.take().unwrap().read_to_string(&mut rest).unwrap();
        let last = rest.lines().last().unwrap_or_default();
        let last = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {rest:?}"));
        (last, self.child.wait().unwrap().code())
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "signal", name, &pid])
            .status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cluster that answers nobody: it takes a connection and closes it.
fn deaf() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Waits for so many calls of the operator's, as long as it runs.
fn calls(operator: &mut Alone, cluster: &TcpListener, count: usize) {
    let end = Instant::now() + DEADLINE;
    let mut seen = 0;
    while seen < count {
        if let Some(status) = operator.child.try_wait().unwrap() {
            panic!("the operator ended with {status} after {seen} calls");
        }
        assert!(Instant::now() < end, "{seen} calls");
        match cluster.accept() {
            Ok(_) => seen += 1,
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[test]
fn an_operator_whose_log_nobody_reads_any_more_goes_on() {
    let (cluster, address) = deaf();
    let mut operator = Alone::start(&address);
    calls(&mut operator, &cluster, 1);
    drop(operator.log.take());
    // Each call that fails is a line that cannot be written.
    calls(&mut operator, &cluster, 4);
}

#[test]
fn a_signal_is_named_before_the_end_that_it_asked_for() {
    // Not SIGHUP, SIGINT and SIGQUIT: a shell may start us so that they are ignored.
    for signal in ["USR1", "USR2", "ALRM", "TERM"] {
        let (cluster, address) = deaf();
        let mut operator = Alone::start(&address);
        calls(&mut operator, &cluster, 1);
        operator.signal(signal);
        let mut named = false;
        while !named {
            let line = operator.line();
            named = line["message"] == "asked to stop" && line["signal"] == format!("SIG{signal}");
        }
        let (last, code) = operator.end();
        assert_eq!(
            (&last["message"], &last["exit_code"], code),
            (&"stopped".into(), &0.into(), Some(0))
        );
    }
}

#[test]
fn an_operator_that_cannot_work_ends_with_the_reason_and_the_exit_code_in_one_line_of_its_log() {
    let folder = Folder::new("last-word").unwrap();
    let path = folder.path().join("nothing");
    let (last, code) = Alone::with_kubeconfig(&path, folder).end();
    assert_eq!(
        (&last["level"], &last["message"], &last["exit_code"], code),
        (&"ERROR".into(), &"the operator ends".into(), &1.into(), Some(1))
    );
    assert!(last["error"].as_str().unwrap().contains("no cluster"), "{last}");
}
