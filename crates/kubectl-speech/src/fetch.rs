//! `kubectl speech fetch`: the files of a model; and how a file of the Speech service is fetched.
use super::{
    KubectlError, Outcome,
    args::ClusterArgs,
    fleet::{Fleet, Kind, Object},
    options::FetchArgs,
    print,
    progress::Progress,
    remote,
    selection::one_name,
};
use secrecy::{ExposeSecret, SecretString};
use speech_fleet::fleet::connection;
use speech_service::{Lane, ModelId};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// Who is silent for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Fetches the files of the model that serves, or is current.
pub async fn run(cluster: &ClusterArgs, args: &FetchArgs) -> Result<Outcome, KubectlError> {
    let fleet = Fleet::read(cluster, false, None).await?;
    let object = fleet.find(&one_name(&args.names)?, &Kind::WITH_MODEL)?;
    let (reference, model) = match &object {
        Object::Endpoint(endpoint) => {
            let active = endpoint.status.as_ref().and_then(|status| status.active.as_ref());
            let model = active.map(|active| match active.base {
                true => ModelId::Base(active.model),
                false => ModelId::Custom(active.model),
            });
            (&endpoint.spec.connection_ref, model)
        }
        Object::Model(model) => {
            let current = model.status.as_ref().and_then(|status| status.current.as_ref());
            let id = current.and_then(|current| ModelId::from_self_uri(&current.self_uri).ok());
            (&model.spec.connection_ref, id)
        }
        Object::Connection(_) => return Err(KubectlError::Name(format!("{object} has no model"))),
    };
    let model = model.ok_or_else(|| KubectlError::NotNow(format!("{object} has no model yet")))?;
    let path = connection(reference, &object.namespace());
    let (namespace, name) = path.split_once('/').unwrap_or_default();
    let home = fleet.connection_at(namespace, name)?;
    let client = remote::connect(&fleet, home, &args.remote, None).await?;
    let manifest = client.get_model_manifest(Lane::UserChange, model).await;
    let manifest = manifest.map_err(remote::failed(&client))?.value;
    let files = manifest.files.len();
    for (number, file) in manifest.files.iter().enumerate() {
        let Some(url) = &file.content_url else {
            return Err(lost(&file.name, "the service names no place of it"));
        };
        let target = place(&args.directory, &file.name)?;
        let title = format!("{}/{files} {}", number + 1, file.name);
        fetch(url, &file.name, &target, &title, args.remote.allow_http).await?;
    }
    print::text(&format!(
        "{files} files of model {model} in {}\n",
        args.directory.display()
    ))?;
    Ok(Outcome::Well)
}

fn lost(file: &str, why: &str) -> KubectlError {
    KubectlError::Fetch {
        file: file.to_owned(),
        why: why.to_owned(),
    }
}

/// Where a file is written; its name comes from the service and may not lead elsewhere.
pub fn place(folder: &Path, name: &str) -> Result<PathBuf, KubectlError> {
    let plain = Path::new(name).file_name().and_then(|plain| plain.to_str());
    let is_plain = |plain: &&str| *plain == name && !name.contains(['\\', ':']) && !name.contains(char::is_control);
    let plain = plain
        .filter(is_plain)
        .ok_or_else(|| lost(name, "its name is no name of a file"))?;
    Ok(folder.join(plain))
}

/// Fetches one file with a bar. The URL carries a signature, so it is never told; the key of the connection is not sent.
pub async fn fetch(
    url: &SecretString,
    name: &str,
    target: &Path,
    title: &str,
    allow_http: bool,
) -> Result<u64, KubectlError> {
    let failed = |error: reqwest::Error| lost(name, &speech_service::error::chain(&error.without_url()));
    let client = reqwest::Client::builder()
        .https_only(!allow_http)
        .redirect(reqwest::redirect::Policy::none())
        .read_timeout(SILENCE)
        .build()
        .map_err(failed)?;
    let answer = client.get(url.expose_secret()).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(lost(name, &format!("the storage answers {}", answer.status())));
    }
    let whole = answer.content_length();
    let unwritten = |source| KubectlError::File {
        path: target.to_owned(),
        source,
    };
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(unwritten)?;
    }
    // Under another name until it is whole.
    let part = target.with_extension("part");
    let mut file = File::create(&part).map_err(unwritten)?;
    let (mut answer, mut done, mut progress) = (answer, 0_u64, Progress::new());
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        file.write_all(&chunk).map_err(unwritten)?;
        done += chunk.len() as u64;
        let share = whole.filter(|whole| *whole > 0).map(|whole| done as f64 / whole as f64);
        progress.show(share, title);
    }
    progress.end();
    file.sync_all().map_err(unwritten)?;
    fs::rename(&part, target).map_err(unwritten)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_leads_nowhere_else() {
        let folder = Path::new("/tmp/logs");
        assert_eq!(place(folder, "a.wav").unwrap(), Path::new("/tmp/logs/a.wav"));
        for name in ["", "..", "../a", "/etc/passwd", "a/b", "c:\\x", "a\nb", "a\\b", "a/"] {
            assert!(place(folder, name).is_err(), "{name:?}");
        }
    }
}
