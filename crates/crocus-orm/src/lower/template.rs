//! SQL text with expressions in it, for what sea-query has no builder for.

use sea_query::SimpleExpr;

use crate::expr::Order;
use crate::expr::node::Node;
use crate::value::Value;
use crate::{Dialect, Error, ErrorKind, Result};

/// SQL text that is being written, with its expressions.
///
/// The text is given to sea-query in pieces, as expressions too: its own templates would read what stands in brackets as
/// a name.
#[derive(Debug)]
pub(crate) struct Template {
    dialect: Dialect,
    parts: Vec<SimpleExpr>,
}

impl Template {
    pub(crate) fn new(dialect: Dialect) -> Template {
        Template { dialect, parts: Vec::new() }
    }

    pub(crate) fn text(&mut self, sql: &str) -> &mut Template {
        if !sql.is_empty() {
            self.parts.push(SimpleExpr::cust(sql.to_owned()));
        }
        self
    }

    pub(crate) fn expr(&mut self, expr: SimpleExpr) -> &mut Template {
        self.parts.push(expr);
        self
    }

    /// Adds an expression beside an operator, in parentheses where it has operators itself.
    pub(crate) fn operand(&mut self, expr: SimpleExpr) -> &mut Template {
        match expr {
            SimpleExpr::Column(_)
            | SimpleExpr::Value(_)
            | SimpleExpr::FunctionCall(_)
            | SimpleExpr::SubQuery(..)
            | SimpleExpr::Constant(_) => self.expr(expr),
            expr => self.text("(").expr(expr).text(")"),
        }
    }

    /// Adds expressions with commas between them.
    pub(crate) fn list(&mut self, nodes: &[Node]) -> Result<&mut Template> {
        for (index, node) in nodes.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            self.expr(node.lower(self.dialect)?);
        }
        Ok(self)
    }

    /// Adds orders with commas between them.
    pub(crate) fn orders(&mut self, orders: &[Order]) -> Result<&mut Template> {
        for (index, order) in orders.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            order.write(order.node.lower(self.dialect)?, self);
        }
        Ok(self)
    }

    pub(crate) fn finish(self) -> SimpleExpr {
        let placeholders: Vec<_> = (1..=self.parts.len()).map(|number| self.placeholder(number)).collect();
        SimpleExpr::cust_with_exprs(placeholders.join(" "), self.parts)
    }

    fn placeholder(&self, number: usize) -> String {
        match self.dialect {
            Dialect::Sqlite => "?".to_owned(),
            Dialect::Postgres => format!("${number}"),
        }
    }
}

/// SQL text of a user with `$1`, `$2`, ... for the values, in parentheses.
pub(super) fn raw(dialect: Dialect, sql: &str, values: &[Value]) -> Result<SimpleExpr> {
    let mut template = Template::new(dialect);
    let mut piece = "(".to_owned();
    let mut used = 0;
    let mut rest = sql.chars().peekable();
    let mut quote = None;
    while let Some(character) = rest.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '$') if rest.peek().is_some_and(char::is_ascii_digit) => {
                let mut number = 0_usize;
                while let Some(digit) = rest.peek().and_then(|character| character.to_digit(10)) {
                    number = number.saturating_mul(10).saturating_add(digit as usize);
                    rest.next();
                }
                let value = number.checked_sub(1).and_then(|index| values.get(index)).ok_or_else(|| {
                    let text = format!("the SQL `{sql}` has ${number}, and was given {} values", values.len());
                    Error::new(ErrorKind::InvalidQuery, text)
                })?;
                used = used.max(number);
                template.text(&std::mem::take(&mut piece)).expr(SimpleExpr::val(value.clone()));
                continue;
            }
            _ => {}
        }
        piece.push(character);
    }
    if used < values.len() {
        let text = format!("the SQL `{sql}` uses {used} values, and was given {}", values.len());
        return Err(Error::new(ErrorKind::InvalidQuery, text));
    }
    piece.push(')');
    template.text(&piece);
    Ok(template.finish())
}
