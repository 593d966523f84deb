//! The closed vocabulary of condition reasons. `docs/reasons.md` is generated from here.

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $name:ident ),+ $(,)?) => {
        /// Why a condition has its status. Every reason that the operator writes is one of these.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $( $(#[doc = $doc])+ $name ),+ }

        impl Reason {
            /// All reasons, in the order of the documentation.
            pub const ALL: &[Self] = &[$( Self::$name ),+];

            /// The word as it stands in the condition.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => stringify!($name) ),+ }
            }

            /// What it means and what to do.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc),+).trim_ascii() ),+ }
            }
        }
    };
}

reasons! {
    /// The connection answers and the key is accepted.
    Connected,
    /// The first look at the Speech resource has not ended yet.
    Connecting,
    /// The Secret that holds the key does not exist. Create it; it is used as soon as it appears.
    SecretNotFound,
    /// The Secret exists but lacks the named key, or the value cannot be a key. Correct the Secret.
    SecretKeyInvalid,
    /// The service refuses the key (401): it is wrong, was regenerated, or belongs to another region. Put the right key into the Secret.
    CredentialInvalid,
    /// The key is known but not allowed to do this (403). Check the resource's network rules and whether key access is switched off.
    PermissionDenied,
    /// The endpoint is not a URL that may be used, or it is http and the operator was not started with `--allow-http`.
    EndpointInvalid,
    /// The operator may not call the endpoint's host, or the address that its name stands for; nothing was sent. Whoever runs the operator allows hosts with `--allowed-hosts`.
    HostNotAllowed,
    /// The endpoint's host name cannot be resolved.
    HostNotFound,
    /// No TLS session could be had with the endpoint.
    TlsFailed,
    /// The endpoint does not accept connections or does not answer in time.
    Unreachable,
    /// The endpoint answers 404: it is no Speech resource, or the path is wrong.
    NotASpeechResource,
    /// The address or the key was changed, and nothing is there of what the objects of the connection have: it leads to another Speech resource. Nothing is created, changed or deleted in it, and deletions wait. Point the connection back, or accept the other resource with the annotation `customspeech.dev/accept-resource: <host>`; then the objects begin anew there.
    DifferentResource,
    /// The service does not know the API version, or has retired it.
    ApiVersionUnsupported,
    /// The remote entity is being deleted, and nothing proves that it is gone: what answers is not the service, contradicts itself, or is disturbed for long. The deletion is tried again and again; after `forceOrphanAfter` the object is released. Look for a gateway or proxy before the Speech resource that answers in its place.
    DeletionUnproven,
    /// The service refuses requests because there are too many: 429, or 403 with words about a quota or volume of calls. The operator keeps the pause that is asked for and goes on by itself; what has a deadline goes first.
    Throttled,
    /// The API version is v3.2, whose retirement was announced for 31 March 2026. It works as long as the service answers it. Set `spec.apiVersion` to 2025-10-15; log files of endpoints cannot be listed in newer versions.
    VersionRetires,
    /// Another SpeechConnection leads to the same Speech resource, by the same address and key, or because both lists show the same entities. Both draw on one request budget, the smaller of the two. Keep one connection and allow other namespaces to use it (`allowedNamespaces`), or leave it so.
    ResourceIsShared,
    /// The service answers 5xx, or something that cannot be read. The operator tries again.
    ServiceUnavailable,
    /// The clock of the service and the operator's differ by more than 30 seconds. The later of both counts for every expiry. See to the time synchronisation of the nodes.
    ClocksDiffer,
    /// The clock of the service and the operator's differ by more than ten minutes. Swaps, trainings and deletions that follow from dates wait until the clocks agree, or until their deadline is near by the later clock. See to the time synchronisation of the nodes.
    ClocksDifferWidely,
    /// The SpeechConnection does not exist. Create it; it is used as soon as it appears.
    ConnectionNotFound,
    /// The SpeechConnection exists but does not work; its own conditions tell why.
    ConnectionNotReady,
    /// The SpeechConnection, or the SpeechModel to copy, is in another namespace and does not exist or does not allow objects of this one; which of both is not told. See `allowedNamespaces` of the SpeechConnection.
    NamespaceNotAllowed,
    /// A value in the spec cannot be used, though the schema let it pass. The message names it.
    SpecInvalid,
    /// Everything is as declared.
    Synced,
    /// The endpoint serves the declared model.
    Serving,
    /// The remote entity is announced and about to be created.
    Creating,
    /// An earlier request to create the entity may still take effect; nothing is sent until that is certain.
    AwaitingCreation,
    /// The service is deploying the endpoint. This takes up to 30 minutes as a rule.
    Deploying,
    /// The endpoint is moving to another model; the old one answers meanwhile.
    Swapping,
    /// Names, logging or project of the remote entity are being changed.
    Updating,
    /// Someone changed the remote entity by hand; it was put back.
    DriftCorrected,
    /// What was put back was changed again, three times or more, so that each further correction waits twice as long as the one before, up to an hour; where a date is near, no longer than after a refusal. The message names what is changed. Find out who does it: a person, a pipeline, or the operator of another cluster that was restored from the same backup (docs/clones.md). An edit of the spec or a request for a reconcile puts it back at once.
    DriftRepeated,
    /// The model is being trained.
    Training,
    /// The service could not train the model. The message has its words.
    TrainingFailed,
    /// The model is being copied from another Speech resource.
    Copying,
    /// The service could not copy the model. The message has its words; it is copied again after a growing delay.
    CopyFailed,
    /// The service does not let the model be copied: a key is not allowed to (401, 403), the source connection's `resourceId` names another resource, or the source model cannot be copied. It is asked again after a growing delay.
    CopyRefused,
    /// The SpeechModel copies itself, by way of others. Nothing is copied until one of them has another source.
    CopyCycle,
    /// The model to copy is in the Speech resource of this very object. Use `source.existing`, or another connection.
    SameResource,
    /// The SpeechConnection of the model to copy lacks `spec.resourceId`, without which no other resource gives leave to copy.
    ResourceIdMissing,
    /// Only custom models can be copied, and the source is a base model. Follow the base model of the own resource with `source.base`.
    ModelNotCopyable,
    /// The service could not deploy the endpoint. The message has its words; choose another model or delete the object.
    DeploymentFailed,
    /// The service refused the request; the message has its words. It is asked again after 15 minutes, then ever later up to a day, in any case when the latest start before an expiry has come, and at once when the spec changes or a reconcile is requested.
    Refused,
    /// A request failed and is tried again after a growing delay.
    Retrying,
    /// The Speech resource has no room for another entity (50 endpoints on S0, 1 on F0). Delete one or ask for a larger quota.
    QuotaExceeded,
    /// The SpeechModel, or the model with the given id, does not exist in the Speech resource.
    ModelNotFound,
    /// The SpeechModel has no current revision yet.
    ModelNotReady,
    /// The SpeechModel belongs to another SpeechConnection. An endpoint can only serve models of its own Speech resource.
    ModelOfOtherConnection,
    /// The locales of the objects differ. An endpoint can only serve models of its own locale.
    LocaleMismatch,
    /// The model cannot be deployed to endpoints (for example Whisper). Choose another one.
    ModelNotDeployable,
    /// The model's training ended in failure, so that it cannot be deployed.
    ModelFailed,
    /// The model has passed its `transcriptionDateTime`. Train or choose a newer one.
    ModelExpired,
    /// The declared model expires before the one that serves now; the operator does not swap to it. Name it by `model.id` to insist.
    ModelExpiresEarlier,
    /// No model that the spec allows can serve. The message names the nearest one and what it lacks.
    NoEligibleModel,
    /// The model is excluded by the spec, or in quarantine; it is never chosen.
    ModelExcluded,
    /// Nothing newer follows the active model, which expires soon. Train or choose a newer one.
    NoSuccessor,
    /// The SpeechModel that the endpoint follows, or the copy is taken from, is being deleted or gone: nothing newer comes of it. Follow another one, or create it anew under its name once it is gone.
    ModelEnds,
    /// The windows of `swap.windows` never open before the active model expires, or never at all.
    WindowNeverOpens,
    /// A newer model waits for a window.
    WindowClosed,
    /// A newer model waits until the annotation `customspeech.dev/approved-model` names it.
    ApprovalAwaited,
    /// The annotation `customspeech.dev/approved-model` names a model that is not the candidate.
    ApprovalOfOther,
    /// A newer model waits until the day on which its swap is due.
    SwapScheduled,
    /// A newer model waits because as many swaps or trainings run as the connection allows at a time.
    AwaitingTurn,
    /// The candidate is being evaluated against the active model.
    Evaluating,
    /// The candidate is worse than the gate allows; it is in quarantine.
    GateFailed,
    /// The evaluation decides nothing, for example with too few words. Choose another dataset.
    GateInconclusive,
    /// The evaluation itself fails; it is tried again.
    GateError,
    /// Work of the service has lasted longer than any before, and the model that serves expires soon. Look at the entity in the Speech service, or ask its support; what is deleted or named anew is begun anew.
    Overdue,
    /// The time that work takes here is longer than what is declared: the next model would come too late.
    LeadTimeShort,
    /// A failed deployment was undone: the model that served before serves again, the other one is in quarantine.
    RolledBack,
    /// Models were taken out of quarantine on request.
    QuarantineCleared,
    /// The endpoint was deleted in the Speech service and is made anew, with another id.
    Recreating,
    /// What was made in the Speech service vanished or failed, or the spec was changed, more than once in a row: the next one is made after a growing delay, whose end the message names. Find out who deletes it; an edit of the spec or a request for a reconcile shortens the wait.
    RecreationDelayed,
    /// A dataset does not exist in the Speech resource.
    DatasetNotFound,
    /// A dataset has not been imported, or its import failed.
    DatasetNotReady,
    /// A dataset is of a kind or locale that cannot be used for this.
    DatasetUnsuitable,
    /// No base model of the locale can be used.
    NoBaseModel,
    /// The base model with the given id does not exist in the Speech resource, or is of another locale.
    BaseModelNotFound,
    /// The base model has passed its `adaptationDateTime`: nothing can be trained from it any more. Choose a newer one or none.
    BaseModelNotTrainable,
    /// The model that serves is valid.
    ModelServes,
    /// The active model has expired: the newest base model answers in its place, silently.
    BaseModelAnswers,
    /// The service has not said until when the model is valid.
    ExpiryUnknown,
    /// The endpoint to adopt or observe does not exist in the Speech resource.
    EndpointNotFound,
    /// The remote entity was deleted by someone else. The operator does not create another endpoint, because its id would be a new one: delete this object and apply it again. A revision of a model is made anew where the spec still asks for it.
    RemoteDeleted,
    /// The remote entity carries the mark of another object or cluster. Remove one of the two declarations.
    OwnedByAnother,
    /// Nothing is changed while `suspend` is true.
    Suspended,
    /// The remote entity is watched only (`managementPolicy: Observe`).
    Observed,
    /// The operator runs with `--observe-only`: it reads the Speech service and changes nothing there; the message says what it would do. An object that is deleted is let go, and what it has in the Speech service stays. Meant for clones of a cluster; see docs/clones.md.
    ObserveOnly,
    /// The remote entity is being deleted.
    Deleting,
    /// An endpoint still uses the model; it is deleted when no endpoint does.
    ModelInUse,
    /// The connection is being deleted, and SpeechModels or SpeechEndpoints still need it. It is kept as long as living ones use it, as a volume is, and for a while for those that are being deleted. Its users say the same as AtRisk.
    ConnectionInUse,
    /// The remote entity could not be deleted, because the connection or its credential was gone or the service could not be reached for `forceOrphanAfter`; the object was released and the entity stays behind. The message names it: delete it in the Speech service, or adopt it.
    Orphaned,
    /// A selector names labels that cannot be, so it matches nothing, or not what was meant. The message names the place.
    SelectorInvalid,
    /// The annotation `customspeech.dev/swap-now` names a model that is not the candidate. Name the candidate, or remove it.
    NotTheCandidate,
    /// `project` was removed, but the entity stays in its project: the service takes nothing out of one. Name that project or another.
    ProjectKept,
    /// More entities of the Speech service would be deleted at once than `deletionGuard` of the SpeechConnection allows. Nothing of it is deleted until somebody agrees; the condition `DeletionsHeld` of the connection has the command. Without it the object is released after `forceOrphanAfter`, and what it has stays.
    DeletionHeld,
    /// The object was let go because a CustomResourceDefinition or the namespace of the operator itself is being deleted, which nobody means as a deletion in the Speech service: the remote entity stays, with its mark. The message names it; the same object, applied again, takes it over.
    Released,
    /// The operator cannot read whether its CustomResourceDefinitions and its own namespace stay. Until it can, nothing is deleted in the Speech service. Apply `deploy/base/cluster-roles.yaml` of the operator's version.
    ClusterUnreadable,
    /// The cluster refuses what the operator has to write of the object: a policy, a webhook, or a right that is missing. The message has the cluster's words. Nothing goes on meanwhile; it is tried again after a growing delay.
    ClusterRefused,
    /// The ConfigMap to export to belongs to someone else. Choose another name.
    ExportConflict,
    /// The cluster refuses to write the ConfigMap to export to, in the words of the message: it is immutable, or a policy denies it. What applications read there is stale or missing. Delete the ConfigMap, change the policy, or choose another name.
    ExportRefused,
    /// The ConfigMap to export to could not be written. The operator tries again.
    ExportFailed,
}

/// The documentation of all reasons.
pub fn document() -> String {
    let mut text = String::from(
        "# Reasons\n\n<!-- Generated by `speech-operator crds`; do not edit. -->\n\n\
         Every `reason` in a condition, and every reason of an event, is one of these.\n\n| Reason | Meaning, and what to do |\n| --- | --- |\n",
    );
    for reason in Reason::ALL {
        text.push_str(&format!(
            "| `{}` | {} |\n",
            reason.as_str(),
            reason.meaning().replace('|', "\\|")
        ));
    }
    text
}
