//! What the viewer sees: styled lines, and the progress of what takes long.
use speech_terminal::Line;
pub use speech_terminal::Style;
use std::{
    future::Future,
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// A step that takes longer shows that it is alive.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest line of prose.
const WIDTH: usize = 110;

/// How a line looks on a terminal.
fn code(style: Style) -> &'static str {
    match style {
        Style::Title => "1;35",
        Style::Plain => "0",
        Style::Bold => "1",
        Style::Dim => "2",
        Style::Command => "36",
        Style::Good => "32",
        Style::Warning => "33",
        Style::Bad => "1;31",
    }
}

/// The terminal, or the file that stands for it; it remembers what it has shown.
pub struct Screen {
    is_terminal: bool,
    has_colours: bool,
    progress_shown: bool,
    started: Instant,
    shown: Vec<String>,
    pictures: Vec<Vec<Line>>,
    in_picture: bool,
}

impl Screen {
    pub fn new() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let wants_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            is_terminal,
            has_colours: is_terminal && !wants_none,
            progress_shown: false,
            started: Instant::now(),
            shown: Vec::new(),
            pictures: vec![Vec::new()],
            in_picture: true,
        }
    }

    /// Since the start of the demo.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether what follows belongs into the picture, which is shorter than the transcript.
    pub fn in_picture(&mut self, is_in: bool) {
        self.in_picture = is_in;
    }

    /// Begins another picture.
    pub fn next_picture(&mut self) {
        self.pictures.push(Vec::new());
    }

    /// The lines for each picture.
    pub fn pictures(&self) -> &[Vec<Line>] {
        &self.pictures
    }

    /// Everything shown, as a Markdown document.
    pub fn transcript(&self) -> String {
        let lines: Vec<&str> = self.shown.iter().map(|text| text.trim_end()).collect();
        format!(
            "# The demo\n\n<!-- Written by `make demo-docs`; do not edit. -->\n\n\
             What `make demo` printed. The API server, kubectl and the operator are real; the Speech service and its clock are \
             [emulated](emulator.md).\nThe manifests are in [`deploy/demo`](../deploy/demo).\n\n```text\n{}\n```\n",
            lines.join("\n").trim()
        )
    }

    pub fn line(&mut self, style: Style, text: &str) {
        self.end_progress();
        if self.has_colours {
            self.print(&format!("\x1b[{}m{text}\x1b[0m\n", code(style)));
        } else {
            self.print(&format!("{text}\n"));
        }
        if let Some(picture) = self.pictures.last_mut().filter(|_| self.in_picture) {
            picture.push(vec![(style, text.to_owned())]);
        }
        self.shown.push(text.to_owned());
    }

    pub fn blank(&mut self) {
        self.line(Style::Plain, "");
    }

    pub fn act(&mut self, heading: &str) {
        self.blank();
        self.line(
            Style::Title,
            &format!(
                "── {heading} {}",
                "─".repeat(WIDTH.saturating_sub(heading.chars().count() + 4))
            ),
        );
    }

    /// A sentence of the story.
    pub fn say(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(Style::Plain, &line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(Style::Plain, &line);
    }

    /// A command, as a user types it; a long one goes on in the next line.
    pub fn command(&mut self, text: &str) {
        let mut line = format!("$ {text}");
        let is_long = |line: &str| line.chars().count() > WIDTH;
        while is_long(&line) {
            let cut = line.match_indices(" -").map(|(at, _)| at);
            let Some(at) = cut.filter(|at| (8..WIDTH).contains(at)).last() else {
                break;
            };
            let (head, tail) = line.split_at(at);
            let rest = format!("    {}", tail.trim_start());
            self.line(Style::Command, &format!("{head} \\"));
            line = rest;
        }
        self.line(Style::Command, &line);
    }

    /// What a command wrote.
    pub fn output(&mut self, text: &str) {
        for line in text.trim_end().lines() {
            self.line(Style::Dim, &format!("  {line}"));
        }
    }

    /// Something observed that is as it should be.
    pub fn good(&mut self, text: &str) {
        self.line(Style::Good, &format!("✓ {text}"));
    }

    /// Something observed that is as it should not be, and was expected so.
    pub fn bad(&mut self, text: &str) {
        self.line(Style::Bad, &format!("✗ {text}"));
    }

    /// Waits for `work`; shows that it is alive when it takes longer than a moment.
    pub async fn during<T>(&mut self, what: &str, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let mut work = std::pin::pin!(work);
        let mut next = PATIENCE;
        loop {
            let pause = next.saturating_sub(began.elapsed());
            tokio::select! {
                done = &mut work => {
                    self.end_progress();
                    return done;
                }
                () = tokio::time::sleep(pause) => {}
            }
            let seconds = began.elapsed().as_secs();
            if self.is_terminal {
                self.progress_shown = true;
                self.print(&format!("\r\x1b[2K  … {what}: {seconds} s"));
                next += Duration::from_millis(500);
            } else {
                self.print(&format!("  … {what}: {seconds} s\n"));
                next += Duration::from_secs(10);
            }
        }
    }

    /// Removes the progress line.
    pub fn end_progress(&mut self) {
        if std::mem::take(&mut self.progress_shown) {
            self.print("\r\x1b[2K");
        }
    }

    /// A reader that has gone, as with `| head`, does not stop the story.
    fn print(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }
}
