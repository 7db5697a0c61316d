//! While nothing fails, the model does what the real disk does.

use proptest::prelude::*;

use super::super::super::RealDisk;
use super::*;

/// Files, folders, names below files, below missing folders, and a way out.
const PATHS: [&str; 11] = ["", "a", "b", "d", "d/x", "d/e", "d/e/y", "a/z", "a/z/w", "../out", "d//x"];

#[derive(Debug, Clone)]
enum Call {
    Create(&'static str),
    Write(&'static str, Vec<u8>),
    Sync(&'static str),
    SyncFolder(&'static str),
    Rename(&'static str, &'static str),
    Remove(&'static str),
    Replace(&'static str, Vec<u8>),
}

fn path() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(PATHS.to_vec())
}

fn call() -> impl Strategy<Value = Call> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        path().prop_map(Call::Create),
        (path(), bytes()).prop_map(|(path, bytes)| Call::Write(path, bytes)),
        path().prop_map(Call::Sync),
        path().prop_map(Call::SyncFolder),
        (path(), path()).prop_map(|(from, to)| Call::Rename(from, to)),
        path().prop_map(Call::Remove),
        (path(), bytes()).prop_map(|(path, bytes)| Call::Replace(path, bytes)),
    ]
}

fn make(disk: &dyn Disk, call: &Call) -> Result<(), io::ErrorKind> {
    let made = match call {
        Call::Create(path) => disk.create_folder(path),
        Call::Write(path, bytes) => disk.write(path, bytes),
        Call::Sync(path) => disk.sync(path),
        Call::SyncFolder(path) => disk.sync_folder(path),
        Call::Rename(from, to) => disk.rename(from, to),
        Call::Remove(path) => disk.remove(path),
        Call::Replace(path, bytes) => replace(disk, path, bytes),
    };
    made.map_err(|error| error.kind())
}

type Seen = (
    bool,
    Result<Vec<u8>, io::ErrorKind>,
    Result<Vec<String>, io::ErrorKind>,
    Result<Sha256Hex, io::ErrorKind>,
    Result<u64, io::ErrorKind>,
);

fn look(disk: &dyn Disk, path: &str) -> Seen {
    (
        disk.exists(path),
        disk.read(path).map_err(|error| error.kind()),
        disk.list(path).map_err(|error| error.kind()),
        disk.digest(path).map_err(|error| error.kind()),
        disk.length(path).map_err(|error| error.kind()),
    )
}

proptest! {
    // Every case syncs a real disk many times.
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_model_and_the_real_disk_agree(calls in proptest::collection::vec(call(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let real = RealDisk::new(folder.path().join("update"));
        let model = PageCacheDisk::new();
        real.create_folder("").unwrap();
        for call in &calls {
            prop_assert_eq!(make(&real, call), make(&model, call), "{:?}", call);
        }
        for path in PATHS.iter().chain(&["a.new", "d/x.new"]) {
            prop_assert_eq!(look(&real, path), look(&model, path), "{}", path);
        }
    }
}
