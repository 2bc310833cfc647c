//! Editing of the catalogue by operators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use toneup_catalogue::product::{Product, ProductId, store};
use toneup_operate::audit_log::{Action, AuditEntry, record};
use toneup_platform::database::{Database, bounded, retry_deadlock};

use super::operator::Operator;
use super::state::AdminState;
use crate::http::extract::{ApiJson, IdPath};
use crate::http::problem::{ApiError, Problem};

/// A product as it is stored.
#[utoipa::path(
    get,
    path = "/admin/products/{id}",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = u64, Path)),
    responses((status = OK, body = Product), Problem)
)]
pub(super) async fn get_stored_product(
    State(state): State<AdminState>,
    _: Operator,
    IdPath(id): IdPath<ProductId>,
) -> Result<Json<Product>, ApiError> {
    let database = &state.engine.database;
    let reading = bounded(async { store::find(&mut *database.acquire().await?, &[id]).await });
    let found = reading.await?.remove(&id);
    found.map(|stored| Json(stored.product)).ok_or(ApiError::NotFound)
}

/// Stores a product, new or in place of the one with this id.
#[utoipa::path(
    put,
    path = "/admin/products/{id}",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = u64, Path)),
    request_body = Product,
    responses((status = OK, body = Product), Problem)
)]
pub(super) async fn put_product(
    State(state): State<AdminState>,
    operator: Operator,
    IdPath(id): IdPath<ProductId>,
    ApiJson(product): ApiJson<Product>,
) -> Result<Json<Product>, ApiError> {
    if product.id != id {
        return Err(ApiError::invalid("id", "expected the id of the path"));
    }
    let checked = product.checked();
    let product = checked.map_err(|fault| ApiError::invalid(fault.field, fault.detail))?;
    edit(&state, &operator, &Edit::Write(product.clone())).await?;
    Ok(Json(product))
}

/// Deletes a product.
#[utoipa::path(
    delete,
    path = "/admin/products/{id}",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = u64, Path)),
    responses((status = NO_CONTENT), Problem)
)]
pub(super) async fn delete_product(
    State(state): State<AdminState>,
    operator: Operator,
    IdPath(id): IdPath<ProductId>,
) -> Result<StatusCode, ApiError> {
    let was_there = edit(&state, &operator, &Edit::Delete(id)).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

/// A change of the catalogue.
enum Edit {
    Write(Product),
    Delete(ProductId),
}

/// Makes a change and records it; false if there is no such product.
async fn edit(state: &AdminState, operator: &Operator, edit: &Edit) -> Result<bool, ApiError> {
    let (action, id) = match edit {
        Edit::Write(product) => (Action::WriteProduct, product.id),
        Edit::Delete(id) => (Action::DeleteProduct, *id),
    };
    let (actor, target) = (operator.actor(), id.0.to_string());
    let entry = AuditEntry {
        operator: actor.operator,
        action,
        target: &target,
        detail: None,
        address: actor.address,
    };
    let database = &state.engine.database;
    Ok(bounded(retry_deadlock(|| apply(database, &entry, edit))).await?)
}

async fn apply(
    database: &Database,
    entry: &AuditEntry<'_>,
    edit: &Edit,
) -> Result<bool, sqlx::Error> {
    let mut transaction = database.begin().await?;
    record(&mut transaction, entry).await?;
    let was_there = match edit {
        Edit::Write(product) => {
            store::write(&mut transaction, std::slice::from_ref(product)).await?;
            true
        }
        Edit::Delete(id) => store::delete(&mut transaction, *id).await?,
    };
    transaction.commit().await?;
    Ok(was_there)
}
