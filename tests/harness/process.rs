//! One child process: its output, its end, its use of memory and processor, and its certain death.
use super::error::HarnessError;
use std::{
    fs::File,
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::Duration,
};
use tokio::time::Instant;

/// Runs a program so that it dies with us, however we end.
///
/// The shell starts a watcher and then becomes the program, so the child's id and exit status are the program's own.
/// The watcher reads a pipe whose other end only we hold. When we end, even by SIGKILL, it reads the end of the file
/// and kills its process group: the program, what the program started, and itself. (The kernel's parent-death signal
/// would not do: it is sent when the *thread* that started the child ends.)
///
/// The first argument is the file that becomes the program's stdin.
const GUARD: &str = r#"
input=$1
shift
exec 3<&0
(trap '' INT TERM HUP; cat <&3; kill -KILL 0) >/dev/null 2>&1 &
exec 3<&- <"$input"
exec "$@"
"#;

/// Linux counts processor time in hundredths of a second, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

/// A command that runs `program` under the guard, in a process group of its own: Ctrl-C in the terminal reaches us
/// alone. The child's stdin must be kept for as long as the program shall live.
pub(super) fn guarded(program: &Path, stdin: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", GUARD, "guard"])
        .arg(stdin)
        .arg(program)
        .stdin(Stdio::piped())
        .process_group(0);
    command
}

/// A running program with its output in a file. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; stdout and stderr go to the file `log`, appended.
    pub fn start(
        name: &str,
        program: &Path,
        args: &[String],
        env: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self, HarnessError> {
        // The shell would only say so in the log, with status 126 or 127.
        let found = std::fs::metadata(program);
        found.map_err(|source| HarnessError::Spawn {
            program: program.to_owned(),
            source,
        })?;
        let open = || {
            File::options()
                .create(true)
                .append(true)
                .open(log)
                .map_err(HarnessError::file(log))
        };
        let mut child = guarded(program, Path::new("/dev/null"))
            .args(args)
            .envs(env.iter().copied())
            .stdout(open()?)
            .stderr(open()?)
            .spawn()
            .map_err(|source| HarnessError::Spawn {
                program: program.to_owned(),
                source,
            })?;
        let lifeline = child.stdin.take();
        Ok(Self {
            name: name.to_owned(),
            child,
            lifeline,
            log: log.to_owned(),
        })
    }

    /// The process id, also of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far.
    pub fn logs(&self) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut file) = File::open(&self.log) {
            let _ = file.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How it ended; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Fails when the process has ended.
    /// The error has the last lines of its log.
    pub fn check_running(&mut self) -> Result<(), HarnessError> {
        match self.exit_status() {
            None => Ok(()),
            Some(status) => Err(HarnessError::Ended {
                name: self.name.clone(),
                status: status.to_string(),
                log: last_lines(&self.logs(), 25),
            }),
        }
    }

    /// Waits until a line of its output contains `text`; returns the first such line.
    /// Fails when the process ends before.
    pub async fn wait_for_log(&mut self, text: &str, deadline: Duration) -> Result<String, HarnessError> {
        let end = Instant::now() + deadline;
        loop {
            let ended = self.check_running(); // before the look at the log, or its last lines could be missed
            let logs = self.logs();
            let complete = logs.rfind('\n').and_then(|last| logs.get(..last)).unwrap_or_default();
            if let Some(line) = complete.lines().find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            ended?;
            if Instant::now() >= end {
                let what = format!("{} writes {text:?}", self.name);
                return Err(HarnessError::NotInTime {
                    what,
                    deadline,
                    last: last_lines(&logs, 10),
                });
            }
            tokio::time::sleep(super::POLL).await;
        }
    }

    /// Ends it at once (SIGKILL), with all it started, and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        drop(self.lifeline.take()); // the guard kills what the process has started
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM) and waits for the end.
    /// It is not killed when it still runs at the deadline.
    pub async fn terminate(&mut self, deadline: Duration) -> Result<ExitStatus, HarnessError> {
        self.signal("TERM")?;
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.exit_status() {
                drop(self.lifeline.take());
                return Ok(status);
            }
            if Instant::now() >= end {
                let what = format!("{} ends after SIGTERM", self.name);
                return Err(HarnessError::NotInTime {
                    what,
                    deadline,
                    last: last_lines(&self.logs(), 10),
                });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops it where it is (SIGSTOP): it keeps its connections and answers nothing.
    pub fn pause(&mut self) -> Result<(), HarnessError> {
        self.signal("STOP")
    }

    /// Lets a paused process go on (SIGCONT).
    pub fn resume(&mut self) -> Result<(), HarnessError> {
        self.signal("CONT")
    }

    /// Sends a signal, named without `SIG`, to the process alone.
    pub fn signal(&mut self, signal: &str) -> Result<(), HarnessError> {
        self.check_running()?; // it is not reaped yet, so the id below is still its own
        let pid = self.pid().to_string();
        let script = r#"kill -s "$1" "$2""#;
        Command::new("sh")
            .args(["-c", script, "signal", signal, &pid])
            .status()
            .map_err(|source| HarnessError::Spawn {
                program: "sh".into(),
                source,
            })?;
        Ok(())
    }

    /// The most physical memory it has ever used, in KiB; `None` after its end.
    pub fn rss_peak_kib(&self) -> Option<u64> {
        self.status_kib("VmHWM:")
    }

    fn status_kib(&self, field: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// The processor time it has used, user and system, in seconds; `None` after its end.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?; // the name may contain anything
        let ticks = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u32>().ok());
        let ticks: Option<u32> = ticks.sum();
        Some(f64::from(ticks?) / TICKS_PER_SECOND)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last `count` lines of a text.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().rev().take(count).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
