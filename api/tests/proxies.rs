//! Event streams behind the proxies that Debian installs, with their defaults: nginx and haproxy.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::MySqlPool;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use toneup_testing::{Stack, eventually};

/// Longest wait for what is on its way: a proxy that holds it back does so for good.
const SOON: Duration = Duration::from_secs(5);

/// A proxy with a folder of its own; both go with it.
struct Proxy {
    _process: Child,
    folder: PathBuf,
    url: String,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The process may still write there; what is left is the system's to clean.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Starts a proxy whose configuration is made of its folder, its port, and the api's address.
fn start(
    program: &str,
    arguments: &[&str],
    configuration: impl Fn(&Path, u16, &str) -> String,
    api: &str,
) -> Proxy {
    let folder = std::env::temp_dir().join(format!("toneup-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    // Free until the proxy takes it, in all likelihood.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = folder.join("proxy.conf");
    let address = api.trim_start_matches("http://");
    std::fs::write(&file, configuration(&folder, port, address)).unwrap();
    let mut command = Command::new(program);
    let command = command.args(arguments).arg(&file).current_dir(&folder).kill_on_drop(true);
    let process = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    Proxy { _process: process, folder, url: format!("http://127.0.0.1:{port}") }
}

/// As in /etc/nginx/nginx.conf, with one `proxy_pass`.
fn nginx(folder: &Path, port: u16, api: &str) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr error;
         events {{ worker_connections 768; }}
         http {{ {temporary} access_log off; sendfile on; tcp_nopush on; gzip on;
           server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{api}; }} }} }}"
    )
}

/// As in /etc/haproxy/haproxy.cfg, with one server.
fn haproxy(_: &Path, port: u16, api: &str) -> String {
    format!(
        "defaults\n mode http\n option dontlognull\n timeout connect 5000\n timeout client 50000\n timeout server 50000\n\
         listen api\n bind 127.0.0.1:{port}\n server api {api}\n"
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn event_streams_pass_nginx_and_haproxy_as_they_are_installed(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    let proxies = [
        start("/usr/sbin/nginx", &["-c"], nginx, &api.url),
        start("/usr/sbin/haproxy", &["-db", "-f"], haproxy, &api.url),
    ];
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = guest.session["accessToken"].as_str().unwrap();
    for Proxy { url, .. } in &proxies {
        let ready = format!("{url}/healthz");
        eventually("the proxy serves", async || {
            http.get(&ready).send().await.is_ok_and(|answer| answer.status() == 200).then_some(())
        })
        .await;
        let analysis = guest.submit(&guest.unused_key()).await;
        let opening = http.get(format!("{url}/v1/events")).bearer_auth(token);
        let mut stream = timeout(SOON, opening.send()).await.expect("its head").unwrap();
        assert_eq!(stream.status(), 200);
        let told = async {
            let mut text = Vec::new();
            while let Some(part) = stream.chunk().await.unwrap() {
                text.extend_from_slice(&part);
                if String::from_utf8_lossy(&text).contains(analysis["id"].as_str().unwrap()) {
                    return;
                }
            }
            panic!("the stream ended");
        };
        timeout(SOON, told).await.expect("its event");
    }
}
