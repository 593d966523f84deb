//! What the page loads beside itself, all of it part of this program.
use speech_fleet as calendar;
use std::sync::LazyLock;

const PAGE: &str = include_str!("page.css");

/// The style of the page. That of the drawings stands in a block of its own, so that neither reaches the other's names.
pub static STYLE: LazyLock<String> = LazyLock::new(|| format!("{PAGE}\n.drawing {{\n{}}}\n", calendar::SVG_STYLE));

/// What makes the page better where scripts run: copying, sorting, searching.
pub const SCRIPT: &str = include_str!("page.js");

/// The sign of the page in a browser's tab.
pub const ICON: &str = include_str!("icon.svg");
