//! The files that the pages need when there is no network: which ones, and their version.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rust_embed::RustEmbed;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Client, Files};

/// The files of this release.
#[derive(Debug)]
pub(super) struct Shell {
    /// Another one as soon as one of the files is.
    pub(super) version: String,
    /// The beginning of the service worker: the version and the files' paths as `self.SHELL`.
    pub(super) script: String,
}

/// The files of this release, listed once.
pub(super) fn of_this_release() -> &'static Shell {
    static SHELL: LazyLock<Shell> = LazyLock::new(|| {
        let assets = Files::iter().filter(|name| is_kept(name));
        let assets = assets.map(|name| (format!("/assets/{name}"), hash::<Files>(&name)));
        let client = Client::iter().map(|name| (format!("/client/{name}"), hash::<Client>(&name)));
        let pages = [("/", "index.html"), ("/app", "app.html")];
        let pages = pages.map(|(path, name)| (path.to_owned(), hash::<Files>(name)));
        let mut files: Vec<_> = assets.chain(client).chain(pages).collect();
        files.sort_unstable();
        list(&files, &hash::<Files>("service-worker.js"))
    });
    &SHELL
}

/// The operators' page is of no use without a network; pages are kept by their own paths.
fn is_kept(name: &str) -> bool {
    !name.starts_with("admin")
        && name != "service-worker.js"
        && Path::new(name).extension() != Some(OsStr::new("html"))
}

fn hash<F: RustEmbed>(name: &str) -> [u8; 32] {
    F::get(name).map(|file| file.metadata.sha256_hash()).unwrap_or_default()
}

fn list(files: &[(String, [u8; 32])], worker: &[u8; 32]) -> Shell {
    let mut digest = Sha256::new_with_prefix(worker);
    for (path, hash) in files {
        digest.update(path);
        digest.update(hash);
    }
    let version = BASE64_URL_SAFE_NO_PAD.encode(digest.finalize());
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let script = format!("self.SHELL = {};\n", json!({ "version": version, "files": paths }));
    Shell { version, script }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_another_when_a_file_or_the_worker_is() {
        let files = [("/app".to_owned(), [1; 32])];
        let version = |files: &[(String, [u8; 32])], worker| list(files, &[worker; 32]).version;
        assert_eq!(version(&files, 7), version(&files, 7));
        assert_ne!(version(&files, 7), version(&files, 8));
        assert_ne!(version(&files, 7), version(&[("/app".to_owned(), [2; 32])], 7));
        assert_ne!(version(&files, 7), version(&[("/".to_owned(), [1; 32])], 7));
    }

    #[test]
    fn what_the_pages_need_is_kept_and_nothing_of_the_operators() {
        let script = &of_this_release().script;
        let words = ["/assets/words/en.ftl", "/assets/words/ko.ftl"];
        let files = ["/", "/app", "/assets/app/main.js", "/assets/style.css", "/client/api.js"];
        for path in files.iter().chain(&words) {
            assert!(script.contains(&format!("\"{path}\"")), "{path}: {script}");
        }
        assert!(!script.contains("admin") && !script.contains("service-worker"), "{script}");
    }
}
