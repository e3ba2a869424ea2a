//! Values to PostgreSQL's binary format. Reading is the driver's own (`FromSql`), exact in the
//! column's type; only text is read from more types than the driver knows.

use bytes::{BufMut, BytesMut};
#[cfg(feature = "time")]
use jiff::civil::date;
use sea_query::Value;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

#[cfg(feature = "time")]
use crate::value::microseconds;
use crate::value::{check_json, check_text, invalid};

/// What is bound for a value. The server has told the parameter's type: numbers are fitted to it, never cut.
#[derive(Debug)]
pub(crate) struct Parameter<'a>(pub(crate) &'a Value);

type BoxError = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Parameter<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        let ty = base(ty);
        match self.0 {
            Value::Bool(Some(truth)) => truth.to_sql_checked(ty, out),
            Value::TinyInt(Some(number)) => integer(i64::from(*number), ty, out),
            Value::SmallInt(Some(number)) => integer(i64::from(*number), ty, out),
            Value::Int(Some(number)) => integer(i64::from(*number), ty, out),
            Value::BigInt(Some(number)) => integer(*number, ty, out),
            Value::TinyUnsigned(Some(number)) => integer(i64::from(*number), ty, out),
            Value::SmallUnsigned(Some(number)) => integer(i64::from(*number), ty, out),
            Value::Unsigned(Some(number)) => integer(i64::from(*number), ty, out),
            Value::BigUnsigned(Some(number)) => integer(i64::try_from(*number)?, ty, out),
            Value::Float(Some(number)) => real(f64::from(*number), ty, out),
            Value::Double(Some(number)) => real(*number, ty, out),
            Value::String(Some(text)) => string(text, ty, out),
            Value::Enum(sea_query::OptionEnum::Some(value)) => string(&value.value, ty, out),
            Value::Char(Some(character)) => string(character.encode_utf8(&mut [0; 4]), ty, out),
            Value::Bytes(Some(bytes)) => bytes.to_sql_checked(ty, out),
            Value::Array(_, Some(items)) => array(items, ty, out),
            Value::Json(Some(json)) => {
                check_json(json)?;
                json.to_sql_checked(ty, out)
            }
            #[cfg(feature = "time")]
            Value::JiffDate(Some(date)) => date.to_sql_checked(ty, out),
            #[cfg(feature = "time")]
            Value::JiffTime(Some(time)) => microseconds::time(*time).to_sql_checked(ty, out),
            #[cfg(feature = "time")]
            Value::JiffDateTime(Some(at)) if *ty == Type::TIMESTAMP => {
                since_2000(microseconds::date_time(**at)?.duration_since(date(2000, 1, 1).at(0, 0, 0, 0)), out)
            }
            #[cfg(feature = "time")]
            Value::JiffDateTime(Some(at)) => at.to_sql_checked(ty, out),
            #[cfg(feature = "time")]
            Value::JiffTimestamp(Some(at)) => microseconds::timestamp(**at)?.to_sql_checked(ty, out),
            #[cfg(feature = "uuid")]
            Value::Uuid(Some(uuid)) => uuid.to_sql_checked(ty, out),
            #[cfg(feature = "decimal")]
            Value::Decimal(Some(decimal)) if decimal.is_zero() && *ty == Type::NUMERIC => {
                // The driver's own forgets the scale of zero. No digits, weight 0, positive, then the scale
                // (`numeric_recv`).
                out.extend_from_slice(&u64::from(decimal.scale()).to_be_bytes());
                Ok(IsNull::No)
            }
            #[cfg(feature = "decimal")]
            Value::Decimal(Some(decimal)) => decimal.to_sql_checked(ty, out),
            // Every variant that holds `None`.
            _ => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        // `to_sql` asks the value's own type.
        true
    }

    to_sql_checked!();
}

/// The driver's own encoding fails for the last second of the year 9999.
#[cfg(feature = "time")]
fn since_2000(duration: jiff::SignedDuration, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    out.extend_from_slice(&i64::try_from(duration.as_micros())?.to_be_bytes());
    Ok(IsNull::No)
}

fn integer(number: i64, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    match *ty {
        Type::INT2 => fitted::<i16>(number)?.to_sql(ty, out),
        Type::INT4 => fitted::<i32>(number)?.to_sql(ty, out),
        Type::FLOAT8 => (number as f64).to_sql(ty, out),
        _ => number.to_sql_checked(ty, out),
    }
}

fn fitted<T: TryFrom<i64>>(number: i64) -> crate::Result<T> {
    T::try_from(number).map_err(|_| invalid(format!("{number} does not fit {} bytes", size_of::<T>())))
}

fn real(number: f64, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    match *ty {
        Type::FLOAT4 => (number as f32).to_sql(ty, out),
        _ => number.to_sql_checked(ty, out),
    }
}

fn string(text: &str, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    check_text(text)?;
    // The driver looks at the names of others.
    if matches!(*ty, Type::TEXT | Type::VARCHAR) || matches!(ty.kind(), Kind::Enum(_)) {
        out.extend_from_slice(text.as_bytes());
        return Ok(IsNull::No);
    }
    text.to_sql_checked(ty, out)
}

/// An array of one dimension (`array_recv`): the number of dimensions, whether an item is NULL, the items' type, how many
/// there are, the index of the first; then each with its length.
fn array(items: &[Value], ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
    let of = match ty.kind() {
        Kind::Array(of) if !matches!(*ty, Type::OID_VECTOR | Type::INT2_VECTOR) => of,
        // Others begin elsewhere, or are none.
        _ => return items.iter().map(Parameter).collect::<Vec<_>>().to_sql_checked(ty, out),
    };
    out.put_i32(1);
    let flag = out.len();
    out.put_i32(0);
    out.put_u32(of.oid());
    out.put_i32(i32::try_from(items.len())?);
    out.put_i32(1);
    for item in items {
        let start = out.len();
        out.put_i32(-1);
        match Parameter(item).to_sql(of, out)? {
            IsNull::No => {
                let length = i32::try_from(out.len() - start - size_of::<i32>())?;
                out[start..][..size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
            }
            IsNull::Yes => out[flag..][..size_of::<i32>()].copy_from_slice(&1_i32.to_be_bytes()),
        }
    }
    Ok(IsNull::No)
}

/// The type that a domain is over, and every other type itself.
fn base(mut ty: &Type) -> &Type {
    while let Kind::Domain(of) = ty.kind() {
        ty = of;
    }
    ty
}

/// Text of every type whose binary format is text: also of enums, and of domains over them.
pub(crate) struct Text(pub(crate) String);

/// The same, where it is.
pub(crate) struct TextRef<'a>(pub(crate) &'a str);

impl<'a> FromSql<'a> for Text {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Text, BoxError> {
        TextRef::from_sql(ty, raw).map(|TextRef(text)| Text(text.to_owned()))
    }

    fn accepts(ty: &Type) -> bool {
        TextRef::accepts(ty)
    }
}

impl<'a> FromSql<'a> for TextRef<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<TextRef<'a>, BoxError> {
        // What most texts are is soon told, before it is asked what a domain is over.
        if matches!(*ty, Type::TEXT | Type::VARCHAR) {
            return Ok(TextRef(std::str::from_utf8(raw)?));
        }
        match base(ty) {
            &Type::TEXT | &Type::VARCHAR => Ok(TextRef(std::str::from_utf8(raw)?)),
            // The spaces that fill it mean nothing ("Character Types"), and are not there on SQLite.
            &Type::BPCHAR => <&str>::from_sql(ty, raw).map(|text| TextRef(text.trim_end_matches(' '))),
            ty if <&str as FromSql>::accepts(ty) => <&str>::from_sql(ty, raw).map(TextRef),
            _ => <&str>::from_sql(&Type::TEXT, raw).map(TextRef),
        }
    }

    fn accepts(ty: &Type) -> bool {
        // The driver looks at the names of others.
        matches!(*ty, Type::TEXT | Type::VARCHAR) || {
            let ty = base(ty);
            <&str as FromSql>::accepts(ty) || matches!(ty.kind(), Kind::Enum(_))
        }
    }
}

/// A value that is JSON soon: of one of the types that most values have.
pub(crate) enum Plain<'a> {
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    Bool(bool),
    /// A text that stands in JSON as it is, of ASCII only.
    Text(&'a [u8]),
    Null,
    Other,
}

impl<'a> FromSql<'a> for Plain<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Plain<'a>, BoxError> {
        let stands = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        Ok(match ty {
            &Type::INT4 => Plain::Int(i32::from_be_bytes(raw.try_into()?)),
            // No early end: so the bytes are looked at many at a time.
            &Type::TEXT | &Type::VARCHAR if raw.iter().fold(true, |all, byte| all & stands(*byte)) => Plain::Text(raw),
            &Type::INT8 => Plain::BigInt(i64::from_be_bytes(raw.try_into()?)),
            &Type::INT2 => Plain::SmallInt(i16::from_be_bytes(raw.try_into()?)),
            &Type::BOOL => Plain::Bool(raw == [1]),
            _ => Plain::Other,
        })
    }

    fn from_sql_null(_: &Type) -> Result<Plain<'a>, BoxError> {
        Ok(Plain::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A value where it is, of one of the types that are soon compared.
enum Raw<'a> {
    Number(i64),
    Text(&'a [u8]),
    /// Any other, and NULL.
    Other,
}

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Raw<'a>, BoxError> {
        Ok(match ty {
            &Type::TEXT | &Type::VARCHAR => Raw::Text(raw),
            &Type::INT4 => Raw::Number(i32::from_be_bytes(raw.try_into()?).into()),
            &Type::INT8 => Raw::Number(i64::from_be_bytes(raw.try_into()?)),
            &Type::INT2 => Raw::Number(i16::from_be_bytes(raw.try_into()?).into()),
            _ => Raw::Other,
        })
    }

    fn from_sql_null(_: &Type) -> Result<Raw<'a>, BoxError> {
        Ok(Raw::Other)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Whether the column at `index` holds the value, where that is soon told.
pub(crate) fn holds(row: &tokio_postgres::Row, index: usize, value: &Value) -> Option<bool> {
    match (row.try_get(index).ok()?, value) {
        (Raw::Text(found), Value::String(Some(text))) => Some(found == text.as_bytes()),
        (Raw::Number(found), Value::Int(Some(number))) => Some(found == i64::from(*number)),
        (Raw::Number(found), Value::BigInt(Some(number))) => Some(found == *number),
        (Raw::Number(found), Value::SmallInt(Some(number))) => Some(found == i64::from(*number)),
        _ => None,
    }
}

/// Whether the column at `index` is NULL, whatever its type.
pub(crate) fn is_null(row: &tokio_postgres::Row, index: usize) -> bool {
    /// Any value, unread.
    struct Anything;

    impl FromSql<'_> for Anything {
        fn from_sql(_: &Type, _: &[u8]) -> Result<Anything, BoxError> {
            Ok(Anything)
        }

        fn accepts(_: &Type) -> bool {
            true
        }
    }

    matches!(row.try_get::<_, Option<Anything>>(index), Ok(None))
}
