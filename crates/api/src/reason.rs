//! The closed list of condition reasons. `docs/reasons.md` is generated from this file.

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $name:ident ),+ $(,)?) => {
        /// Why a condition has its status. Every reason that the operator writes is one of these.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $( $(#[doc = $doc])+ $name ),+ }

        impl Reason {
            /// All reasons, in the order of the documentation.
            pub const ALL: &[Self] = &[$( Self::$name ),+];

            /// The word as the condition has it.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => stringify!($name) ),+ }
            }

            /// The reason with this word; none if another version of the operator wrote it.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }

            /// What it means and what to do.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc),+).trim_ascii() ),+ }
            }
        }
    };
}

reasons! {
    /// The connection works: the Speech resource answers and accepts the key or token.
    Connected,
    /// The operator has not finished its first check of the Speech resource. Wait; it continues by itself.
    Connecting,
    /// The Secret that holds the key or client secret does not exist. Create it; the operator uses it as soon as it appears.
    SecretNotFound,
    /// The Secret exists, but it lacks the named key, or the value cannot be a resource key or client secret. Correct the Secret.
    SecretKeyInvalid,
    /// The Speech service refuses the key (401): it is wrong, was regenerated, or belongs to another region. Put the current key into the Secret. With Entra ID, it refuses the token: check that the endpoint is the custom subdomain of the resource, and the roles of the identity.
    CredentialInvalid,
    /// The Speech service knows the key or token but does not allow the request (403, or 401 for a missing role). Check the network rules of the Speech resource, and whether key access is disabled. With Entra ID, give the identity the role that the message names.
    PermissionDenied,
    /// The connection asks for an identity of the operator itself (`managedIdentity`, or `workloadIdentity` without `serviceAccountRef`). The operator lends it only to connections of its own namespace and of those of `--identity-namespaces`, or it has none. Set `serviceAccountRef`, or ask whoever runs the operator.
    IdentityNotAllowed,
    /// `authorityHost` is not an authority of Azure, and `--allowed-authorities` does not name it. Nothing was sent there. Remove it, or ask whoever runs the operator.
    AuthorityNotAllowed,
    /// The ServiceAccount of `workloadIdentity` does not exist in the namespace of the connection. Create it; the operator looks again by itself.
    ServiceAccountNotFound,
    /// The cluster does not allow the operator to request tokens for the ServiceAccount of `workloadIdentity`. Bind the ClusterRole `speech-operator-tokens` to the operator's ServiceAccount in the namespace of the connection.
    TokenRequestDenied,
    /// Entra ID, or the metadata service of the node, refuses to issue a token for the identity. The message quotes it. Correct what it names: ids, client secret, federated credential, or the assignment of the managed identity.
    TokenRefused,
    /// No token can be had at present: the authority does not answer, is busy, or something else answers in its place. The operator retries. While the last token is valid, nothing is reported.
    AuthorityUnavailable,
    /// The endpoint is not a URL that may be used, or it is http and the operator was not started with `--allow-http`. Correct `spec.endpoint`.
    EndpointInvalid,
    /// The operator may not call the host of the endpoint, or the address that its name resolves to. It sent nothing. Ask whoever runs the operator to allow the host with `--allowed-hosts`.
    HostNotAllowed,
    /// The host name of the endpoint cannot be resolved. Check its spelling and the DNS of the cluster.
    HostNotFound,
    /// No TLS connection to the endpoint could be established. Check its certificate, and any proxy or gateway in between.
    TlsFailed,
    /// The endpoint does not accept connections, does not answer in time, or cannot be reached through the proxy. Check host, port, network rules and proxy. The operator retries.
    Unreachable,
    /// The endpoint answers 404, or in another way that a Speech resource does not: it is not a Speech resource, or the path is wrong. Correct `spec.endpoint`.
    NotASpeechResource,
    /// The address, key or identity of the connection was changed, and it now leads to another Speech resource: nothing is there of what the objects of the connection have. The operator creates, changes and deletes nothing there, and deletions wait. Point the connection back, or accept the other resource with the annotation `customspeech.dev/accept-resource: <host>`. The objects then start over there.
    DifferentResource,
    /// The Speech service does not know the API version, or has retired it. Set `spec.apiVersion` to another version.
    ApiVersionUnsupported,
    /// The remote entity is being deleted, but nothing proves that it is gone: something other than the Speech service answers, the answers contradict each other, or requests keep failing. The operator retries the deletion, and releases the object after `forceOrphanAfter`. Look for a gateway or proxy in front of the Speech resource that answers in its place.
    DeletionUnproven,
    /// The Speech service refuses requests because there are too many: 429, or 403 with a message about a quota or volume of calls. The operator waits as long as the service asks and continues by itself. Requests with a deadline go first.
    Throttled,
    /// The connection uses API version v3.2, whose retirement was announced for 31 March 2026. It works only as long as the Speech service answers it. Set `spec.apiVersion` to 2025-10-15. Newer versions cannot list the log files of endpoints.
    VersionRetires,
    /// Another SpeechConnection leads to the same Speech resource: it has the same address and key, or the lists of both show the same entities. Both share one request budget, the smaller of the two. Keep one connection and allow other namespaces to use it (`allowedNamespaces`), or leave both as they are.
    ResourceIsShared,
    /// The Speech service answers 5xx, or with something that cannot be read. The operator retries.
    ServiceUnavailable,
    /// The clocks of the Speech service and of the operator differ by more than 30 seconds. The later of the two counts for every expiry. Check the time synchronization of the nodes.
    ClocksDiffer,
    /// The clocks of the Speech service and of the operator differ by more than ten minutes. Swaps, trainings and deletions that depend on dates wait until the clocks agree, or until their deadline is near by the later clock. Check the time synchronization of the nodes.
    ClocksDifferWidely,
    /// The SpeechConnection does not exist. Create it; the operator uses it as soon as it appears.
    ConnectionNotFound,
    /// The SpeechConnection exists but does not work. Check its own conditions for the cause.
    ConnectionNotReady,
    /// The SpeechConnection, or the SpeechModel to copy, is in another namespace. It does not exist, or it does not allow objects of this namespace; the operator does not reveal which. Check `allowedNamespaces` of the SpeechConnection.
    NamespaceNotAllowed,
    /// A value in the spec cannot be used, although the schema accepts it. The message names the value. Correct it.
    SpecInvalid,
    /// Everything is as declared.
    Synced,
    /// The endpoint serves the declared model.
    Serving,
    /// The operator has announced the remote entity and is about to create it.
    Creating,
    /// An earlier request to create the entity may still take effect, or the operator found the entity of a previous object of this name and is not yet certain that it still exists. The operator sends nothing until that is certain. Wait.
    AwaitingCreation,
    /// The Speech service is deploying the endpoint. This usually takes up to 30 minutes.
    Deploying,
    /// The endpoint is moving to another model. Meanwhile, the old one answers.
    Swapping,
    /// The operator is changing names, logging or project of the remote entity.
    Updating,
    /// Someone changed the remote entity by hand, and the operator reverted the change.
    DriftCorrected,
    /// Someone changes the same thing again each time the operator reverts it, three times or more. Each further correction waits twice as long as the one before, up to an hour; where a date is near, no longer than after a refusal. The message names what is changed. Find out who does it: a person, a pipeline, or the operator of another cluster that was restored from the same backup (docs/clones.md). To have it corrected at once, edit the spec or request a reconcile.
    DriftRepeated,
    /// The model is being trained.
    Training,
    /// The Speech service could not train the model. The message quotes it. The operator trains again with a growing backoff.
    TrainingFailed,
    /// The model is being copied from another Speech resource.
    Copying,
    /// The Speech service could not copy the model. The message quotes it. The operator copies again with a growing backoff.
    CopyFailed,
    /// The Speech service does not allow the copy: a key is not allowed to (401, 403), `resourceId` of the source connection names another resource, or the source model cannot be copied. Correct what the message names. The operator retries with a growing backoff.
    CopyRefused,
    /// The SpeechModel copies itself, by way of others. The operator copies nothing until you give one of them another source.
    CopyCycle,
    /// The model to copy is in the same Speech resource as this object. Use `source.existing`, or another connection.
    SameResource,
    /// The SpeechConnection of the model to copy has no `spec.resourceId`. Without it, no other resource gives permission to copy. Set it.
    ResourceIdMissing,
    /// Only custom models can be copied, and the source is a base model. Use `source.base` to follow the base model of this object's own resource.
    ModelNotCopyable,
    /// The Speech service could not deploy the endpoint. The message quotes it. Choose another model, or delete the object. To try the same model again, set the annotation `customspeech.dev/clear-quarantine` to its id.
    DeploymentFailed,
    /// The Speech service refused the request, or the operator did not send it because it breaks a rule of the service. The message has the details. The operator retries after 15 minutes, then at growing intervals of up to a day, and in any case at the latest start before an expiry. To make it retry at once, change the spec or request a reconcile.
    Refused,
    /// A request failed. The operator retries it with a growing backoff.
    Retrying,
    /// The Speech resource has no room for another entity (50 endpoints on S0, 1 on F0). Delete one, or ask Azure for a larger quota.
    QuotaExceeded,
    /// The SpeechModel does not exist, or the Speech resource has no model with the given id. Correct the reference.
    ModelNotFound,
    /// The SpeechModel has no current revision yet, or the model is not finished. Wait, or check the conditions of the SpeechModel.
    ModelNotReady,
    /// The SpeechModel belongs to another SpeechConnection. An endpoint can serve only models of its own Speech resource. Choose a SpeechModel of the same connection.
    ModelOfOtherConnection,
    /// The locales of the objects differ. An endpoint can serve only models of its own locale. Choose a model of that locale.
    LocaleMismatch,
    /// The model cannot be deployed to endpoints (for example Whisper). Choose another one.
    ModelNotDeployable,
    /// The training of the model failed, so it cannot be deployed. Choose another one.
    ModelFailed,
    /// The `transcriptionDateTime` of the model has passed. Train or choose a newer one.
    ModelExpired,
    /// The declared model expires before the active one, so the operator does not swap to it. To insist, name it in `model.id`.
    ModelExpiresEarlier,
    /// No model that the spec allows can serve. The message names the nearest one and what it lacks. Provide what is missing, or allow other models.
    NoEligibleModel,
    /// The spec excludes the model, so the endpoint never chooses it. Choose another model, or remove this one from `spec.model.exclude`.
    ModelExcluded,
    /// No newer model follows the active one, which expires soon. Train or choose a newer one.
    NoSuccessor,
    /// The SpeechModel that the endpoint follows, or that is copied, is being deleted or is gone. No newer model comes from it. Follow another one, or create it again under its name once it is gone.
    ModelEnds,
    /// The maintenance windows in `swap.windows` do not open before the active model expires, or never open at all. Correct them.
    WindowNeverOpens,
    /// A newer model waits for a maintenance window to open, or for the date from which windows no longer hold it back.
    WindowClosed,
    /// A newer model waits until the annotation `customspeech.dev/approved-model` names it.
    ApprovalAwaited,
    /// The annotation `customspeech.dev/approved-model` names a model that is not the candidate. To approve the candidate, name it.
    ApprovalOfOther,
    /// A newer model waits for the day of its swap.
    SwapScheduled,
    /// A newer model waits because the connection already runs as many swaps or trainings as it allows at a time. If that takes too long, raise `maxConcurrentSwaps` or `maxConcurrentTrainings`.
    AwaitingTurn,
    /// The candidate is being evaluated against the active model.
    Evaluating,
    /// The candidate is worse than the gate allows and is in quarantine. Provide a better one. If the verdict is wrong, correct the dataset or the limits, then set the annotation `customspeech.dev/clear-quarantine`.
    GateFailed,
    /// The evaluation decides nothing, for example because it has too few words. Choose another dataset.
    GateInconclusive,
    /// The evaluation itself failed. The operator retries it with a growing backoff.
    GateError,
    /// Work of the Speech service has taken longer than any before, and the active model expires soon. Check the entity in the Speech service, or ask Azure support. If you delete the entity or name another model, the operator starts again.
    Overdue,
    /// The work takes longer here than the declared lead time: the next model would come too late. Set a larger `renewal.before` or `swap.before`.
    LeadTimeShort,
    /// A deployment failed, and the operator is moving the endpoint back to the model that served before. The failed model is in quarantine.
    RolledBack,
    /// Models were taken out of quarantine on request.
    QuarantineCleared,
    /// Someone deleted the endpoint in the Speech service, and the operator is creating it again, with another id. Update applications that use the old id.
    Recreating,
    /// What the operator created in the Speech service vanished or failed more than once in a row, or you changed the spec several times within two minutes. The operator waits before it creates the next one, longer each time; the message says until when. If something vanished, find out who deletes it. To shorten the wait, edit the spec or request a reconcile.
    RecreationDelayed,
    /// A dataset does not exist in the Speech resource. Name one that exists.
    DatasetNotFound,
    /// A dataset has not been imported, or its import failed. Wait for the import, or repeat it.
    DatasetNotReady,
    /// A dataset has a kind or locale that cannot be used for this. Choose another one.
    DatasetUnsuitable,
    /// No base model of the locale can be used.
    NoBaseModel,
    /// The base model with the given id does not exist in the Speech resource, or has another locale. Correct the id.
    BaseModelNotFound,
    /// The `adaptationDateTime` of the base model has passed, or will have passed before the next training: from then on, nothing can be trained from it. Choose a newer one or none.
    BaseModelNotTrainable,
    /// The active model is valid.
    ModelServes,
    /// The active model has expired. The newest base model answers in its place, silently. Name a valid model in `spec.model`.
    BaseModelAnswers,
    /// The Speech service has not reported when the model expires.
    ExpiryUnknown,
    /// The endpoint to adopt or observe does not exist in the Speech resource. Create the object again with the right `adopt.id`.
    EndpointNotFound,
    /// Someone else deleted the remote entity. The operator does not create another endpoint, because it would have another id. To get a new one, set `recreate: WhenDeleted`, or delete this object and apply it again, without `adopt`. The operator does create a revision of a model again where the spec still asks for it.
    RemoteDeleted,
    /// The remote entity belongs to another object or cluster. Remove one of the two declarations. If you restored or moved this object from another cluster, set the annotation `customspeech.dev/restored-from`.
    OwnedByAnother,
    /// `suspend` is true, so the operator changes nothing. To continue, set it to false.
    Suspended,
    /// The operator only watches the remote entity (`managementPolicy: Observe`).
    Observed,
    /// The operator runs with `--observe-only`: it reads the Speech service and changes nothing there. The message says what it would do. If an object is deleted, the operator releases it, and its remote entities stay. The option is meant for clones of a cluster; see docs/clones.md.
    ObserveOnly,
    /// The remote entity is being deleted.
    Deleting,
    /// An endpoint still uses the model. The operator deletes the model when no endpoint uses it.
    ModelInUse,
    /// The connection is being deleted, and SpeechModels or SpeechEndpoints still need it. It is kept as long as living objects use it, like a volume that a pod mounts, and for a while for objects that are being deleted. The objects that use it report the same reason in AtRisk. Delete them as well. What has to stay needs a connection of another name, and an object that adopts its entity.
    ConnectionInUse,
    /// The operator could not delete the remote entity for `forceOrphanAfter`, for example because the connection or its credential was gone or the Speech service could not be reached. It released the object, and the entity stays. The message names the entity: delete it in the Speech service, or adopt it.
    Orphaned,
    /// A selector names labels that cannot exist, so it matches nothing, or not what you meant. The message names the place. Correct the selector.
    SelectorInvalid,
    /// The annotation `customspeech.dev/swap-now` names a model that is not the candidate. Name the candidate, or remove the annotation.
    NotTheCandidate,
    /// An annotation says nothing that the operator can act on. The message names the annotation and what to write instead.
    AnnotationInvalid,
    /// `project` was removed, but the entity stays in its project: the Speech service takes nothing out of a project. Name that project or another one.
    ProjectKept,
    /// More entities in the Speech service would be deleted at once than `deletionGuard` of the SpeechConnection allows. The operator deletes none of them until someone confirms. The condition `DeletionsHeld` of the connection has the command. Without confirmation, the operator releases the object after `forceOrphanAfter`, and its entities stay.
    DeletionHeld,
    /// The operator let the object go, because a CustomResourceDefinition or the operator's own namespace is being deleted. No one means that as a deletion in the Speech service, so the remote entity stays, with its mark. The message names it. To take it over, apply the same object again.
    Released,
    /// The operator cannot read whether its CustomResourceDefinitions and its own namespace stay. Until it can, it deletes nothing in the Speech service. Apply `deploy/base/cluster-roles.yaml` of the operator's version.
    ClusterUnreadable,
    /// The cluster refuses what the operator has to write to the object, because of a policy, a webhook or a missing permission. The message quotes the cluster. Until it is allowed, the operator does nothing for the object, and it retries with a growing backoff. Exempt the operator from the policy, fix the webhook, or grant the permission.
    ClusterRefused,
    /// The ConfigMap to export to exists and does not belong to this object. Choose another name, or delete the ConfigMap.
    ExportConflict,
    /// The cluster refuses to write the ConfigMap to export to: it is immutable, or a policy denies it. The message quotes the cluster. What applications read there is stale or missing. Delete the ConfigMap, change the policy, or choose another name.
    ExportRefused,
    /// The operator could not write the ConfigMap to export to. It retries.
    ExportFailed,
}

/// The documentation of all reasons.
pub fn document() -> String {
    let mut text = String::from(
        "# Reasons\n\n<!-- Generated by `make crds`; do not edit. -->\n\n\
         This page is for anyone who reads a condition or an event of the operator. Every `reason` in a condition or an event\n\
         is one of these. The message of the condition or event has the details.\n\n\
         | Reason | Meaning, and what to do |\n| --- | --- |\n",
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
