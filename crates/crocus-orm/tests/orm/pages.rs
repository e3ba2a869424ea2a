//! Pages by number and by cursor.

use crocus_orm::{ColumnOperators, Error, ErrorKind, KeysetPage, Model, Order, Select, entity};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::database::{Database, assert_kind, each};
use crate::models::{Car, NewCar, NewSample, Sample, nothing};

async fn cars(db: &Database, number: i32) {
    let news = (1..=number).map(|n| NewCar {
        name: format!("Model {n}"),
        model: format!("M{n}"),
        doors: n % 3,
        note: (n % 2 == 0).then(|| format!("note {}", n % 4)),
    });
    let mut session = db.session();
    session.add_all(news);
    session.commit().await.unwrap();
}

#[tokio::test]
async fn pages_are_numbered() {
    for db in each().await {
        cars(&db, 45).await;
        let all = || Car::select().order_by(Car::ID.asc());
        let page = all().paginate(3, 20).fetch(db.engine()).await.unwrap();
        assert_eq!(page.items.iter().map(|car| car.id).collect::<Vec<_>>(), [41, 42, 43, 44, 45], "{db}");
        assert_eq!((page.total, page.pages(), page.first(), page.last()), (45, 3, 41, 45), "{db}");
        assert_eq!((page.has_next(), page.next_num(), page.prev_num()), (false, None, Some(2)), "{db}");

        let page = all().filter(Car::DOORS.eq(0)).limit(1).offset(7).paginate(1, 10).fetch(db.engine()).await.unwrap();
        assert_eq!((page.items.len(), page.total), (10, 15), "{db}: the page's own bounds count");
        let page = all().paginate(1, 1000).fetch(db.engine()).await.unwrap();
        assert_eq!((page.items.len(), page.per_page), (45, 100), "{db}: no more than a hundred");
        let page = all().paginate(1, 1000).max_per_page(7).fetch(db.engine()).await.unwrap();
        assert_eq!((page.items.len(), page.per_page, page.pages()), (7, 7, 7), "{db}");
        let page = all().filter(Car::DOORS.eq(9)).paginate(1, 20).fetch(db.engine()).await.unwrap();
        assert_eq!((page.items.len(), page.total, page.pages(), page.first(), page.last()), (0, 0, 0, 0, 0), "{db}");

        for (page, per_page) in [(4, 20), (0, 20), (1, 0), (u64::MAX, u64::MAX)] {
            let error = assert_kind(all().paginate(page, per_page).fetch(db.engine()).await, ErrorKind::NotFound);
            assert!(error.to_string().starts_with("there is no page"), "{db}: {error}");
        }
    }
}

#[tokio::test]
async fn a_cursor_is_one_list_s_own() {
    for db in each().await {
        cars(&db, 5).await;
        let by_doors = || Car::select().order_by(Car::DOORS.asc());
        let cursor = by_doors().keyset(2).fetch(db.engine()).await.unwrap().next.unwrap();
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{cursor}");
        let others = [
            Car::select().order_by(Car::DOORS.desc()),
            Car::select().order_by(Car::NAME.asc()),
            Car::select().order_by(Car::DOORS.asc()).order_by(Car::NAME.asc()),
            Car::select(),
        ];
        for other in others {
            let error = assert_kind(other.keyset(2).after(&cursor).fetch(db.engine()).await, ErrorKind::InvalidValue);
            assert_eq!(error.to_string(), "this is no cursor of this list", "{db}");
        }
        let half = &cursor[..cursor.len() / 2];
        for forged in ["", "x", "!!", "WzEsMSwxXQ", half] {
            let page = by_doors().keyset(2).before(forged).fetch(db.engine()).await;
            assert_kind(page, ErrorKind::InvalidValue);
        }
        // Another filter is the same order.
        let filtered = by_doors().filter(Car::DOORS.ge(1)).keyset(9).after(&cursor).fetch(db.engine()).await.unwrap();
        assert!(filtered.items.iter().all(|car| car.doors >= 1), "{db}");

        let error = assert_kind(Car::select().distinct().keyset(2).fetch(db.engine()).await, ErrorKind::InvalidQuery);
        assert_eq!(error.hint(), Some("use `.paginate(page, per_page)`"), "{db}");
        let empty = by_doors().filter(Car::DOORS.eq(9)).keyset(2).fetch(db.engine()).await.unwrap();
        assert_eq!(empty, KeysetPage { items: Vec::new(), next: None, prev: None }, "{db}");
    }
}

#[tokio::test]
async fn rows_that_come_and_go_move_no_page() {
    for db in each().await {
        cars(&db, 6).await;
        let ids = |page: &KeysetPage<Car>| page.items.iter().map(|car| car.id).collect::<Vec<_>>();
        let by_id = || Car::select().order_by(Car::ID.desc());
        let first = by_id().keyset(2).fetch(db.engine()).await.unwrap();
        assert_eq!(ids(&first), [6, 5], "{db}");
        // The row that the cursor stands on goes, and one comes before it.
        Car::delete().filter(Car::ID.eq(5)).execute(db.engine()).await.unwrap();
        cars_named(&db, "Late").await;
        let second = by_id().keyset(2).after(first.next.unwrap()).fetch(db.engine()).await.unwrap();
        assert_eq!(ids(&second), [4, 3], "{db}");
        let back = by_id().keyset(2).before(second.prev.unwrap()).fetch(db.engine()).await.unwrap();
        assert_eq!(ids(&back), [7, 6], "{db}");
        assert_eq!(back.prev, None, "{db}");
    }
}

async fn cars_named(db: &Database, name: &str) {
    let new = NewCar { name: name.into(), model: "late".into(), doors: 1, note: None };
    Car::insert(db.engine(), new).await.unwrap();
}

/// All rows, page after page, in one direction.
async fn walk(db: &Database, query: &Select<Sample>, rows: u64, forwards: bool) -> Result<Vec<i32>, Error> {
    let mut ids = Vec::new();
    let mut cursor: Option<String> = None;
    if !forwards {
        // The page before the end: after the last row, and back.
        let all = query.clone().all(db.engine()).await?;
        let last = query.clone().keyset(all.len() as u64 - 1).fetch(db.engine()).await?;
        let Some(next) = last.next else { return Ok(all.iter().map(|sample| sample.id).collect()) };
        let page = query.clone().keyset(1).after(next).fetch(db.engine()).await?;
        ids.extend(page.items.iter().map(|sample| sample.id));
        cursor = page.prev;
    }
    loop {
        let keyset = query.clone().keyset(rows);
        let page = match (&cursor, forwards) {
            (None, _) => keyset,
            (Some(cursor), true) => keyset.after(cursor),
            (Some(cursor), false) => keyset.before(cursor),
        };
        let page = page.fetch(db.engine()).await?;
        assert!(page.items.len() as u64 <= rows);
        let found: Vec<_> = page.items.iter().map(|sample| sample.id).collect();
        cursor = if forwards {
            ids.extend(found);
            page.next
        } else {
            ids.splice(0..0, found);
            page.prev
        };
        if cursor.is_none() {
            return Ok(ids);
        }
    }
}

fn order(kind: u8, descending: bool, nulls: u8) -> Order {
    fn directed<E: ColumnOperators>(by: E, descending: bool) -> Order {
        if descending { by.desc() } else { by.asc() }
    }
    let order = match kind {
        0 => directed(Sample::INT4, descending),
        1 => directed(Sample::TEXT, descending),
        2 => directed(Sample::FLOAT, descending),
        3 => directed(Sample::DECIMAL, descending),
        4 => directed(Sample::INSTANT, descending),
        5 => directed(Sample::TRUTH, descending),
        6 => directed(Sample::INT4 + Sample::INT4, descending),
        _ => directed(Sample::ID, descending),
    };
    match nulls {
        1 => order.nulls_first(),
        2 => order.nulls_last(),
        _ => order,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_put_together_are_the_list() {
    for db in each().await {
        let mut session = db.session();
        for n in 0..23_i32 {
            let some = |every: i32| n % every != 0;
            session.add(NewSample {
                int4: some(4).then_some(n % 5),
                text: some(3).then(|| ["ä", "a", "B", "", "it's"][(n % 5) as usize].to_owned()),
                float: some(5).then_some(f64::from(n % 7) / 3.0),
                decimal: some(6).then(|| rust_decimal::Decimal::new(i64::from(n % 4) * 105, 2)),
                instant: some(7).then(|| jiff::Timestamp::from_microsecond(i64::from(n % 6) * 1_234_567).unwrap()),
                truth: some(8).then_some(n % 2 == 0),
                ..nothing()
            });
        }
        session.commit().await.unwrap();
        drop(session);

        let orders = prop::collection::vec((0..8_u8, any::<bool>(), 0..3_u8), 0..4);
        let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
        let handle = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            runner.run(&(orders, 1..9_u64), |(orders, rows)| {
                let query = orders.iter().fold(Sample::select(), |query, (kind, descending, nulls)| {
                    query.order_by(order(*kind, *descending, *nulls))
                });
                handle.block_on(async {
                    // The list that the pages make: ties by the key.
                    let unpaged = query.clone().order_by(Sample::ID.asc()).all(db.engine()).await.unwrap();
                    let unpaged: Vec<_> = unpaged.iter().map(|sample| sample.id).collect();
                    for forwards in [true, false] {
                        prop_assert_eq!(&walk(&db, &query, rows, forwards).await.unwrap(), &unpaged, "{}", &db);
                    }
                    Ok(())
                })
            })
        })
        .unwrap();
    }
}

#[tokio::test]
async fn columns_are_paged_like_models() {
    for db in each().await {
        cars(&db, 5).await;
        let names = Car::select().columns((Car::NAME, entity::<Car>())).order_by(Car::NOTE.desc());
        let first = names.clone().keyset(3).fetch(db.engine()).await.unwrap();
        let second = names.keyset(3).after(first.next.unwrap()).fetch(db.engine()).await.unwrap();
        let found: Vec<_> = first.items.iter().chain(&second.items).map(|(_, car)| car.id).collect();
        assert_eq!(found, [1, 3, 5, 2, 4], "{db}");
        let count: Vec<i32> = Car::select().columns(Car::ID).paginate(1, 2).fetch(db.engine()).await.unwrap().items;
        assert_eq!(count.len(), 2, "{db}");
    }
}
