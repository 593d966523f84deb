//! Which watch events of an object matter to the object itself.
//!
//! Labels are no business of ours. What a person changes shows in the generation, the deletion timestamp, the finalizers or
//! the annotations. Status is our own writing: another than we wrote was changed or wiped by somebody else.
use kube::Resource;
use serde::Serialize;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    sync::{Mutex, PoisonError},
};

/// What was last seen of each object, by uid.
#[derive(Debug, Default)]
pub struct Predicate {
    seen: Mutex<HashMap<String, u64>>,
}

/// Writes into a hash.
struct Into<'a>(&'a mut DefaultHasher);

impl io::Write for Into<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Predicate {
    /// Notes an object as it is now, and returns whether anything that matters has changed since the last time. What we write
    /// ourselves is noted too, so that the watch's echo of it is no news.
    pub fn note(&self, object: &impl Resource, status: Option<&impl Serialize>) -> bool {
        let meta = object.meta();
        let mut hasher = DefaultHasher::new();
        meta.generation.hash(&mut hasher);
        meta.deletion_timestamp.is_some().hash(&mut hasher);
        meta.finalizers.hash(&mut hasher);
        meta.annotations.hash(&mut hasher);
        // A status that cannot be written as JSON came from nowhere; what was hashed of it still tells two apart.
        drop(serde_json::to_writer(Into(&mut hasher), &status));
        let now = hasher.finish();
        let uid = meta.uid.clone().unwrap_or_default();
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid, now)
            != Some(now)
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, object: &impl Resource) {
        if let Some(uid) = &object.meta().uid {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use speech_api::{SpeechConnection, SpeechConnectionStatus};

    #[test]
    fn a_status_that_somebody_else_wrote_or_wiped_is_news_and_our_own_is_not() {
        let spec = json!({"endpoint": "https://westeurope.api.cognitive.microsoft.com", "auth": {"keySecretRef": {"name": "key"}}});
        let mut object = SpeechConnection::new("speech", serde_json::from_value(spec).unwrap());
        let predicate = Predicate::default();
        let is_news = |object: &SpeechConnection| predicate.note(object, object.status.as_ref());
        assert!(is_news(&object));
        assert!(!is_news(&object));
        let ours: SpeechConnectionStatus = serde_json::from_value(json!({"observedGeneration": 1})).unwrap();
        object.status = Some(ours);
        assert!(is_news(&object), "as we write it");
        assert!(!is_news(&object), "as the watch brings it");
        object.status = None;
        assert!(is_news(&object), "wiped");
        object.status = Some(SpeechConnectionStatus::default());
        assert!(is_news(&object), "emptied");
    }
}
