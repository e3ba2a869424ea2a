//! The query grammar: what PostgREST's documentation shows is read as it says, everything that was read is written back,
//! and no text whatever makes it panic.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use crocus_orm::table::Nulls;
use crocus_web::grammar::{
    Aggregate, Comparison, Condition, Direction, Embedding, Filter, Item, Join, Operand, Operator, Order, Path,
    Quantifier, Select, Step, Term, Truth,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

/// Filters as the documentation has them, and in the shortest words where these differ.
const FILTERS: &[(&str, &str, &str)] = &[
    ("age", "lt.13", ""),
    ("last_name", "like(any).{O*,P*}", ""),
    ("last_name", "like(all).{O*,*n}", ""),
    ("id", "eq(any).{1,NULL,\"a,b\"}", ""),
    ("grade", "not.gte.90", ""),
    ("or", "(age.lt.18,age.gt.21)", ""),
    ("or", "(age.eq.14,not.and(age.gte.11,age.lte.17))", ""),
    ("and", "(grade.gte.90,student.is.true,or(age.eq.14,age.not.is.null))", ""),
    ("not.or", "(a.eq.1,b.eq.2)", ""),
    ("name", "in.(\"Hebdon,John\",\"Williams,Mary\")", ""),
    ("name", "in.(a b,c)", ""),
    ("name", "in.(\"Quote:\\\"\",\"Backslash:\\\\\")", "in.(Quote:\",Backslash:\\)"),
    ("name", "in.()", ""),
    ("name", "eq.a.b,c)(\"", ""),
    ("name", "eq.", ""),
    ("is_open", "is.not_null", ""),
    ("is_open", "is.TRUE", "is.true"),
    ("is_open", "is.unknown", ""),
    ("my_tsv", "fts(french).amusant", ""),
    ("my_tsv", "not.phfts(english).The Fat Cats", ""),
    ("my_tsv", "wfts.a or b", ""),
    ("tags", "cs.{example,new}", ""),
    ("or", "(tags.cs.{a,b},document.cs.{\"a\":[1,2]})", "(tags.cs.\"{a,b}\",document.cs.\"{\\\"a\\\":[1,2]}\")"),
    ("period", "ov.[2017-01-01,2017-06-30]", ""),
    ("json_data->>blood_type", "eq.A-", ""),
    ("json_data->phones->0->>number", "eq.1", ""),
    ("json_data->-1", "eq.1", ""),
    ("json_data->\"0\"", "eq.1", ""),
    ("\"information.cpe\"", "like.*MS*", ""),
    ("Unit Price", "lt.200", ""),
    ("first-name", "eq.x", ""),
    ("موارد", "eq.١", ""),
    ("actors.first_name", "in.(Jehanne,Mary)", ""),
    ("actors.or", "(a.eq.1,b.eq.\"1,2\")", ""),
    ("roles.actors.not.and", "(a.eq.1,b.is.null)", ""),
    ("\"and\"", "eq.1", ""),
];

const SELECTIONS: &[(&str, &str)] = &[
    ("", ""),
    ("first_name,age", ""),
    ("fullName:full_name,birthDate:birth_date", ""),
    ("full_name,salary::text", ""),
    ("id,json_data->>blood_type,json_data->phones", ""),
    ("primary_language:languages->0::text", ""),
    ("*,directors(id,last_name)", ""),
    ("title,directors!inner(*)", ""),
    ("title,directors!left(*)", "title,directors(*)"),
    ("id,billing:addresses!billing_fk!inner(name)", ""),
    ("title,...directors(director_last_name:last_name)", ""),
    ("title,actors()", ""),
    ("a(b(c(d)))", ""),
    ("amount.sum()", ""),
    ("total:amount.sum()::text,avg:amount::integer.avg()", ""),
    ("count()", ""),
    ("n:count()::text,orders(count())", ""),
    ("rate::double precision", ""),
];

const ORDERS: &[(&str, &str)] = &[
    ("age.desc,height.asc", "age.desc,height"),
    ("age.nullsfirst", ""),
    ("age.desc.nullslast", ""),
    ("location->>lat,location->0", ""),
    ("directors(last_name).desc", ""),
];

#[test]
fn what_is_documented_is_read() {
    for (name, value, shortest) in FILTERS {
        let filter = Filter::parse(name, value).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
        let shortest = if shortest.is_empty() { value } else { shortest };
        assert_eq!(filter.to_parameter(), ((*name).to_owned(), (*shortest).to_owned()));
    }
    shortened::<Select>(SELECTIONS);
    shortened::<Order>(ORDERS);
}

fn shortened<T: FromStr<Err: Display> + Display>(texts: &[(&str, &str)]) {
    for (text, shortest) in texts {
        let read: T = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.to_string(), if shortest.is_empty() { *text } else { *shortest });
    }
}

#[test]
fn what_is_wrong_is_told_with_the_place() {
    for ((name, value), wanted) in [
        (("doors", "gtr.4"), "an operator such as `eq.` at character 1, found `gtr.4`; did you mean `gt.`?"),
        (("doors", "gt4"), "an operator such as `eq.` at character 1, found `gt4`; did you mean `gt.`?"),
        (("doors", ""), "an operator such as `eq.` at the end"),
        (("doors", "in.1,2"), "`(` at character 4, found `1,2`"),
        (("doors", "in.(1,2"), "`)` at the end"),
        (("doors", "in.(1,2)3"), "the end at character 9, found `3`"),
        (
            ("doors", "is.nul"),
            "`null`, `not_null`, `true`, `false` or `unknown` at character 4, found `nul`; did you mean `null`?",
        ),
        (("doors", "neq(any).{1}"), "nothing: `neq` takes neither `any` nor `all` at character 5, found `any).{1}`"),
        (("doors", "eq(some).{1}"), "`any` or `all` at character 4, found `some).{1}`"),
        (("or", "(a.eq.1"), "`)` at the end"),
        (("or", "a.eq.1"), "`(` at character 1, found `a.eq.1`"),
        (("or", "(a.eq.\"1)"), "a closing quote at the end"),
        (("a..b", "eq.1"), "a column at character 3, found `.b`"),
    ] {
        assert_eq!(Filter::parse(name, value).unwrap_err().to_string(), format!("expected {wanted}"), "{name}={value}");
    }
    let deep = format!("{}{}", "a(".repeat(33), ")".repeat(33));
    wrong::<Select>(&[
        ("id,,name", "a column at character 4, found `,name`"),
        (
            "price.summ()",
            "`avg()`, `count()`, `max()`, `min()` or `sum()` at character 7, found `summ()`; did you mean `sum()`?",
        ),
        ("...name", "`(`: only a relationship can be spread at the end"),
        ("maker(name", "`)` at the end"),
        ("price::", "a type at the end"),
        (&deep, "at most 32 parentheses in each other at character 67, found `))))))))))))))))))))))))…`"),
    ]);
    wrong::<Order>(&[
        ("name.dsc", "`asc`, `desc`, `nullsfirst`, `nullslast` at character 6, found `dsc`; did you mean `desc`?"),
        ("name.desc.asc", "`nullsfirst`, `nullslast` at character 11, found `asc`"),
        ("name,", "a column at the end"),
    ]);
}

fn wrong<T: FromStr<Err: Display> + Debug>(texts: &[(&str, &str)]) {
    for (text, wanted) in texts {
        let Err(error) = text.parse::<T>() else { panic!("{text} is read") };
        assert_eq!(error.to_string(), format!("expected {wanted}"), "{text}");
    }
}

fn text() -> impl Strategy<Value = String> {
    let odd = vec!["and", "or", "not", "null", "NULL", "count", "-", "0", "a-b", "ü ß", "->", "\"", "\\", ""];
    prop_oneof!["[a-z_]{1,6}", "[ -~]{0,8}", select(odd).prop_map(str::to_owned), any::<String>()]
}

/// Names are never empty, and not of spaces alone.
fn name() -> impl Strategy<Value = String> {
    text().prop_filter("a name", |name| !name.trim().is_empty())
}

fn path() -> impl Strategy<Value = Path> {
    let step = prop_oneof![name().prop_map(Step::Member), any::<i32>().prop_map(Step::Element)];
    (name(), vec(step, 0..3), any::<bool>()).prop_map(|(column, steps, as_text)| Path {
        as_text: as_text && !steps.is_empty(),
        column,
        steps,
    })
}

fn operand(operator: Operator) -> BoxedStrategy<Operand> {
    let quantifier = prop_oneof![Just(Quantifier::Any), Just(Quantifier::All)];
    let value = text().prop_map(Operand::Value);
    match operator {
        // A list of one that is empty is written as one of none.
        Operator::In => {
            vec(text(), 0..3).prop_map(|list| Operand::List(if list == [""] { Vec::new() } else { list })).boxed()
        }
        Operator::Is => select(vec![Truth::Null, Truth::NotNull, Truth::True, Truth::False, Truth::Unknown])
            .prop_map(Operand::Is)
            .boxed(),
        operator if operator.is_search() => {
            (of(name()), text()).prop_map(|(language, value)| Operand::Search(language, value)).boxed()
        }
        operator if operator.is_quantified() => {
            let several = (quantifier, vec(of(text()), 0..3))
                .prop_map(|(quantifier, elements)| Operand::Quantified(quantifier, elements));
            prop_oneof![value, several].boxed()
        }
        _ => value.boxed(),
    }
}

fn condition() -> impl Strategy<Value = Condition> {
    let comparison = (path(), select(Operator::ALL.to_vec())).prop_flat_map(|(path, operator)| {
        operand(operator).prop_map(move |operand| Comparison { path: path.clone(), operator, operand })
    });
    let leaf =
        (comparison, any::<bool>()).prop_map(|(comparison, negated)| not(negated, Condition::Compare(comparison)));
    leaf.prop_recursive(3, 12, 3, |inner| {
        (vec(inner, 1..4), any::<bool>(), any::<bool>()).prop_map(|(conditions, is_all, negated)| {
            not(negated, if is_all { Condition::All(conditions) } else { Condition::Any(conditions) })
        })
    })
}

fn not(negated: bool, condition: Condition) -> Condition {
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}

fn item() -> impl Strategy<Value = Item> {
    let kind = || of(select(vec!["text", "double precision"]).prop_map(str::to_owned));
    let aggregates = vec![Aggregate::Avg, Aggregate::Count, Aggregate::Max, Aggregate::Min, Aggregate::Sum];
    let column = (of(name()), path(), kind(), of(select(aggregates)), kind());
    let leaf = prop_oneof![
        Just(Item::All),
        (of(name()), kind()).prop_map(|(alias, cast)| Item::Count { alias, cast }),
        column.prop_map(|(alias, path, cast, aggregate, aggregate_cast)| Item::Column {
            alias,
            path,
            cast,
            aggregate_cast: aggregate_cast.filter(|_| aggregate.is_some()),
            aggregate,
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let hint = of(name().prop_filter("a hint", |name| !matches!(name.as_str(), "inner" | "left")));
        (of(name()), name(), hint, any::<bool>(), any::<bool>(), vec(inner, 0..4)).prop_map(
            |(alias, relation, hint, is_inner, spread, select)| {
                let join = if is_inner { Join::Inner } else { Join::Left };
                Item::Embedding(Embedding { alias, relation, hint, join, spread, select })
            },
        )
    })
}

fn term() -> impl Strategy<Value = Term> {
    let nulls = of(prop_oneof![Just(Nulls::First), Just(Nulls::Last)]);
    (of(name()), path(), any::<bool>(), nulls).prop_map(|(relation, path, descending, nulls)| {
        let direction = if descending { Direction::Descending } else { Direction::Ascending };
        Term { relation, path, direction, nulls }
    })
}

fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z0-9.,:!(){}\"\\\\> *-]{0,24}",
        "(not\\.|and\\(|or\\(|a\\.eq\\.|in\\.|\\(|\\)|,|\"|\\{|\\}|a){0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_filter_is_what_was_written(relations in vec(name(), 0..3), condition in condition()) {
        let filter = Filter { relations, condition };
        let (name, value) = filter.to_parameter();
        prop_assert_eq!(Filter::parse(&name, &value), Ok(filter), "{}={}", name, value);
    }

    #[test]
    fn a_selection_is_what_was_written(items in vec(item(), 0..5)) {
        let select = Select(items);
        let text = select.to_string();
        prop_assert_eq!(text.parse(), Ok(select), "{}", text);
    }

    #[test]
    fn an_order_is_what_was_written(terms in vec(term(), 1..5)) {
        let order = Order(terms);
        let text = order.to_string();
        prop_assert_eq!(text.parse(), Ok(order), "{}", text);
    }

    #[test]
    fn no_text_is_too_odd(name in odd_text(), value in odd_text()) {
        for name in [name.as_str(), "a", "or", "not.and"] {
            if let Ok(filter) = Filter::parse(name, &value) {
                let (name, value) = filter.to_parameter();
                prop_assert_eq!(Filter::parse(&name, &value), Ok(filter));
            }
        }
        if let Ok(select) = value.parse::<Select>() {
            prop_assert_eq!(select.to_string().parse(), Ok(select));
        }
        if let Ok(order) = value.parse::<Order>() {
            prop_assert_eq!(order.to_string().parse(), Ok(order));
        }
    }
}

fn cases() -> u32 {
    std::env::var("CROCUS_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}
