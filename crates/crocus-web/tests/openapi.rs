//! The OpenAPI document of resources: what is true of it whatever the models are, and what is said of some.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use crocus_macros::{DbEnum, Model};
use crocus_orm::ColumnOperators;
use crocus_web::openapi;
use crocus_web::resource::{Operation, Resource, Resources};
use crocus_web::routing::{self, Route};
use serde_json::{Value, json};

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "makers", has_many(cars = Car::MAKER))]
struct Maker {
    #[model(primary_key)]
    id: i32,
    #[model(unique)]
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, DbEnum)]
#[db_enum(crate = "crocus_orm")]
enum State {
    ForSale,
    Sold,
}

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "cars", many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG)))]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to = Maker)]
    maker_id: i32,
    #[model(comment = "What it is called.")]
    name: String,
    #[model(default = "'for_sale'")]
    state: State,
    mileage: Option<i64>,
    #[model(check = "year >= 1886")]
    year: i32,
    #[model(check = "length(plate) between 3 and 9")]
    plate: String,
    secret: String,
    #[model(version)]
    version: i32,
}

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "tags")]
struct Tag {
    #[model(primary_key)]
    id: i32,
    name: String,
}

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "car_tags")]
struct CarTag {
    #[model(primary_key, belongs_to = Car)]
    car_id: i32,
    #[model(primary_key, belongs_to = Tag)]
    tag_id: i32,
}

async fn list_cars() {}
async fn get_car() {}
async fn list_car_tags() {}

fn routes() -> Vec<Route> {
    let add = |path, methods: routing::Methods| methods.add_to(path, axum::Router::new()).1;
    [
        add("/cars", routing::get(list_cars)),
        add("/cars/{id}", routing::get(get_car)),
        add("/tags-of-cars", routing::get(list_car_tags)),
    ]
    .concat()
}

fn resources() -> Resources {
    let mut resources = Resources::default();
    resources.add("/api/makers", Resource::<Maker>::new());
    resources.add("/api/cars", Resource::<Car>::new().hide(Car::SECRET).require_if_match());
    resources.add("/api/tags", Resource::<Tag>::new().read_only());
    resources.add(
        "/api/car-tags",
        Resource::<CarTag>::new().without(Operation::DeleteMany).scope(|()| Ok(CarTag::CAR_ID.ge(1))),
    );
    resources
}

fn document() -> Value {
    let document = openapi::document("cars", "1.0", &routes(), &resources(), None, false);
    serde_json::from_str(&openapi::to_json(&document)).unwrap()
}

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    all.collect()
}

fn statuses(document: &Value, path: &str, method: &str) -> Vec<u16> {
    let responses = document["paths"][path][method]["responses"].as_object().unwrap();
    responses.keys().map(|status| status.parse().unwrap()).collect()
}

/// Calls `see` with each value under a key, at any depth.
fn each<'a>(value: &'a Value, key: &str, see: &mut impl FnMut(&'a Value)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            if name == key {
                see(value);
            }
            each(value, key, see);
        }),
        Value::Array(items) => items.iter().for_each(|item| each(item, key, see)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    each(&document, "$ref", &mut |reference| {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        used.insert(pointer.to_owned());
    });
    for (kind, components) in document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys() {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "{kind}/{name} is not used");
        }
    }
}

#[test]
fn operations_have_ids_of_their_own() {
    let document = document();
    let ids: Vec<_> =
        operations(&document).iter().map(|(.., it)| it["operationId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    // The handlers by hand have the plain names.
    let id = |path: &str, method: &str| document["paths"][path][method]["operationId"].clone();
    assert_eq!(id("/cars", "get"), "list_cars");
    assert_eq!(id("/api/cars", "get"), "list_api_cars");
    assert_eq!(id("/api/cars", "patch"), "update_api_cars");
    assert_eq!(id("/api/makers/{id}", "patch"), "update_maker");
    assert_eq!(id("/api/makers/{id}/cars", "post"), "create_maker_car");
    // A resource's own rows come before those along a relationship.
    assert_eq!(id("/api/car-tags", "get"), "list_api_car_tags");
    assert_eq!(id("/api/cars/{id}/tags", "get"), "list_api_car_tags_along");
}

#[test]
fn parameters_in_paths_are_those_of_the_paths() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let named = parameters.iter().filter(|it| it["in"] == "path").map(|it| it["name"].as_str().unwrap());
        let named: Vec<_> = named.collect();
        let wanted: Vec<_> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(named, wanted, "{method} {path}");
    }
}

#[test]
fn operations_are_those_that_are_allowed_and_answer_what_they_can() {
    let document = document();
    let methods = |path: &str| document["paths"][path].as_object().map(|item| item.keys().cloned().collect::<Vec<_>>());
    assert_eq!(methods("/api/tags").unwrap(), ["get"]);
    assert_eq!(methods("/api/tags/{id}").unwrap(), ["get"]);
    assert_eq!(methods("/api/car-tags").unwrap(), ["get", "patch", "post"]);
    // A row along a relationship of many with many has no column for the key.
    assert_eq!(methods("/api/cars/{id}/tags").unwrap(), ["get"]);
    assert_eq!(methods("/api/makers/{id}/cars").unwrap(), ["get", "post"]);
    assert_eq!(statuses(&document, "/api/tags/{id}", "get"), [200, 304, 400, 404, 406, 500, 503]);
    // A scope can refuse, and one who has to say `If-Match` can forget it.
    assert!(statuses(&document, "/api/car-tags", "get").contains(&403));
    assert!(!statuses(&document, "/api/cars", "get").contains(&403));
    assert!(statuses(&document, "/api/cars/{id}", "put").contains(&428));
    assert!(!statuses(&document, "/api/makers/{id}", "put").contains(&428));
}

#[test]
fn schemas_say_what_the_columns_are() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let integer = json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX});
    assert_eq!(schemas["Maker"]["properties"]["id"], integer);
    assert_eq!(schemas["Car"]["properties"]["name"], json!({"type": "string", "description": "What it is called."}));
    assert_eq!(schemas["Car"]["properties"]["mileage"]["type"], json!(["integer", "null"]));
    assert_eq!(schemas["Car"]["properties"]["version"]["readOnly"], true);
    assert_eq!(schemas["NewCar"]["properties"]["state"]["enum"], json!(["for_sale", "sold"]));
    assert_eq!(schemas["NewCar"]["properties"]["state"]["default"], "for_sale");
    assert_eq!(schemas["NewCar"]["required"], json!(["maker_id", "name", "year", "plate"]));
    // Checks that can be read are rules, and the examples keep them.
    assert_eq!(schemas["NewCar"]["properties"]["year"]["minimum"], 1886);
    let plate = &schemas["Car"]["properties"]["plate"];
    assert_eq!((&plate["minLength"], &plate["maxLength"]), (&json!(3), &json!(9)));
    let example = json!({"maker_id": 1, "name": "Name", "year": 1886, "plate": "Plate"});
    assert_eq!(schemas["NewCar"]["examples"], json!([example]));
    assert_eq!(schemas["CarPatch"]["required"], Value::Null);
    // What is hidden is nowhere; what the database counts is in no change.
    assert!(!document.to_string().contains("secret"));
    assert_eq!(schemas["CarPatch"]["properties"]["version"], Value::Null);
    assert_eq!(schemas["NewCarTag"]["required"], json!(["car_id", "tag_id"]));
}

#[test]
fn too_many_requests_are_possible_where_they_are_limited() {
    let limited = openapi::document("cars", "1.0", &routes(), &resources(), None, true);
    let limited: Value = serde_json::to_value(limited).unwrap();
    for (document, expected) in [(document(), false), (limited, true)] {
        for (path, method, operation) in operations(&document) {
            // Who asks whether the program works is never turned away.
            let expected = expected && operation["tags"] != json!(["health"]);
            assert_eq!(operation["responses"]["429"].is_object(), expected, "{method} {path}");
        }
    }
}

#[test]
fn annotations_of_routes_that_are_not_there_are_refused() {
    let own = |path: &str| {
        let text = json!({
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
            "paths": {path: {"get": {"responses": {"200": {"description": "ok"}}}}}
        });
        serde_json::from_value(text).unwrap()
    };
    let refused = openapi::check(&routes(), &resources(), Some(&own("/care"))).unwrap_err();
    assert_eq!(refused.to_string(), "an annotation describes GET /care, and no route is there");
    assert_eq!(refused.hint(), "there is a route at /cars");
    openapi::check(&routes(), &resources(), Some(&own("/cars"))).unwrap();
    let described = openapi::document("cars", "1.0", &routes(), &resources(), Some(own("/cars")), false);
    let described: Value = serde_json::to_value(described).unwrap();
    assert_eq!(described["paths"]["/cars"]["get"]["responses"]["200"]["description"], "ok");
    assert_eq!(described["info"]["title"], "t");
}

#[test]
fn schemas_that_are_described_in_two_ways_are_refused() {
    let mut twice = resources();
    twice.add("/api/all-cars", Resource::<Car>::new());
    let refused = openapi::check(&routes(), &twice, None).unwrap_err();
    assert!(refused.to_string().contains("the OpenAPI schema `Car` is described twice"), "{refused}");
    openapi::check(&routes(), &resources(), None).unwrap();
}
