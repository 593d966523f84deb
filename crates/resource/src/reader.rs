//! One list into its cache: absence proves nothing until it was asked for by id.
use super::Resource;
use jiff::Timestamp;
use speech_plan::view::{self, Cache, View};
use speech_service::{Client, EntityId, Error, Heard, Kind, Lane, Presence};
use std::{collections::HashSet, time::Duration};

/// What a list brought.
#[derive(Default)]
pub struct News {
    /// Entities that changed.
    pub ids: HashSet<EntityId>,
    /// When another look is worth it, as the service says.
    pub retry_after: Option<Duration>,
    /// That the service answered.
    pub heard: Option<Heard>,
    /// Whether all is known of what the list lacked, so that its cache is complete if it was the service that answered.
    pub is_whole: bool,
}

impl News {
    /// Takes a list that was read for whole.
    pub fn complete<T: view::Cached>(&self, cache: &mut Cache<T>, heard: Heard) {
        if self.is_whole {
            cache.complete(heard);
        }
    }
}

/// Reads lists of a Speech resource at a time (UTC).
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub resource: &'a Resource,
    pub client: &'a Client,
    pub now: Timestamp,
}

impl Reader<'_> {
    /// Reads one list into its cache, if it is wanted.
    pub async fn list<T: view::Cached + Kind>(
        self,
        wanted: bool,
        recorded: &[EntityId],
        cache: fn(&mut View) -> &mut Cache<T>,
    ) -> (News, Result<(), Error>) {
        let mut news = News::default();
        let outcome = match wanted {
            true => self.read(recorded, cache, &mut news).await,
            false => Ok(()),
        };
        (news, outcome)
    }

    /// What the list lacks is asked for by id before it is forgotten: a list may lag, and paging by offset may skip.
    async fn read<T: view::Cached + Kind>(
        self,
        recorded: &[EntityId],
        cache: fn(&mut View) -> &mut Cache<T>,
        news: &mut News,
    ) -> Result<(), Error> {
        let resource = self.resource;
        let began = cache(&mut resource.view_mut()).begin();
        let listing = T::list(self.client, Lane::Sweep).await?;
        let listed = listing.witness();
        news.retry_after = listing.retry_after;
        news.heard = listing.heard();
        if !cache(&mut resource.view_mut()).is_known() {
            // Nothing is remembered after a start: what a status names is asked for before the lack in a list says anything.
            for id in recorded.iter().filter(|id| !listed.has(**id)) {
                let presence = self.client.look_up_beside(Lane::Sweep, *id, &listed).await?;
                news.heard = Some(presence.heard());
                match presence {
                    Presence::Found(answer) => {
                        if cache(&mut resource.view_mut()).read(answer.value, began) {
                            news.ids.insert(*id);
                        }
                    }
                    Presence::Absent(proof) => cache(&mut resource.view_mut()).note_gone(&proof),
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
                .extend(cache(&mut resource.view_mut()).swept_partly(listing.values, began));
            return Ok(());
        }
        let (changed, missing) = cache(&mut resource.view_mut()).swept(listing.values, began, self.now);
        news.ids.extend(changed);
        for id in missing {
            let began = cache(&mut resource.view_mut()).begin();
            let presence = self.client.look_up_beside(Lane::Sweep, id, &listed).await?;
            news.heard = Some(presence.heard());
            let is_news = match presence {
                Presence::Found(answer) => cache(&mut resource.view_mut()).read(answer.value, began),
                Presence::Absent(proof) => cache(&mut resource.view_mut()).vanished(&proof, began),
            };
            if is_news {
                news.ids.insert(id);
            }
        }
        news.is_whole = true;
        Ok(())
    }

    /// Finds out whether it is the service that answers, where no list showed anything.
    pub async fn hear(self) -> Result<Heard, Error> {
        let base_models = |view: &View| view.base_models.iter().map(|entry| entry.entity.header.id).min();
        let known = base_models(&self.resource.view());
        self.client.hear(Lane::Sweep, known).await
    }

    /// Asks for what objects name and no list has shown: that it does not exist is said only once the service itself says
    /// so. What cannot be found out is asked for at the next look.
    pub async fn prove<T: view::Cached + Kind>(
        self,
        named: &[EntityId],
        cache: fn(&mut View) -> &mut Cache<T>,
        news: &mut News,
    ) {
        let resource = self.resource;
        let unseen = |id: &&EntityId| cache(&mut resource.view_mut()).is_unseen(**id);
        let unseen: Vec<EntityId> = named.iter().filter(unseen).copied().collect();
        for id in unseen {
            let began = cache(&mut resource.view_mut()).begin();
            let is_news = match self.client.look_up::<T>(Lane::Sweep, id).await {
                Ok(Presence::Found(answer)) => cache(&mut resource.view_mut()).read(answer.value, began),
                Ok(Presence::Absent(proof)) => {
                    cache(&mut resource.view_mut()).note_gone(&proof);
                    true
                }
                Err(error) => {
                    tracing::warn!(%id, %error, "nobody can say whether an entity exists that objects name");
                    false
                }
            };
            if is_news {
                news.ids.insert(id);
            }
        }
    }
}
