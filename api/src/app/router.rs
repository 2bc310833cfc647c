//! The router: every feature's routes under one stack of middleware.

use std::io;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state, map_request};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use toneup_platform::trace::TraceParent;
use tower::util::option_layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::state::AppState;
use super::{features, health};
use crate::features::web;
use crate::http::problem::{ApiError, Renderer};
use crate::http::{arrival, cors, limits, measure, problem, server};

/// No answer is to be taken for another type than it says.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// Tokens and what is known of persons stay in no cache (RFC 6749 §5.1). Files say otherwise by themselves.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// `Strict-Transport-Security` header (RFC 6797), sent if the page is served over https: one year.
const HTTPS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ToneUp",
        description = "Personal colour from a selfie. Upload a photo, submit an analysis, be told the season.\n\n\
            Errors are `application/problem+json` (RFC 9457) with a stable `code`."
    ),
    modifiers(&BearerScheme)
)]
struct ApiDoc;

struct BearerScheme;

impl utoipa::Modify for BearerScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The whole application. Every response above 399 is `problem+json`, whatever layer it comes from, unless a feature has a
/// format of its own.
pub fn app(state: AppState) -> Router {
    let (routes, openapi) = OpenApiRouter::with_openapi(ApiDoc::openapi())
        .merge(health::routes())
        .merge(features::routes(&state.config.features))
        .split_for_parts();
    let docs = SwaggerUi::new("/docs").url("/openapi.json", openapi).config(Config::default());
    let objects = &state.config.objects;
    let uploads = objects.s3_public_endpoint.as_ref().unwrap_or(&objects.s3_endpoint);
    let pages = Router::new().merge(web::docs(docs.into())).merge(web::routes(uploads));
    let sockets = state.features.sockets.router();
    under_middleware(Router::new().merge(routes).merge(pages).merge(sockets), state)
}

/// Socket.IO alone, for an address of its own.
fn sockets(state: AppState) -> Router {
    under_middleware(state.features.sockets.router(), state)
}

/// Puts routes under the one stack of middleware.
fn under_middleware(routes: Router<AppState>, state: AppState) -> Router {
    let cors = cors::layer(&state.config.page_origins);
    let hsts = state.config.page_origins.are_secure().then(|| {
        SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, HTTPS_ALONE)
    });
    let renderer = Renderer::new(features::error_writers());
    routes
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(from_fn_with_state(state.draining.clone(), arrival::receive))
        .layer(CatchPanicLayer::custom(|_| problem::panicked()))
        .layer(from_fn_with_state(renderer, problem::render))
        .layer(from_fn_with_state(state.streams.clone(), measure::measure))
        .layer(from_fn(limits::report))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, NO_STORE))
        .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF))
        .layer(TraceLayer::new_for_http().make_span_with(request_span).on_failure(()))
        .layer(map_request(begin_trace))
        .with_state(state)
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
        .layer(option_layer(hsts))
        .layer(cors)
}

/// Text of some length, and no stream of events. Answers with tokens are shorter, so that what an attacker can add to a request
/// tells nothing of them by its length.
fn worth_compressing() -> impl Predicate {
    SizeAbove::new(1024)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("text/event-stream"))
}

/// Serves until `draining`, then finishes the requests that are open.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    draining: CancellationToken,
) -> io::Result<()> {
    server::run(listener, app(state), draining).await;
    Ok(())
}

/// Serves Socket.IO alone until `draining`.
pub async fn serve_sockets(
    listener: TcpListener,
    state: AppState,
    draining: CancellationToken,
) -> io::Result<()> {
    server::run(listener, sockets(state), draining).await;
    Ok(())
}

/// Continues the client's trace, or begins one.
async fn begin_trace(mut request: Request) -> Request {
    let trace = clients_trace(&request).unwrap_or_default();
    request.extensions_mut().insert(trace.child());
    request
}

/// The span of the client's that the request is part of.
fn clients_trace(request: &Request) -> Option<TraceParent> {
    request.headers().get("traceparent")?.to_str().ok()?.parse().ok()
}

/// The path only: a query may carry a ticket.
fn request_span(request: &Request) -> tracing::Span {
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        method = %request.method(),
        path = request.uri().path(),
        trace.id = tracing::field::Empty,
        analysis.id = tracing::field::Empty,
    );
    if let Some(parent) = clients_trace(request) {
        parent.adopt(&span);
    }
    let begun = request.extensions().get::<TraceParent>().copied();
    let trace = TraceParent::of(&span).or(begun).unwrap_or_default();
    span.record("trace.id", trace.trace_id());
    span
}
