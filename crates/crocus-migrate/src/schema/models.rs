//! What models declare, in the words of a schema.

use crocus_orm::ColumnType;
use crocus_orm::table::{self, ColumnDef, EnumDef, ForeignKeyDef, IndexDef, TableDef, UniqueDef};

use super::{
    Check, Column, Enum, ForeignKey, Index, IndexKey, IndexPart, RenamedValue, Schema, Table, TableName, Type, Unique,
};

impl Schema {
    /// The schema that models declare.
    pub fn from_models(models: &[&'static TableDef]) -> Schema {
        let mut schema = Schema::new(models.iter().map(|model| Table::from_model(model)).collect());
        for def in models.iter().flat_map(|model| model.columns).filter_map(|column| enum_of(column.ty)) {
            for (value, new_value) in def.renamed {
                let [name, value, new_value] = [def.name, value, new_value].map(str::to_owned);
                let renamed = RenamedValue { name, value, new_value };
                if !schema.renamed_values.contains(&renamed) {
                    schema.renamed_values.push(renamed);
                }
            }
        }
        schema
    }
}

/// The enum that a type is, or is an array of.
fn enum_of(ty: ColumnType) -> Option<&'static EnumDef> {
    match ty {
        ColumnType::Enum(def) => Some(def),
        ColumnType::Array(of) => enum_of(*of),
        _ => None,
    }
}

impl TableName {
    fn from_model(model: &TableDef) -> TableName {
        TableName { schema: model.schema.map(str::to_owned), name: model.name.to_owned() }
    }
}

impl Table {
    fn from_model(model: &TableDef) -> Table {
        Table {
            name: TableName::from_model(model),
            renamed_from: model.renamed_from.map(str::to_owned),
            comment: model.comment.map(str::to_owned),
            columns: model.columns.iter().map(Column::from_model).collect(),
            primary_key: model.primary_key().map(|column| column.name.to_owned()).collect(),
            uniques: model.uniques.iter().map(Unique::from_model).collect(),
            checks: model.checks.iter().map(|check| Check::new(check.name, check.expression)).collect(),
            foreign_keys: model.foreign_keys.iter().map(ForeignKey::from_model).collect(),
            indexes: model.indexes.iter().map(Index::from_model).collect(),
        }
    }
}

impl Column {
    fn from_model(column: &ColumnDef) -> Column {
        Column {
            nullable: column.nullable,
            identity: column.identity,
            default: column.default.map(str::to_owned),
            generated: column.generated.map(str::to_owned),
            collation: column.collation.map(str::to_owned),
            comment: column.comment.map(str::to_owned),
            renamed_from: column.renamed_from.map(str::to_owned),
            ..Column::new(
                column.name,
                column.sql_type.map_or_else(|| column.ty.into(), |name| Type::Other(name.to_owned())),
            )
        }
    }
}

impl From<ColumnType> for Type {
    fn from(ty: ColumnType) -> Type {
        match ty {
            ColumnType::Enum(def) => Type::Enum(Enum { name: def.name.to_owned(), values: owned(def.values) }),
            ColumnType::Array(of) => Type::Array(Box::new((*of).into())),
            ty => Type::Standard(ty),
        }
    }
}

impl Unique {
    fn from_model(unique: &UniqueDef) -> Unique {
        let UniqueDef { name, columns, deferrable, nulls_not_distinct } = *unique;
        Unique { deferrable, nulls_not_distinct, ..Unique::new(name, owned(columns)) }
    }
}

impl ForeignKey {
    fn from_model(key: &ForeignKeyDef) -> ForeignKey {
        let target = (key.target)();
        let target_columns = target.primary_key().map(|column| column.name.to_owned()).collect();
        ForeignKey {
            on_delete: key.on_delete,
            on_update: key.on_update,
            on_delete_columns: owned(key.on_delete_columns),
            match_full: key.match_full,
            deferrable: key.deferrable,
            ..ForeignKey::new(key.name, owned(key.columns), TableName::from_model(target), target_columns)
        }
    }
}

impl Index {
    fn from_model(index: &IndexDef) -> Index {
        let part = |part: &table::IndexPart| IndexPart {
            key: match part.key {
                table::IndexKey::Column(name) => IndexKey::Column(name.to_owned()),
                table::IndexKey::Expression(sql) => IndexKey::Expression(sql.to_owned()),
            },
            descending: part.descending,
            nulls: part.nulls,
            collation: part.collation.map(str::to_owned),
            operator_class: part.operator_class.map(str::to_owned),
        };
        Index {
            unique: index.unique,
            condition: index.condition.map(str::to_owned),
            method: index.method.map(str::to_owned),
            include: owned(index.include),
            nulls_not_distinct: index.nulls_not_distinct,
            ..Index::new(index.name, index.parts.iter().map(part).collect())
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
