//! People who post and like while everything breaks: what they were told is kept by the ledger.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rand::RngExt;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::{Crowd, REQUEST_TIMEOUT, is_final, pause};
use crate::chaos::ledger::Entry;
use crate::chaos::tally::Answer;

/// People who act at the same time, each for users of its own, so that one user's wishes have an order.
const ACTING: usize = 6;
/// Pause between two actions.
const PAUSE: Duration = Duration::from_millis(250);
/// Of so many actions one is a post, the others are likes; 120 posts an hour are allowed to a user.
const POSTING: usize = 6;
/// Percentage of posts that are sent again although the first answer arrived.
const REPEATED_PERCENT: u32 = 20;

impl Crowd {
    /// Begins to post and to like, until [`Crowd::rest`].
    pub(crate) fn act(self: &Arc<Self>) {
        for actor in 0..ACTING {
            let crowd = Arc::clone(self);
            self.watching.spawn(async move {
                let acting = crowd.resting.run_until_cancelled(crowd.act_for(actor));
                if let Some(Err(error)) = acting.await {
                    drop(crate::report::table::say(&format!("actor {actor}: {error:#}")));
                }
            });
        }
    }

    /// Ends posting and liking. What is under way may be granted or not: nobody is told.
    pub(crate) fn rest(&self) {
        self.resting.cancel();
    }

    async fn act_for(&self, actor: usize) -> anyhow::Result<()> {
        let users = self.users.len() / ACTING;
        // A wish whose answer was lost may be granted late, after a later one: about these posts a user wishes no more.
        let mut unsure = HashSet::new();
        for step in 0_usize.. {
            sleep(PAUSE).await;
            let user = actor + step / POSTING % users * ACTING;
            if step.is_multiple_of(POSTING) {
                self.post(user, actor + step * ACTING).await?;
            } else if let Some(post) = self.some_post()
                && !unsure.contains(&(user, post))
                && !self.like(user, post).await?
            {
                unsure.insert((user, post));
            }
        }
        Ok(())
    }

    fn some_post(&self) -> Option<Uuid> {
        let posts = &self.seen().posts;
        let newest = posts.len().checked_sub(1)?;
        posts.get(rand::random_range(0..=newest)).copied()
    }

    /// Posts until it is accepted or finally refused, with one key.
    async fn post(&self, user: usize, number: usize) -> anyhow::Result<()> {
        let text = format!("post {number}");
        let body = json!({
            "text": text, "pictures": [{ "objectKey": self.users[user].object_key() }]
        });
        self.ledger.write(&Entry::Posts { number, text })?;
        let again = rand::rng().random_ratio(REPEATED_PERCENT, 100);
        for _ in 0..=u32::from(again) {
            let key = format!("social-{number}");
            let answer = self.insist(user, |api| {
                let request = self.http.post(format!("{api}/v1/posts"));
                request.header("Idempotency-Key", &key).json(&body)
            });
            let (Answer { status, said, .. }, _) = answer.await;
            if !status.is_success() {
                let (status, code) = (status.as_u16(), said["code"].to_string());
                return self.ledger.write(&Entry::PostRefused { number, status, code });
            }
            let post = said["id"].as_str().context("posted without an id")?.parse()?;
            self.ledger.write(&Entry::Posted { number, post })?;
            self.seen().posts.push(post);
        }
        Ok(())
    }

    /// Likes a post, or likes it no longer, until there is an answer; returns true if it was the first request's. A post that
    /// is not shown yet cannot be liked.
    async fn like(&self, user: usize, post: Uuid) -> anyhow::Result<bool> {
        let likes = rand::random_bool(0.6);
        let method = if likes { Method::PUT } else { Method::DELETE };
        let user_id = self.users[user].id();
        self.ledger.write(&Entry::Likes { user: user_id, post, likes })?;
        let asked = self.insist(user, |api| {
            self.http.request(method.clone(), format!("{api}/v1/posts/{post}/like"))
        });
        let (Answer { status, said, .. }, failures) = asked.await;
        let liked = said["liked"].as_bool();
        let status = status.as_u16();
        self.ledger.write(&Entry::LikeAnswered { user: user_id, post, status, liked })?;
        Ok(failures == 0)
    }

    /// Asks one replica after the other until there is an answer that another try would not change; returns also the number
    /// of requests before.
    async fn insist(
        &self,
        user: usize,
        request: impl Fn(&str) -> RequestBuilder,
    ) -> (Answer, usize) {
        let mut failures = 0;
        loop {
            let api = &self.apis[(user + failures) % self.apis.len()];
            let request = request(api).bearer_auth(self.users[user].token());
            let answer = self.tally.ask(request.timeout(REQUEST_TIMEOUT)).await;
            let wait = answer.as_ref().and_then(|answer| answer.retry_after);
            match answer {
                Some(answer) if answer.status.is_success() || is_final(answer.status) => {
                    return (answer, failures);
                }
                _ => failures += 1,
            }
            sleep(wait.unwrap_or_else(|| pause(failures))).await;
        }
    }
}

/// Status of the answer about a post that does not exist for its reader.
pub(crate) const NOT_FOUND: u16 = StatusCode::NOT_FOUND.as_u16();
