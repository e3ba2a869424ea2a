//! Whole queries in one dialect's SQL.

use std::sync::Arc;

use sea_query::{
    Alias, CommonTableExpression, IntoIden, JoinType, LockBehavior, LockType, NullOrdering, Query, SelectStatement,
    SimpleExpr, TableRef, UnionType, WithClause,
};

use super::lacks;
use crate::expr::node::{Cte, Node, SetOperator, Source};
use crate::expr::{Nulls, Order};
use crate::query::node::{JoinKind, LockWait, SelectNode};
use crate::table::TableDef;
use crate::{Dialect, Error, ErrorKind, Result};

/// Both dialects count rows in 8 bytes with a sign.
pub(crate) const MOST: u64 = i64::MAX as u64;

impl SelectNode {
    /// The query in a dialect's SQL, with the common table expressions that it reads.
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
        let mut query = self.lower(dialect)?;
        let mut ctes = Vec::new();
        self.ctes(&mut ctes)?;
        if let Some(clause) = lower_ctes(&ctes, dialect)? {
            query.with_cte(clause);
        }
        Ok(query)
    }

    /// The query without the common table expressions that it reads.
    pub(crate) fn lower(&self, dialect: Dialect) -> Result<SelectStatement> {
        self.lower_labelled(dialect, false)
    }

    fn lower_labelled(&self, dialect: Dialect, labelled: bool) -> Result<SelectStatement> {
        self.check()?;
        let mut query = Query::select();
        if !self.distinct_on.is_empty() {
            if dialect == Dialect::Sqlite {
                return Err(lacks(dialect, "DISTINCT ON").with_hint("use `row_number().over(...)` in a subquery"));
            }
            query.distinct_on(self.distinct_on.iter().map(distinct_column).collect::<Result<Vec<_>>>()?);
        } else if self.distinct {
            query.distinct();
        }
        for (column, label) in self.columns.iter().zip(self.labels()) {
            let column = column.lower(dialect)?;
            if labelled {
                query.expr_as(column, Alias::new(&*label));
            } else {
                query.expr(column);
            }
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
            query.add_group_by([self.by_position(node, dialect)?]);
        }
        for condition in &self.having {
            query.and_having(condition.lower(dialect)?);
        }
        for (operator, part) in &self.set {
            let operator = match operator {
                SetOperator::Union => UnionType::Distinct,
                SetOperator::UnionAll => UnionType::All,
                SetOperator::Intersect => UnionType::Intersect,
                SetOperator::Except => UnionType::Except,
            };
            query.union(operator, part.lower(dialect)?);
        }
        for order in &self.order_by {
            let grouped = self.distinct || !self.group_by.is_empty();
            let node = if grouped { self.by_position(&order.node, dialect)? } else { order.node.lower(dialect)? };
            order_by(&mut query, order, node);
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
        if let Some(wait) = self.lock
            && dialect == Dialect::Postgres
        {
            let of = [Alias::new(self.from.name())];
            match wait {
                LockWait::Wait => query.lock_with_tables(LockType::Update, of),
                LockWait::SkipLocked => query.lock_with_tables_behavior(LockType::Update, of, LockBehavior::SkipLocked),
                LockWait::NoWait => query.lock_with_tables_behavior(LockType::Update, of, LockBehavior::Nowait),
            };
        }
        Ok(query)
    }

    /// An expression of GROUP BY or ORDER BY; as the number of the column that is the same. Two bound values are never
    /// the same to PostgreSQL, so it would not see that a column is the one that the rows are grouped by.
    fn by_position(&self, node: &Node, dialect: Dialect) -> Result<SimpleExpr> {
        if let (Node::Number(number), Dialect::Postgres) = (node, dialect) {
            return self.by_position(number, dialect);
        }
        if !matches!(node, Node::Column { .. })
            && let Some(index) = self.columns.iter().position(|column| column == node)
        {
            return Ok(SimpleExpr::cust((index + 1).to_string()));
        }
        node.lower(dialect)
    }

    /// Refuses what would be misread.
    fn check(&self) -> Result<()> {
        if let Some(reason) = self.refused {
            return Err(Error::new(ErrorKind::InvalidQuery, reason));
        }
        let names: Vec<&str> = self.sources().map(Source::name).collect();
        if let Some((_, name)) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
            let text = format!("the query reads `{name}` twice under one name");
            return Err(Error::new(ErrorKind::InvalidQuery, text)
                .with_hint("give one of them another, as with `.join(Employee::MANAGER.alias(\"boss\"))`"));
        }
        for source in self.sources() {
            if let Source::Table { table, .. } = source
                && table.bind != self.root.bind
            {
                let text = format!("`{}` and `{}` are on different binds", self.root.model, table.model);
                return Err(Error::new(ErrorKind::InvalidQuery, text)
                    .with_hint("read the rows of each with a query of its own"));
            }
        }
        Ok(())
    }

    /// Collects the common table expressions that it reads, each after those that it reads itself.
    fn ctes(&self, found: &mut Vec<Arc<Cte>>) -> Result<()> {
        for source in self.sources() {
            match source {
                Source::Table { .. } | Source::Itself { .. } => {}
                Source::Query { query, .. } => query.ctes(found)?,
                Source::Cte { cte, .. } => match found.iter().find(|other| other.name == cte.name) {
                    Some(other) if other == cte => {}
                    Some(_) => {
                        let text = format!("two common table expressions are called `{}`", cte.name);
                        return Err(Error::new(ErrorKind::InvalidQuery, text));
                    }
                    None => {
                        cte.query.ctes(found)?;
                        if let Some((_, recursive)) = &cte.recursive {
                            recursive.ctes(found)?;
                        }
                        found.push(Arc::clone(cte));
                    }
                },
            }
        }
        let mut result = Ok(());
        self.nodes(&mut |node| {
            node.queries(&mut |query| {
                if result.is_ok() {
                    result = query.ctes(found);
                }
            });
        });
        self.set.iter().try_for_each(|(_, part)| part.ctes(found))?;
        result
    }
}

/// The common table expressions that the queries inside of expressions read.
pub(crate) fn with_clause<'a>(nodes: impl Iterator<Item = &'a Node>, dialect: Dialect) -> Result<Option<WithClause>> {
    let mut found = Vec::new();
    let mut result = Ok(());
    for node in nodes {
        node.queries(&mut |query| {
            if result.is_ok() {
                result = query.ctes(&mut found);
            }
        });
    }
    result?;
    lower_ctes(&found, dialect)
}

fn lower_ctes(ctes: &[Arc<Cte>], dialect: Dialect) -> Result<Option<WithClause>> {
    if ctes.is_empty() {
        return Ok(None);
    }
    let mut clause = WithClause::new();
    for cte in ctes {
        let mut query = cte.query.lower(dialect)?;
        if let Some((operator, recursive)) = &cte.recursive {
            clause.recursive(true);
            let operator = match operator {
                SetOperator::UnionAll => UnionType::All,
                _ => UnionType::Distinct,
            };
            query.union(operator, recursive.lower(dialect)?);
        }
        let mut expression = CommonTableExpression::new();
        expression.table_name(Alias::new(&*cte.name));
        expression.columns(cte.query.labels().into_iter().map(|label| Alias::new(&*label)));
        expression.query(query);
        clause.cte(expression);
    }
    Ok(Some(clause))
}

impl Source {
    fn lower(&self, dialect: Dialect) -> Result<TableRef> {
        let aliased = |table: TableRef, alias: Option<&str>| match alias {
            Some(alias) => table.alias(Alias::new(alias)),
            None => table,
        };
        Ok(match self {
            Source::Table { table, alias } => aliased(table_ref(table, dialect), alias.as_deref()),
            Source::Query { query, alias } => {
                let query = query.lower_labelled(dialect, true)?;
                TableRef::SubQuery(Box::new(query), Alias::new(&**alias).into_iden())
            }
            Source::Cte { cte, alias } => {
                aliased(TableRef::Table(Alias::new(&*cte.name).into(), None), alias.as_deref())
            }
            Source::Itself { name } => TableRef::Table(Alias::new(&**name).into(), None),
        })
    }
}

/// The builder takes columns only.
fn distinct_column(node: &Node) -> Result<(Alias, Alias)> {
    match node {
        Node::Column { table, name } => Ok((Alias::new(&**table), Alias::new(&**name))),
        _ => Err(Error::new(ErrorKind::InvalidQuery, "DISTINCT ON takes columns, not other expressions")),
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

fn order_by(query: &mut SelectStatement, order: &Order, node: SimpleExpr) {
    let direction = if order.descending { sea_query::Order::Desc } else { sea_query::Order::Asc };
    match order.nulls {
        None => query.order_by_expr(node, direction),
        Some(Nulls::First) => query.order_by_expr_with_nulls(node, direction, NullOrdering::First),
        Some(Nulls::Last) => query.order_by_expr_with_nulls(node, direction, NullOrdering::Last),
    };
}
