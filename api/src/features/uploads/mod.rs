//! Presigned uploads: the photo goes from the client straight to S3.

pub mod routes;
pub mod seal;
