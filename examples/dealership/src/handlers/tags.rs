//! Tags: what many cars have many of.

use crocus::orm::{ErrorKind, Handle};
use crocus::prelude::*;
use crocus::utoipa::{self, ToSchema};
use crocus::web::openapi::{ConflictProblem, NotFoundProblem, PayloadProblems, given};
use serde::{Deserialize, Serialize};

use crate::api::TagJson;
use crate::models::{Car, NewTag, Tag};

/// Words for tags.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Words {
    #[schema(schema_with = given::<Vec<String>>)]
    names: Vec<String>,
}

/// What became of the words.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeTags {
    #[schema(value_type = Vec<TagJson>)]
    made: Vec<Tag>,
    known: Vec<String>,
}

/// Creates tags
///
/// Those that are there already are told apart.
// Savepoints: a tag that is there already does not undo the others.
#[utoipa::path(
    post, path = "/tags", tag = "tags",
    request_body = Words,
    responses(
        (status = 200, description = "What became of the words.", body = MadeTags),
        PayloadProblems,
        ConflictProblem,
    )
)]
pub async fn create_tags(db: Db, Json(words): Json<Words>) -> Result<Json<MadeTags>> {
    let mut session = db.session();
    let (mut made, mut known) = (Vec::new(), Vec::new());
    for name in words.names {
        let mut savepoint = session.begin_nested().await?;
        let tag = savepoint.add(NewTag { name: name.clone() });
        match savepoint.commit().await {
            Ok(()) => made.push(tag),
            Err(error) if error.kind() == ErrorKind::UniqueViolation => known.push(name),
            Err(error) => return Err(error.into()),
        }
    }
    session.commit().await?;
    Ok(Json(MadeTags { made: objects(&session, made), known }))
}

/// Tags a car
///
/// With a word that may be new.
// Linking two objects of a session, one of them perhaps new: the row of the association is written by the commit.
#[utoipa::path(
    put, path = "/cars/{id}/tags/{name}", tag = "tags",
    params(
        ("id" = i32, Path, description = "The key of the car."),
        ("name" = String, Path, description = "The word."),
    ),
    responses(
        (status = 200, description = "All tags of the car.", body = Vec<TagJson>),
        NotFoundProblem,
        ConflictProblem,
    )
)]
pub async fn create_car_tag(db: Db, Path((id, name)): Path<(i32, String)>) -> Result<Json<Vec<Tag>>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    session.load(car, Car::TAGS).await?;
    let known = session.first(Tag::select().filter(Tag::NAME.eq(&name))).await?;
    let tag = known.unwrap_or_else(|| session.add(NewTag { name }));
    session.link(car, Car::TAGS, tag)?;
    session.commit().await?;
    let tags = session.related(car, Car::TAGS)?;
    Ok(Json(objects(&session, tags)))
}

/// Takes a tag from a car
///
/// The word stays.
// Taking a link away needs nothing loaded.
#[utoipa::path(
    delete, path = "/cars/{id}/tags/{name}", tag = "tags",
    params(
        ("id" = i32, Path, description = "The key of the car."),
        ("name" = String, Path, description = "The word."),
    ),
    responses((status = 200, description = "The tag.", body = TagJson), NotFoundProblem, ConflictProblem)
)]
pub async fn delete_car_tag(db: Db, Path((id, name)): Path<(i32, String)>) -> Result<Json<Tag>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    let tag = session.one(Tag::select().filter(Tag::NAME.eq(name))).await?;
    session.unlink(car, Car::TAGS, tag)?;
    session.commit().await?;
    Ok(Json(session[tag].clone()))
}

fn objects(session: &Session, tags: Vec<Handle<Tag>>) -> Vec<Tag> {
    tags.into_iter().map(|tag| session[tag].clone()).collect()
}
