//! Sums: numbers, units and notes with `+ - * /` and parentheses between them.

use super::note;
use super::quantity::{Kind, Quantity};

/// Parentheses and signs inside of each other; more are no value.
const DEEPEST: usize = 24;

/// What is left of a text, and what a bare number in it counts.
pub struct Reader<'a> {
    rest: &'a str,
    own: (Kind, f64),
    bpm: f64,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, own: (Kind, f64), bpm: f64) -> Reader<'a> {
        Reader { rest: text, own, bpm, depth: 0 }
    }

    /// The whole text. Where it begins as if something stood in front of it,
    /// that is the current value, in the unit of bare numbers.
    pub fn read(mut self, current: f64) -> Option<Quantity> {
        let (kind, scale) = self.own;
        let current = Quantity::new(kind, current * scale);
        let goes_on = self.rest.starts_with(['+', '*', '/', '×', '÷']);
        let first = if goes_on { self.products(current)? } else { self.term()? };
        let sum = self.sums(first)?;
        self.skip_spaces();
        self.rest.is_empty().then_some(sum)
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes the next letter if it is one of these.
    fn take(&mut self, letters: &[char]) -> Option<char> {
        self.skip_spaces();
        let letter = self.rest.chars().next().filter(|letter| letters.contains(letter))?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    fn sums(&mut self, mut sum: Quantity) -> Option<Quantity> {
        while let Some(sign) = self.take(&['+', '-', '−']) {
            let term = self.term()?;
            sum = sum.plus(term, if sign == '+' { 1.0 } else { -1.0 }, self.own)?;
        }
        Some(sum)
    }

    fn term(&mut self) -> Option<Quantity> {
        let factor = self.factor()?;
        self.products(factor)
    }

    fn products(&mut self, mut product: Quantity) -> Option<Quantity> {
        while let Some(sign) = self.take(&['*', '/', '×', '÷']) {
            let factor = self.factor()?;
            let is_times = matches!(sign, '*' | '×');
            product = if is_times { product.times(factor)? } else { product.over(factor)? };
        }
        Some(product)
    }

    fn factor(&mut self) -> Option<Quantity> {
        self.depth += 1;
        let factor = if self.depth > DEEPEST { None } else { self.one() };
        self.depth -= 1;
        factor
    }

    fn one(&mut self) -> Option<Quantity> {
        if let Some(sign) = self.take(&['+', '-', '−']) {
            let Quantity { kind, amount } = self.factor()?;
            return match (sign, kind) {
                ('+', _) => Some(Quantity::new(kind, amount)),
                (_, Kind::Pitch) => None,
                _ => Some(Quantity::new(kind, -amount)),
            };
        }
        if self.take(&['(']).is_some() {
            let first = self.term()?;
            let sum = self.sums(first)?;
            self.take(&[')'])?;
            return self.unit(sum);
        }
        if let Some((octaves, bytes)) = note::read(self.rest) {
            self.rest = &self.rest[bytes..];
            return Some(Quantity::new(Kind::Pitch, octaves));
        }
        let number = self.number()?;
        self.unit(Quantity::new(Kind::Plain, number))
    }

    /// `1.5`, `1,5`, `.5`, `1e-3`.
    fn number(&mut self) -> Option<f64> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = digits(self.rest);
        if self.rest[end..].starts_with(['.', ',']) {
            end += 1 + digits(&self.rest[end + 1..]);
        }
        if self.rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(self.rest[end + 1..].starts_with(['-', '+']));
            let power = digits(&self.rest[end + 1 + sign..]);
            end += if power > 0 { 1 + sign + power } else { 0 };
        }
        let (number, rest) = self.rest.split_at(end);
        let number = number.replace(',', ".").parse().ok()?;
        self.rest = rest;
        Some(number)
    }

    /// The unit behind a number, if there is one.
    fn unit(&mut self, number: Quantity) -> Option<Quantity> {
        self.skip_spaces();
        let is_unit = |c: &char| c.is_alphabetic() || matches!(c, '%' | '°' | 'µ');
        let bytes: usize = self.rest.chars().take_while(is_unit).map(char::len_utf8).sum();
        if bytes == 0 {
            return Some(number);
        }
        let (unit, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        if number.kind == Kind::Plain {
            Quantity::with_unit(number.amount, unit, self.bpm)
        } else {
            None
        }
    }
}
