//! Tags: what many cars have many of.

use crocus::orm::{ErrorKind, Handle};
use crocus::prelude::*;
use serde::{Deserialize, Serialize};

use crate::models::{Car, NewTag, Tag};

/// Words for tags.
#[derive(Debug, Deserialize)]
pub struct Words {
    names: Vec<String>,
}

/// What became of the words.
#[derive(Debug, Serialize)]
pub struct MadeTags {
    made: Vec<Tag>,
    known: Vec<String>,
}

/// `POST /tags`
// Savepoints: a tag that is there already does not undo the others.
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

/// `PUT /cars/{id}/tags/{name}`
// Linking two objects of a session, one of them perhaps new: the row of the association is written by the commit.
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

/// `DELETE /cars/{id}/tags/{name}`
// Taking a link away needs nothing loaded.
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
