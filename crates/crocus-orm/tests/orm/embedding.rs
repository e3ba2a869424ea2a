//! Rows of relationships inside of rows: what stands there, in which order, and how many queries it takes.

use crocus_orm::dynamic::{Comparison, DynamicColumn, JsonRow, Member, Related, Rows, Source, select};
use crocus_orm::{ColumnOperators, Executor, Expr, Model, Order, Relationship};
use futures_util::StreamExt;
use serde_json::{Value as Json, json};

use crate::cases::tables::{self, Builder, Employee, Label, Vehicle};
use crate::database::each;

/// The relationship of a model with this name, to rows under a name with this number.
fn related<M: Model>(from: &Source, name: &str, number: usize) -> Related {
    let relation = *M::RELATIONS.iter().find(|relation| relation.name == name).unwrap();
    Related { from: from.clone(), relation, to: Source::numbered((relation.target)(), number) }
}

fn column(source: &Source, name: &str) -> DynamicColumn {
    source.column(source.table().column(name).unwrap())
}

fn value(source: &Source, name: &str) -> (String, Member) {
    (name.to_owned(), Member::Value(column(source, name)))
}

fn by(source: &Source, name: &str) -> Order {
    column(source, name).order(false, None)
}

fn equals(source: &Source, name: &str, text: &str) -> Expr<bool> {
    let column = column(source, name);
    column.compare(Comparison::Eq, column.parse(text).unwrap())
}

/// All rows of a source with these columns, in the order of the first one.
fn rows(source: &Source, names: &[&str]) -> Rows {
    let members = names.iter().map(|name| value(source, name)).collect();
    Rows { members, order: vec![by(source, names[0])], ..Rows::new(source.clone()) }
}

fn with(mut rows: Rows, name: &str, member: Member) -> Rows {
    rows.members.push((name.to_owned(), member));
    rows
}

async fn read(rows: Rows, db: &impl Executor) -> Json {
    parsed(&select(rows).all(db).await.unwrap())
}

fn parsed(rows: &[JsonRow]) -> Json {
    rows.iter().map(|row| serde_json::from_slice::<Json>(&row.0).unwrap()).collect()
}

#[tokio::test]
async fn each_kind_of_relationship_is_read_beside_its_row() {
    for db in each().await {
        tables::create(&db).await;
        let root = Source::new(Vehicle::TABLE);
        let builder = related::<Vehicle>(&root, "builder", 1);
        let paper = related::<Vehicle>(&root, "paper", 2);
        let labels = related::<Vehicle>(&root, "labels", 3);
        assert_eq!([&builder, &paper, &labels].map(Related::is_one), [true, true, false]);
        let mut all = rows(&root, &["id"]);
        for (name, related, column) in
            [("builder", builder, "name"), ("paper", paper, "number"), ("labels", labels, "text")]
        {
            let inside = rows(&related.to, &[column]);
            all = with(all, name, Member::Related(related, inside));
        }
        let expected = json!([
            {"id": 1, "builder": {"name": "Acme"}, "paper": {"number": "A-1"}, "labels": [{"text": "fast"}, {"text": "red"}]},
            {"id": 2, "builder": {"name": "Acme"}, "paper": {"number": "B-2"}, "labels": [{"text": "red"}]},
            {"id": 3, "builder": {"name": "Bolt"}, "paper": null, "labels": []},
            {"id": 4, "builder": null, "paper": null, "labels": []},
        ]);
        assert_eq!(read(all.clone(), db.engine()).await, expected, "{db}");

        // The other ways to run a query know them too.
        let streamed = select(all.clone()).stream(db.engine()).await.unwrap().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(parsed(&streamed.await), expected, "{db}");
        assert_eq!(select(all.clone()).count(db.engine()).await.unwrap(), 4, "{db}");
        assert!(select(all.clone()).exists(db.engine()).await.unwrap(), "{db}");
        let first = select(all.clone()).keyset(3).fetch(db.engine()).await.unwrap();
        let second = select(all).keyset(3).after(first.next.unwrap()).fetch(db.engine()).await.unwrap();
        let both = [parsed(&first.items), parsed(&second.items)];
        assert_eq!(json!([both[0][0], both[0][1], both[0][2], both[1][0]]), expected, "{db}");
        assert!(second.next.is_none() && second.items.len() == 1, "{db}");
    }
}

#[tokio::test]
async fn rows_inside_rows_have_conditions_orders_and_bounds_of_their_own() {
    for db in each().await {
        tables::create(&db).await;
        // Builders, their two vehicles with the most doors, of those the labels, of those the vehicles again.
        let builders = Source::new(Builder::TABLE);
        let vehicles = related::<Builder>(&builders, "vehicles", 1);
        let labels = related::<Vehicle>(&vehicles.to, "labels", 2);
        let mut red = rows(&labels.to, &["text"]);
        red.filter.push(equals(&labels.to, "text", "red"));
        let mut most = rows(&vehicles.to, &["name"]);
        most.order = vec![column(&vehicles.to, "doors").order(true, None)];
        (most.limit, most.offset) = (Some(1), Some(0));
        let most = with(most, "labels", Member::Related(labels.clone(), red));
        let mut all = with(rows(&builders, &["name"]), "vehicles", Member::Related(vehicles.clone(), most.clone()));
        let expected = json!([
            {"name": "Acme", "vehicles": [{"name": "Wagon", "labels": [{"text": "red"}]}]},
            {"name": "Bolt", "vehicles": [{"name": "Étoile", "labels": []}]},
            {"name": "Cog", "vehicles": []},
        ]);
        assert_eq!(read(all.clone(), db.engine()).await, expected, "{db}");

        // Only builders with a vehicle that has a label; and those without any vehicle.
        all.filter = vec![vehicles.exists(vec![labels.exists(vec![equals(&labels.to, "text", "fast")])])];
        assert_eq!(read(all.clone(), db.engine()).await, json!([expected[0]]), "{db}");
        all.filter = vec![!vehicles.exists(Vec::new())];
        assert_eq!(read(all, db.engine()).await, json!([expected[2]]), "{db}");

        // A condition of typed columns is about the table, whatever its name in the query.
        let mut cheap = most;
        (cheap.limit, cheap.offset) = (None, None);
        cheap.filter.push(vehicles.to.is(Vehicle::DOORS.lt(5) & Vehicle::LABELS.any(Label::TEXT.eq("fast"))));
        let all = with(rows(&builders, &["name"]), "vehicles", Member::Related(vehicles, cheap));
        let found = read(all, db.engine()).await;
        assert_eq!(found[0]["vehicles"], json!([{"name": "Roadster", "labels": [{"text": "red"}]}]), "{db}");
        assert_eq!(found[1]["vehicles"], json!([]), "{db}");
    }
}

#[tokio::test]
async fn a_table_is_read_inside_itself() {
    for db in each().await {
        tables::create(&db).await;
        let root = Source::new(Employee::TABLE);
        let boss = related::<Employee>(&root, "boss", 1);
        let staff = related::<Employee>(&root, "staff", 2);
        let peers = related::<Employee>(&staff.to, "staff", 3);
        let grand = rows(&peers.to, &["name"]);
        let staffed = with(rows(&staff.to, &["name"]), "staff", Member::Related(peers, grand));
        let mut all = with(rows(&root, &["name"]), "boss", Member::Value(boss.value(column(&boss.to, "name"))));
        all = with(all, "staff", Member::Related(staff, staffed));
        // By a value of another row: NULL is the largest.
        all.order.insert(0, boss.value(column(&boss.to, "name")).order(true, None));
        let expected = json!([
            {"name": "Ada", "boss": null, "staff": [{"name": "Ben", "staff": [{"name": "Dee"}]}, {"name": "Cyd", "staff": []}]},
            {"name": "Dee", "boss": "Ben", "staff": []},
            {"name": "Ben", "boss": "Ada", "staff": [{"name": "Dee", "staff": []}]},
            {"name": "Cyd", "boss": "Ada", "staff": []},
        ]);
        assert_eq!(read(all.clone(), db.engine()).await, expected, "{db}");
        let page = select(all).keyset(2).fetch(db.engine()).await.unwrap();
        assert_eq!(parsed(&page.items), json!([expected[0], expected[1]]), "{db}");
    }
}

#[tokio::test]
async fn members_have_any_names_and_any_number() {
    for db in each().await {
        tables::create(&db).await;
        let root = Source::new(Builder::TABLE);
        let vehicles = related::<Builder>(&root, "vehicles", 1);
        let long = "ü\"'\\ \u{1}".repeat(40);
        let mut inside = rows(&vehicles.to, &["id"]);
        inside.members = (0..700).map(|number| (format!("{number}{long}"), inside.members[0].1.clone())).collect();
        let mut all = with(rows(&root, &["id"]), &long, Member::Related(vehicles.clone(), inside));
        all = with(all, "", Member::Related(vehicles.clone(), Rows::new(vehicles.to.clone())));
        all.filter.push(equals(&root, "id", "2"));
        let found = read(all, db.engine()).await;
        let object = found[0][&long][0].as_object().unwrap();
        assert_eq!(object.len(), 700, "{db}");
        assert!(object.iter().all(|(name, value)| name.ends_with(&long) && *value == json!(3)), "{db}");
        assert_eq!(found[0][""], json!([{}]), "{db}");
    }
}

#[tokio::test]
async fn a_relationship_to_many_is_spread_into_arrays_of_one_order() {
    for db in each().await {
        tables::create(&db).await;
        let root = Source::new(Builder::TABLE);
        let vehicles = related::<Builder>(&root, "vehicles", 1);
        let mut inside = rows(&vehicles.to, &["name", "seats"]);
        // All are equal in this order.
        inside.order = vec![by(&vehicles.to, "small")];
        let all = with(rows(&root, &["id"]), "unused", Member::Spread(vehicles, inside));
        let expected = json!([
            {"id": 1, "name": ["Roadster", "Wagon"], "seats": [2, null]},
            {"id": 2, "name": ["Étoile"], "seats": [5]},
            {"id": 3, "name": [], "seats": []},
        ]);
        assert_eq!(read(all, db.engine()).await, expected, "{db}");
    }
}
