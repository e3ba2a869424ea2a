//! Numbers as SQL writes them, compared without loss.

use std::cmp::Ordering;
use std::fmt;

use crate::value::Value;

/// The most digits after the point: those of a program's decimals.
const MOST: u32 = 28;

/// A decimal number of up to 29 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact {
    /// Its digits as an integer, without zeros at the end of the fraction.
    digits: i128,
    /// How many of them stand after the point.
    scale: u32,
}

impl Exact {
    /// The largest decimal of a program: 96 bits of digits.
    pub(super) const LARGEST: Exact = Exact { digits: (1 << 96) - 1, scale: 0 };

    /// A number without a sign: `12`, `0.50`. None when it has more digits than every database keeps: 15 with a point,
    /// and 18 without.
    pub(super) fn parse(text: &str) -> Option<Exact> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let most = if fraction.is_empty() { 18 } else { 15 };
        let digits = [whole, fraction].concat();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || digits.trim_start_matches('0').len() > most || fraction.len() > most {
            return None;
        }
        Some(Exact::new(digits.parse().ok()?, u32::try_from(fraction.len()).ok()?))
    }

    fn new(mut digits: i128, mut scale: u32) -> Exact {
        while scale > 0 && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        Exact { digits, scale }
    }

    /// None where it has more digits than a program's decimals.
    pub(super) fn power_of_ten(power: u32) -> Option<Exact> {
        (power <= MOST).then(|| Exact::new(10_i128.pow(power), 0))
    }

    pub(super) fn negated(self) -> Exact {
        Exact { digits: -self.digits, ..self }
    }

    /// The number that a value is; none for a float, which is rarely a decimal's.
    pub(super) fn of(value: &Value) -> Option<Exact> {
        match value {
            Value::SmallInt(Some(number)) => Some(i64::from(*number).into()),
            Value::Int(Some(number)) => Some(i64::from(*number).into()),
            Value::BigInt(Some(number)) => Some((*number).into()),
            #[cfg(feature = "decimal")]
            Value::Decimal(Some(number)) => Some(Exact::new(number.mantissa(), number.scale())),
            _ => None,
        }
    }

    /// Whether it has so few digits that a float has them all.
    pub(super) fn is_double(self) -> bool {
        self.digits.unsigned_abs() < 10_u128.pow(15)
    }

    /// As a number of characters.
    pub(super) fn as_length(self) -> Option<u32> {
        if self.scale == 0 { u32::try_from(self.digits).ok() } else { None }
    }

    /// How many digits stand after the point.
    pub(super) fn scale(self) -> u32 {
        self.scale
    }

    /// Whether it is less than a value, or with `exclusive` not, equal to it. True of what is no number.
    pub(super) fn is_below(self, value: &Value, exclusive: bool) -> bool {
        match self.order(value) {
            Some(Ordering::Less) | None => true,
            Some(Ordering::Equal) => !exclusive,
            Some(Ordering::Greater) => false,
        }
    }

    /// Whether it is greater than a value, or without `exclusive` equal to it. True of what is no number.
    pub(super) fn is_above(self, value: &Value, exclusive: bool) -> bool {
        match self.order(value) {
            Some(Ordering::Greater) | None => true,
            Some(Ordering::Equal) => !exclusive,
            Some(Ordering::Less) => false,
        }
    }

    fn order(self, value: &Value) -> Option<Ordering> {
        match value {
            // Databases compare a float with the float that is nearest to the number. NaN counts as larger than all.
            Value::Double(Some(float)) => {
                let own: f64 = self.to_string().parse().ok()?;
                Some(own.partial_cmp(float).unwrap_or(Ordering::Less))
            }
            value => Exact::of(value).map(|value| self.cmp(&value)),
        }
    }

    /// As JSON writes it: an integer where it is one. Of an integer with more digits than JSON readers keep, the next one
    /// towards 0 that they do.
    pub fn to_json(self) -> serde_json::Value {
        let integer = if self.scale == 0 { i64::try_from(self.digits).ok() } else { None };
        if let Some(integer) = integer {
            return integer.into();
        }
        let float = self.to_string().parse::<f64>().unwrap_or_default();
        let digits = float.to_string().parse::<i128>();
        let is_beyond = digits.is_ok_and(|digits| digits.unsigned_abs() > self.digits.unsigned_abs());
        match (is_beyond && self.scale == 0, float > 0.0) {
            (false, _) => float,
            (true, true) => float.next_down(),
            (true, false) => float.next_up(),
        }
        .into()
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Exact) -> Ordering {
        let parts = |number: &Exact| {
            let one = 10_i128.pow(number.scale);
            // Both fractions to the same number of digits.
            (number.digits.div_euclid(one), number.digits.rem_euclid(one) * 10_i128.pow(MOST - number.scale))
        };
        parts(self).cmp(&parts(other))
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Exact) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Exact {
    fn from(number: i64) -> Exact {
        Exact::new(number.into(), 0)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let one = 10_u128.pow(self.scale);
        let digits = self.digits.unsigned_abs();
        write!(f, "{sign}{}", digits / one)?;
        match self.scale {
            0 => Ok(()),
            scale => write!(f, ".{:0width$}", digits % one, width = usize::try_from(scale).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        match text.strip_prefix('-') {
            Some(text) => Exact::parse(text).unwrap().negated(),
            None => Exact::parse(text).unwrap(),
        }
    }

    #[test]
    fn numbers_are_in_order() {
        let numbers = ["-10", "-9.5", "-0.5", "0", "0.000000000001", "0.5", "1", "1.5", "2", "999999999999999999"];
        for pair in numbers.windows(2) {
            assert!(exact(pair[0]) < exact(pair[1]), "{pair:?}");
        }
        assert_eq!(exact("1.50"), exact("01.5"));
        assert_eq!(numbers.map(|number| exact(number).to_string()), numbers);
    }

    #[test]
    fn numbers_of_too_many_digits_are_none() {
        for text in ["", ".", "1e3", "1_000", "1234567890123456789", "0.1234567890123456", "1.2.3"] {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
        assert_eq!(Exact::parse(".5"), Exact::parse("0.5"));
    }

    #[test]
    fn json_has_numbers_that_are_not_larger() {
        assert_eq!(exact("-0.5").to_json(), serde_json::json!(-0.5));
        assert_eq!(exact("999999999999999999").to_json(), serde_json::json!(999_999_999_999_999_999_i64));
        assert_eq!(Exact::LARGEST.to_json(), serde_json::json!(7.922816251426433e28));
        assert_eq!(Exact::LARGEST.negated().to_json(), serde_json::json!(-7.922816251426433e28));
        assert_eq!(Exact::power_of_ten(28).map(Exact::to_json), Some(serde_json::json!(1e28)));
    }
}
