//! Joins along relationships of every kind, free joins, aliases, and conditions on what relationships lead to.

use crocus_orm::{ColumnOperators, Model, Relationship, count, entity, literal};

use super::tables::{Builder as B, Employee as E, Label as L, Paper as P, Vehicle as V};
use super::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    let v = || V::select().order_by(V::ID.asc());
    let b = || B::select().order_by(B::ID.asc());
    let e = || E::select().order_by(E::ID.asc());
    let boss = entity::<E>().alias("boss");
    let yes = || literal(true);
    vec![
        case(
            "join: belongs_to",
            v().join(V::BUILDER).columns((V::NAME, B::NAME)),
            r#"[("Roadster", "Acme"), ("Wagon", "Acme"), ("Étoile", "Bolt")]"#,
        ),
        case(
            "join: belongs_to in a condition",
            v().join(V::BUILDER).filter(B::COUNTRY.eq("ch")).columns(V::ID),
            "[1, 2]",
        ),
        case(
            "left_join: belongs_to",
            v().left_join(V::BUILDER).columns((V::ID, B::NAME.nullable())),
            r#"[(1, Some("Acme")), (2, Some("Acme")), (3, Some("Bolt")), (4, None)]"#,
        ),
        case(
            "join: has_many",
            b().join(B::VEHICLES).columns((B::ID, V::ID)).order_by(V::ID.asc()),
            "[(1, 1), (1, 2), (2, 3)]",
        ),
        case(
            "left_join: has_many, counted",
            b().left_join(B::VEHICLES).columns((B::ID, V::ID.count())).group_by(B::ID),
            "[(1, 2), (2, 1), (3, 0)]",
        ),
        case("join: has_one", v().join(V::PAPER).columns((V::ID, P::NUMBER)), r#"[(1, "A-1"), (2, "B-2")]"#),
        case(
            "join: many_to_many",
            v().join(V::LABELS).columns((V::ID, L::TEXT)).order_by(L::ID.asc()),
            r#"[(1, "fast"), (1, "red"), (2, "red")]"#,
        ),
        case(
            "left_join: many_to_many",
            v().left_join(V::LABELS).columns((V::ID, L::TEXT.nullable())).order_by(L::ID.asc()),
            r#"[(1, Some("fast")), (1, Some("red")), (2, Some("red")), (3, None), (4, None)]"#,
        ),
        case(
            "join: two in a row",
            P::select().join(P::VEHICLE).join(V::BUILDER).columns((P::NUMBER, B::NAME)).order_by(P::ID.asc()),
            r#"[("A-1", "Acme"), ("B-2", "Acme")]"#,
        ),
        case(
            "join: to itself",
            e().join(E::BOSS.alias("boss")).columns((E::NAME, E::NAME.of("boss"))),
            r#"[("Ben", "Ada"), ("Cyd", "Ada"), ("Dee", "Ben")]"#,
        ),
        case(
            "join: to itself twice",
            e().join(E::BOSS.alias("boss")).join(E::BOSS.of("boss").alias("top")).columns((E::NAME, E::NAME.of("top"))),
            r#"[("Dee", "Ada")]"#,
        ),
        case(
            "left_join: to itself, whole",
            e().left_join(E::BOSS.alias("boss")).columns((E::ID, boss.nullable())).limit(2),
            r#"[(1, None), (2, Some(Employee { id: 1, name: "Ada", boss_id: None }))]"#,
        ),
        case("join: to itself without an alias", e().join(E::BOSS), "the query reads `employees` twice under one name"),
        case(
            "join_on",
            b().join_on(entity::<V>(), V::BUILDER_ID.eq(B::ID) & V::DOORS.eq(5)).columns((B::NAME, V::NAME)),
            r#"[("Acme", "Wagon")]"#,
        ),
        case(
            "left_join_on",
            b().left_join_on(entity::<V>(), V::BUILDER_ID.eq(B::ID) & V::DOORS.eq(5))
                .columns((B::ID, entity::<V>().nullable()))
                .map(|(id, v)| (id, v.map(|v| v.name))),
            r#"[(1, Some("Wagon")), (2, None), (3, None)]"#,
        ),
        case(
            "join_on: an alias",
            e().join_on(boss, E::BOSS_ID.eq(E::ID.of("boss"))).columns((E::ID, E::ID.of("boss"))),
            "[(2, 1), (3, 1), (4, 2)]",
        ),
        case("cross_join", B::select().cross_join(entity::<L>()).columns(count()), "[6]"),
        case(
            "join: whole models stay",
            v().join(V::BUILDER)
                .filter(B::NAME.eq("Bolt"))
                .columns((entity::<V>(), entity::<B>()))
                .map(|(v, b)| (v.name, b.name)),
            r#"[("Étoile", "Bolt")]"#,
        ),
        case("any: has_many", b().columns(B::ID).filter(B::VEHICLES.any(V::DOORS.eq(5))), "[1]"),
        case("any: has_many, all of them", b().columns(B::ID).filter(B::VEHICLES.any(yes())), "[1, 2]"),
        case("none: has_many", b().columns(B::ID).filter(B::VEHICLES.none(V::DOORS.eq(5))), "[2, 3]"),
        case("any: belongs_to", v().columns(V::ID).filter(V::BUILDER.any(B::COUNTRY.is_null())), "[3]"),
        case(
            "none: belongs_to, also of none",
            v().columns(V::ID).filter(V::BUILDER.none(B::NAME.eq("Acme"))),
            "[3, 4]",
        ),
        case("any: has_one", v().columns(V::ID).filter(V::PAPER.any(P::NUMBER.starts_with("B"))), "[2]"),
        case("any: many_to_many", v().columns(V::ID).filter(V::LABELS.any(L::TEXT.eq("red"))), "[1, 2]"),
        case("none: many_to_many", v().columns(V::ID).filter(V::LABELS.none(L::TEXT.eq("fast"))), "[2, 3, 4]"),
        case("any: to itself, many", e().columns(E::ID).filter(E::STAFF.any(E::NAME.eq("Dee"))), "[2]"),
        case("none: to itself, many", e().columns(E::ID).filter(E::STAFF.none(yes())), "[3, 4]"),
        case("any: to itself, one", e().columns(E::ID).filter(E::BOSS.any(E::NAME.eq("Ada"))), "[2, 3]"),
        case("none: to itself, one", e().columns(E::ID).filter(E::BOSS.none(E::NAME.eq("Ada"))), "[1, 4]"),
        case("any: nested", b().columns(B::ID).filter(B::VEHICLES.any(V::LABELS.any(L::TEXT.eq("fast")))), "[1]"),
        case("any: with the outer table", b().columns(B::ID).filter(B::VEHICLES.any(V::DOORS.gt(B::ID))), "[1, 2]"),
        case(
            "any: an alias for the inner table",
            e().columns(E::ID).filter(E::STAFF.alias("staff").any(E::ID.of("staff").gt(E::ID + 1))),
            "[1, 2]",
        ),
    ]
}
