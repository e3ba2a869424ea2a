//! What the dialects do differently. Each folder has the same files: `ddl.rs` writes the SQL of operations,
//! `casts.rs` that of values which get another type, `inspect.rs` reads a schema, `lock.rs` keeps two migrations apart. What only one of them needs follows.

pub(crate) mod postgres {
    //! PostgreSQL: DDL is transactional; the catalogues tell everything. A model's normal form is read in `scratch.rs`,
    //! or known from what the database has (`words.rs`).

    pub(crate) mod before;
    pub(crate) mod casts;
    pub(crate) mod ddl;
    pub(crate) mod enums;
    pub(crate) mod inspect;
    pub(crate) mod lock;
    pub(crate) mod locks;
    mod names;
    pub(crate) mod parts;
    pub(crate) mod scratch;
    pub(crate) mod types;
    pub(crate) mod words;
}

pub(crate) mod sqlite {
    //! SQLite: DDL is transactional; what ALTER TABLE cannot do, a rebuilt table does (`rebuild.rs`).

    pub(crate) mod casts;
    pub(crate) mod ddl;
    pub(crate) mod index_sql;
    pub(crate) mod inspect;
    pub(crate) mod lock;
    pub(crate) mod rebuild;
    pub(crate) mod table_sql;
    pub(crate) mod tokens;
    pub(crate) mod types;
}
