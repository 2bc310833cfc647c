//! The web pages, each in the person's language, and the API's documentation: embedded files, served with a strict content
//! security policy.

mod pages;
mod shell;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::set_header::SetResponseHeaderLayer;
use url::Url;

use self::pages::{Page, Rendered};
use crate::http::conditional::Known;
use crate::http::language::Language;
use crate::http::problem::ApiError;

/// The page needs nothing from elsewhere but S3, to which it uploads.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; connect-src 'self'";
/// Swagger UI styles its elements inline and carries its icons as data.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page asks for none of these; a script that got into it could not either.
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()";

#[derive(RustEmbed)]
#[folder = "src/features/web/static/"]
struct Files;

/// The client that the page uses, and others may.
#[derive(RustEmbed)]
#[folder = "../clients/js/src/"]
struct Client;

/// The page of the analysis at `/`, the product's page at `/app`, their service worker, the operators' page at `/admin`, their
/// files under `/assets/`, and the client under `/client/`. `uploads` is where the pages upload photos to.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(uploads: &Url) -> Router<S> {
    let routes = Router::new()
        .route("/", get(async |language, headers: HeaderMap| page(&pages::ANALYSIS, language, &headers)))
        .route("/app", get(async |language, headers: HeaderMap| page(&pages::APP, language, &headers)))
        .route("/admin", get(async |headers: HeaderMap| file(Files::get("admin.html"), &headers)))
        // Not under /assets/: a worker's scope is the folder it is served from.
        .route("/service-worker.js", get(async |headers: HeaderMap| worker(&headers)))
        .route("/assets/{*path}", get(asset))
        .route("/client/{*path}", get(serve::<Client>));
    secured(routes, &page_policy(uploads))
}

/// Secures the router that serves the documentation.
pub(crate) fn docs<S: Clone + Send + Sync + 'static>(docs: Router<S>) -> Router<S> {
    secured(docs, DOCS_POLICY)
}

fn page_policy(uploads: &Url) -> String {
    format!("{PAGE_POLICY} {}", uploads.origin().ascii_serialization())
}

fn secured<S: Clone + Send + Sync + 'static>(router: Router<S>, policy: &str) -> Router<S> {
    let set = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value).ok();
        SetResponseHeaderLayer::overriding(name, move |_: &Response| value.clone())
    };
    let permissions = HeaderName::from_static("permissions-policy");
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    router
        .layer(set(permissions, PERMISSIONS))
        .layer(set(opener, "same-origin"))
        .layer(set(header::CONTENT_SECURITY_POLICY, policy))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
}

/// A page in the person's language.
fn page(page: &Page, language: Language, headers: &HeaderMap) -> Response {
    let Rendered { html, version } = page.told(language);
    let mut response = revalidated(version, "text/html; charset=utf-8", headers, || html.clone());
    let told = response.headers_mut();
    told.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    told.append(header::VARY, HeaderValue::from_static("Accept-Language"));
    response
}

/// A file of the pages, which have addresses of their own.
async fn asset(path: Path<String>, headers: HeaderMap) -> Response {
    if path.ends_with(".html") {
        return ApiError::NotFound.into_response();
    }
    serve::<Files>(path, headers).await
}

async fn serve<F: RustEmbed>(Path(path): Path<String>, headers: HeaderMap) -> Response {
    file(F::get(&path), &headers)
}

/// An embedded file, revalidated at every use by its hash: a new release shows at once, an unchanged file is not sent.
fn file(file: Option<EmbeddedFile>, headers: &HeaderMap) -> Response {
    let Some(EmbeddedFile { data, metadata }) = file else {
        return ApiError::NotFound.into_response();
    };
    let version = BASE64_URL_SAFE_NO_PAD.encode(metadata.sha256_hash());
    let content_type = match metadata.mimetype() {
        kind if kind.starts_with("text/") => format!("{kind}; charset=utf-8"),
        kind => kind.to_owned(),
    };
    revalidated(&version, &content_type, headers, || data.into_owned().into())
}

/// The service worker, which begins with the list of the pages' files: it is another one with each release.
fn worker(headers: &HeaderMap) -> Response {
    let shell = shell::of_this_release();
    let Some(script) = Files::get("service-worker.js") else {
        return ApiError::NotFound.into_response();
    };
    revalidated(&shell.version, "text/javascript; charset=utf-8", headers, || {
        [shell.script.as_bytes(), &script.data].concat().into()
    })
}

/// The contents, unless the client has this version.
fn revalidated(
    version: &str,
    content_type: &str,
    headers: &HeaderMap,
    contents: impl FnOnce() -> Bytes,
) -> Response {
    // Weak: it may be sent compressed, which are other bytes.
    let etag = format!("W/\"{version}\"");
    let caching = [(header::CACHE_CONTROL, "no-cache".to_owned()), (header::ETAG, etag.clone())];
    if Known::of(headers).includes(&etag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, content_type.to_owned())];
    (StatusCode::OK, caching, content_type, contents()).into_response()
}
