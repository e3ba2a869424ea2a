//! All that a database knows of itself, as lines: by its own functions and texts, and not by our inspection, which
//! could hide from both sides what it does not see.

use crocus_orm::{Dialect, Engine, Statement};

/// Everything but the order of columns, sorted.
pub(crate) async fn lines(engine: &Engine) -> Vec<String> {
    let mut lines = match engine.dialect() {
        Dialect::Postgres => query(engine, POSTGRES).await,
        _ => {
            let stored = query(engine, SQLITE).await;
            stored.iter().flat_map(|sql| normal(sql)).collect()
        }
    };
    // Where there is a history, it is not a part of the schema.
    lines.retain(|line| !line.contains("crocus_migrations"));
    lines.sort();
    lines
}

/// The first column of a query's rows.
pub(crate) async fn query(engine: &Engine, sql: &str) -> Vec<String> {
    let rows = engine.query(Statement::write(sql, [])).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

const SQLITE: &str = "
SELECT type || ' ' || name || ' on ' || tbl_name || char(31) || coalesce(sql, 'automatic') FROM sqlite_master
WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// A statement as a line for each of its clauses, so that their order does not matter, with single spaces and without
/// quotes around names.
fn normal(line: &str) -> Vec<String> {
    let (name, sql) = line.split_once('\u{1f}').unwrap();
    let mut clauses = vec![String::new()];
    let mut depth = 0;
    let mut rest = sql.chars().peekable();
    while let Some(character) = rest.next() {
        let clause = clauses.last_mut().unwrap();
        match character {
            '\'' | '"' => {
                let mut text = String::new();
                while let Some(next) = rest.next() {
                    if next == character && rest.next_if_eq(&character).is_none() {
                        break;
                    }
                    text.push(next);
                }
                // Whether a name is in quotes does not matter; what is text does.
                clause.push_str(&if character == '"' { format!(" {text} ") } else { format!("'{text}'") });
            }
            '(' | ')' | ',' => {
                depth += match character {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                let is_between = (character != ')' && depth == 1) || (character == ')' && depth == 0);
                if is_between {
                    clauses.push(String::new());
                } else {
                    clause.push_str(&format!(" {character} "));
                }
            }
            _ if character.is_ascii_punctuation() && !matches!(character, '_' | '.') => {
                clause.push_str(&format!(" {character} "));
            }
            // Capitals matter in texts and in quotes only.
            _ => clause.push(character.to_ascii_lowercase()),
        }
    }
    let spaced = |clause: &String| bare(&clause.split_whitespace().collect::<Vec<_>>()).join(" ");
    // Words without a meaning in SQLite: what can be deferred, and is not, cannot be.
    let meant = |clause: String| clause.strip_suffix(" deferrable").map(str::to_owned).unwrap_or(clause);
    // A key of one column can stand beside it, or in a clause of its own.
    let apart = |clause: String| match clause.strip_suffix(" primary key") {
        Some(column) => {
            let key = format!("primary key ( {} )", column.split(' ').next().unwrap_or_default());
            vec![column.to_owned(), key]
        }
        None => vec![clause],
    };
    let lines = clauses.iter().flat_map(|clause| apart(meant(spaced(clause))));
    lines.map(|line| format!("{name}: {line}")).collect()
}

/// Words without parentheses around what is in parentheses.
fn bare<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match *word {
            "(" => open.push(at),
            ")" => pairs.extend(open.pop().map(|start| (start, at))),
            _ => {}
        }
    }
    let is_doubled = |at: usize| {
        let pair = pairs.iter().find(|(start, end)| *start == at || *end == at);
        pair.is_some_and(|(start, end)| *start > 0 && pairs.contains(&(start - 1, end + 1)))
    };
    words.iter().enumerate().filter(|(at, _)| !is_doubled(*at)).map(|(_, word)| *word).collect()
}

/// Relations, columns, constraints, indexes, triggers, types and sequences of all schemas but the system's own.
const POSTGRES: &str = r#"
WITH spaces AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'),
relations AS (SELECT c.*, format('%I.%I', s.nspname, c.relname) AS name FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace)
SELECT 'schema ' || nspname FROM spaces
UNION ALL SELECT concat_ws(' ', 'relation', name, relkind, relpersistence, reloptions, relrowsecurity, relreplident,
  obj_description(oid, 'pg_class')) FROM relations
UNION ALL SELECT concat_ws(' ', 'column', r.name, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attnotnull THEN 'not null' END, 'identity=' || a.attidentity::text, 'generated=' || a.attgenerated::text,
  'default=' || pg_get_expr(d.adbin, d.adrelid), 'collation=' || a.attcollation, 'storage=' || a.attstorage::text,
  'compression=' || a.attcompression::text, 'target=' || a.attstattarget, 
  (SELECT string_agg(o, ',') FROM unnest(a.attoptions) o WHERE o LIKE 'n\_distinct%'),
  'comment=' || col_description(r.oid, a.attnum))
  FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE r.relkind IN ('r', 'p', 'v')
UNION ALL SELECT concat_ws(' ', 'constraint', r.name, quote_ident(c.conname), pg_get_constraintdef(c.oid),
  c.convalidated, c.condeferrable, c.condeferred, c.conislocal, c.coninhcount, c.connoinherit,
  obj_description(c.oid, 'pg_constraint')) FROM pg_constraint c JOIN relations r ON r.oid = c.conrelid
UNION ALL SELECT concat_ws(' ', 'index', r.name, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready,
  i.indisclustered, i.indisreplident, i.indimmediate, obj_description(i.indexrelid, 'pg_class'))
  FROM pg_index i JOIN relations r ON r.oid = i.indrelid
UNION ALL SELECT concat_ws(' ', 'trigger', r.name, pg_get_triggerdef(t.oid)) FROM pg_trigger t
  JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL SELECT concat_ws(' ', 'type', s.nspname, t.typname, t.typtype,
  (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
  obj_description(t.oid, 'pg_type')) FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace WHERE t.typtype <> 'b'
UNION ALL SELECT concat_ws(' ', 'sequence', r.name, format_type(q.seqtypid, NULL), q.seqstart, q.seqincrement, q.seqmax,
  q.seqmin, q.seqcache, q.seqcycle, (SELECT concat_ws(' ', d.refobjid::regclass, d.refobjsubid <> 0, d.deptype)
    FROM pg_depend d WHERE d.objid = r.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
  FROM pg_sequence q JOIN relations r ON r.oid = q.seqrelid
UNION ALL SELECT concat_ws(' ', 'function', s.nspname, p.proname) FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
"#;
