//! A folder of its own for each test: files go in, clusters come out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use link::{Options, Outcome, run};

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    pub(crate) fn options(&self, inputs: &[PathBuf]) -> Options {
        Options { inputs: inputs.to_vec(), output: self.path("clusters.csv"), seed: 1, ..Options::default() }
    }

    pub(crate) fn link(&self, options: &Options) -> Outcome {
        run(options, |_| {}).expect("linked")
    }

    /// The clusters of an output, each as its record ids.
    pub(crate) fn clusters(&self) -> BTreeSet<BTreeSet<String>> {
        clusters(&self.path("clusters.csv"))
    }

    pub(crate) fn together(&self, a: &str, b: &str) -> bool {
        self.clusters().iter().any(|cluster| cluster.contains(a) && cluster.contains(b))
    }
}

fn clusters(path: &Path) -> BTreeSet<BTreeSet<String>> {
    let text = std::fs::read_to_string(path).expect("clusters");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (record, cluster) = line.split_once(',').expect("two fields");
        found.entry(cluster.to_owned()).or_default().insert(record.to_owned());
    }
    found.into_values().collect()
}
