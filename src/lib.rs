//! Keeps Azure custom-speech models and endpoints as declared in Kubernetes, and swaps models before they expire.
pub mod api;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod emulator;
pub mod generate;
pub mod plan;
pub mod speech;
pub mod view;
