//! From trees of expressions and queries to one dialect's SQL, through sea-query. What the dialects say differently is
//! left to their `expressions.rs`.

use sea_query::{
    Alias, BinOper, CaseStatement, ExprTrait, Func, IntoIden, JoinType, NullOrdering, Query, SelectStatement,
    SimpleExpr, TableRef,
};

use crate::dialect::{postgres, sqlite};
use crate::expr::node::{Aggregate, Binary, Function, Node, Source};
use crate::expr::{Nulls, Order};
use crate::query::select::{JoinKind, SelectNode};
use crate::table::TableDef;
use crate::{Dialect, Error, ErrorKind, Result};

/// Both dialects count rows in 8 bytes with a sign.
const MOST: u64 = i64::MAX as u64;

impl Node {
    /// The expression in a dialect's SQL.
    ///
    /// # Errors
    /// When the dialect has no such expression.
    pub(crate) fn lower(&self, dialect: Dialect) -> Result<SimpleExpr> {
        let lower = |node: &Node| node.lower(dialect);
        let all = |nodes: &[Node]| nodes.iter().map(lower).collect::<Result<Vec<_>>>();
        Ok(match self {
            Node::Column { table, name } => SimpleExpr::col((Alias::new(&**table), Alias::new(&**name))),
            Node::Value(value) => SimpleExpr::val(value.clone()),
            Node::Constant(sql) => SimpleExpr::cust(*sql),
            Node::Not(node) => lower(node)?.not(),
            Node::IsNull(node) => lower(node)?.is_null(),
            Node::Binary(left, Binary::Distinct, right) => match dialect {
                Dialect::Sqlite => sqlite::expressions::distinct(lower(left)?, lower(right)?),
                Dialect::Postgres => postgres::expressions::distinct(lower(left)?, lower(right)?),
            },
            Node::Binary(left, operator, right) => lower(left)?.binary(sql_operator(*operator), lower(right)?),
            Node::Between { node, low, high } => lower(node)?.between(lower(low)?, lower(high)?),
            // The builder would compare two bound numbers, whose type PostgreSQL takes for text.
            Node::In { list, .. } if list.is_empty() => SimpleExpr::cust("FALSE"),
            Node::In { node, list } => lower(node)?.is_in(all(list)?),
            Node::RowIn { list, .. } if list.is_empty() => SimpleExpr::cust("FALSE"),
            Node::RowIn { row, list } => match dialect {
                Dialect::Sqlite => sqlite::expressions::row_in(all(row)?, list),
                Dialect::Postgres => postgres::expressions::row_in(all(row)?, list),
            },
            Node::InQuery { node, query } => lower(node)?.in_subquery(query.lower(dialect)?),
            Node::Exists(query) => SimpleExpr::exists(query.lower(dialect)?),
            Node::Scalar(query) => SimpleExpr::SubQuery(None, Box::new(query.lower(dialect)?.into())),
            Node::Like { node, pattern, case } => match dialect {
                Dialect::Sqlite => sqlite::expressions::like(lower(node)?, lower(pattern)?, *case),
                Dialect::Postgres => postgres::expressions::like(lower(node)?, lower(pattern)?, *case),
            },
            Node::Function { function, arguments } => call(*function, all(arguments)?),
            Node::Aggregate { function, argument, distinct } => {
                aggregate(*function, argument.as_deref().map(lower).transpose()?, *distinct)
            }
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
            Node::Cast { node, ty } => match dialect {
                Dialect::Sqlite => sqlite::expressions::cast(lower(node)?, *ty),
                Dialect::Postgres => postgres::expressions::cast(lower(node)?, *ty),
            },
        })
    }
}

impl SelectNode {
    /// The query in a dialect's SQL.
    ///
    /// # Errors
    /// When it uses a column of a table that it does not read, or the dialect lacks something.
    pub(crate) fn build(&self, dialect: Dialect) -> Result<SelectStatement> {
        let mut missing = None;
        self.outer_tables(&mut |table, column| {
            missing.get_or_insert((table, column));
        });
        if let Some((table, column)) = missing {
            return Err(Error::not_joined(table, column));
        }
        self.one_bind()?;
        self.lower(dialect)
    }

    /// Refuses tables of two databases in one query.
    fn one_bind(&self) -> Result<()> {
        let tables = self.joins.iter().filter_map(|join| match &join.source {
            Source::Table { table, .. } => Some(*table),
            Source::Query { .. } => None,
        });
        for table in tables {
            if table.bind != self.root.bind {
                let text = format!("`{}` and `{}` are on different binds", self.root.model, table.model);
                return Err(Error::new(ErrorKind::InvalidQuery, text)
                    .with_hint("read the rows of each with a query of its own"));
            }
        }
        Ok(())
    }

    pub(crate) fn lower(&self, dialect: Dialect) -> Result<SelectStatement> {
        let mut query = Query::select();
        if self.distinct {
            query.distinct();
        }
        for column in &self.columns {
            query.expr(column.lower(dialect)?);
        }
        query.from(self.from.lower(dialect)?);
        for join in &self.joins {
            let kind = match join.kind {
                JoinKind::Inner => JoinType::InnerJoin,
                JoinKind::Left => JoinType::LeftJoin,
            };
            query.join(kind, join.source.lower(dialect)?, join.on.lower(dialect)?);
        }
        for condition in &self.filter {
            query.and_where(condition.lower(dialect)?);
        }
        for node in &self.group_by {
            query.add_group_by([node.lower(dialect)?]);
        }
        for condition in &self.having {
            query.and_having(condition.lower(dialect)?);
        }
        for order in &self.order_by {
            order_by(&mut query, order, dialect)?;
        }
        match (self.limit, self.offset, dialect) {
            // SQLite's grammar has OFFSET only after LIMIT ("SELECT", 5).
            (None, Some(_), Dialect::Sqlite) => drop(query.limit(MOST)),
            (None, ..) => {}
            (Some(limit), ..) => drop(query.limit(Ord::min(limit, MOST))),
        }
        if let Some(offset) = self.offset {
            query.offset(Ord::min(offset, MOST));
        }
        Ok(query)
    }
}

impl Source {
    fn lower(&self, dialect: Dialect) -> Result<TableRef> {
        Ok(match self {
            Source::Table { table, alias } => {
                let table = table_ref(table, dialect);
                match alias {
                    Some(alias) => table.alias(Alias::new(&**alias)),
                    None => table,
                }
            }
            Source::Query { query, alias } => {
                TableRef::SubQuery(Box::new(query.lower(dialect)?), Alias::new(&**alias).into_iden())
            }
        })
    }
}

/// The table's name, with its schema where the dialect has schemas.
pub(crate) fn table_ref(table: &'static TableDef, dialect: Dialect) -> TableRef {
    let name = match (table.schema, dialect) {
        (Some(schema), Dialect::Postgres) => (schema, table.name).into(),
        _ => table.name.into(),
    };
    TableRef::Table(name, None)
}

fn order_by(query: &mut SelectStatement, order: &Order, dialect: Dialect) -> Result<()> {
    let node = order.node.lower(dialect)?;
    let direction = if order.descending { sea_query::Order::Desc } else { sea_query::Order::Asc };
    match order.nulls {
        None => query.order_by_expr(node, direction),
        Some(Nulls::First) => query.order_by_expr_with_nulls(node, direction, NullOrdering::First),
        Some(Nulls::Last) => query.order_by_expr_with_nulls(node, direction, NullOrdering::Last),
    };
    Ok(())
}

fn sql_operator(operator: Binary) -> BinOper {
    match operator {
        Binary::And => BinOper::And,
        Binary::Or => BinOper::Or,
        Binary::Eq => BinOper::Equal,
        Binary::Ne => BinOper::NotEqual,
        Binary::Lt => BinOper::SmallerThan,
        Binary::Le => BinOper::SmallerThanOrEqual,
        Binary::Gt => BinOper::GreaterThan,
        Binary::Ge => BinOper::GreaterThanOrEqual,
        Binary::Distinct => BinOper::IsNot,
        Binary::Add => BinOper::Add,
        Binary::Subtract => BinOper::Sub,
        Binary::Multiply => BinOper::Mul,
        Binary::Divide => BinOper::Div,
        Binary::Remainder => BinOper::Mod,
        Binary::Concat => BinOper::Custom("||"),
    }
}

fn call(function: Function, arguments: Vec<SimpleExpr>) -> SimpleExpr {
    let name = match function {
        Function::Coalesce => "COALESCE",
        Function::Lower => "LOWER",
        Function::Upper => "UPPER",
        Function::Length => "LENGTH",
    };
    Func::cust(Alias::new(name)).args(arguments).into()
}

fn aggregate(function: Aggregate, argument: Option<SimpleExpr>, distinct: bool) -> SimpleExpr {
    let argument = argument.unwrap_or_else(|| SimpleExpr::cust("*"));
    match function {
        Aggregate::Count if distinct => Func::count_distinct(argument).into(),
        Aggregate::Count => Func::count(argument).into(),
        Aggregate::Sum => Func::sum(argument).into(),
        Aggregate::Average => Func::avg(argument).into(),
        Aggregate::Min => Func::min(argument).into(),
        Aggregate::Max => Func::max(argument).into(),
    }
}
