//! One list into its shelf: absence proves nothing until it was asked for by id.
use super::Remote;
use crate::{
    speech::{Answer, EntityId, Error, ErrorKind, Listing},
    view::{self, Shelf, View},
};
use jiff::Timestamp;
use std::{collections::HashSet, future::Future, time::Duration};

/// What a list brought.
#[derive(Default)]
pub struct News {
    /// Entities that changed.
    pub ids: HashSet<EntityId>,
    /// When another look is worth it, as the service says.
    pub retry_after: Option<Duration>,
}

/// Reads lists of a Speech resource at a time (UTC).
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub remote: &'a Remote,
    pub now: Timestamp,
}

impl Reader<'_> {
    /// Reads one list into its shelf, if it is wanted.
    pub async fn list<T: view::Remote, G: Future<Output = Result<Answer<T>, Error>>>(
        self,
        wanted: bool,
        recorded: &[EntityId],
        shelf: fn(&mut View) -> &mut Shelf<T>,
        list: impl Future<Output = Result<Listing<T>, Error>>,
        get: impl Fn(EntityId) -> G,
    ) -> (News, Result<(), Error>) {
        let mut news = News::default();
        let outcome = match wanted {
            true => self.read(recorded, shelf, list, get, &mut news).await,
            false => Ok(()),
        };
        (news, outcome)
    }

    /// What the list lacks is asked for by id before it is forgotten: a list may lag, and paging by offset may skip.
    async fn read<T: view::Remote, G: Future<Output = Result<Answer<T>, Error>>>(
        self,
        recorded: &[EntityId],
        shelf: fn(&mut View) -> &mut Shelf<T>,
        list: impl Future<Output = Result<Listing<T>, Error>>,
        get: impl Fn(EntityId) -> G,
        news: &mut News,
    ) -> Result<(), Error> {
        let remote = self.remote;
        let began = shelf(&mut remote.view_mut()).begin();
        let listing = list.await?;
        news.retry_after = listing.retry_after;
        if !shelf(&mut remote.view_mut()).is_known() {
            // Nothing is remembered after a start: what a status names is asked for before the lack in a list says anything.
            let listed: HashSet<_> = listing.values.iter().map(|entity| entity.header().id).collect();
            for id in recorded.iter().filter(|id| !listed.contains(id)) {
                match get(*id).await {
                    Ok(answer) => {
                        if shelf(&mut remote.view_mut()).read(answer.value, began) {
                            news.ids.insert(*id);
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        shelf(&mut remote.view_mut()).note_gone(*id);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if listing.unreadable > 0 {
            // Absence proves nothing in a list that was not wholly understood.
            tracing::warn!(
                unreadable = listing.unreadable,
                "some entities of a list could not be understood"
            );
            news.ids
                .extend(shelf(&mut remote.view_mut()).swept_partly(listing.values, began));
            return Ok(());
        }
        let (changed, missing) = shelf(&mut remote.view_mut()).swept(listing.values, began, self.now);
        news.ids.extend(changed);
        for id in missing {
            let began = shelf(&mut remote.view_mut()).begin();
            match get(id).await {
                Ok(answer) => {
                    if shelf(&mut remote.view_mut()).read(answer.value, began) {
                        news.ids.insert(id);
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    if shelf(&mut remote.view_mut()).vanished(id, began) {
                        news.ids.insert(id);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
