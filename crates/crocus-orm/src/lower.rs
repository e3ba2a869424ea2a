//! From trees of expressions and queries to one dialect's SQL, through sea-query. What the dialects say differently is
//! left to their `expressions.rs`.

mod query;
mod template;

use sea_query::{Alias, BinOper, CaseStatement, ExprTrait, Func, SimpleExpr};

pub(crate) use query::{MOST, table_ref, with_clause};
pub(crate) use template::Template;

use crate::dialect::{postgres, sqlite};
use crate::expr::node::{Aggregate, AggregateNode, Arithmetic, Binary, Case, FrameBound, FrameUnit, Function};
use crate::expr::node::{Node, Place, WindowNode};
use crate::expr::{Nulls, Order};
use crate::table::ColumnType;
use crate::value::Value;
use crate::{Dialect, Error, ErrorKind, Result};

impl Node {
    /// The expression in a dialect's SQL.
    ///
    /// # Errors
    /// When the dialect has no such expression.
    pub(crate) fn lower(&self, dialect: Dialect) -> Result<SimpleExpr> {
        // Conditions are nested in each other as deep as a client writes them: they take little of the stack.
        match self {
            Node::Not(node) => Ok(node.lower(dialect)?.not()),
            Node::Binary(left, Binary::And, right) => Ok(left.lower(dialect)?.and(right.lower(dialect)?)),
            Node::Binary(left, Binary::Or, right) => Ok(left.lower(dialect)?.or(right.lower(dialect)?)),
            other => other.lower_value(dialect),
        }
    }

    #[inline(never)]
    fn lower_value(&self, dialect: Dialect) -> Result<SimpleExpr> {
        let lower = |node: &Node| node.lower(dialect);
        let all = |nodes: &[Node]| nodes.iter().map(lower).collect::<Result<Vec<_>>>();
        Ok(match self {
            Node::Column { table, name } => SimpleExpr::col((Alias::new(&**table), Alias::new(&**name))),
            Node::Value(value) => SimpleExpr::val(value.clone()),
            Node::Bound { value, ty } => bound(value, *ty, dialect),
            Node::Constant(sql) => SimpleExpr::cust(*sql),
            Node::Raw { sql, values } => template::raw(dialect, sql, values)?,
            Node::Not(node) => lower(node)?.not(),
            Node::Negative { node, ty } => match dialect {
                Dialect::Sqlite => sqlite::expressions::negative(lower(node)?, *ty),
                Dialect::Postgres => postgres::expressions::negative(lower(node)?),
            },
            Node::IsNull(node) => lower(node)?.is_null(),
            Node::Number(node) => match dialect {
                Dialect::Sqlite => sqlite::expressions::number(lower(node)?),
                Dialect::Postgres => lower(node)?,
            },
            Node::Binary(left, operator, right) => binary(left, *operator, right, dialect)?,
            Node::Arithmetic { left, operator, right, ty } => {
                let (left, right) = (lower(left)?, lower(right)?);
                match dialect {
                    Dialect::Sqlite => sqlite::expressions::arithmetic(left, *operator, right, *ty),
                    Dialect::Postgres => postgres::expressions::arithmetic(left, *operator, right),
                }
            }
            Node::Between { node, low, high } => {
                lower(node)?.between(beside(low, node, dialect)?, beside(high, node, dialect)?)
            }
            // The builder would compare two bound numbers, whose type PostgreSQL takes for text.
            Node::In { list, .. } if list.is_empty() => SimpleExpr::cust("FALSE"),
            Node::In { node, list } => {
                if dialect == Dialect::Postgres
                    && let Some(array) = postgres::expressions::array(list)
                {
                    return Ok(postgres::expressions::any_of(lower(node)?, SimpleExpr::val(array)));
                }
                let list = list.iter().map(|item| beside(item, node, dialect)).collect::<Result<Vec<_>>>()?;
                lower(node)?.is_in(list)
            }
            Node::RowIn { list, .. } if list.is_empty() => SimpleExpr::cust("FALSE"),
            Node::RowIn { row, list } => match dialect {
                Dialect::Sqlite => sqlite::expressions::row_in(all(row)?, list),
                Dialect::Postgres => postgres::expressions::row_in(all(row)?, list),
            },
            Node::InQuery { row, query } => match all(row)?.as_slice() {
                [node] => node.clone().in_subquery(query.lower(dialect)?),
                row => SimpleExpr::tuple(row.to_vec()).in_subquery(query.lower(dialect)?),
            },
            Node::Exists(query) => SimpleExpr::exists(query.lower(dialect)?),
            Node::Scalar(query) => SimpleExpr::SubQuery(None, Box::new(query.lower(dialect)?.into())),
            Node::Like { node, pattern, case } => {
                let (node, pattern) = (lower(node)?, beside(pattern, node, dialect)?);
                match dialect {
                    Dialect::Sqlite => sqlite::expressions::like(node, pattern, *case),
                    Dialect::Postgres => postgres::expressions::like(node, pattern, *case),
                }
            }
            Node::HasText { node, text, place } => match dialect {
                Dialect::Sqlite => sqlite::expressions::has_text(lower(node)?, text, *place),
                Dialect::Postgres => postgres::expressions::like(
                    lower(node)?,
                    SimpleExpr::val(escaped_pattern(text, *place)),
                    Case::Sensitive,
                ),
            },
            Node::Function { function, arguments } => match dialect {
                Dialect::Sqlite => sqlite::expressions::call(*function, all(arguments)?),
                Dialect::Postgres => postgres::expressions::call(*function, all(arguments)?),
            },
            Node::Part { node, part, of } => match dialect {
                Dialect::Sqlite => sqlite::expressions::part(lower(node)?, *part, *of),
                Dialect::Postgres => postgres::expressions::part(lower(node)?, *part, *of),
            },
            Node::Json { node, path, ty } => match dialect {
                Dialect::Sqlite => sqlite::expressions::json(lower(node)?, path, *ty),
                Dialect::Postgres => postgres::expressions::json(lower(node)?, path, *ty),
            },
            Node::Postgres { left, operator, right } => match dialect {
                Dialect::Postgres => postgres::expressions::operator(lower(left)?, *operator, lower(right)?),
                Dialect::Sqlite => return Err(lacks(dialect, operator.name())),
            },
            Node::Search { node, search, language, text } => match dialect {
                Dialect::Postgres => postgres::expressions::search(lower(node)?, *search, language.as_deref(), text),
                Dialect::Sqlite => return Err(lacks(dialect, "full-text search")),
            },
            Node::Is { node, truth } => {
                let mut sql = Template::new(dialect);
                sql.operand(lower(node)?).text(if *truth { " IS TRUE" } else { " IS FALSE" });
                sql.finish()
            }
            Node::Aggregate(node) => {
                let called = aggregate(node, dialect)?;
                aggregate_type(called, node, dialect)
            }
            Node::Over { function, window } => over(function, window, dialect)?,
            Node::When { branches, otherwise } => {
                let mut case = CaseStatement::new();
                for (condition, then) in branches {
                    case = case.case(lower(condition)?, lower(then)?);
                }
                match otherwise {
                    Some(node) => case.finally(lower(node)?).into(),
                    None => case.into(),
                }
            }
            Node::Cast { node, from, to } => match dialect {
                Dialect::Sqlite => sqlite::expressions::cast(lower(node)?, *from, *to),
                Dialect::Postgres => postgres::expressions::cast(lower(node)?, *from, *to),
            },
            Node::JsonValue { node, ty } => match (ty, dialect) {
                (None, _) => coalesce(lower(node)?, "'null'"),
                (Some(ty), Dialect::Sqlite) => sqlite::by_type::json(lower(node)?, *ty),
                (Some(ty), Dialect::Postgres) => coalesce(postgres::by_type::json(&lower(node)?, *ty), "'null'"),
            },
            Node::JsonObject(members) => object(members, dialect)?,
            Node::JsonArray { item, order_by } => array(item, order_by, dialect)?,
        })
    }
}

/// JSON text of an object. The names are a client's, so they are bound.
fn object(members: &[(String, Node)], dialect: Dialect) -> Result<SimpleExpr> {
    let mut parts = Vec::with_capacity(2 * members.len() + 1);
    let mut before = "{";
    for (name, member) in members {
        let name = format!("{before}{}:", serde_json::Value::from(name.as_str()));
        parts.push(bound(&name.into(), ColumnType::Text, dialect));
        parts.push(member.lower(dialect)?);
        before = ",";
    }
    parts.push(SimpleExpr::cust(if members.is_empty() { "'{}'" } else { "'}'" }));
    Ok(concatenated(parts, dialect))
}

/// Text after text. As a tree of little depth: SQLite has a limit of 1,000 ("Limits In SQLite", 6).
fn concatenated(mut parts: Vec<SimpleExpr>, dialect: Dialect) -> SimpleExpr {
    let rest = parts.split_off(parts.len().div_ceil(2));
    let mut sql = Template::new(dialect);
    match parts.pop() {
        Some(only) if parts.is_empty() && rest.is_empty() => only,
        Some(last) => {
            parts.push(last);
            sql.text("(").expr(concatenated(parts, dialect)).text(" || ").expr(concatenated(rest, dialect)).text(")");
            sql.finish()
        }
        None => SimpleExpr::cust("''"),
    }
}

/// JSON text of an array, which is empty where there are no rows.
fn array(item: &Node, order_by: &[Order], dialect: Dialect) -> Result<SimpleExpr> {
    let mut sql = Template::new(dialect);
    sql.text("COALESCE('[' || STRING_AGG(").expr(item.lower(dialect)?).text(", ','");
    if !order_by.is_empty() {
        sql.text(" ORDER BY ").orders(order_by)?;
    }
    sql.text(") || ']', '[]')");
    Ok(sql.finish())
}

/// An expression, or a constant where it is NULL.
fn coalesce(node: SimpleExpr, otherwise: &'static str) -> SimpleExpr {
    Func::coalesce([node, SimpleExpr::cust(otherwise)]).into()
}

/// What a column is set to: a bound value takes the column's own type.
pub(crate) fn set_value(node: &Node, dialect: Dialect) -> Result<SimpleExpr> {
    match node {
        Node::Bound { value, .. } => Ok(SimpleExpr::val(value.clone())),
        node => node.lower(dialect),
    }
}

/// The error for something that a dialect lacks.
pub(crate) fn lacks(dialect: Dialect, construct: &str) -> Error {
    Error::new(ErrorKind::InvalidQuery, format!("{dialect} has no {construct}"))
}

/// A bound value with its type. PostgreSQL would take it for text where nothing beside it tells the type.
fn bound(value: &Value, ty: ColumnType, dialect: Dialect) -> SimpleExpr {
    let value = SimpleExpr::val(value.clone());
    match dialect {
        Dialect::Sqlite => value,
        Dialect::Postgres => postgres::expressions::typed(value, ty),
    }
}

/// An expression beside another, which tells the type of a bound value: the column's own, whatever the model says.
fn beside(node: &Node, other: &Node, dialect: Dialect) -> Result<SimpleExpr> {
    match (node, other) {
        (Node::Number(node), other) => beside(node, other, dialect),
        (Node::Bound { value, .. }, Node::Number(other)) if !matches!(**other, Node::Bound { .. }) => {
            Ok(SimpleExpr::val(value.clone()))
        }
        (Node::Bound { .. }, Node::Bound { .. } | Node::Raw { .. } | Node::Number(_)) => node.lower(dialect),
        (Node::Bound { value, .. }, _) => Ok(SimpleExpr::val(value.clone())),
        (node, _) => node.lower(dialect),
    }
}

fn binary(left: &Node, operator: Binary, right: &Node, dialect: Dialect) -> Result<SimpleExpr> {
    let operator = match operator {
        Binary::And => BinOper::And,
        Binary::Or => BinOper::Or,
        Binary::Concat => {
            return Ok(left.lower(dialect)?.binary(BinOper::Custom("||"), right.lower(dialect)?));
        }
        Binary::Distinct => {
            let (left, right) = (left.lower(dialect)?, beside(right, left, dialect)?);
            return Ok(match dialect {
                Dialect::Sqlite => sqlite::expressions::distinct(left, right),
                Dialect::Postgres => postgres::expressions::distinct(left, right),
            });
        }
        Binary::Eq => BinOper::Equal,
        Binary::Ne => BinOper::NotEqual,
        Binary::Lt => BinOper::SmallerThan,
        Binary::Le => BinOper::SmallerThanOrEqual,
        Binary::Gt => BinOper::GreaterThan,
        Binary::Ge => BinOper::GreaterThanOrEqual,
    };
    Ok(left.lower(dialect)?.binary(operator, beside(right, left, dialect)?))
}

/// What both dialects write for an operator between numbers.
pub(crate) fn arithmetic(operator: Arithmetic) -> BinOper {
    match operator {
        Arithmetic::Add => BinOper::Add,
        Arithmetic::Subtract => BinOper::Sub,
        Arithmetic::Multiply => BinOper::Mul,
        Arithmetic::Divide => BinOper::Div,
        Arithmetic::Remainder => BinOper::Mod,
    }
}

/// A LIKE pattern for text at a place, with `\` as the escape character.
fn escaped_pattern(text: &str, place: Place) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    if place != Place::Start {
        pattern.push('%');
    }
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    if place != Place::End {
        pattern.push('%');
    }
    pattern
}

/// The functions that both dialects call by the same name.
pub(crate) fn call(function: Function, arguments: Vec<SimpleExpr>) -> SimpleExpr {
    let name = match function {
        Function::Coalesce => "COALESCE",
        Function::NullIf => "NULLIF",
        Function::Lower => "LOWER",
        Function::Upper => "UPPER",
        Function::Length => "LENGTH",
        Function::Trim => "TRIM",
        Function::Substring => "SUBSTR",
        Function::Replace => "REPLACE",
        Function::Absolute(_) => "ABS",
        Function::Round(_) => "ROUND",
        Function::Read(_) => "CAST",
        #[cfg(feature = "time")]
        Function::Now => "NOW",
        Function::RowNumber => "ROW_NUMBER",
        Function::Rank => "RANK",
        Function::DenseRank => "DENSE_RANK",
        Function::Lag => "LAG",
        Function::Lead => "LEAD",
        Function::FirstValue => "FIRST_VALUE",
        Function::LastValue => "LAST_VALUE",
    };
    Func::cust(Alias::new(name)).args(arguments).into()
}

fn over(function: &Node, window: &WindowNode, dialect: Dialect) -> Result<SimpleExpr> {
    let (called, node) = match function {
        Node::Aggregate(node) => (aggregate(node, dialect)?, Some(node)),
        other => (other.lower(dialect)?, None),
    };
    let mut sql = Template::new(dialect);
    sql.expr(called).text(" OVER (");
    if !window.partition_by.is_empty() {
        sql.text("PARTITION BY ").list(&window.partition_by)?.text(" ");
    }
    if !window.order_by.is_empty() {
        sql.text("ORDER BY ").orders(&window.order_by)?.text(" ");
    }
    if let Some((unit, start, end)) = window.frame {
        let unit = match unit {
            FrameUnit::Rows => "ROWS",
            FrameUnit::Range => "RANGE",
        };
        sql.text(&format!("{unit} BETWEEN {} AND {}", frame_bound(start), frame_bound(end)));
    }
    sql.text(")");
    let called = sql.finish();
    Ok(match node {
        Some(node) => aggregate_type(called, node, dialect),
        None => called,
    })
}

fn frame_bound(bound: FrameBound) -> String {
    match bound {
        FrameBound::UnboundedPreceding => "UNBOUNDED PRECEDING".to_owned(),
        FrameBound::Preceding(rows) => format!("{rows} PRECEDING"),
        FrameBound::CurrentRow => "CURRENT ROW".to_owned(),
        FrameBound::Following(rows) => format!("{rows} FOLLOWING"),
        FrameBound::UnboundedFollowing => "UNBOUNDED FOLLOWING".to_owned(),
    }
}

fn aggregate(node: &AggregateNode, dialect: Dialect) -> Result<SimpleExpr> {
    let decimal = node.ty == ColumnType::Decimal && dialect == Dialect::Sqlite;
    let mut sql = Template::new(dialect);
    sql.text(match &node.function {
        Aggregate::Count => "COUNT(",
        Aggregate::Sum if decimal => "decimal_sum(",
        Aggregate::Sum => "SUM(",
        Aggregate::Average if decimal => "decimal_avg(",
        Aggregate::Average => "AVG(",
        Aggregate::Min => "MIN(",
        Aggregate::Max => "MAX(",
        Aggregate::Join(_) if dialect == Dialect::Sqlite => "GROUP_CONCAT(",
        Aggregate::Join(_) => "STRING_AGG(",
    });
    if node.distinct {
        sql.text("DISTINCT ");
    }
    match &node.argument {
        Some(argument) => sql.expr(argument.lower(dialect)?),
        None => sql.text("*"),
    };
    if let Aggregate::Join(separator) = &node.function {
        sql.text(", ").expr(bound(&separator.as_str().into(), ColumnType::Text, dialect));
    }
    if !node.order_by.is_empty() {
        sql.text(" ORDER BY ").orders(&node.order_by)?;
    }
    sql.text(")");
    if let Some(condition) = &node.filter {
        sql.text(" FILTER (WHERE ").expr(condition.lower(dialect)?).text(")");
    }
    Ok(sql.finish())
}

/// PostgreSQL sums 8-byte integers as decimals and averages integers as decimals ("Aggregate Functions"): the types here
/// are those of SQLite.
fn aggregate_type(called: SimpleExpr, node: &AggregateNode, dialect: Dialect) -> SimpleExpr {
    let integer = matches!(node.ty, ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger);
    match (dialect, &node.function) {
        (Dialect::Postgres, Aggregate::Sum) if node.ty == ColumnType::BigInteger => {
            postgres::expressions::typed(called, ColumnType::BigInteger)
        }
        (Dialect::Postgres, Aggregate::Average) if integer => postgres::expressions::typed(called, ColumnType::Double),
        _ => called,
    }
}

impl Order {
    /// Adds it to SQL text.
    fn write(&self, node: SimpleExpr, sql: &mut Template) {
        sql.expr(node).text(if self.descending { " DESC" } else { " ASC" });
        sql.text(match self.nulls {
            None => "",
            Some(Nulls::First) => " NULLS FIRST",
            Some(Nulls::Last) => " NULLS LAST",
        });
    }
}
