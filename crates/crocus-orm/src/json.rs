//! JSON objects as input for models: every field checked, all mistakes found at once.

use serde_json::Value as Json;

/// The members of a JSON object.
pub type JsonObject = serde_json::Map<String, Json>;

/// A rule that a value breaks, as in "must be an integer".
pub type Rule = std::borrow::Cow<'static, str>;

/// A mistake in one field of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The JSON pointer of the field (RFC 6901), such as `/name`.
    pub pointer: String,
    /// The rule that it breaks.
    pub detail: String,
}

/// An input that can be read from a JSON object: `NewCar` and `CarPatch`, made by `derive(Model)`.
pub trait FromJson: Sized {
    /// Reads the input. Members that the model lacks are ignored.
    ///
    /// # Errors
    /// Every mistake that the object has, in the order of the model's fields.
    fn from_json(object: JsonObject) -> Result<Self, Vec<FieldError>>;
}

/// What a PATCH brings for one field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Patch<T> {
    /// The field is not mentioned: it stays as it is.
    #[default]
    Absent,
    /// The field is to be NULL.
    Null,
    /// The field is to be this.
    Value(T),
}

/// Takes an object's members one by one and collects the mistakes.
#[derive(Debug)]
pub struct Fields {
    object: JsonObject,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Starts on an object.
    pub fn new(object: JsonObject) -> Fields {
        Fields { object, errors: Vec::new() }
    }

    /// A member that must be there, read by `read`. `None` when it is missing or wrong: the mistake is noted.
    pub fn required<T>(&mut self, name: &str, read: fn(Json) -> Result<T, Rule>) -> Option<T> {
        match self.object.remove(name) {
            Some(json) => self.check(name, read(json)),
            None => self.check(name, Err("is required".into())),
        }
    }

    /// A member that may be missing. `None` when it is wrong: the mistake is noted.
    pub fn optional<T>(&mut self, name: &str, read: fn(Json) -> Result<T, Rule>) -> Option<Option<T>> {
        match self.object.remove(name) {
            Some(json) => self.check(name, read(json)).map(Some),
            None => Some(None),
        }
    }

    /// A member of a patch, for a column that cannot be NULL. `None` when it is wrong: the mistake is noted.
    pub fn patch<T>(&mut self, name: &str, read: fn(Json) -> Result<T, Rule>) -> Option<Patch<T>> {
        self.optional(name, read).map(|value| value.map_or(Patch::Absent, Patch::Value))
    }

    /// A member of a patch, for a column that can be NULL. `None` when it is wrong: the mistake is noted.
    pub fn patch_nullable<T>(&mut self, name: &str, read: fn(Json) -> Result<Option<T>, Rule>) -> Option<Patch<T>> {
        let value = self.optional(name, read)?;
        Some(value.map_or(Patch::Absent, |value| value.map_or(Patch::Null, Patch::Value)))
    }

    /// A member that is an object of its own, for an embedded struct. Where it is missing, `missing` stands for it, if
    /// anything does. `None` when it is wrong: the mistakes are noted.
    pub fn embedded<T: FromJson>(&mut self, name: &str, missing: Option<T>) -> Option<T> {
        let object = match (self.object.remove(name), missing) {
            (Some(Json::Object(object)), _) => object,
            (Some(json), _) => return self.check(name, Err(not("an object", &json))),
            (None, Some(missing)) => return Some(missing),
            (None, None) => return self.check(name, Err("is required".into())),
        };
        match T::from_json(object) {
            Ok(value) => Some(value),
            Err(errors) => {
                let inside = |error: FieldError| FieldError { pointer: pointer(name) + &error.pointer, ..error };
                self.errors.extend(errors.into_iter().map(inside));
                None
            }
        }
    }

    /// The mistakes noted.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    fn check<T>(&mut self, name: &str, result: Result<T, Rule>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(rule) => {
                self.errors.push(FieldError { pointer: pointer(name), detail: rule.into_owned() });
                None
            }
        }
    }
}

/// The JSON pointer of a member (RFC 6901, 3).
pub(crate) fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// How each column type is read from JSON.
pub(crate) trait FromJsonValue: Sized {
    fn from_json_value(json: Json) -> Result<Self, Rule>;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl FromJsonValue for $type {
            fn from_json_value(json: Json) -> Result<Self, Rule> {
                let number = integer(&json)?;
                <$type>::try_from(number).map_err(|_| {
                    format!("must be between {} and {}", <$type>::MIN, <$type>::MAX).into()
                })
            }
        }
    )*};
}
integers!(i16, i32, i64);

/// An integer of any size as far as an `i128` goes. JSON has one kind of number: 4.0 and 4e0 are integers too (JSON
/// Schema 2020-12, "validation", 6.1.1), 4.5 is not.
fn integer(json: &Json) -> Result<i128, Rule> {
    let Json::Number(number) = json else {
        return Err(not("an integer", json));
    };
    if let Some(number) = number.as_i128() {
        return Ok(number);
    }
    match number.as_f64() {
        // A float as large as this has lost the digits that would tell which integer was meant; it is out of every
        // column's range anyway.
        Some(float) if float.fract() == 0.0 => Ok(float as i128),
        _ => Err("must be an integer".into()),
    }
}

impl FromJsonValue for f64 {
    fn from_json_value(json: Json) -> Result<Self, Rule> {
        match json.as_f64() {
            Some(number) if number.is_finite() => Ok(number),
            Some(_) => Err("must be a finite number".into()),
            None => Err(not("a number", &json)),
        }
    }
}

impl FromJsonValue for bool {
    fn from_json_value(json: Json) -> Result<Self, Rule> {
        json.as_bool().ok_or_else(|| not("true or false", &json))
    }
}

impl FromJsonValue for String {
    fn from_json_value(json: Json) -> Result<Self, Rule> {
        match json {
            // PostgreSQL's text cannot hold it ("Character Types"); SQLite's functions stop at it.
            Json::String(text) if text.contains('\0') => Err("must not contain the character U+0000".into()),
            Json::String(text) => Ok(text),
            json => Err(not("a string", &json)),
        }
    }
}

impl FromJsonValue for Vec<u8> {
    /// Bytes are written in hexadecimal, two digits a byte.
    fn from_json_value(json: Json) -> Result<Self, Rule> {
        let rule = || Rule::from("must be a string of hexadecimal digits, two a byte");
        let text = json.as_str().ok_or_else(rule)?.as_bytes();
        if text.len() % 2 != 0 {
            return Err(rule());
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        text.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect::<Option<_>>().ok_or_else(rule)
    }
}

impl FromJsonValue for Json {
    fn from_json_value(json: Json) -> Result<Self, Rule> {
        Ok(json)
    }
}

#[cfg(any(feature = "time", feature = "uuid", feature = "decimal"))]
macro_rules! parsed_from_strings {
    ($($(#[$cfg:meta])? $type:ty, $is_whole:expr, $what:literal;)*) => {$(
        $(#[$cfg])?
        impl FromJsonValue for $type {
            fn from_json_value(json: Json) -> Result<Self, Rule> {
                let text = json.as_str().ok_or_else(|| not($what, &json))?;
                let parsed = if $is_whole(text) { text.parse().ok() } else { None };
                parsed.ok_or_else(|| concat!("must be ", $what).into())
            }
        }
    )*};
}

#[cfg(any(feature = "time", feature = "uuid", feature = "decimal"))]
parsed_from_strings! {
    #[cfg(feature = "time")] jiff::civil::Date, is_date, "a date such as \"2026-11-22\"";
    #[cfg(feature = "time")] jiff::civil::Time, is_time, "a time such as \"14:03:00\"";
    #[cfg(feature = "time")] jiff::civil::DateTime, is_date_time, "a date and time such as \"2026-11-22T14:03:00\"";
    #[cfg(feature = "time")] jiff::Timestamp, |_| true, "an instant such as \"2026-11-22T14:03:00Z\"";
    #[cfg(feature = "uuid")] uuid::Uuid, |_| true, "a UUID";
}

/// Whether it says a date and nothing more, which would be lost: jiff reads the date of a date and time too.
#[cfg(feature = "time")]
fn is_date(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'))
}

/// Whether it says a time of day, and neither a date nor an offset.
#[cfg(feature = "time")]
fn is_time(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b','))
}

/// Whether it says a date and a time, and no offset.
#[cfg(feature = "time")]
fn is_date_time(text: &str) -> bool {
    match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => is_date(date) && is_time(time),
        None => is_date(text),
    }
}

#[cfg(feature = "decimal")]
impl FromJsonValue for rust_decimal::Decimal {
    /// A string keeps every digit. A number is taken as it is written, as far as JSON readers keep it, and rounded to the
    /// 28 digits after the point that a decimal has.
    fn from_json_value(json: Json) -> Result<Self, Rule> {
        const TOO_LONG: &str = "must be a decimal number of at most 28 digits";
        match &json {
            Json::String(text) if is_decimal(text) => Self::from_str_exact(text).map_err(|_| TOO_LONG.into()),
            Json::String(_) => Err("must be a decimal number such as \"12.50\"".into()),
            Json::Number(number) => {
                // Without an exponent.
                let text = match number.as_f64().filter(|_| number.is_f64()) {
                    Some(float) => float.to_string(),
                    None => number.to_string(),
                };
                text.parse().map_err(|_| TOO_LONG.into())
            }
            json => Err(not("a decimal number", json)),
        }
    }
}

/// Whether it is digits, with a sign before and a point among them or not.
#[cfg(feature = "decimal")]
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

pub(crate) fn not(wanted: &str, json: &Json) -> Rule {
    let given = match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    };
    format!("must be {wanted}, not {given}").into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ColumnValue;

    #[test]
    fn integers_keep_to_their_range_and_kind() {
        assert_eq!(i32::from_json_value(json!(-2147483648)), Ok(i32::MIN));
        assert_eq!(i32::from_json_value(json!(4.0)), Ok(4));
        for (json, rule) in [
            (json!(2147483648u32), "must be between -2147483648 and 2147483647"),
            (json!(1e300), "must be between -2147483648 and 2147483647"),
            (json!(4.5), "must be an integer"),
            (json!("3"), "must be an integer, not a string"),
            (json!(true), "must be an integer, not a boolean"),
            (json!(null), "must be an integer, not null"),
        ] {
            assert_eq!(i32::from_json_value(json).unwrap_err(), rule);
        }
    }

    #[test]
    fn every_mistake_is_noted() {
        let Json::Object(object) = json!({"name": ["a"], "model": "x\0y"}) else { unreachable!() };
        let mut fields = Fields::new(object);
        assert_eq!(fields.required("name", String::from_json), None);
        assert_eq!(fields.required("model", String::from_json), None);
        assert_eq!(fields.required("a/b", i32::from_json), None);
        assert_eq!(fields.optional("doors", i32::from_json), Some(None));
        let errors: Vec<_> = fields.into_errors().into_iter().map(|error| (error.pointer, error.detail)).collect();
        assert_eq!(
            errors,
            [
                ("/name".to_owned(), "must be a string, not an array".to_owned()),
                ("/model".to_owned(), "must not contain the character U+0000".to_owned()),
                ("/a~1b".to_owned(), "is required".to_owned()),
            ]
        );
    }

    #[test]
    fn bytes_are_hexadecimal() {
        assert_eq!(Vec::from_json_value(json!("00fFa1")), Ok(vec![0, 255, 161]));
        assert!(Vec::<u8>::from_json_value(json!("abc")).is_err());
        assert!(Vec::<u8>::from_json_value(json!("zz")).is_err());
        assert!(Vec::<u8>::from_json_value(json!("é0")).is_err());
    }

    #[cfg(feature = "decimal")]
    #[test]
    fn decimals_keep_their_digits_or_are_refused() {
        use rust_decimal::Decimal;

        let read = |json: Json| Decimal::from_json_value(json).map(|number| number.to_string());
        let nine = "9".repeat(28);
        let small = format!("0.{}1", "0".repeat(27));
        for (json, kept) in [
            (json!("12.50"), "12.50"),
            (json!("-0.1"), "-0.1"),
            (json!("+007"), "7"),
            (json!(nine), &nine),
            (json!(small), &small),
            (json!("79228162514264337593543950335"), "79228162514264337593543950335"),
            (json!(4), "4"),
            (json!(0.1), "0.1"),
            (json!(1e21), "1000000000000000000000"),
            (json!(7.922816251426433e28), "79228162514264330000000000000"),
            (json!(1e-9), "0.000000001"),
        ] {
            assert_eq!(read(json).as_deref(), Ok(kept));
        }
        // A number that is nearer to 0 than every decimal is 0.
        let tiny = Decimal::from_json_value(json!(5e-324));
        assert!(tiny.as_ref().is_ok_and(Decimal::is_zero), "{tiny:?}");
        for json in ["1_000", "1e3", ".5", "5.", "", "-", "1.2.3", " 1", "\u{661}"] {
            assert_eq!(read(json!(json)), Err("must be a decimal number such as \"12.50\"".into()), "{json}");
        }
        let long = [json!("79228162514264337593543950336"), json!(format!("{small}1")), json!(8e28), json!(-1e300)];
        for json in long {
            assert_eq!(read(json.clone()), Err("must be a decimal number of at most 28 digits".into()), "{json}");
        }
    }

    #[cfg(feature = "time")]
    #[test]
    fn nothing_of_a_time_is_left_out() {
        use jiff::civil::{Date, DateTime, Time};

        let read = |text: &str| {
            let json = || json!(text);
            (
                Date::from_json_value(json()).ok().map(|date| date.to_string()),
                Time::from_json_value(json()).ok().map(|time| time.to_string()),
                DateTime::from_json_value(json()).ok().map(|at| at.to_string()),
                jiff::Timestamp::from_json_value(json()).ok().map(|at| at.to_string()),
            )
        };
        let some = |text: &str| Some(text.to_owned());
        for (text, date, time, date_time, instant) in [
            ("2026-11-22", some("2026-11-22"), None, some("2026-11-22T00:00:00"), None),
            ("14:03", None, some("14:03:00"), None, None),
            ("14:03:00.5", None, some("14:03:00.5"), None, None),
            ("2026-11-22T14:03:00", None, None, some("2026-11-22T14:03:00"), None),
            ("2026-11-22 14:03:00.25", None, None, some("2026-11-22T14:03:00.25"), None),
            ("2026-11-22T14:03:00+01:00", None, None, None, some("2026-11-22T13:03:00Z")),
            ("2026-11-22T14:03:00Z", None, None, None, some("2026-11-22T14:03:00Z")),
            ("14:03:00+01", None, None, None, None),
            ("2026-11-22T14:03:00[Europe/Berlin]", None, None, None, None),
        ] {
            assert_eq!(read(text), (date, time, date_time, instant), "{text}");
        }
        assert_eq!(Date::from_json_value(json!("now")), Err("must be a date such as \"2026-11-22\"".into()));
    }
}
