//! What is asked of columns that are known by their descriptions: aggregates, casts, and operators of one database.

use crocus_orm::dynamic::{Aggregate, DynamicColumn, Member, Operator, Related, Rows, Search, Source, select};
use crocus_orm::{ColumnType, Dialect, ErrorKind, Executor, Expr, Model};
use serde_json::{Value as Json, json};

use crate::cases::tables::{self, Builder, Vehicle};
use crate::database::{assert_kind, each};
use crate::own_types::{Bike, bike, with_tables};

fn column(name: &str) -> DynamicColumn {
    DynamicColumn::new(Vehicle::TABLE, Vehicle::TABLE.column(name).unwrap())
}

/// A value in the column `data`.
fn inside(path: &[&str]) -> DynamicColumn {
    path.iter().fold(column("data"), |column, step| match step.parse() {
        Ok(index) => column.element(index),
        Err(_) => column.member(*step),
    })
}

fn rows(members: &[(&str, DynamicColumn)]) -> Rows {
    let members = members.iter().map(|(name, column)| ((*name).to_owned(), Member::Value(column.clone()))).collect();
    Rows { members, ..Rows::new(Source::new(Vehicle::TABLE)) }
}

async fn read(rows: Rows, db: &impl Executor) -> Result<Json, crocus_orm::Error> {
    let rows = select(rows).all(db).await?;
    Ok(rows.iter().map(|row| serde_json::from_slice::<Json>(&row.0).unwrap()).collect())
}

/// The value of an expression for the vehicle with this number.
async fn value(column: DynamicColumn, id: i32, db: &impl Executor) -> Result<Json, crocus_orm::Error> {
    let mut rows = rows(&[("value", column)]);
    rows.filter.push(crocus_orm::ColumnOperators::eq(Vehicle::ID, id));
    Ok(read(rows, db).await?[0]["value"].take())
}

async fn found(condition: Expr<bool>, db: &impl Executor) -> Result<Json, crocus_orm::Error> {
    let mut rows = rows(&[("id", column("id"))]);
    rows.filter.push(condition);
    rows.order.push(column("id").order(false, None));
    let found = read(rows, db).await?;
    Ok(found.as_array().unwrap().iter().map(|row| row["id"].clone()).collect())
}

#[tokio::test]
async fn aggregates_are_of_the_groups_that_the_other_members_make() {
    for db in each().await {
        tables::create(&db).await;
        let of = |name: &str, function| column(name).aggregate(function).unwrap();
        let all = rows(&[
            ("rows", DynamicColumn::count_rows()),
            ("seats", of("seats", Aggregate::Count)),
            ("doors", of("doors", Aggregate::Sum)),
            ("mean", of("doors", Aggregate::Avg)),
            ("price", of("price", Aggregate::Sum)),
            ("dearest", of("price", Aggregate::Max)),
            ("first", of("name", Aggregate::Min)),
            ("sum", of("big", Aggregate::Sum).cast(ColumnType::Text)),
        ]);
        assert!(all.is_grouped());
        let expected = json!([{
            "rows": 4, "seats": 2, "doors": 11, "mean": 2.75, "price": "119.60", "dearest": "100",
            "first": "100%_a\\b", "sum": "20000000000"
        }]);
        assert_eq!(read(all.clone(), db.engine()).await.unwrap(), expected, "{db}");
        assert_eq!(select(all).count(db.engine()).await.unwrap(), 1, "{db}");

        let mut by_builder = rows(&[("builder_id", column("builder_id")), ("rows", DynamicColumn::count_rows())]);
        by_builder.order = vec![DynamicColumn::count_rows().order(true, None), column("builder_id").order(false, None)];
        let expected = json!([
            {"builder_id": 1, "rows": 2}, {"builder_id": 2, "rows": 1}, {"builder_id": null, "rows": 1}
        ]);
        assert_eq!(read(by_builder.clone(), db.engine()).await.unwrap(), expected, "{db}");
        assert_eq!(select(by_builder.clone()).count(db.engine()).await.unwrap(), 3, "{db}");
        let refused = select(by_builder).keyset(2).fetch(db.engine()).await;
        assert_kind(refused.map(drop), ErrorKind::InvalidQuery);

        // By numbers and by values in documents, and not by what stands for them in the statement.
        let discounts = "UPDATE vehicles SET discount = CASE id WHEN 1 THEN '1.0' WHEN 2 THEN '1.00' ELSE '2' END";
        db.batch(&if db.is_sqlite() { discounts.to_owned() } else { discounts.replace('\'', "") }).await;
        let mut odd = rows(&[
            ("power", inside(&["engine", "power"]).text()),
            ("discount", column("discount").cast(ColumnType::Double)),
            ("rows", DynamicColumn::count_rows()),
        ]);
        odd.order = vec![
            inside(&["engine", "power"]).text().order(false, None),
            column("discount").cast(ColumnType::Double).order(false, None),
        ];
        let expected = json!([
            {"power": "90", "discount": 1.0, "rows": 1}, {"power": null, "discount": 1.0, "rows": 1},
            {"power": null, "discount": 2.0, "rows": 2},
        ]);
        assert_eq!(read(odd, db.engine()).await.unwrap(), expected, "{db}");
        let numbers = rows(&[("rows", DynamicColumn::count_rows()), ("discount", column("discount"))]);
        assert_eq!(select(numbers).count(db.engine()).await.unwrap(), 2, "{db}");
    }
}

#[tokio::test]
async fn rows_inside_rows_are_grouped_too() {
    for db in each().await {
        tables::create(&db).await;
        let root = Source::new(Builder::TABLE);
        let relation = *Builder::RELATIONS.iter().find(|relation| relation.name == "vehicles").unwrap();
        let vehicles = Related { from: root.clone(), relation, to: Source::numbered(Vehicle::TABLE, 1) };
        let of = |name: &str| vehicles.to.column(Vehicle::TABLE.column(name).unwrap());
        let total = of("doors").aggregate(Aggregate::Sum).unwrap();
        let mut inside = Rows::new(vehicles.to.clone());
        inside.members =
            vec![("sold".into(), Member::Value(of("sold"))), ("doors".into(), Member::Value(total.clone()))];
        inside.order = vec![total.order(true, None)];
        inside.limit = Some(1);
        let mut all = Rows::new(root.clone());
        let name = root.column(Builder::TABLE.column("name").unwrap());
        all.members = vec![
            ("name".into(), Member::Value(name.clone())),
            ("vehicles".into(), Member::Related(vehicles.clone(), inside)),
        ];
        all.order = vec![name.order(false, None)];
        let expected = json!([
            {"name": "Acme", "vehicles": [{"sold": false, "doors": 5}]},
            {"name": "Bolt", "vehicles": [{"sold": false, "doors": 4}]},
            {"name": "Cog", "vehicles": []},
        ]);
        assert_eq!(read(all, db.engine()).await.unwrap(), expected, "{db}");

        // Groups with a related row in each: by what ties them to it.
        let root = Source::new(Vehicle::TABLE);
        let relation = *Vehicle::RELATIONS.iter().find(|relation| relation.name == "builder").unwrap();
        let builder = Related { from: root.clone(), relation, to: Source::numbered(Builder::TABLE, 1) };
        let mut named = Rows::new(builder.to.clone());
        let name = builder.to.column(Builder::TABLE.column("name").unwrap());
        named.members = vec![("name".into(), Member::Value(name.clone()))];
        let mut all = Rows::new(root);
        all.members = vec![
            ("rows".into(), Member::Value(DynamicColumn::count_rows())),
            ("of".into(), Member::Value(builder.value(name.clone()))),
            ("builder".into(), Member::Related(builder.clone(), named)),
        ];
        all.order = vec![builder.value(name).order(false, None)];
        let expected = json!([
            {"rows": 2, "of": "Acme", "builder": {"name": "Acme"}}, {"rows": 1, "of": "Bolt", "builder": {"name": "Bolt"}},
            {"rows": 1, "of": null, "builder": null},
        ]);
        assert_eq!(read(all, db.engine()).await.unwrap(), expected, "{db}");
    }
}

#[tokio::test]
async fn casts_give_the_same_on_every_database() {
    use ColumnType::{BigInteger, Boolean, Date, Decimal, Double, Integer, SmallInteger, Text, Uuid};
    let text = |path: &[&str]| inside(path).text();
    let cases = [
        (column("doors").cast(Text), json!("2")),
        (column("weight").cast(Text), json!("4.0")),
        (column("price").cast(Text), json!("10.50")),
        (column("price").cast(Integer), json!(10)),
        (column("price").cast(Double), json!(10.5)),
        (column("doors").cast(Decimal), json!("2")),
        (column("sold").cast(Text), json!("true")),
        (column("sold").cast(Integer), json!(1)),
        (column("built").cast(Text), json!("2024-02-29")),
        (column("opens").cast(Text), json!("07:08:09.999999")),
        (column("seen").cast(Text), json!("2024-12-31T23:59:59.999999Z")),
        (column("seen").cast(Date), json!("2024-12-31")),
        (column("shown").cast(Date), json!("2024-02-29")),
        (text(&["engine", "power"]).cast(SmallInteger), json!(90)),
        (text(&["ratio"]).cast(Double), json!(2.5)),
        (text(&["ratio"]).cast(Decimal), json!("2.5")),
        (text(&["open"]).cast(Boolean), json!(true)),
        (text(&["nowhere"]).cast(BigInteger), json!(null)),
        (text(&["colours", "-1"]), json!("blue")),
        (text(&["colours", "0"]), json!("red")),
        (inside(&["colours", "-3"]), json!(null)),
        (inside(&["colours", "2147483647"]), json!(null)),
    ];
    // None of these has such a value: the one who asked is wrong, and not the program.
    let wrong = [
        text(&["text"]).cast(Integer),
        text(&["ratio"]).cast(Integer),
        text(&["text"]).cast(Date),
        text(&["text"]).cast(Uuid),
        text(&["text"]).cast(Decimal),
        column("big").cast(SmallInteger),
    ];
    for db in each().await {
        tables::create(&db).await;
        for (column, expected) in &cases {
            assert_eq!(&value(column.clone(), 1, db.engine()).await.unwrap(), expected, "{db}: {column:?}");
        }
        for column in &wrong {
            assert_kind(value(column.clone(), 1, db.engine()).await, ErrorKind::InvalidValue);
        }
    }
    assert!(column("name").casts_to(Integer) && column("price").casts_to(Text) && column("doors").casts_to(Double));
    assert!(!column("sizes").casts_to(Text) && !column("data").casts_to(Integer) && !column("sold").casts_to(Date));
}

/// PostgreSQL has values that a program's types have not: they are text, and SQLite refuses them.
#[tokio::test]
async fn what_only_postgresql_can_make_is_no_failure() {
    use ColumnType::{Date, DateTime, Decimal, Time, Timestamp};
    for db in each().await {
        tables::create(&db).await;
        for (text, to, expected) in [
            ("infinity", Date, "infinity"),
            ("-infinity", DateTime, "-infinity"),
            ("infinity", Timestamp, "infinity"),
            ("10000-01-01", Date, "10000-01-01"),
            ("4000-01-01 BC", Date, "-003999-01-01"),
            ("24:00", Time, "24:00:00"),
            ("NaN", Decimal, "NaN"),
            ("1e30", Decimal, "1000000000000000000000000000000"),
        ] {
            db.batch(&format!("UPDATE vehicles SET note = '{text}' WHERE id = 1")).await;
            let found = value(column("note").cast(to), 1, db.engine()).await;
            if db.is_sqlite() {
                assert_kind(found, ErrorKind::InvalidValue);
            } else {
                assert_eq!(found.unwrap(), json!(expected), "{to:?}");
            }
        }
    }
}

#[tokio::test]
async fn members_of_documents_have_any_names() {
    let names = ["a\"b", "a\\b", "a'b", "a.b", "", "ü", "$", "[0]", "a\nb", "\\\"", "\\u0041", "#-1", "?"];
    for db in each().await {
        tables::create(&db).await;
        for name in names {
            let document = json!({ name: name, "other": 1 }).to_string().replace('\'', "''");
            db.batch(&format!("UPDATE vehicles SET data = '{document}'")).await;
            let found = value(column("data").member(name).text(), 1, db.engine()).await.unwrap();
            assert_eq!(found, json!(name), "{db}");
        }
    }
}

#[tokio::test]
async fn truth_is_asked_of_truth_values() {
    for db in each().await {
        tables::create(&db).await;
        assert_eq!(found(column("sold").is_true(), db.engine()).await.unwrap(), json!([1]), "{db}");
        assert_eq!(found(column("sold").is_false(), db.engine()).await.unwrap(), json!([2, 3, 4]), "{db}");
        assert!(column("sold").supports(Operator::Truth, db.dialect()));
        assert!(!column("doors").supports(Operator::Truth, db.dialect()));
    }
}

#[tokio::test]
async fn operators_of_one_database_are_known_before() {
    let array = |text: &str| column("sizes").parse(text).unwrap();
    let document = |text: &str| column("data").parse(text).unwrap();
    let search = |kind, text: &str| column("note").search(kind, Some("english".into()), text.into());
    let cases = [
        ("name", Operator::Matches, column("name").matches("^[A-Z]o".into()), json!([1])),
        ("name", Operator::Matches, column("name").imatches("^w|^R".into()), json!([1, 2])),
        ("sizes", Operator::Contains, column("sizes").contains(array("{3}")), json!([1, 2])),
        ("sizes", Operator::Contains, column("sizes").contained_in(array("[3,4]")), json!([2, 3, 4])),
        ("sizes", Operator::Overlaps, column("sizes").overlaps(array("{ 2 , 9 }")), json!([1])),
        ("data", Operator::Contains, column("data").contains(document("{\"engine\": {}}")), json!([1])),
        ("data", Operator::Contains, column("data").contained_in(document("{\"a\": 1}")), json!([2, 3, 4])),
        ("note", Operator::Search, search(Search::ToTsquery, "reds & !slow"), json!([1])),
        ("note", Operator::Search, search(Search::Plain, "fast reds"), json!([1])),
        ("note", Operator::Search, search(Search::Phrase, "fast red"), json!([])),
        ("note", Operator::Search, search(Search::Web, "star OR fast"), json!([1, 3])),
        ("data", Operator::Search, column("data").search(Search::Plain, None, "red".into()), json!([1])),
    ];
    let wrong = [
        column("name").matches("(".into()),
        column("note").search(Search::ToTsquery, None, "a b".into()),
        column("note").search(Search::ToTsquery, None, "& |".into()),
        column("note").search(Search::Web, Some("klingon".into()), "a".into()),
        column("note").search(Search::Plain, Some("it's".into()), "a".into()),
    ];
    for db in each().await {
        tables::create(&db).await;
        for (name, operator, condition, expected) in &cases {
            let found = found(condition.clone(), db.engine()).await;
            if column(name).supports(*operator, db.dialect()) {
                assert_eq!(&found.unwrap(), expected, "{db}: {condition:?}");
            } else {
                assert_kind(found, ErrorKind::InvalidQuery);
            }
            assert_eq!(column(name).supports(*operator, db.dialect()), db.dialect() == Dialect::Postgres);
        }
        for condition in &wrong {
            let kind = if db.is_sqlite() { ErrorKind::InvalidQuery } else { ErrorKind::InvalidValue };
            assert_kind(found(condition.clone(), db.engine()).await, kind);
        }
    }
}

#[tokio::test]
async fn documents_and_arrays_are_compared_as_far_as_the_database_can() {
    use crocus_orm::dynamic::Comparison::{Eq, Ne};
    for db in each().await {
        tables::create(&db).await;
        let equal = |column: DynamicColumn, text: &str| column.compare(Eq, column.parse(text).unwrap());
        for (condition, expected) in [
            (equal(column("sizes"), "{1,2,3}"), json!([1])),
            (equal(column("sizes"), "[]"), json!([3, 4])),
            (equal(column("data"), "{}"), json!([2, 3, 4])),
            (equal(inside(&["engine"]), "{\"power\": 90}"), json!([1])),
            (equal(inside(&["colours", "0"]), "\"red\""), json!([1])),
            (column("sizes").compare(Ne, column("sizes").parse("{3}").unwrap()), json!([1, 3, 4])),
            (column("sizes").is_in(vec![column("sizes").parse("{3}").unwrap()]), json!([2])),
        ] {
            assert_eq!(found(condition, db.engine()).await.unwrap(), expected, "{db}");
        }
        assert!(!column("sizes").has_order() && !column("data").has_order() && column("name").has_order());
    }
}

#[tokio::test]
async fn arrays_of_enums_are_read_and_found() {
    for db in with_tables().await {
        Bike::insert(db.engine(), bike()).await.unwrap();
        let tags = DynamicColumn::new(Bike::TABLE, Bike::TABLE.column("tags").unwrap());
        let colors = DynamicColumn::new(Bike::TABLE, Bike::TABLE.column("colors").unwrap());
        for column in [tags, colors] {
            let ask = |condition| Bike::select().filter(condition).count(db.engine());
            let value = column.parse("{red,racing_green}").unwrap();
            assert_eq!(
                ask(column.compare(crocus_orm::dynamic::Comparison::Eq, value.clone())).await.unwrap(),
                0,
                "{db}"
            );
            if column.supports(Operator::Contains, db.dialect()) {
                assert_eq!(ask(column.contains(value.clone())).await.unwrap(), 0, "{db}");
                assert_eq!(ask(column.overlaps(value)).await.unwrap(), 0, "{db}");
            }
        }
    }
}

#[test]
fn arrays_are_read_as_postgresql_and_json_write_them() {
    let texts = |text: &str| {
        let tags = DynamicColumn::new(Bike::TABLE, Bike::TABLE.column("tags").unwrap());
        let json = |value: crocus_orm::Value| match value {
            crocus_orm::Value::Array(_, Some(items)) => {
                let text = |item: &crocus_orm::Value| match item {
                    crocus_orm::Value::String(Some(text)) => json!(text),
                    other => panic!("{other:?}"),
                };
                items.iter().map(text).collect::<Json>().to_string()
            }
            other => panic!("{other:?}"),
        };
        tags.parse(text).map_or_else(|rule| rule.into_owned(), json)
    };
    for (text, expected) in [
        ("{}", r#"[]"#),
        (" { } ", r#"[]"#),
        ("[]", r#"[]"#),
        (r#"{a,"b c", d e ,"",\"\,\ }"#, r#"["a","b c","d e","","\", "]"#),
        (r#"["a","b,c"]"#, r#"["a","b,c"]"#),
        (r#"{"NULL","a\"b\\"}"#, r#"["NULL","a\"b\\"]"#),
        ("{ü🚗}", r#"["ü🚗"]"#),
        ("{a,null}", "item 1 must not be NULL"),
        ("[null]", "item 0 must not be NULL"),
        ("[1]", "item 0 must be a string, not a number"),
        ("a", "must be an array, such as {a,b} or [\"a\",\"b\"]"),
        ("", "must be an array, such as {a,b} or [\"a\",\"b\"]"),
        ("{a,}", "must be an array without empty items: an empty text is \"\""),
        ("{{a}}", "must be an array of one dimension"),
        ("{\"a}", "must be an array that closes its quotes"),
        ("{\"a\"b}", "must be an array with a comma between its items"),
        ("{a\"b\"}", "must be an array whose items are in quotes as a whole"),
    ] {
        assert_eq!(texts(text), expected, "{text}");
    }
    let rule = |column: DynamicColumn, text: &str| column.parse(text).unwrap_err().into_owned();
    assert_eq!(rule(column("sizes"), "{1,x}"), "item 1 must be an integer");
    assert_eq!(rule(column("sizes"), "[1,2147483648]"), "item 1 must be between -2147483648 and 2147483647");
    let colors = DynamicColumn::new(Bike::TABLE, Bike::TABLE.column("colors").unwrap());
    assert!(rule(colors, "{red,pink}").starts_with("item 1 must be one of "));
}

#[tokio::test]
async fn a_cursor_is_of_its_own_order_also_inside_documents() {
    for db in each().await {
        tables::create(&db).await;
        let by = |path: &[&str]| {
            let mut rows = rows(&[("id", column("id"))]);
            rows.order = vec![inside(path).text().order(false, None)];
            select(rows).keyset(1)
        };
        let power = by(&["engine", "power"]).fetch(db.engine()).await.unwrap();
        let cursor = power.next.unwrap();
        let next = by(&["engine", "power"]).after(cursor.clone()).fetch(db.engine()).await.unwrap();
        assert_eq!((&power.items[0].0[..], &next.items[0].0[..]), (&b"{\"id\":1}"[..], &b"{\"id\":2}"[..]), "{db}");
        let another = by(&["engine", "weight"]).after(cursor).fetch(db.engine()).await;
        assert_kind(another.map(drop), ErrorKind::InvalidValue);
    }
}

/// Other programs may have put NULL there, which no list of a model holds.
#[tokio::test]
async fn null_in_an_array_is_null_in_json() {
    for db in each().await {
        tables::create(&db).await;
        let sizes = if db.is_sqlite() { "'[1, null]'" } else { "'{1, NULL}'" };
        db.batch(&format!("UPDATE vehicles SET sizes = {sizes} WHERE id = 1")).await;
        assert_eq!(value(column("sizes"), 1, db.engine()).await.unwrap(), json!([1, null]), "{db}");
    }
}
