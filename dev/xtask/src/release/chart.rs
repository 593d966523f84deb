//! The chart as a package, as `helm package` makes it but for the times in it.
use super::ReleaseError;
use crate::image::{self, File, ImageError};
use std::{fs, path::Path};

const CHART: &str = "deploy/chart";
/// The folder in a package has the chart's name.
const NAME: &str = "speech-operator";

/// The package of a version. Chart.yaml must have that version already, so that a clone and a package install the same.
pub fn package(root: &Path, version: &str, time: u64) -> Result<Vec<u8>, ReleaseError> {
    let chart = root.join(CHART);
    let ignored = Ignored::read(&chart)?;
    let mut files = Vec::new();
    collect(&chart, "", &ignored, &mut files)?;
    let definition = files.iter().find(|(path, _)| path == "Chart.yaml");
    let definition = definition.map(|(_, content)| String::from_utf8_lossy(content).into_owned());
    for expected in [format!("version: {version}"), format!("appVersion: v{version}")] {
        let says = |text: &String| text.lines().any(|line| line == expected);
        if !definition.as_ref().is_some_and(says) {
            let file = "deploy/chart/Chart.yaml";
            return Err(ReleaseError::Unexpected { file, expected });
        }
    }
    let files: Vec<_> = files
        .into_iter()
        .map(|(path, content)| (format!("{NAME}/{path}"), content))
        .collect();
    let files = files.iter().map(|(path, content)| File {
        path,
        mode: 0o644,
        content,
    });
    let archive = image::tar(files.collect(), time).and_then(|archive| image::gzip(&archive));
    archive.map_err(ReleaseError::Pack)
}

/// What .helmignore names: of its patterns, those that this chart uses.
struct Ignored(Vec<String>);

impl Ignored {
    fn read(chart: &Path) -> Result<Self, ReleaseError> {
        let path = chart.join(".helmignore");
        let text = fs::read_to_string(&path).map_err(ImageError::at(&path))?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Self(lines.map(str::to_owned).collect()))
    }

    /// A folder ends in a slash.
    fn has(&self, path: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(end) => path.ends_with(end),
            None => path == pattern,
        })
    }
}

fn collect(
    folder: &Path,
    within: &str,
    ignored: &Ignored,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), ReleaseError> {
    for entry in fs::read_dir(folder).map_err(ImageError::at(folder))? {
        let path = entry.map_err(ImageError::at(folder))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = format!("{within}{}", name.unwrap_or_default());
        let below = format!("{name}/");
        if path.is_dir() && !ignored.has(&below) {
            collect(&path, &below, ignored, files)?;
        } else if path.is_file() && !ignored.has(&name) {
            files.push((name, fs::read(&path).map_err(ImageError::at(&path))?));
        }
    }
    Ok(())
}
