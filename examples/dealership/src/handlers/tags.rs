//! Tags: the rows of an association.

use crocus::prelude::*;

use crate::models::{Car, CarTag, NewCarTag, NewTag, Tag};

/// `PUT /cars/{id}/tags/{name}`
// The association is a model like any other.
pub async fn create_car_tag(db: Db, Path((id, name)): Path<(i32, String)>) -> Result<Json<Vec<Tag>>> {
    let car = Car::get_or_404(&db, id).await?;
    let tag = match Tag::select().filter(Tag::NAME.eq(&name)).one_or_none(&db).await? {
        Some(tag) => tag,
        None => Tag::insert(&db, NewTag { name }).await?,
    };
    if CarTag::get(&db, (car.id, tag.id)).await?.is_none() {
        CarTag::insert(&db, NewCarTag { car_id: (&car).into(), tag_id: (&tag).into() }).await?;
    }
    tags_of(&db, id).await
}

/// `DELETE /cars/{id}/tags/{name}`
// A row of the association is deleted by its key.
pub async fn delete_car_tag(db: Db, Path((id, name)): Path<(i32, String)>) -> Result<Json<Vec<Tag>>> {
    let tag = Tag::select().filter(Tag::NAME.eq(name)).one_or_404(&db).await?;
    CarTag::delete().filter(CarTag::CAR_ID.eq(id) & CarTag::TAG_ID.eq(tag.id)).execute(&db).await?;
    tags_of(&db, id).await
}

async fn tags_of(db: &Db, id: i32) -> Result<Json<Vec<Tag>>> {
    let tags = Car::TAGS.order_by(Tag::NAME.asc());
    let (_, tags) = Car::select().filter(Car::ID.eq(id)).with(tags).one_or_404(db).await?;
    Ok(Json(tags))
}
