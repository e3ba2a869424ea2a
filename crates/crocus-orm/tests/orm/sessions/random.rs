//! Random sequences of a session's operations, against a plain model in memory and what is then in the database.
//!
//! `CROCUS_SEQUENCES` says how many on each database; without it there are some hundreds.

use std::collections::{BTreeMap, BTreeSet};

use crocus_orm::{ColumnOperators, Handle, Model, Session};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::dealer::{
    Car, CarTag, Maker, NewCar, NewPlate, NewSale, Owner, Plate, Sale, Tag, create_tables, maker, owner, tag,
};
use crate::database::Database;

/// One step. The numbers pick an object among those that are there.
#[derive(Debug, Clone)]
enum Step {
    AddMaker {
        group: Option<u8>,
    },
    AddOwner,
    AddCar {
        maker: u8,
        owner: Option<u8>,
    },
    AddPlate {
        car: u8,
        number: u8,
    },
    AddSale {
        car: u8,
        owner: u8,
    },
    AddTag {
        name: u8,
    },
    SetDoors {
        car: u8,
        doors: i32,
    },
    SetPrice {
        sale: u8,
        price: i32,
    },
    SetGroup {
        maker: u8,
        group: Option<u8>,
    },
    SetMaker {
        car: u8,
        maker: u8,
    },
    SetOwner {
        car: u8,
        owner: Option<u8>,
    },
    Link {
        car: u8,
        tag: u8,
    },
    Unlink {
        car: u8,
        tag: u8,
    },
    DeleteMaker(u8),
    DeleteOwner(u8),
    DeleteCar(u8),
    DeletePlate(u8),
    DeleteSale(u8),
    DeleteTag(u8),
    Flush,
    ExpireAll,
    Query,
    Begin,
    Nested,
    Commit,
    Rollback,
    /// Commits, and reads everything into another session, inside its transaction or before it.
    Reopen {
        inside: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = any::<u8>;
    let some = || proptest::option::of(any::<u8>());
    let step = prop_oneof![
        some().prop_map(|group| Step::AddMaker { group }),
        Just(Step::AddOwner),
        (n(), some()).prop_map(|(maker, owner)| Step::AddCar { maker, owner }),
        (n(), some()).prop_map(|(maker, owner)| Step::AddCar { maker, owner }),
        (n(), 0..4_u8).prop_map(|(car, number)| Step::AddPlate { car, number }),
        (n(), n()).prop_map(|(car, owner)| Step::AddSale { car, owner }),
        (0..4_u8).prop_map(|name| Step::AddTag { name }),
        (n(), 0..9).prop_map(|(car, doors)| Step::SetDoors { car, doors }),
        (n(), 0..9).prop_map(|(sale, price)| Step::SetPrice { sale, price }),
        (n(), some()).prop_map(|(maker, group)| Step::SetGroup { maker, group }),
        (n(), n()).prop_map(|(car, maker)| Step::SetMaker { car, maker }),
        (n(), some()).prop_map(|(car, owner)| Step::SetOwner { car, owner }),
        (n(), n()).prop_map(|(car, tag)| Step::Link { car, tag }),
        (n(), n()).prop_map(|(car, tag)| Step::Unlink { car, tag }),
        n().prop_map(Step::DeleteMaker),
        n().prop_map(Step::DeleteOwner),
        n().prop_map(Step::DeleteCar),
        n().prop_map(Step::DeletePlate),
        n().prop_map(Step::DeleteSale),
        n().prop_map(Step::DeleteTag),
        Just(Step::Flush),
        Just(Step::ExpireAll),
        Just(Step::Query),
        Just(Step::Begin),
        Just(Step::Nested),
        Just(Step::Commit),
        Just(Step::Rollback),
        any::<bool>().prop_map(|inside| Step::Reopen { inside }),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What should be: objects by numbers of our own, which never come back.
#[derive(Debug, Clone, Default)]
struct World {
    makers: BTreeMap<u32, Option<u32>>,
    owners: BTreeSet<u32>,
    cars: BTreeMap<u32, CarState>,
    /// By car: the object's number and the plate's.
    plates: BTreeMap<u32, (u32, u8)>,
    /// By car and owner: the object's number and the price.
    sales: BTreeMap<(u32, u32), (u32, i32)>,
    tags: BTreeMap<u32, u8>,
    links: BTreeSet<(u32, u32)>,
}

#[derive(Debug, Clone)]
struct CarState {
    doors: i32,
    maker: u32,
    owner: Option<u32>,
}

/// The session's names for the objects.
#[derive(Default)]
struct Handles {
    last: u32,
    makers: BTreeMap<u32, Handle<Maker>>,
    owners: BTreeMap<u32, Handle<Owner>>,
    cars: BTreeMap<u32, Handle<Car>>,
    plates: BTreeMap<u32, Handle<Plate>>,
    sales: BTreeMap<u32, Handle<Sale>>,
    tags: BTreeMap<u32, Handle<Tag>>,
}

impl Handles {
    fn next(&mut self) -> u32 {
        self.last += 1;
        self.last
    }
}

fn pick<T: Copy>(from: impl IntoIterator<Item = T>, number: u8) -> Option<T> {
    let all: Vec<_> = from.into_iter().collect();
    (!all.is_empty()).then(|| all[usize::from(number) % all.len()])
}

/// Makes an object one that can be used: after an expiry or a rollback it has to be read again.
async fn usable<M: Model>(session: &mut Session, handle: Handle<M>) -> Handle<M> {
    if session.try_get(handle).is_err() && session.pending(handle).is_none() {
        session.refresh(handle).await.unwrap();
    }
    handle
}

fn email(number: u32) -> String {
    format!("{number}@x")
}

/// Runs steps until they end, or end the savepoint that they are in. `false`: it is to be rolled back.
fn run<'a>(
    db: &'a Database,
    session: &'a mut Session,
    steps: &'a mut std::vec::IntoIter<Step>,
    world: &'a mut World,
    handles: &'a mut Handles,
    depth: usize,
) -> BoxFuture<'a, bool> {
    async move {
        let mut committed = world.clone();
        let nested = depth > 0;
        let mut begun = nested;
        while let Some(step) = steps.next() {
            match step {
                Step::Begin if !begun => {
                    // The transaction may have begun with a flush.
                    let _ = session.begin().await;
                    begun = true;
                }
                Step::Begin => {}
                // Deeper, a test's stack would not do.
                Step::Nested if depth == 4 => {}
                Step::Nested => {
                    let mut inner = world.clone();
                    let mut savepoint = session.begin_nested().await.unwrap();
                    if run(db, &mut savepoint, steps, &mut inner, handles, depth + 1).await {
                        savepoint.commit().await.unwrap();
                        *world = inner;
                    } else {
                        savepoint.rollback().await.unwrap();
                    }
                    check(session, world, handles).await;
                }
                Step::Commit | Step::Reopen { .. } if nested => return true,
                Step::Rollback if nested => return false,
                Step::Commit => {
                    session.commit().await.unwrap();
                    check(session, world, handles).await;
                    compare(db, session, world, handles).await;
                    committed = world.clone();
                    begun = false;
                }
                Step::Rollback => {
                    session.rollback().await.unwrap();
                    *world = committed.clone();
                    check(session, world, handles).await;
                    compare(db, session, world, handles).await;
                    begun = false;
                }
                Step::Reopen { inside } => {
                    session.commit().await.unwrap();
                    check(session, world, handles).await;
                    let mut other = db.session();
                    if inside {
                        other.begin().await.unwrap();
                    }
                    reopen(session, &mut other, world, handles).await;
                    *session = other;
                    committed = world.clone();
                    begun = inside;
                }
                step => apply(session, step, world, handles).await,
            }
        }
        true
    }
    .boxed()
}

async fn apply(session: &mut Session, step: Step, world: &mut World, handles: &mut Handles) {
    match step {
        Step::AddMaker { group } => {
            let group = group.and_then(|group| pick(world.makers.keys().copied(), group));
            let number = handles.next();
            let handle = session.add(maker(&format!("{number}")));
            if let Some(group) = group {
                let group = usable(session, handles.makers[&group]).await;
                session.set(handle, Maker::GROUP, group).unwrap();
            }
            handles.makers.insert(number, handle);
            world.makers.insert(number, group);
        }
        Step::AddOwner => {
            let number = handles.next();
            handles.owners.insert(number, session.add(owner(&email(number))));
            world.owners.insert(number);
        }
        Step::AddCar { maker, owner } => {
            let Some(maker) = pick(world.makers.keys().copied(), maker) else { return };
            let owner = owner.and_then(|owner| pick(world.owners.iter().copied(), owner));
            let number = handles.next();
            let owner_email = match owner {
                Some(owner) => usable(session, handles.owners[&owner]).await.into(),
                None => None,
            };
            let maker_id = usable(session, handles.makers[&maker]).await.into();
            let handle = session.add(NewCar { name: number.to_string(), doors: 4, maker_id, owner_email });
            handles.cars.insert(number, handle);
            world.cars.insert(number, CarState { doors: 4, maker, owner });
        }
        Step::AddPlate { car, number } => {
            let Some(car) = pick(world.cars.keys().copied(), car) else { return };
            if world.plates.contains_key(&car) || world.plates.values().any(|(_, taken)| *taken == number) {
                return;
            }
            let own = handles.next();
            let car_id = usable(session, handles.cars[&car]).await.into();
            handles.plates.insert(own, session.add(NewPlate { car_id, number: number.to_string() }));
            world.plates.insert(car, (own, number));
        }
        Step::AddSale { car, owner } => {
            let (Some(car), Some(owner)) =
                (pick(world.cars.keys().copied(), car), pick(world.owners.iter().copied(), owner))
            else {
                return;
            };
            if world.sales.contains_key(&(car, owner)) {
                return;
            }
            let own = handles.next();
            let car_id = usable(session, handles.cars[&car]).await.into();
            let owner_email = usable(session, handles.owners[&owner]).await.into();
            handles.sales.insert(own, session.add(NewSale { car_id, owner_email, price: 1 }));
            world.sales.insert((car, owner), (own, 1));
        }
        Step::AddTag { name } => {
            if world.tags.values().any(|taken| *taken == name) {
                return;
            }
            let number = handles.next();
            handles.tags.insert(number, session.add(tag(&name.to_string())));
            world.tags.insert(number, name);
        }
        Step::SetDoors { car, doors } => {
            let Some(car) = pick(world.cars.keys().copied(), car) else { return };
            let handle = usable(session, handles.cars[&car]).await;
            match session.pending_mut(handle) {
                Some(new) => new.doors = doors,
                None => session[handle].doors = doors,
            }
            world.cars.get_mut(&car).unwrap().doors = doors;
        }
        Step::SetPrice { sale, price } => {
            let Some(key) = pick(world.sales.keys().copied(), sale) else { return };
            let entry = world.sales.get_mut(&key).unwrap();
            let handle = usable(session, handles.sales[&entry.0]).await;
            match session.pending_mut(handle) {
                Some(new) => new.price = price,
                None => session[handle].price = price,
            }
            entry.1 = price;
        }
        Step::SetGroup { maker, group } => {
            let Some(maker) = pick(world.makers.keys().copied(), maker) else { return };
            let group = group.and_then(|group| pick(world.makers.keys().copied(), group));
            let handle = usable(session, handles.makers[&maker]).await;
            match group {
                Some(group) => {
                    let group = usable(session, handles.makers[&group]).await;
                    session.set(handle, Maker::GROUP, group).unwrap();
                }
                None => session.clear(handle, Maker::GROUP).unwrap(),
            }
            world.makers.insert(maker, group);
        }
        Step::SetMaker { car, maker } => {
            let (Some(car), Some(maker)) =
                (pick(world.cars.keys().copied(), car), pick(world.makers.keys().copied(), maker))
            else {
                return;
            };
            let handle = usable(session, handles.cars[&car]).await;
            let to = usable(session, handles.makers[&maker]).await;
            // The same from either side.
            if car % 2 == 0 {
                session.set(handle, Car::MAKER, to).unwrap();
            } else {
                session.link(to, Maker::CARS, handle).unwrap();
            }
            world.cars.get_mut(&car).unwrap().maker = maker;
        }
        Step::SetOwner { car, owner } => {
            let Some(car) = pick(world.cars.keys().copied(), car) else { return };
            let owner = owner.and_then(|owner| pick(world.owners.iter().copied(), owner));
            let handle = usable(session, handles.cars[&car]).await;
            match owner {
                Some(owner) => {
                    let owner = usable(session, handles.owners[&owner]).await;
                    session.set(handle, Car::OWNER, owner).unwrap();
                }
                None => session.clear(handle, Car::OWNER).unwrap(),
            }
            world.cars.get_mut(&car).unwrap().owner = owner;
        }
        Step::Link { car, tag } => {
            let (Some(car), Some(tag)) = (pick(world.cars.keys().copied(), car), pick(world.tags.keys().copied(), tag))
            else {
                return;
            };
            let (one, other) = (usable(session, handles.cars[&car]).await, usable(session, handles.tags[&tag]).await);
            // What is not loaded may be linked already.
            session.load(one, Car::TAGS).await.unwrap();
            session.link(one, Car::TAGS, other).unwrap();
            world.links.insert((car, tag));
        }
        Step::Unlink { car, tag } => {
            let (Some(car), Some(tag)) = (pick(world.cars.keys().copied(), car), pick(world.tags.keys().copied(), tag))
            else {
                return;
            };
            let (one, other) = (usable(session, handles.cars[&car]).await, usable(session, handles.tags[&tag]).await);
            session.unlink(other, Tag::CARS, one).unwrap();
            world.links.remove(&(car, tag));
        }
        Step::DeleteMaker(number) => {
            let used = |maker: &u32| {
                world.cars.values().any(|car| car.maker == *maker)
                    || world.makers.iter().any(|(other, group)| other != maker && *group == Some(*maker))
            };
            let Some(maker) = pick(world.makers.keys().copied().filter(|maker| !used(maker)), number) else { return };
            session.delete(handles.makers[&maker]);
            world.makers.remove(&maker);
        }
        Step::DeleteOwner(number) => {
            let Some(owner) = pick(world.owners.iter().copied(), number) else { return };
            let without_row = session.pending(handles.owners[&owner]).is_some();
            session.delete(handles.owners[&owner]);
            world.owners.remove(&owner);
            // The database does it for rows that point to a row; what it does not know of must not point to it.
            for (number, car) in world.cars.iter_mut().filter(|(_, car)| car.owner == Some(owner)) {
                car.owner = None;
                let handle = handles.cars[number];
                if session.pending(handle).is_some() || (without_row && session.try_get(handle).is_ok()) {
                    session.clear(handle, Car::OWNER).unwrap();
                }
            }
            remove_sales(session, world, handles, |_, of| of == owner);
        }
        Step::DeleteCar(number) => {
            let Some(car) = pick(world.cars.keys().copied(), number) else { return };
            session.delete(handles.cars[&car]);
            world.cars.remove(&car);
            world.links.retain(|(of, _)| *of != car);
            if let Some((plate, _)) = world.plates.remove(&car)
                && session.pending(handles.plates[&plate]).is_some()
            {
                session.delete(handles.plates[&plate]);
            }
            remove_sales(session, world, handles, |of, _| of == car);
        }
        Step::DeletePlate(number) => {
            let Some(car) = pick(world.plates.keys().copied(), number) else { return };
            let (plate, _) = world.plates.remove(&car).unwrap();
            session.delete(handles.plates[&plate]);
        }
        Step::DeleteSale(number) => {
            let Some(key) = pick(world.sales.keys().copied(), number) else { return };
            let (sale, _) = world.sales.remove(&key).unwrap();
            session.delete(handles.sales[&sale]);
        }
        Step::DeleteTag(number) => {
            let Some(tag) = pick(world.tags.keys().copied(), number) else { return };
            session.delete(handles.tags[&tag]);
            world.tags.remove(&tag);
            world.links.retain(|(_, of)| *of != tag);
        }
        Step::Flush => {
            session.flush().await.unwrap();
            assert!(!session.is_changed());
            check(session, world, handles).await;
        }
        Step::ExpireAll => {
            session.flush().await.unwrap();
            session.expire_all();
        }
        Step::Query => query(session, world, handles).await,
        Step::Begin | Step::Nested | Step::Commit | Step::Rollback | Step::Reopen { .. } => unreachable!(),
    }
}

fn remove_sales(session: &mut Session, world: &mut World, handles: &Handles, of: impl Fn(u32, u32) -> bool) {
    world.sales.retain(|(car, owner), (sale, _)| {
        let gone = of(*car, *owner);
        if gone && session.pending(handles.sales[sale]).is_some() {
            session.delete(handles.sales[sale]);
        }
        !gone
    });
}

/// Queries see what is not flushed, and loading gives what should be there.
async fn query(session: &mut Session, world: &World, handles: &Handles) {
    let cars = session.all(Car::select().order_by(Car::ID.asc()).with(Car::MAKER)).await.unwrap();
    let mut found: Vec<_> = cars.iter().map(|(car, maker)| (session[*car].name.clone(), *maker)).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let mut expected: Vec<_> =
        world.cars.iter().map(|(number, car)| (number.to_string(), handles.makers[&car.maker])).collect();
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(found, expected);
    for maker in world.makers.keys() {
        let handle = usable(session, handles.makers[maker]).await;
        let loaded = session.load(handle, Maker::CARS).await.unwrap();
        let expected: BTreeSet<_> =
            world.cars.iter().filter(|(_, car)| car.maker == *maker).map(|(number, _)| number.to_string()).collect();
        assert_eq!(loaded.iter().map(|car| session[*car].name.clone()).collect::<BTreeSet<_>>(), expected);
        assert_eq!(loaded.len(), expected.len());
    }
    for tag in world.tags.keys() {
        let handle = usable(session, handles.tags[tag]).await;
        let loaded = session.load(handle, Tag::CARS).await.unwrap();
        let expected: BTreeSet<_> =
            world.links.iter().filter(|(_, of)| of == tag).map(|(car, _)| car.to_string()).collect();
        assert_eq!(loaded.iter().map(|car| session[*car].name.clone()).collect::<BTreeSet<_>>(), expected);
    }
}

/// The session's objects are what they should be. Those that are not flushed are left alone.
async fn check(session: &mut Session, world: &World, handles: &Handles) {
    for (number, car) in &world.cars {
        let handle = usable(session, handles.cars[number]).await;
        if session.pending(handle).is_some() {
            continue;
        }
        let maker = session.load(handle, Car::MAKER).await.unwrap();
        let owner = session.load(handle, Car::OWNER).await.unwrap();
        assert_eq!(session[handle].doors, car.doors, "car {number}");
        assert_eq!(maker, handles.makers[&car.maker], "car {number}");
        assert_eq!(owner, car.owner.map(|owner| handles.owners[&owner]), "car {number}");
    }
    for (number, group) in &world.makers {
        let handle = usable(session, handles.makers[number]).await;
        if session.pending(handle).is_none() {
            let found = session.load(handle, Maker::GROUP).await.unwrap();
            assert_eq!(found, group.map(|group| handles.makers[&group]), "maker {number}");
        }
    }
    for (number, price) in world.sales.values() {
        let handle = usable(session, handles.sales[number]).await;
        if session.pending(handle).is_none() {
            assert_eq!(session[handle].price, *price, "sale {number}");
        }
    }
    for (car, tag) in &world.links {
        let car = usable(session, handles.cars[car]).await;
        let tags = session.load(car, Car::TAGS).await.unwrap();
        assert!(tags.contains(&handles.tags[tag]));
    }
    // What is not there any more is not there in the session.
    for (number, handle) in handles.cars.iter().filter(|(number, _)| !world.cars.contains_key(number)) {
        assert!(session.try_get(*handle).is_err(), "car {number}");
    }
}

/// The database has what it should, and nothing else: after a commit or a rollback.
async fn compare(db: &Database, session: &Session, world: &World, handles: &Handles) {
    let id = |maker: &u32| session[handles.makers[maker]].id;
    let car_id = |car: &u32| session[handles.cars[car]].id;
    let mut expected: Vec<_> = world.makers.iter().map(|(maker, group)| (id(maker), group.as_ref().map(id))).collect();
    expected.sort_unstable();
    let makers = Maker::select().order_by(Maker::ID.asc()).all(db.engine()).await.unwrap();
    assert_eq!(makers.iter().map(|maker| (maker.id, maker.group_id)).collect::<Vec<_>>(), expected);

    let mut expected: Vec<_> = world
        .cars
        .iter()
        .map(|(number, car)| (car_id(number), number.to_string(), car.doors, id(&car.maker), car.owner.map(email)))
        .collect();
    expected.sort_unstable();
    let cars = Car::select().order_by(Car::ID.asc()).all(db.engine()).await.unwrap();
    for car in &cars {
        let number: u32 = car.name.parse().unwrap();
        assert_eq!(session[handles.cars[&number]], *car, "the object is as its row");
    }
    let cars: Vec<_> =
        cars.into_iter().map(|car| (car.id, car.name, car.doors, car.maker_id, car.owner_email)).collect();
    assert_eq!(cars, expected);

    let owners: BTreeSet<_> =
        Owner::select().all(db.engine()).await.unwrap().into_iter().map(|owner| owner.email).collect();
    assert_eq!(owners, world.owners.iter().copied().map(email).collect());

    let mut expected: Vec<_> =
        world.plates.iter().map(|(car, (_, number))| (car_id(car), number.to_string())).collect();
    expected.sort_unstable();
    let plates = Plate::select().order_by(Plate::CAR_ID.asc()).all(db.engine()).await.unwrap();
    assert_eq!(plates.into_iter().map(|plate| (plate.car_id, plate.number)).collect::<Vec<_>>(), expected);

    let mut expected: Vec<_> =
        world.sales.iter().map(|((car, owner), (_, price))| (car_id(car), email(*owner), *price)).collect();
    expected.sort_unstable();
    let sales = Sale::select().all(db.engine()).await.unwrap();
    let mut sales: Vec<_> = sales.into_iter().map(|sale| (sale.car_id, sale.owner_email, sale.price)).collect();
    sales.sort_unstable();
    assert_eq!(sales, expected);

    let tags: BTreeSet<_> = Tag::select().all(db.engine()).await.unwrap().into_iter().map(|tag| tag.name).collect();
    assert_eq!(tags, world.tags.values().map(ToString::to_string).collect());

    let expected: BTreeSet<_> =
        world.links.iter().map(|(car, tag)| (car_id(car), session[handles.tags[tag]].id)).collect();
    let links = CarTag::select().all(db.engine()).await.unwrap();
    assert_eq!(links.len(), expected.len());
    assert_eq!(links.into_iter().map(|link| (link.car_id, link.tag_id)).collect::<BTreeSet<_>>(), expected);
}

/// The same objects, as another session reads them.
async fn reopen(before: &mut Session, session: &mut Session, world: &World, handles: &mut Handles) {
    macro_rules! read {
        ($all:ident, $numbers:expr) => {
            for number in $numbers {
                let handle = usable(before, handles.$all[&number]).await;
                let key = before[handle].key();
                let handle = session.get(key).await.unwrap().unwrap();
                handles.$all.insert(number, handle);
            }
            let numbers: BTreeSet<u32> = $numbers.collect();
            handles.$all.retain(|number, _| numbers.contains(number));
        };
    }
    read!(makers, world.makers.keys().copied());
    read!(owners, world.owners.iter().copied());
    read!(cars, world.cars.keys().copied());
    read!(plates, world.plates.values().map(|(plate, _)| *plate));
    read!(sales, world.sales.values().map(|(sale, _)| *sale));
    read!(tags, world.tags.keys().copied());
}

/// On a stack of its own: unoptimized, that of a test is too small for savepoints in savepoints.
fn sequences(database: impl AsyncFnOnce() -> Database + Send + 'static, usually: u32) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || run_sequences(database, usually));
    if let Err(panic) = thread.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

fn run_sequences(database: impl AsyncFnOnce() -> Database, usually: u32) {
    let cases = std::env::var("CROCUS_SEQUENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(usually);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let db = runtime.block_on(async {
        let db = database().await;
        create_tables(&db).await;
        db
    });
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let result = TestRunner::new(config).run(&steps(), |steps| {
        runtime.block_on(async {
            db.batch("DELETE FROM d_cars; UPDATE d_makers SET group_id = NULL; DELETE FROM d_makers").await;
            db.batch("DELETE FROM d_owners; DELETE FROM d_tags").await;
            let (mut world, mut handles) = (World::default(), Handles::default());
            let mut session = db.session();
            let mut steps = steps.into_iter();
            run(&db, &mut session, &mut steps, &mut world, &mut handles, 0).await;
            session.commit().await.unwrap();
            check(&mut session, &world, &handles).await;
            compare(&db, &session, &world, &handles).await;
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{db}: {error}");
    }
    drop(db);
}

#[test]
fn random_sequences_end_as_they_should_on_sqlite() {
    sequences(Database::sqlite, 300);
}

#[test]
fn random_sequences_end_as_they_should_on_postgresql() {
    sequences(Database::postgres, 150);
}
