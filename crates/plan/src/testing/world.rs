//! The world around the object of a case.
use super::*;

/// What surrounds the object under test.
pub struct World {
    pub view: View,
    pub link: Link,
    /// Since when the connection does not work, where it says so.
    pub broken_since: Option<Timestamp>,
    pub has_projects: bool,
    pub now: Timestamp,
    pub pass: Pass,
    pub agenda: Agenda,
    pub stay: Stay<'static>,
    pub hands: Hands,
    pub namespace_ends: bool,
}

impl World {
    /// A connection that works, with base model 1, datasets 50 and 51, and all lists read now.
    pub fn new() -> Self {
        let world = Self {
            view: View::default(),
            link: Link::Ready,
            broken_since: None,
            has_projects: true,
            now: at(NOW),
            pass: Pass::begin(Hands::Free),
            agenda: Agenda::default(),
            stay: Stay::Certain,
            hands: Hands::Free,
            namespace_ends: false,
        };
        let world = world.base(base_model(1, LATER)).dataset(text(50)).dataset(text(51));
        with(world, World::sweep)
    }

    pub fn base(mut self, model: BaseModel) -> Self {
        learn(&mut self.view.base_models, model);
        self
    }

    pub fn custom(mut self, model: CustomModel) -> Self {
        learn(&mut self.view.models, model);
        self
    }

    pub fn remote(mut self, endpoint: Endpoint) -> Self {
        learn(&mut self.view.endpoints, endpoint);
        self
    }

    pub fn dataset(mut self, dataset: Dataset) -> Self {
        learn(&mut self.view.datasets, dataset);
        self
    }

    pub fn evaluation(mut self, evaluation: Evaluation) -> Self {
        learn(&mut self.view.evaluations, evaluation);
        self
    }

    /// Known only from the answer to our own request.
    pub fn unconfirmed(mut self, endpoint: Endpoint) -> Self {
        self.view.endpoints.answered(endpoint);
        self
    }

    /// A request changed the endpoint, or may have: what was read before says nothing any more.
    pub fn unconfirm(&mut self, n: u128) {
        self.view.endpoints.touch(id(n));
    }

    pub fn link(mut self, link: Link) -> Self {
        self.link = link;
        self
    }

    pub fn now(mut self, now: &str) -> Self {
        self.now = at(now);
        self
    }

    /// Lists read at another time than now.
    pub fn swept(mut self, when: &str) -> Self {
        let now = std::mem::replace(&mut self.now, at(when));
        self.sweep();
        self.now = now;
        self
    }

    pub fn announced(mut self, attempt: u32) -> Self {
        self.pass.announced = Some(attempt);
        self
    }

    pub fn failed(mut self, operation: &'static str, class: FailureClass) -> Self {
        self.pass.failure = Some(failure(operation, class));
        self
    }

    /// The pass is over: the next one knows nothing of it.
    pub fn end_pass(&mut self) -> Pass {
        std::mem::replace(&mut self.pass, Pass::begin(Hands::Free))
    }

    /// Reads all lists anew; they hold what is known.
    pub fn sweep(&mut self) {
        resweep(&mut self.view.endpoints, self.now);
        resweep(&mut self.view.models, self.now);
        resweep(&mut self.view.base_models, self.now);
        resweep(&mut self.view.datasets, self.now);
        resweep(&mut self.view.evaluations, self.now);
    }

    pub fn around(&self) -> Surroundings<'_> {
        let connection = match self.link {
            Link::Ready => ConnectionState::Ready {
                view: &self.view,
                has_projects: self.has_projects,
            },
            Link::NotFound => ConnectionState::NotFound { near: None },
            Link::NotAllowed => ConnectionState::NotAllowed,
            Link::NotReady { seen, usable } => ConnectionState::NotReady {
                message: "it is out of order",
                view: seen.then_some(&self.view),
                usable,
                since: self.broken_since,
            },
        };
        Surroundings {
            now: self.now,
            cluster: CLUSTER,
            connection,
            learned: self.pass.learned(),
            agenda: &self.agenda,
            stay: self.stay,
            hands: self.hands,
            namespace_ends: self.namespace_ends,
        }
    }
}
