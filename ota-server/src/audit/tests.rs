use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::db::{Database, Limits};

fn at() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

async fn log(folder: &std::path::Path) -> Database {
    let database = Database::open(folder, Limits::default(), at()).await.unwrap();
    for number in 1..=5 {
        let mut change = database.begin().await.unwrap();
        let act =
            Act { actor: "operator", action: "rollout.pause", subject: "r-1", detail: json!({"n": number}) };
        append(&mut change, act, at()).await.unwrap();
        change.commit().await.unwrap();
    }
    database
}

async fn tampered(sql: &'static str) -> Result<Head, Broken> {
    let folder = tempfile::tempdir().unwrap();
    let database = log(folder.path()).await;
    sqlx::query(sql).execute(database.pool()).await.unwrap();
    verify(database.pool(), None).await.unwrap()
}

#[tokio::test]
async fn an_untouched_log_verifies_and_names_its_head() {
    let folder = tempfile::tempdir().unwrap();
    let database = log(folder.path()).await;
    let head = verify(database.pool(), None).await.unwrap().unwrap();
    assert_eq!(head.seq, 5);
    assert_eq!(verify(database.pool(), Some(&head)).await.unwrap().unwrap(), head);
}

#[tokio::test]
async fn a_changed_field_is_named() {
    assert_eq!(tampered("UPDATE audit SET actor = 'nobody' WHERE seq = 3").await.unwrap_err().seq, 3);
    assert_eq!(tampered("UPDATE audit SET detail = '{}' WHERE seq = 1").await.unwrap_err().seq, 1);
    assert_eq!(
        tampered("UPDATE audit SET time = '2020-01-01T00:00:00Z' WHERE seq = 5").await.unwrap_err().seq,
        5
    );
}

#[tokio::test]
async fn an_entry_taken_out_is_named() {
    assert_eq!(tampered("DELETE FROM audit WHERE seq = 2").await.unwrap_err().seq, 2);
    assert_eq!(tampered("DELETE FROM audit WHERE seq = 1").await.unwrap_err().seq, 1);
}

#[tokio::test]
async fn entries_in_another_order_are_named() {
    let swap = "UPDATE audit SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3)";
    let folder = tempfile::tempdir().unwrap();
    let database = log(folder.path()).await;
    sqlx::query(swap).execute(database.pool()).await.unwrap();
    sqlx::query("UPDATE audit SET seq = -seq WHERE seq < 0").execute(database.pool()).await.unwrap();
    assert_eq!(verify(database.pool(), None).await.unwrap().unwrap_err().seq, 2);
}

#[tokio::test]
async fn an_entry_made_anew_with_its_own_hash_breaks_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let database = log(folder.path()).await;
    let mut forged = read(database.pool(), 2, 1).await.unwrap().remove(0);
    forged.actor = "nobody".to_owned();
    sqlx::query("UPDATE audit SET actor = $1, hash = $2 WHERE seq = 3")
        .bind(&forged.actor)
        .bind(forged.digest())
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(verify(database.pool(), None).await.unwrap().unwrap_err().seq, 4);
}

#[tokio::test]
async fn a_cut_end_is_found_with_a_head_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let database = log(folder.path()).await;
    let kept = verify(database.pool(), None).await.unwrap().unwrap();
    sqlx::query("DELETE FROM audit WHERE seq > 3").execute(database.pool()).await.unwrap();
    assert!(verify(database.pool(), None).await.unwrap().is_ok(), "a chain alone cannot show it");
    assert_eq!(verify(database.pool(), Some(&kept)).await.unwrap().unwrap_err().seq, 5);
}
