//! What is asked: each workload, as each style of API has it, and what has to be answered.

use serde_json::{Value, json};

use crate::store::CARS;

/// How an API looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Handlers by hand.
    Written,
    /// A generated resource with PostgREST's grammar.
    Resource,
    PocketBase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    GetOne,
    ListPage,
    ListAll,
    Search,
    Insert,
    Update,
    Mixed,
}

/// One request, whose path and body may hold Lua's `id` and `n`, numbers that change, and `key`, the id in fifteen digits.
pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
}

impl Workload {
    pub const ALL: [Workload; 7] = [
        Workload::GetOne,
        Workload::ListPage,
        Workload::ListAll,
        Workload::Search,
        Workload::Insert,
        Workload::Update,
        Workload::Mixed,
    ];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Workload::GetOne => "get-one",
            Workload::ListPage => "list-20",
            Workload::ListAll => "list-all",
            Workload::Search => "search",
            Workload::Insert => "insert",
            Workload::Update => "update",
            Workload::Mixed => "mixed",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Workload::GetOne => "Get one of 10,000 by a random key",
            Workload::ListPage => "List 20",
            Workload::ListAll => "List all 10,000",
            Workload::Search => "Filter and sort, 20 of them",
            Workload::Insert => "Insert one",
            Workload::Update => "Update one",
            Workload::Mixed => "95 % get one, 5 % update one",
        }
    }

    pub fn writes(self) -> bool {
        matches!(self, Workload::Insert | Workload::Update | Workload::Mixed)
    }

    /// Why an API cannot be asked this.
    pub fn impossible(self, style: Style) -> Option<&'static str> {
        let all = self == Workload::ListAll && style == Style::PocketBase;
        all.then_some("it answers at most 1,000 records at once")
    }

    /// Where all rows are listed, however many there are.
    pub fn every(style: Style) -> &'static str {
        match style {
            Style::Written => "/cars",
            Style::Resource => "/api/cars?limit=1000000",
            Style::PocketBase => "/api/collections/cars/records?perPage=1000",
        }
    }

    /// The requests, each with how many of a hundred it is.
    pub fn asked(self, style: Style) -> Vec<(u32, Asked)> {
        match self {
            Workload::Mixed => {
                vec![(95, Workload::GetOne.asked(style).remove(0).1), (5, Workload::Update.asked(style).remove(0).1)]
            }
            one => vec![(100, one.one(style))],
        }
    }

    fn one(self, style: Style) -> Asked {
        let get = |path: &str| Asked { method: "GET", path: path.to_owned(), body: None };
        let body = r#"{"name":"Car ${n}","model":"Model ${n}","doors":4}"#;
        let with = |method, path: &str| Asked { method, path: path.to_owned(), body: Some(body.to_owned()) };
        match (self, style) {
            (Workload::GetOne, Style::Written) => get("/cars/${id}"),
            (Workload::GetOne, Style::Resource) => get("/api/cars/${id}"),
            (Workload::GetOne, Style::PocketBase) => get("/api/collections/cars/records/${key}"),
            (Workload::ListPage, Style::Written) => get("/cars?limit=20"),
            (Workload::ListPage, Style::Resource) => get("/api/cars?limit=20"),
            (Workload::ListPage, Style::PocketBase) => {
                get("/api/collections/cars/records?perPage=20&skipTotal=1&sort=id")
            }
            (Workload::ListAll, Style::Written) => get("/cars"),
            (Workload::ListAll, Style::Resource) => get("/api/cars?limit=10000"),
            (Workload::ListAll, Style::PocketBase) => {
                get("/api/collections/cars/records?perPage=10000&skipTotal=1&sort=id")
            }
            (Workload::Search, Style::Written) => get("/cars?min_doors=4&limit=20"),
            (Workload::Search, Style::Resource) => get("/api/cars?doors=gte.4&order=name.desc,id&limit=20"),
            (Workload::Search, Style::PocketBase) => {
                get("/api/collections/cars/records?filter=doors%3E%3D4&sort=-name,id&perPage=20&skipTotal=1")
            }
            (Workload::Insert, Style::Written) => with("POST", "/cars"),
            (Workload::Insert, Style::Resource) => with("POST", "/api/cars"),
            (Workload::Insert, Style::PocketBase) => with("POST", "/api/collections/cars/records"),
            (Workload::Update, Style::Written) => with("PUT", "/cars/${id}"),
            (Workload::Update, Style::Resource) => with("PATCH", "/api/cars/${id}"),
            (Workload::Update, Style::PocketBase) => with("PATCH", "/api/collections/cars/records/${key}"),
            (Workload::Mixed, _) => unreachable!("it is made of two others"),
        }
    }

    /// What is answered where `id` and `n` are 7: rows with an `id`, a `name`, a `model` and `doors`.
    pub fn expected(self) -> Vec<Value> {
        match self {
            Workload::GetOne | Workload::Mixed => vec![car(7)],
            Workload::ListPage => (1..=20).map(car).collect(),
            Workload::ListAll => (1..=CARS).map(car).collect(),
            Workload::Search => {
                let mut cars: Vec<_> = (1..=CARS).map(car).filter(|car| car["doors"].as_u64() >= Some(4)).collect();
                cars.sort_by(|a, b| b["name"].as_str().cmp(&a["name"].as_str()));
                cars.truncate(20);
                cars
            }
            Workload::Insert | Workload::Update => {
                vec![json!({"name": "Car 7", "model": "Model 7", "doors": 4})]
            }
        }
    }
}

fn car(id: u32) -> Value {
    json!({"id": id, "name": format!("Car {id}"), "model": format!("Model {}", id % 100), "doors": 2 + id % 4})
}
