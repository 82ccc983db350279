//! From text to code, by recursive descent; each rule is a function.

use std::f64::consts::{PI, TAU};

use super::{DEPTH, FUNCTIONS, NAMES, Op};

/// Numbers of the longest code.
const MOST_CODE: usize = 4096;
/// How many parentheses and signs may be open at a time.
const MOST_OPEN: usize = 100;

/// Why a formula cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The formula cannot be read {place}: {what}.")]
pub struct FormulaError {
    place: String,
    what: String,
}

/// Compiles a formula.
///
/// # Errors
/// A sentence that says where it cannot be read, and why.
pub fn compile(text: &str) -> Result<Vec<f32>, FormulaError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, code: Vec::new(), height: 0, open: 0 };
    parser.either()?;
    match parser.peek() {
        "" => Ok(parser.code),
        _ => Err(parser.error("it should have ended before")),
    }
}

/// A word, a number or a sign, and the character that it begins with, from 1.
struct Token<'t> {
    text: &'t str,
    at: usize,
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, FormulaError> {
    let mut tokens = Vec::new();
    let (mut rest, mut at) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let length = length(rest, first);
        let (token, after) = rest.split_at(length);
        if !first.is_whitespace() {
            tokens.push(Token { text: token, at });
        }
        at += token.chars().count();
        rest = after;
    }
    Ok(tokens)
}

/// Bytes of the token that a text begins with.
fn length(text: &str, first: char) -> usize {
    let while_is = |is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    if is_digit(first) {
        let digits = while_is(|c| c.is_ascii_digit() || c == '.');
        return digits + exponent(&text[digits..]);
    }
    if first.is_alphabetic() {
        return while_is(|c| c.is_alphanumeric() || c == '_');
    }
    let signs = ["<=", ">=", "==", "!=", "&&", "||"];
    if signs.iter().any(|sign| text.starts_with(sign)) { 2 } else { first.len_utf8() }
}

/// Bytes of `e-3` and the like, if there is such a thing.
fn exponent(text: &str) -> usize {
    let Some(power) = text.strip_prefix(['e', 'E']) else { return 0 };
    let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 { 0 } else { text.len() - digits.len() + end }
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
    code: Vec<f32>,
    /// Numbers on the stack by now.
    height: usize,
    open: usize,
}

type Parsed = Result<(), FormulaError>;

impl<'t> Parser<'t> {
    /// The next token; nothing at the end.
    fn peek(&self) -> &'t str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    fn take(&mut self, token: &str) -> bool {
        let is_there = self.peek() == token;
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, token: &'static str) -> Parsed {
        if self.take(token) { Ok(()) } else { Err(self.error(&format!("`{token}` is missing"))) }
    }

    /// At the token that comes next.
    fn error(&self, what: &str) -> FormulaError {
        let place = match self.tokens.get(self.at) {
            Some(token) => {
                let text: String = token.text.chars().take(20).collect();
                format!("at character {} (`{text}`)", token.at)
            }
            None => "at its end".to_owned(),
        };
        FormulaError { place, what: what.to_owned() }
    }

    /// Goes one level deeper, and back.
    fn nested(&mut self, rule: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.open += 1;
        if self.open > MOST_OPEN {
            return Err(self.error("it is nested too deep"));
        }
        rule(self)?;
        self.open -= 1;
        Ok(())
    }

    fn push(&mut self, op: Op, rest: &[f32]) -> Parsed {
        self.code.push(f32::from(op as u8));
        self.code.extend_from_slice(rest);
        self.height = self.height + 1 - op.takes();
        if self.height > DEPTH {
            return Err(self.error("it is nested too deep"));
        }
        if self.code.len() > MOST_CODE {
            return Err(self.error("it is too long"));
        }
        Ok(())
    }

    fn number(&mut self, value: f64) -> Parsed {
        let high = value as f32;
        self.push(Op::Number, &[high, (value - f64::from(high)) as f32])
    }

    /// Operators of one rank, from left to right.
    fn chain(&mut self, ops: &[(&str, Op)], operand: fn(&mut Self) -> Parsed) -> Parsed {
        operand(self)?;
        while let Some(&(sign, op)) = ops.iter().find(|(sign, _)| *sign == self.peek()) {
            self.take(sign);
            operand(self)?;
            self.push(op, &[])?;
        }
        Ok(())
    }

    fn either(&mut self) -> Parsed {
        self.chain(&[("or", Op::Or), ("||", Op::Or)], Self::both)
    }

    fn both(&mut self) -> Parsed {
        self.chain(&[("and", Op::And), ("&&", Op::And)], Self::comparison)
    }

    fn comparison(&mut self) -> Parsed {
        let ops = [
            ("<", Op::Less),
            ("<=", Op::AtMost),
            (">", Op::More),
            (">=", Op::AtLeast),
            ("==", Op::Equal),
            ("!=", Op::Unequal),
        ];
        self.chain(&ops, Self::sum)
    }

    fn sum(&mut self) -> Parsed {
        self.chain(&[("+", Op::Add), ("-", Op::Subtract)], Self::product)
    }

    fn product(&mut self) -> Parsed {
        let ops = [("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Remainder)];
        self.chain(&ops, Self::signed)
    }

    fn signed(&mut self) -> Parsed {
        let op = match self.peek() {
            "-" => Op::Negate,
            "not" | "!" => Op::Not,
            _ => return self.power(),
        };
        self.at += 1;
        self.nested(Self::signed)?;
        self.push(op, &[])
    }

    fn power(&mut self) -> Parsed {
        self.atom()?;
        if !self.take("^") {
            return Ok(());
        }
        self.nested(Self::signed)?;
        self.push(Op::Power, &[])
    }

    fn atom(&mut self) -> Parsed {
        let token = self.peek();
        if self.take("(") {
            self.nested(Self::either)?;
            return self.expect(")");
        }
        match token.chars().next() {
            Some(first) if first.is_ascii_digit() || first == '.' => {
                let Ok(value) = token.parse() else {
                    return Err(self.error("this is no number"));
                };
                self.at += 1;
                self.number(value)
            }
            Some(first) if first.is_alphabetic() => self.word(token),
            _ => Err(self.error("a number or a name is missing")),
        }
    }

    fn word(&mut self, word: &str) -> Parsed {
        let is_called = self.tokens.get(self.at + 1).is_some_and(|next| next.text == "(");
        if is_called {
            let Some(&(name, op)) = FUNCTIONS.iter().find(|(name, _)| *name == word) else {
                let names = FUNCTIONS.map(|(name, _)| name).join(", ");
                return Err(self.error(&format!("there is no such function; there are {names}")));
            };
            self.at += 1;
            return self.call(name, op);
        }
        let constant = [("pi", PI), ("tau", TAU)].into_iter().find(|(name, _)| *name == word);
        let index = NAMES.iter().position(|name| *name == word);
        if constant.is_none() && index.is_none() {
            let names = NAMES.join(", ");
            return Err(self.error(&format!("there is no such name; there are {names}, pi, tau")));
        }
        self.at += 1;
        match (constant, index) {
            (Some((_, value)), _) => self.number(value),
            (_, index) => self.push(Op::Name, &[index.unwrap_or(0) as f32]),
        }
    }

    fn call(&mut self, name: &str, op: Op) -> Parsed {
        self.expect("(")?;
        for argument in 0..op.takes() {
            if argument > 0 && !self.take(",") {
                return Err(self.arguments(name, op));
            }
            self.nested(Self::either)?;
        }
        if self.peek() == "," {
            return Err(self.arguments(name, op));
        }
        self.expect(")")?;
        self.push(op, &[])
    }

    fn arguments(&self, name: &str, op: Op) -> FormulaError {
        let (count, s) = (op.takes(), if op.takes() == 1 { "" } else { "s" });
        self.error(&format!("`{name}` takes {count} argument{s}"))
    }
}
