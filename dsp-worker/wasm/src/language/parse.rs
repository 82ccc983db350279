//! From the text of a program to what it says.

use sostenuto_modules::own::OwnError;

/// What a program says.
#[derive(Debug, Default)]
pub struct Program {
    pub states: Vec<State>,
    pub tables: Vec<Table>,
    pub body: Vec<Statement>,
}

/// A number for each channel that is remembered.
#[derive(Debug)]
pub struct State {
    pub name: String,
    pub start: f32,
    pub line: usize,
}

/// Numbers for each channel that are remembered.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    pub length: u32,
    pub line: usize,
}

#[derive(Debug)]
pub enum Statement {
    Let { name: String, value: Value, line: usize },
    Set { name: String, index: Option<Value>, value: Value, line: usize },
    If { condition: Value, then: Vec<Statement>, otherwise: Vec<Statement> },
    For { name: String, from: u32, to: u32, body: Vec<Statement>, line: usize },
}

/// Something that is a number.
#[derive(Debug)]
pub enum Value {
    Number(f32),
    Name(String, usize),
    Element(String, Box<Value>, usize),
    Call(String, Vec<Value>, usize),
    Not(Box<Value>),
    Negative(Box<Value>),
    Pair(Operator, Box<Value>, Box<Value>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// How deep brackets and blocks may lie in each other.
const DEEPEST: usize = 120;
/// How many values one may be put together of, one behind the other.
const LONGEST: usize = 200;
/// The longest table, and the last number of a loop.
const MOST: u32 = 4096;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f32),
    Word(String),
    Sign(&'static str),
    Line,
}

/// Longer ones first.
const SIGNS: [&str; 21] = [
    "<=", ">=", "==", "!=", "..", "+", "-", "*", "/", "%", "<", ">", "=", "(", ")", "[", "]", "{",
    "}", ",", ";",
];

/// Reads a program. Lines count from 1.
pub fn parse(text: &str) -> Result<Program, OwnError> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, depth: 0, program: Program::default() };
    let body = reader.statements(false)?;
    reader.program.body = body;
    Ok(reader.program)
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, OwnError> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.split('#').next().unwrap_or_default(), index + 1);
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (token, length) = token(rest)
                .ok_or_else(|| error(number, format!("`{}` means nothing", brief(rest))))?;
            tokens.push((token, number));
            rest = rest[length..].trim_start();
        }
        tokens.push((Token::Line, number));
    }
    Ok(tokens)
}

fn token(rest: &str) -> Option<(Token, usize)> {
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        let token = if sign == ";" { Token::Line } else { Token::Sign(sign) };
        return Some((token, sign.len()));
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some((Token::Word(rest[..length].to_owned()), length));
    }
    // A number with its point, but without the two of a range.
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut length = digits(rest);
    if rest[length..].starts_with('.') && !rest[length..].starts_with("..") {
        length += 1 + digits(&rest[length + 1..]);
    }
    let number = rest[..length].parse::<f32>().ok().filter(|number| number.is_finite())?;
    Some((Token::Number(number), length))
}

fn brief(text: &str) -> String {
    text.chars().take(12).collect()
}

fn error(line: usize, what: impl Into<String>) -> OwnError {
    OwnError { line, what: what.into() }
}

struct Reader {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
    program: Program,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// Of what comes next; at the end, of the last.
    fn line(&self) -> usize {
        let last = self.tokens.last().map_or(1, |(_, line)| *line);
        self.tokens.get(self.at).map_or(last, |(_, line)| *line)
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let is_next = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.at += usize::from(is_next);
        is_next
    }

    fn needs(&mut self, sign: &'static str) -> Result<(), OwnError> {
        if self.takes(sign) { Ok(()) } else { Err(self.wants(&format!("`{sign}`"))) }
    }

    fn wants(&self, what: &str) -> OwnError {
        let there = match self.peek() {
            Some(Token::Number(number)) => format!("there is `{number}`"),
            Some(Token::Word(word)) => format!("there is `{}`", brief(word)),
            Some(Token::Sign(sign)) => format!("there is `{sign}`"),
            Some(Token::Line) | None => "the line ends".to_owned(),
        };
        error(self.line(), format!("{what} is needed here, but {there}"))
    }

    fn name(&mut self) -> Result<String, OwnError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.wants("a name")),
        }
    }

    fn whole(&mut self) -> Result<u32, OwnError> {
        match self.peek() {
            Some(&Token::Number(number)) if number.fract() == 0.0 && number <= MOST as f32 => {
                self.at += 1;
                Ok(number as u32)
            }
            _ => Err(self.wants(&format!("a whole number up to {MOST}"))),
        }
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Reader) -> Result<T, OwnError>,
    ) -> Result<T, OwnError> {
        if self.depth == DEEPEST {
            return Err(error(self.line(), "too much lies in each other here"));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Up to the end, or up to the bracket that closes the block.
    fn statements(&mut self, is_block: bool) -> Result<Vec<Statement>, OwnError> {
        let mut statements = Vec::new();
        loop {
            match self.peek() {
                None if is_block => return Err(error(self.line(), "a `}` is missing")),
                None => return Ok(statements),
                Some(Token::Line) => self.at += 1,
                Some(Token::Sign("}")) if is_block => {
                    self.at += 1;
                    return Ok(statements);
                }
                Some(_) => {
                    statements.extend(self.deeper(Reader::statement)?);
                    if !matches!(self.peek(), None | Some(Token::Line | Token::Sign("}"))) {
                        return Err(self.wants("the end of the line"));
                    }
                }
            }
        }
    }

    fn block(&mut self) -> Result<Vec<Statement>, OwnError> {
        self.needs("{")?;
        self.statements(true)
    }

    fn statement(&mut self) -> Result<Option<Statement>, OwnError> {
        let line = self.line();
        if self.takes_word("state") {
            let name = self.name()?;
            let start = if self.takes("=") { self.constant()? } else { 0.0 };
            self.program.states.push(State { name, start, line });
            return Ok(None);
        }
        if self.takes_word("table") {
            let (name, length) = (self.name()?, self.whole()?.max(1));
            self.program.tables.push(Table { name, length, line });
            return Ok(None);
        }
        if self.takes_word("let") {
            let name = self.name()?;
            self.needs("=")?;
            return Ok(Some(Statement::Let { name, value: self.value()?, line }));
        }
        if self.takes_word("if") {
            let condition = self.value()?;
            let then = self.block()?;
            let otherwise = if self.takes_word("else") { self.block()? } else { Vec::new() };
            return Ok(Some(Statement::If { condition, then, otherwise }));
        }
        if self.takes_word("for") {
            let name = self.name()?;
            if !self.takes_word("in") {
                return Err(self.wants("`in`"));
            }
            let from = self.whole()?;
            self.needs("..")?;
            let to = self.whole()?;
            return Ok(Some(Statement::For { name, from, to, body: self.block()?, line }));
        }
        let name = self.name()?;
        let index = if self.takes("[") {
            let index = self.value()?;
            self.needs("]")?;
            Some(index)
        } else {
            None
        };
        self.needs("=")?;
        Ok(Some(Statement::Set { name, index, value: self.value()?, line }))
    }

    fn constant(&mut self) -> Result<f32, OwnError> {
        let sign = if self.takes("-") { -1.0 } else { 1.0 };
        match self.peek() {
            Some(&Token::Number(number)) => {
                self.at += 1;
                Ok(sign * number)
            }
            _ => Err(self.wants("a number")),
        }
    }

    fn value(&mut self) -> Result<Value, OwnError> {
        self.deeper(|reader| reader.pairs(0))
    }

    /// What stands between operators that bind at least so closely.
    fn pairs(&mut self, least: u8) -> Result<Value, OwnError> {
        let mut first = self.deeper(Reader::single)?;
        let mut count = 0;
        while let Some((operator, binds)) = self.operator().filter(|(_, binds)| *binds >= least) {
            self.at += 1;
            count += 1;
            if count > LONGEST {
                return Err(error(self.line(), "this is too long: give a part of it a name"));
            }
            let second = self.deeper(|reader| reader.pairs(binds + 1))?;
            first = Value::Pair(operator, Box::new(first), Box::new(second));
        }
        Ok(first)
    }

    fn operator(&self) -> Option<(Operator, u8)> {
        Some(match self.peek()? {
            Token::Word(word) if word == "or" => (Operator::Or, 1),
            Token::Word(word) if word == "and" => (Operator::And, 2),
            Token::Sign("<") => (Operator::Less, 3),
            Token::Sign("<=") => (Operator::AtMost, 3),
            Token::Sign(">") => (Operator::More, 3),
            Token::Sign(">=") => (Operator::AtLeast, 3),
            Token::Sign("==") => (Operator::Equal, 3),
            Token::Sign("!=") => (Operator::Unequal, 3),
            Token::Sign("+") => (Operator::Add, 4),
            Token::Sign("-") => (Operator::Subtract, 4),
            Token::Sign("*") => (Operator::Multiply, 5),
            Token::Sign("/") => (Operator::Divide, 5),
            Token::Sign("%") => (Operator::Remainder, 5),
            _ => return None,
        })
    }

    fn single(&mut self) -> Result<Value, OwnError> {
        let line = self.line();
        if self.takes("-") {
            return Ok(Value::Negative(Box::new(self.deeper(Reader::single)?)));
        }
        if self.takes_word("not") {
            return Ok(Value::Not(Box::new(self.deeper(Reader::single)?)));
        }
        if self.takes("(") {
            let value = self.value()?;
            self.needs(")")?;
            return Ok(value);
        }
        if let Some(&Token::Number(number)) = self.peek() {
            self.at += 1;
            return Ok(Value::Number(number));
        }
        let name = self.name().map_err(|_| self.wants("a number or a name"))?;
        if self.takes("(") {
            let mut values = Vec::new();
            while !self.takes(")") {
                if !values.is_empty() {
                    self.needs(",")?;
                }
                values.push(self.value()?);
            }
            return Ok(Value::Call(name, values, line));
        }
        if self.takes("[") {
            let index = self.value()?;
            self.needs("]")?;
            return Ok(Value::Element(name, Box::new(index), line));
        }
        Ok(Value::Name(name, line))
    }
}
