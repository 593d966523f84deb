//! Wakes who lets objects go when the operator or its kinds are removed.
use tokio::sync::Notify;

/// Rung when an object or a namespace is seen to be deleted.
#[derive(Debug, Default)]
pub struct Alarm(Notify);

impl Alarm {
    /// Something is being deleted.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits until it is rung.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}
