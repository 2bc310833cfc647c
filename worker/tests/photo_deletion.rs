//! The second kind of job, from the end of an analysis to the object store.

use bytes::Bytes;
use sqlx::MySqlPool;
use toneup_platform::objects::ObjectError;
use toneup_testing::{Stack, eventually};

use crate::jobs::{analyzer, finished, season};

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_is_deleted_once_its_retention_is_over_and_no_other_is(db: MySqlPool) {
    let analyzer = analyzer(&[season()]).await;
    let stack = Stack::new(db.clone()).await.with("ANALYZER_URLS", analyzer.uri());
    let stack = stack.with("PHOTO_RETENTION", "0s");
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let (photo, other) =
        (guest.upload(b"photo".to_vec()).await, guest.upload(b"other".to_vec()).await);
    let analysis = guest.submit(&photo).await;
    assert_eq!(finished(&guest, &analysis).await["status"], "succeeded");

    eventually("the deletion", async || {
        let query =
            "SELECT COUNT(*) FROM jobs WHERE kind = 'photo_deletion' AND status = 'succeeded'";
        let count: i64 = sqlx::query_scalar(query).fetch_one(&db).await.unwrap();
        (count == 1).then_some(())
    })
    .await;
    let objects = stack.objects();
    assert!(matches!(objects.get(&photo, 100).await, Err(ObjectError::Missing)));
    assert_eq!(objects.get(&other, 100).await.unwrap(), Bytes::from_static(b"other"));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_upload_that_is_too_large_is_deleted_when_it_is_submitted(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker, objects) = (stack.api().await, stack.worker(), stack.objects());
    let guest = api.guest().await;
    let key = guest.unused_key();
    objects.put(&key, "image/jpeg", vec![7; 10 * 1024 * 1024 + 1].into()).await.unwrap();
    let analysis = finished(&guest, &guest.submit(&key).await).await;
    assert_eq!(analysis["error"]["code"], "IMAGE_TOO_LARGE");
    assert!(matches!(objects.get(&key, 100).await, Err(ObjectError::Missing)));
}
