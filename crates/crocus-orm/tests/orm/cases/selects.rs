//! Whole queries: columns, groups, windows, subqueries, common table expressions, unions.

use crocus_orm::{ColumnOperators, FrameBound, Model, count, dense_rank, entity, exists, literal, rank};
use crocus_orm::{row_number, window};

use super::tables::{Builder as B, Employee as E, Vehicle as V};
use super::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    [columns(), groups(), windows(), subqueries(), ctes(), sets(), refused()].into_iter().flatten().collect()
}

fn columns() -> Vec<Case> {
    let v = || V::select().order_by(V::ID.asc());
    vec![
        case("columns: one", v().columns(V::DOORS), "[2, 5, 4, 0]"),
        case("columns: a tuple of one", v().columns((V::DOORS,)).limit(1), "[(2,)]"),
        case("columns: two", v().columns((V::NAME, V::SEATS)).limit(2), r#"[("Roadster", Some(2)), ("Wagon", None)]"#),
        case("columns: the same twice", v().columns((V::ID, V::ID)).limit(1), "[(1, 1)]"),
        case("columns: nested tuples", v().columns((V::ID, (V::DOORS, V::SOLD))).limit(1), "[(1, (2, true))]"),
        case(
            "columns: twelve",
            v().columns((V::ID, V::ID, V::ID, V::ID, V::ID, V::ID, V::ID, V::ID, V::ID, V::ID, V::ID, V::DOORS))
                .limit(1),
            "[(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)]",
        ),
        case(
            "columns: an entity",
            B::select().columns((entity::<B>(), literal(1))).limit(1).order_by(B::ID.asc()),
            r#"[(Builder { id: 1, name: "Acme", country: Some("ch") }, 1)]"#,
        ),
        case("columns: mapped", v().columns((V::ID, V::DOORS)).map(|(id, doors)| id + doors), "[3, 7, 7, 4]"),
        case(
            "distinct",
            V::select().columns(V::BUILDER_ID).distinct().order_by(V::BUILDER_ID.asc()),
            "[Some(1), Some(2), None]",
        ),
        case(
            "distinct: ordered by an expression",
            V::select().columns(V::DOORS / 4).distinct().order_by((V::DOORS / 4).desc()),
            "[1, 0]",
        ),
        case(
            "distinct_on",
            V::select()
                .columns((V::BUILDER_ID, V::NAME))
                .distinct_on(V::BUILDER_ID)
                .order_by(V::BUILDER_ID.asc())
                .order_by(V::ID.desc()),
            r#"[(Some(1), "Wagon"), (Some(2), "Étoile"), (None, "100%_a\\b")]"#,
        ),
        case(
            "order: nulls first",
            V::select().columns(V::ID).order_by(V::SEATS.asc().nulls_first()).order_by(V::ID.asc()),
            "[2, 4, 1, 3]",
        ),
        case(
            "order: nulls last",
            V::select().columns(V::ID).order_by(V::SEATS.desc().nulls_last()).order_by(V::ID.asc()),
            "[3, 1, 2, 4]",
        ),
        case("order: by an expression", V::select().columns(V::ID).order_by((-V::DOORS).asc()), "[2, 3, 1, 4]"),
        case(
            "order: by a condition",
            V::select().columns(V::ID).order_by(V::SOLD.desc()).order_by(V::ID.desc()),
            "[1, 4, 3, 2]",
        ),
        case("for_update", v().columns(V::ID).for_update(), "[1, 2, 3, 4]"),
        case("skip_locked", v().columns(V::ID).for_update().skip_locked().limit(1), "[1]"),
        case("nowait", v().columns(V::ID).nowait().limit(1), "[1]"),
    ]
}

fn groups() -> Vec<Case> {
    let by_builder = || V::select().group_by(V::BUILDER_ID).order_by(V::BUILDER_ID.asc());
    vec![
        case("count: rows", V::select().columns(count()), "[4]"),
        case("count: not NULL", V::select().columns(V::SEATS.count()), "[2]"),
        case(
            "count: different",
            V::select().columns((V::BUILDER_ID.count(), V::BUILDER_ID.count_distinct())),
            "[(3, 2)]",
        ),
        case("count: of no rows", V::select().columns(count()).filter(V::ID.gt(9)), "[0]"),
        case("sum", V::select().columns(V::DOORS.sum()), "[Some(11)]"),
        case("sum: i64", V::select().columns(V::BIG.sum()), "[Some(20000000000)]"),
        case("sum: i16", V::select().columns(V::SMALL.sum()), "[Some(28)]"),
        case("sum: f64", V::select().columns(V::WEIGHT.sum()).filter(V::ID.le(2)), "[Some(1.5)]"),
        case("sum: of no rows", V::select().columns(V::DOORS.sum()).filter(V::ID.gt(9)), "[None]"),
        case("sum: an expression", V::select().columns((V::DOORS * 2).sum()), "[Some(22)]"),
        case("avg", V::select().columns(V::DOORS.avg()), "[Some(2.75)]"),
        case("avg: NULL does not count", V::select().columns(V::SEATS.avg()), "[Some(3.5)]"),
        case(
            "min and max",
            V::select().columns((V::DOORS.min(), V::NAME.max(), V::SEATS.min())),
            r#"[(Some(0), Some("Étoile"), Some(2))]"#,
        ),
        case(
            "string_agg",
            V::select().columns(V::NAME.string_agg(", ").order_by(V::DOORS.desc())).filter(V::ID.le(2)),
            r#"[Some("Wagon, Roadster")]"#,
        ),
        case("filter_where", V::select().columns((count().filter_where(V::DOORS.ge(4)), count())), "[(2, 4)]"),
        case(
            "filter_where: twice",
            V::select().columns(count().filter_where(V::DOORS.ge(4)).filter_where(V::ID.eq(3))),
            "[1]",
        ),
        case("group_by", by_builder().columns((V::BUILDER_ID, count())), "[(Some(1), 2), (Some(2), 1), (None, 1)]"),
        case(
            "group_by: a value in the expression",
            V::select().columns((V::DOORS / 4, count())).group_by(V::DOORS / 4).order_by((V::DOORS / 4).asc()),
            "[(0, 2), (1, 2)]",
        ),
        case(
            "group_by: two",
            V::select()
                .columns((V::SOLD, V::DOORS, count()))
                .group_by((V::SOLD, V::DOORS))
                .order_by(V::DOORS.asc())
                .limit(2),
            "[(false, 0, 1), (true, 2, 1)]",
        ),
        case("having", by_builder().columns(V::BUILDER_ID).having(count().gt(1)), "[Some(1)]"),
        case(
            "having: twice",
            by_builder().columns(V::BUILDER_ID).having(count().eq(1)).having(V::BUILDER_ID.is_not_null()),
            "[Some(2)]",
        ),
        case(
            "group_by: ordered by an aggregate",
            V::select().columns(V::BUILDER_ID).group_by(V::BUILDER_ID).order_by(count().desc()).limit(1),
            "[Some(1)]",
        ),
        case("aggregates: arithmetic", V::select().columns(V::DOORS.sum() / count()), "[Some(2)]"),
        case("aggregates: coalesce", V::select().columns(V::DOORS.sum().coalesce(0)).filter(V::ID.gt(9)), "[0]"),
    ]
}

fn windows() -> Vec<Case> {
    let v = || V::select().order_by(V::ID.asc());
    let by_id = || window().order_by(V::ID.asc());
    vec![
        case("row_number", v().columns(row_number().over(window().order_by(V::DOORS.desc()))), "[3, 1, 2, 4]"),
        case(
            "row_number: partitions",
            v().columns(row_number().over(by_id().partition_by(V::BUILDER_ID))),
            "[1, 2, 1, 1]",
        ),
        case("rank", v().columns(rank().over(window().order_by(V::SEATS.is_null().asc()))), "[1, 3, 1, 3]"),
        case("dense_rank", v().columns(dense_rank().over(window().order_by(V::SEATS.is_null().asc()))), "[1, 2, 1, 2]"),
        case("lag", v().columns(V::DOORS.lag(1).over(by_id())), "[None, Some(2), Some(5), Some(4)]"),
        case("lead", v().columns(V::DOORS.lead(2).over(by_id())), "[Some(4), Some(0), None, None]"),
        case("first_value", v().columns(V::DOORS.first_value().over(by_id())), "[Some(2), Some(2), Some(2), Some(2)]"),
        case(
            "last_value: the whole window",
            v().columns(
                V::DOORS
                    .last_value()
                    .over(by_id().rows(FrameBound::UnboundedPreceding, FrameBound::UnboundedFollowing)),
            ),
            "[Some(0), Some(0), Some(0), Some(0)]",
        ),
        case("sum over all", v().columns(V::DOORS.sum().over(window())), "[Some(11), Some(11), Some(11), Some(11)]"),
        case("sum up to each row", v().columns(V::DOORS.sum().over(by_id())), "[Some(2), Some(7), Some(11), Some(11)]"),
        case(
            "sum over a frame",
            v().columns(V::BIG.sum().over(by_id().rows(FrameBound::Preceding(1), FrameBound::CurrentRow))),
            "[Some(5000000000), Some(10000000000), Some(10000000000), Some(10000000000)]",
        ),
        case(
            "avg over partitions",
            v().columns(V::DOORS.avg().over(window().partition_by(V::BUILDER_ID))),
            "[Some(3.5), Some(3.5), Some(4.0), Some(0.0)]",
        ),
        case(
            "count over a range",
            v().columns(
                count().over(
                    window()
                        .order_by(V::SEATS.is_null().asc())
                        .range(FrameBound::UnboundedPreceding, FrameBound::CurrentRow),
                ),
            ),
            "[2, 4, 2, 4]",
        ),
        case(
            "filter_where over a window",
            v().columns(count().filter_where(V::DOORS.gt(2)).over(window())),
            "[2, 2, 2, 2]",
        ),
    ]
}

fn subqueries() -> Vec<Case> {
    let most = || V::select().columns(V::DOORS.max()).scalar();
    let of_builder = || V::select().filter(V::BUILDER_ID.eq(B::ID));
    let sizes = || V::select().columns((V::BUILDER_ID, count())).group_by(V::BUILDER_ID).subquery("sizes");
    let b = || B::select().order_by(B::ID.asc());
    let (builder, vehicles) = sizes().columns();
    vec![
        case(
            "scalar: in a condition",
            V::select().columns(V::ID).filter(V::DOORS.eq(V::select().columns(V::DOORS.max().coalesce(0)).scalar())),
            "[2]",
        ),
        case(
            "scalar: as a column",
            V::select().columns((V::ID, most().is_null())).limit(1).order_by(V::ID.asc()),
            "[(1, false)]",
        ),
        case(
            "scalar: correlated",
            b().columns((B::NAME, of_builder().columns(count()).scalar())),
            r#"[("Acme", Some(2)), ("Bolt", Some(1)), ("Cog", Some(0))]"#,
        ),
        case("exists", b().columns(B::ID).filter(exists(of_builder())), "[1, 2]"),
        case("exists: not", b().columns(B::ID).filter(!exists(of_builder())), "[3]"),
        case(
            "in_query",
            b().columns(B::ID).filter(B::ID.in_query(V::select().columns(V::BUILDER_ID).filter(V::DOORS.gt(4)))),
            "[1]",
        ),
        case(
            "not_in_query",
            b().columns(B::ID)
                .filter(B::ID.not_in_query(V::select().columns(V::BUILDER_ID).filter(V::BUILDER_ID.is_not_null()))),
            "[3]",
        ),
        case(
            "not_in_query: NULL is a trap",
            b().columns(B::ID).filter(B::ID.not_in_query(V::select().columns(V::BUILDER_ID))),
            "[]",
        ),
        case(
            "subquery: read",
            sizes().select().order_by(sizes().columns().0.asc()),
            "[(Some(1), 2), (Some(2), 1), (None, 1)]",
        ),
        case("subquery: narrowed", sizes().select().filter(vehicles.clone().eq(2)), "[(Some(1), 2)]"),
        case(
            "subquery: joined",
            b().join_on(&sizes(), B::ID.eq(builder.clone())).columns((B::NAME, vehicles.clone() + 1)),
            r#"[("Acme", 3), ("Bolt", 2)]"#,
        ),
        case(
            "subquery: joined from the left",
            b().left_join_on(&sizes(), B::ID.eq(builder)).columns((B::NAME, vehicles.nullable())),
            r#"[("Acme", Some(2)), ("Bolt", Some(1)), ("Cog", None)]"#,
        ),
        case(
            "subquery: of models",
            B::select()
                .filter(B::ID.gt(1))
                .subquery("some")
                .select()
                .columns(B::NAME.of("some"))
                .order_by(B::ID.of("some").asc()),
            r#"["Bolt", "Cog"]"#,
        ),
        case(
            "subquery: models from it",
            B::select().filter(B::ID.gt(2)).subquery("some").select(),
            r#"[Builder { id: 3, name: "Cog", country: Some("fr") }]"#,
        ),
        case(
            "subquery: the last of each",
            {
                let place = row_number().over(window().partition_by(V::BUILDER_ID).order_by(V::ID.desc()));
                let ranked = V::select().columns((V::NAME, V::BUILDER_ID, place)).subquery("ranked");
                let (name, builder, place) = ranked.columns();
                ranked.select().columns((name, builder.clone())).filter(place.eq(1)).order_by(builder.asc())
            },
            r#"[("Wagon", Some(1)), ("Étoile", Some(2)), ("100%_a\\b", None)]"#,
        ),
    ]
}

fn ctes() -> Vec<Case> {
    let many = || V::select().columns((V::ID, V::DOORS)).filter(V::DOORS.ge(4)).cte("many");
    let tree = || {
        let top = E::select().columns((E::ID, E::NAME, literal(0))).filter(E::BOSS_ID.is_null());
        top.recursive_cte("tree", |tree| {
            let (id, path, depth) = tree.columns();
            E::select().join_on(tree, E::BOSS_ID.eq(id)).columns((E::ID, path.concat("/").concat(E::NAME), depth + 1))
        })
    };
    let (id, path, depth) = tree().columns();
    vec![
        case("cte", many().select().order_by(many().columns().0.asc()), "[(2, 5), (3, 4)]"),
        case(
            "cte: twice",
            {
                let many = many();
                let (id, doors) = many.columns();
                let most = many.select().columns(doors.clone().max().coalesce(0)).scalar();
                many.select().columns(id).filter(doors.eq(most))
            },
            "[2]",
        ),
        case(
            "cte: in a subquery",
            B::select()
                .columns(B::ID)
                .filter(exists(V::select().join_on(&many(), V::ID.eq(many().columns().0) & V::BUILDER_ID.eq(B::ID))))
                .order_by(B::ID.asc()),
            "[1, 2]",
        ),
        case(
            "refused: two with one name",
            V::select().columns(V::ID).join_on(&many(), literal(true)).filter(V::ID.in_query({
                let few = V::select().columns(V::ID).cte("many");
                few.select()
            })),
            "two common table expressions are called `many`",
        ),
        case(
            "cte: one handle in a subquery",
            {
                let many = many();
                let (id, _) = many.columns();
                V::select().columns(V::ID).filter(V::ID.in_query(many.select().columns(id))).order_by(V::ID.asc())
            },
            "[2, 3]",
        ),
        case(
            "recursive",
            tree().select().order_by(id.clone().asc()),
            r#"[(1, "Ada", 0), (2, "Ada/Ben", 1), (3, "Ada/Cyd", 1), (4, "Ada/Ben/Dee", 2)]"#,
        ),
        case("recursive: narrowed", tree().select().columns(path).filter(depth.gt(1)), r#"["Ada/Ben/Dee"]"#),
        case(
            "recursive: counts up",
            {
                let numbers = V::select().columns((literal(1),)).limit(1).recursive_cte_all("numbers", |numbers| {
                    let (n,) = numbers.columns();
                    numbers.select().columns((n.clone() + 1,)).filter(n.lt(5))
                });
                numbers.select().columns(numbers.columns().0.sum())
            },
            "[Some(15)]",
        ),
    ]
}

fn sets() -> Vec<Case> {
    let v = |from: i32, to: i32| V::select().columns(V::ID).filter(V::ID.between(from, to));
    vec![
        case("union", v(1, 2).union(v(2, 3)).order_by(V::ID.asc()), "[1, 2, 3]"),
        case("union_all", v(1, 2).union_all(v(2, 3)).order_by(V::ID.asc()), "[1, 2, 2, 3]"),
        case("intersect", v(1, 3).intersect(v(2, 4)).order_by(V::ID.asc()), "[2, 3]"),
        case("except", v(1, 3).except(v(2, 4)), "[1]"),
        case("union: three", v(1, 1).union(v(2, 2)).union(v(4, 4)).order_by(V::ID.desc()), "[4, 2, 1]"),
        case("union: grouping is as written", v(1, 4).except(v(1, 2).union(v(3, 3))), "[4]"),
        case(
            "union: bounds of a part",
            v(1, 4)
                .order_by(V::ID.desc())
                .limit(1)
                .union_all(v(1, 4).order_by(V::ID.asc()).limit(1))
                .order_by(V::ID.asc()),
            "[1, 4]",
        ),
        case("union: bounds of the whole", v(1, 2).union(v(2, 4)).order_by(V::ID.asc()).offset(1).limit(2), "[2, 3]"),
        case("union: filtered", v(1, 2).union(v(2, 4)).filter(V::ID.gt(3)), "[4]"),
        case(
            "union: models",
            B::select()
                .filter(B::ID.eq(1))
                .union(B::select().filter(B::NAME.eq("Cog")))
                .order_by(B::NAME.desc())
                .columns(B::NAME),
            r#"["Cog", "Acme"]"#,
        ),
        case(
            "union: values",
            V::select()
                .columns((V::ID, literal("a".to_owned())))
                .filter(V::ID.eq(1))
                .union(V::select().columns((V::ID, literal("b".to_owned()))).filter(V::ID.eq(1)))
                .order_by(V::ID.asc())
                .columns(V::ID),
            "[1, 1]",
        ),
    ]
}

fn refused() -> Vec<Case> {
    vec![
        case(
            "refused: a table that is not read",
            V::select().filter(B::NAME.eq("Acme")),
            "the column `builders`.`name` is used in a query that does not read `builders`",
        ),
        case(
            "refused: a column of it",
            V::select().columns((V::ID, B::NAME)),
            "the column `builders`.`name` is used in a query that does not read `builders`",
        ),
        case(
            "refused: in a subquery",
            V::select().columns(V::ID).filter(exists(V::select().filter(B::ID.eq(1)))),
            "the column `builders`.`id` is used in a query that does not read `builders`",
        ),
        case(
            "refused: a table twice",
            V::select().columns(V::ID).cross_join(entity::<V>()),
            "the query reads `vehicles` twice under one name",
        ),
        case(
            "refused: a mapped subquery",
            V::select().columns(V::ID).map(|id| (id,)).subquery("mapped").select(),
            "a query inside another gives columns or a model: `.with(...)` and `.map(...)` come last",
        ),
        case(
            "refused: a mapped union",
            V::select().columns(V::ID).map(|id| id + 1).union(V::select().columns(V::ID)),
            "queries are combined before `.with(...)` and `.map(...)`",
        ),
    ]
}
