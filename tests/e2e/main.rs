//! The operator as users see it: a real process under its shipped permissions, against a real kube-apiserver and the
//! emulator, judged by what kubectl shows and by the emulator's journal.

#[path = "../harness/mod.rs"]
mod harness;
mod lifecycle;
mod stack;
