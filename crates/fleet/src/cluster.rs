//! Reads the objects of a fleet from a cluster. Nothing is ever written.
use super::{
    fleet::{Objects, connection_of},
    proxy,
};
use http::{StatusCode, Uri};
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Namespace};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use serde::de::DeserializeOwned;
use speech_api::SpeechConnection;
use speech_service::proxy::Proxy;
use std::{collections::BTreeSet, error::Error, fmt::Debug, path::PathBuf, time::Duration};

/// How many objects one answer holds.
const PAGE: u32 = 500;
/// A list that is so often cut short is not read to its end.
const ATTEMPTS: u32 = 3;
/// Who waits at a terminal gives up sooner than an operator.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which cluster, as whom: as kubectl understands it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The kubeconfig; absent means $KUBECONFIG, `~/.kube/config`, or the pod's own account.
    pub kubeconfig: Option<PathBuf>,
    /// The context; absent means the current one.
    pub context: Option<String>,
}

/// Why a fleet cannot be read, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no kubeconfig that can be used, and this is no pod.
    #[error("no cluster: {0}; set KUBECONFIG or pass --kubeconfig FILE")]
    NoCluster(Box<KubeconfigError>),
    /// The kubeconfig, or the context in it, cannot be used.
    #[error("the kubeconfig cannot be used: {0}; `kubectl config get-contexts` shows what it holds")]
    Kubeconfig(Box<KubeconfigError>),
    /// The kubeconfig has no such context.
    #[error("the kubeconfig has no context {0:?}; `kubectl config get-contexts` shows those that it has")]
    NoContext(String),
    /// No client can be made from the kubeconfig.
    #[error("no client for the cluster at {cluster}: {}", cause(error))]
    Client {
        /// Its URL.
        cluster: Uri,
        /// Why.
        error: Box<kube::Error>,
    },
    /// The cluster does not answer.
    #[error(
        "the cluster at {cluster} does not answer{}: {}; `kubectl cluster-info` shows whether it can be reached",
        by(proxy.as_ref()),
        cause(error)
    )]
    Unreachable {
        /// Its URL.
        cluster: Uri,
        /// The proxy on the way.
        proxy: Option<Proxy>,
        /// Why.
        error: Box<kube::Error>,
    },
    /// The kinds are not installed.
    #[error("the cluster at {cluster} has no {plural}.customspeech.dev: install them with `kubectl apply -k crds`")]
    NotInstalled {
        /// Its URL.
        cluster: Uri,
        /// The kind, in the plural.
        plural: String,
    },
    /// Who asks is not known to the cluster.
    #[error("the cluster at {cluster} does not know who asks: {message}; log in anew")]
    Unauthorized {
        /// Its URL.
        cluster: Uri,
        /// The cluster's words.
        message: String,
    },
    /// Who asks may not list.
    #[error(
        "{message}; bind the ClusterRole `view` to this user in the namespaces that are asked for{}",
        if *everywhere { ", or name one namespace with -n" } else { "" }
    )]
    Forbidden {
        /// The cluster's words.
        message: String,
        /// Whether all namespaces were asked for.
        everywhere: bool,
    },
    /// Anything else.
    #[error("{plural}.customspeech.dev cannot be listed: {}", cause(error))]
    Refused {
        /// The kind, in the plural.
        plural: String,
        /// Why.
        error: Box<kube::Error>,
    },
}

fn by(proxy: Option<&Proxy>) -> String {
    proxy.map(|proxy| format!(" by {proxy}")).unwrap_or_default()
}

/// What went wrong in few words: what the apiserver says, or the last cause of all, which the others only wrap.
pub fn cause(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut last: &dyn Error = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}

/// A cluster to read from.
pub struct Cluster {
    client: Client,
    url: Uri,
    proxy: Option<Proxy>,
    /// The namespace of the context.
    pub default_namespace: String,
}

impl Cluster {
    /// Finds the cluster; sends nothing yet.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NoCluster`], [`ClusterError::Kubeconfig`] and [`ClusterError::Client`].
    pub async fn find(access: &Access) -> Result<Self, ClusterError> {
        let unusable = |error| match (error, &access.context) {
            (KubeconfigError::LoadContext(_), Some(context)) => ClusterError::NoContext(context.clone()),
            (error, _) => ClusterError::Kubeconfig(Box::new(error)),
        };
        let options = KubeConfigOptions {
            context: access.context.clone(),
            ..KubeConfigOptions::default()
        };
        let mut config = match &access.kubeconfig {
            Some(file) => {
                let read = Kubeconfig::read_from(file).map_err(unusable)?;
                Config::from_custom_kubeconfig(read, &options).await.map_err(unusable)?
            }
            None if options.context.is_some() => Config::from_kubeconfig(&options).await.map_err(unusable)?,
            None => match Config::from_kubeconfig(&options).await {
                Ok(config) => config,
                Err(error) => Config::incluster().map_err(|_| ClusterError::NoCluster(Box::new(error)))?,
            },
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let proxy = proxy::settle(&mut config);
        let (url, default_namespace) = (config.cluster_url.clone(), config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| ClusterError::Client {
            cluster: url.clone(),
            error: Box::new(error),
        })?;
        Ok(Self {
            client,
            url,
            proxy,
            default_namespace,
        })
    }

    /// What speaks with it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The objects of a namespace, or of all.
    ///
    /// # Errors
    ///
    /// All but those of [`Cluster::find`].
    pub async fn objects(&self, namespace: Option<&str>) -> Result<Objects, ClusterError> {
        self.labelled_objects(namespace, None).await
    }

    /// The connections of a namespace, or of all, with these labels.
    ///
    /// # Errors
    ///
    /// As [`Cluster::objects`].
    pub async fn connections(
        &self,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<SpeechConnection>, ClusterError> {
        self.list(namespace, labels).await
    }

    /// The names of all namespaces; none where they may not be listed.
    pub async fn namespaces(&self) -> Option<Vec<String>> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let found = api.list_metadata(&ListParams::default()).await.ok()?;
        Some(found.items.iter().map(ResourceExt::name_any).collect())
    }

    /// The same, of models and endpoints only those with these labels.
    ///
    /// # Errors
    ///
    /// As [`Cluster::objects`].
    pub async fn labelled_objects(
        &self,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Objects, ClusterError> {
        let mut objects = Objects {
            connections: self.list(namespace, None).await?,
            models: self.list(namespace, labels).await?,
            endpoints: self.list(namespace, labels).await?,
        };
        if let Some(home) = namespace {
            for elsewhere in other_homes(&objects, home) {
                // Whether a connection of another team works is told to those who may see it.
                match self.list(Some(&elsewhere), None).await {
                    Ok(connections) => objects.connections.extend(connections),
                    Err(ClusterError::Forbidden { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(objects)
    }

    /// All objects of a kind, in pages that show one state of the cluster.
    async fn list<K>(&self, namespace: Option<&str>, labels: Option<&str>) -> Result<Vec<K>, ClusterError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    {
        let api: Api<K> = match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let mut attempt = 1;
        let mut objects = Vec::new();
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector = labels.map(str::to_owned);
        loop {
            match api.list(&params).await {
                Ok(page) => {
                    let more = page.metadata.continue_.filter(|token| !token.is_empty());
                    objects.extend(page.items);
                    let Some(token) = more else { return Ok(objects) };
                    params.continue_token = Some(token);
                }
                // The state that the pages show has been forgotten: from the beginning.
                Err(kube::Error::Api(status)) if status.code == StatusCode::GONE && attempt < ATTEMPTS => {
                    attempt += 1;
                    objects.clear();
                    params.continue_token = None;
                }
                Err(error) => return Err(self.explain::<K>(error, namespace.is_none())),
            }
        }
    }

    fn explain<K: Resource<DynamicType = ()>>(&self, error: kube::Error, everywhere: bool) -> ClusterError {
        let cluster = self.url.clone();
        let plural = K::plural(&()).into_owned();
        if matches!(error, kube::Error::Service(_) | kube::Error::HyperError(_)) {
            let error = Box::new(error);
            let proxy = self.proxy.clone();
            return ClusterError::Unreachable { cluster, proxy, error };
        }
        let answer = if let kube::Error::Api(status) = &error {
            StatusCode::from_u16(status.code).ok().zip(Some(status.message.clone()))
        } else {
            None
        };
        match answer {
            Some((StatusCode::NOT_FOUND, _)) => ClusterError::NotInstalled { cluster, plural },
            Some((StatusCode::UNAUTHORIZED, message)) => ClusterError::Unauthorized { cluster, message },
            Some((StatusCode::FORBIDDEN, message)) => ClusterError::Forbidden { message, everywhere },
            Some(_) | None => ClusterError::Refused {
                plural,
                error: Box::new(error),
            },
        }
    }
}

/// The other namespaces in which connections of these objects are.
fn other_homes(objects: &Objects, home: &str) -> BTreeSet<String> {
    let models = objects.models.iter().map(connection_of);
    let paths = models.chain(objects.endpoints.iter().map(connection_of));
    let homes = paths.filter_map(|path| Some(path.split_once('/')?.0.to_owned()));
    homes.filter(|other| other != home).collect()
}
