//! `catalogue`: import, generation, and a load of embeddings that is killed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::operator::with_database;
use crate::support::toneup;

/// A directory that is deleted on drop.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(Uuid::new_v4().to_string());
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Starts a load of what is written to its standard input.
fn start_load(directory: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_toneup"))
        .args(["catalogue", "load-embeddings", "-", "--json", "--checkpoint", "5"])
        .args(["--directory", directory])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn load(directory: &str, text: &[u8]) -> Value {
    let mut child = start_load(directory);
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until the load has stored as many records.
fn wait_for_checkpoint(directory: &str, records: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let text = fs::read(format!("{directory}/loading/checkpoint.json")).unwrap_or_default();
        let stored = serde_json::from_slice::<Value>(&text).unwrap_or_default()["records"].as_u64();
        if stored.is_some_and(|stored| stored >= records) {
            return;
        }
        assert!(Instant::now() < deadline, "no checkpoint of {records} records");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn result(directory: &str) -> Vec<Vec<u8>> {
    let name = fs::read_to_string(format!("{directory}/CURRENT")).unwrap();
    let read = |file| fs::read(format!("{directory}/{}/{file}", name.trim_end())).unwrap();
    ["ids", "codes", "exact"].map(read).to_vec()
}

#[test]
fn a_load_that_is_killed_at_several_points_ends_with_the_same_bytes() {
    let whole = TempDir::new();
    let file = whole.file("embeddings.json");
    let generated =
        toneup(&["catalogue", "generate", "--embeddings", "--products", "250", "--to", &file], &[]);
    assert_eq!(generated.code, 0, "{generated:?}");
    let text = fs::read(&file).unwrap();
    let expected = load(&whole.file("all"), &text);
    assert_eq!((&expected["records"], &expected["resumed"]), (&json!(250), &json!(0)));

    let killed = TempDir::new();
    let directory = killed.file("all");
    let mut resumed = 0;
    for percent in [30, 55, 80, 97] {
        let mut child = start_load(&directory);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&text[..text.len() * percent / 100]).unwrap();
        // Blocks and chunks of a few megabytes are on the way still.
        wait_for_checkpoint(&directory, (250 * percent as u64 / 100).saturating_sub(60));
        child.kill().unwrap();
        child.wait().unwrap();
        resumed = percent;
    }
    assert_eq!(resumed, 97);
    let loaded = load(&directory, &text);
    assert_eq!(loaded["records"], 250);
    assert!(loaded["resumed"].as_u64().unwrap() > 150, "{loaded}");
    assert!(result(&directory) == result(&whole.file("all")), "the bytes differ");
}

#[test]
fn a_load_needs_a_directory_and_a_whole_file() {
    let directory = TempDir::new();
    let file = directory.file("embeddings.json");
    fs::write(&file, "[{\"product_id\": 1, \"embedding\": []}, {}]").unwrap();
    let without = toneup(&["catalogue", "load-embeddings", &file], &[]);
    assert_eq!(without.code, 1);
    assert!(without.stderr.contains("EMBEDDINGS_DIR: must be set"), "{without:?}");
    let vars = [("EMBEDDINGS_DIR", directory.0.to_str().unwrap())];
    let refused = toneup(&["catalogue", "load-embeddings", &file], &vars);
    assert!(refused.stderr.contains("record at byte 1: invalid length 0"), "{refused:?}");
    let empty = toneup(&["catalogue", "load-embeddings", &file, "--on-error", "skip"], &vars);
    assert!(empty.stderr.contains("left out the record at byte 37: missing field"), "{empty:?}");
    assert!(empty.stderr.contains("the file has no embedding"), "{empty:?}");
    assert_eq!((refused.code, empty.code), (1, 1));
}

#[tokio::test]
async fn generated_products_are_imported_and_what_is_refused_is_reported() {
    with_database(async |url| {
        let vars = [("DATABASE_URL", url.as_str())];
        let directory = TempDir::new();
        let (file, refused) = (directory.file("products.jsonl"), directory.file("refused.jsonl"));
        let generated = toneup(
            &["catalogue", "generate", "--products", "30", "--seed", "9", "--to", &file],
            &[],
        );
        assert_eq!(generated.code, 0, "{generated:?}");
        let early = toneup(&["catalogue", "import", &file], &vars);
        assert!(early.stderr.contains("run `toneup migrate`"), "{early:?}");
        assert_eq!(toneup(&["migrate"], &vars).code, 0);
        let imported = toneup(&["catalogue", "import", &file], &vars);
        assert_eq!(imported.code, 0, "{imported:?}");
        assert_eq!(imported.stdout, "30 rows: 30 imported, 0 unchanged, 0 refused\n");

        let mut csv = "id,brand,name,price,type,sex,url\n".to_owned();
        csv.push_str(
            "31,무드온,셔츠,19000,셔츠,MALE,https://a.example/31\n32,,셔츠,1,셔츠,MALE,x\n",
        );
        let file = directory.file("more.csv");
        fs::write(&file, csv).unwrap();
        let args = ["catalogue", "import", &file, "--refused", &refused];
        let second = toneup(&args, &vars);
        assert_eq!(second.code, 1, "{second:?}");
        let fault = "line 3, column 2: brand: expected 1 to 100 characters, found 0";
        assert_eq!(second.stdout, format!("2 rows: 1 imported, 0 unchanged, 1 refused\n{fault}\n"));
        let line: Value = serde_json::from_str(&fs::read_to_string(&refused).unwrap()).unwrap();
        assert_eq!((&line["line"], &line["field"]), (&json!(3), &json!("brand")));
    })
    .await;
}
