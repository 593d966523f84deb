//! Another endpoint with the object's mark, which an earlier request made as well.
use super::observed::Observed;
use crate::{Action, Verdict};
use speech_api::Reason;

/// It is deleted. One that cannot be deleted now keeps nothing else back.
pub fn deletion(f: &Observed<'_>) -> Option<Verdict> {
    let duplicate = f.duplicate?;
    let message = format!("deleting endpoint {duplicate}, which an earlier request made as well");
    let verdict = Verdict::working(Reason::Updating, message);
    let last = f.record.failures.recall(Action::DELETE);
    Some(f.s.asking(None).admit(last, Action::DeleteEndpoint(duplicate), verdict))
}
